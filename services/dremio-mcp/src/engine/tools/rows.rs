//! The rows of a completed job, as many as fit into a tool's answer. They are Dremio's own texts: a
//! number is never read, so it keeps every digit (`12.50`, 19-digit integers).

use dremio_client::{Error, JobId, PAGE_ROWS_MAX};
use serde_json::value::RawValue;

use super::failure::Failure;
use super::progress::Progress;
use crate::dremio::{DremioCaller, DremioError};
use crate::rpc::string_literal;

/// Most rows that an answer carries, in bytes of JSON: the official server's default. More would
/// fill an agent's context.
const ROWS_BYTES_MAX: usize = 200 * 1024;

/// What is read of a page: the rows of an answer, and room for the columns that stand before them.
const PAGE_BYTES_MAX: usize = 512 * 1024;

/// Room that a fetch takes: for a page as it came (a buffer may be half empty), for its rows, and
/// for the answer made of them.
const ROOM_BYTES: usize = 4 * PAGE_BYTES_MAX;

/// Largest description of the columns that goes with an empty result. A guess: some 200 columns.
const SCHEMA_BYTES_MAX: usize = 16 * 1024;

/// Fetches rows until the budget is used up or there are no more, and no page beyond. Waits for
/// room first: pages of many calls at a time would fill the memory.
///
/// # Errors
/// When the results cannot be fetched, or Dremio has fewer rows than it says.
pub(super) async fn fetch(
    dremio: &DremioCaller,
    job: &JobId,
    progress: &Progress<'_>,
) -> Result<String, Failure> {
    let _room = progress.room(ROOM_BYTES).await?;
    let mut rows = Rows::new(ROWS_BYTES_MAX);
    let mut page_rows_max = PAGE_ROWS_MAX;
    loop {
        let offset = rows.count;
        let page = dremio.read(|client, token| async move {
            client.results(token.secret(), job, offset, page_rows_max, PAGE_BYTES_MAX).await
        });
        let page = match page.await {
            Ok(page) => page,
            // The columns did not stand before the rows, or are too many. The former may be had
            // with fewer rows.
            Err(DremioError::Dremio(Error::TooLarge { .. })) if page_rows_max > 1 => {
                page_rows_max = (page_rows_max / 10).max(1);
                continue;
            }
            Err(cause) => return Err(unavailable(cause)),
        };
        rows.add(&page.rows);
        // A row that is larger than all that is read of a page is larger than an answer.
        rows.is_full |= page.is_cut && page.rows.is_empty();
        if rows.is_full || rows.count >= page.row_count {
            return Ok(rows.into_answer(page.row_count, &page.schema));
        }
        if page.rows.is_empty() {
            return Err(Failure::new(
                format!("Dremio announced {} rows and returned {}", page.row_count, rows.count),
                "Run the query again.",
            ));
        }
    }
}

/// Results are gone after a day, or with the executor that held them (contract §4.3).
fn unavailable(cause: DremioError) -> Failure {
    match &cause {
        DremioError::Dremio(error @ (Error::Refused { .. } | Error::NotFound { .. })) => {
            let said = error.remote_message().map_or_else(String::new, |said| format!(": {said}"));
            Failure::new(
                format!("the query completed, but its results are not available{said}"),
                "Run the query again.",
            )
        }
        _ => cause.into(),
    }
}

/// Rows from the first one on, up to a budget.
#[derive(Debug)]
struct Rows {
    json: String,
    count: u64,
    bytes_max: usize,
    /// Whether a row did not fit. None after it is taken: an answer has no holes.
    is_full: bool,
}

impl Rows {
    fn new(bytes_max: usize) -> Self {
        Self { json: String::new(), count: 0, bytes_max, is_full: false }
    }

    /// Adds the rows that follow.
    fn add(&mut self, rows: &[Box<RawValue>]) {
        for row in rows.iter().map(|row| row.get()) {
            if self.is_full || self.json.len() + 2 + row.len() > self.bytes_max {
                self.is_full = true;
                return;
            }
            // A row is a line, so that a client that cuts by lines keeps rows.
            self.json.push_str(if self.count > 0 { ",\n" } else { "\n" });
            if row.contains(['\n', '\r']) {
                // In JSON these stand only between tokens, where a blank means the same (RFC 8259
                // §2).
                self.json
                    .extend(row.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
            } else {
                self.json.push_str(row);
            }
            self.count += 1;
        }
    }

    /// The text of the answer: `{"result":[…]}` with a row a line, with a note where `total` rows
    /// are more than fit, and with the columns where there is no row to show their names.
    fn into_answer(self, total: u64, schema: &RawValue) -> String {
        let Self { mut json, count, bytes_max, .. } = self;
        if count > 0 {
            json.push('\n');
        }
        if count < total {
            let note = note(count, total, bytes_max);
            let note = string_literal(&note);
            return format!(
                r#"{{"result":[{json}],"truncated":true,"row_count":{total},"returned_rows":{count},"note":{note}}}"#
            );
        }
        let schema =
            Some(schema.get()).filter(|schema| count == 0 && schema.len() <= SCHEMA_BYTES_MAX);
        let schema = schema.map(|schema| format!(r#","schema":{schema}"#)).unwrap_or_default();
        format!(r#"{{"result":[{json}]{schema}}}"#)
    }
}

fn note(count: u64, total: u64, bytes_max: usize) -> String {
    let limit_kib = bytes_max / 1024;
    if count == 0 {
        return format!(
            "Not even the first of {total} rows fits into {limit_kib} KiB. Select fewer columns, \
             or shorter values (SUBSTR)."
        );
    }
    format!(
        "Only the first {count} of {total} rows are here; {limit_kib} KiB is the limit. Narrow \
         the query: aggregate, filter, select fewer columns, or read on with ORDER BY, LIMIT and \
         OFFSET."
    )
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Rows, SCHEMA_BYTES_MAX};

    fn page(rows: &[&str]) -> Vec<Box<RawValue>> {
        rows.iter().map(|row| RawValue::from_string((*row).to_owned()).unwrap()).collect()
    }

    /// The answer for `pages`, which are taken as long as `fetch` would take them; and how many
    /// that were.
    fn answer(bytes_max: usize, total: u64, pages: &[&[&str]]) -> (String, usize) {
        let mut rows = Rows::new(bytes_max);
        let mut taken = 0;
        for rows_of_page in pages {
            rows.add(&page(rows_of_page));
            taken += 1;
            if rows.is_full || rows.count >= total {
                break;
            }
        }
        let schema = RawValue::from_string(r#"[{"name":"a"}]"#.to_owned()).unwrap();
        (rows.into_answer(total, &schema), taken)
    }

    #[test]
    fn rows_that_fit_are_all_there_as_dremio_wrote_them() {
        let rows: &[&str] = &[r#"{"a":12.50,"b":9223372036854775807}"#, r#"{"a":1.0E10,"b":null}"#];
        let expected = "{\"result\":[\n{\"a\":12.50,\"b\":9223372036854775807},\n{\"a\":1.0E10,\"\
                        b\":null}\n]}";
        assert_eq!(answer(1024, 2, &[rows]), (expected.to_owned(), 1));
        assert_eq!(answer(1024, 2, &[&rows[..1], &rows[1..]]), (expected.to_owned(), 2));
    }

    #[test]
    fn a_row_is_a_line_whatever_it_holds() {
        let rows: &[&str] = &[r#"{"a":"two\nlines"}"#, "{\n  \"a\": [1,\r\n 2]\n}"];
        let (text, _) = answer(1024, 2, &[rows]);
        assert_eq!(text, "{\"result\":[\n{\"a\":\"two\\nlines\"},\n{   \"a\": [1,   2] }\n]}");
        for row in text.lines().skip(1).take(2) {
            assert!(
                serde_json::from_str::<serde_json::Value>(row.trim_end_matches(',')).is_ok(),
                "{row}"
            );
        }
    }

    #[test]
    fn an_empty_result_shows_its_columns() {
        assert_eq!(answer(1024, 0, &[&[]]).0, r#"{"result":[],"schema":[{"name":"a"}]}"#);
        let wide = RawValue::from_string(format!("\"{}\"", "x".repeat(SCHEMA_BYTES_MAX))).unwrap();
        assert_eq!(Rows::new(1024).into_answer(0, &wide), r#"{"result":[]}"#);
    }

    #[test]
    fn what_does_not_fit_is_cut_with_a_note() {
        let check = |bytes_max, total, pages: &[&[&str]], rows: &str, count: u64, taken: usize| {
            let (text, pages_taken) = answer(bytes_max, total, pages);
            assert_eq!(pages_taken, taken, "{text}");
            let rows = if rows.is_empty() { String::new() } else { format!("\n{rows}\n") };
            let start = format!(
                r#"{{"result":[{rows}],"truncated":true,"row_count":{total},"returned_rows":{count},"note":""#
            );
            assert!(text.starts_with(&start), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        };
        // Exactly full: two rows of 7 bytes, with a comma and line ends.
        check(17, 3, &[&[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#]], "{\"a\":1},\n{\"a\":2}", 2, 1);
        // The page after the one that did not fit is never asked for.
        check(9, 3, &[&[r#"{"a":1}"#, r#"{"a":2}"#], &[r#"{"a":3}"#]], r#"{"a":1}"#, 1, 1);
        // No hole: the short row behind the long one is not taken.
        check(16, 3, &[&[r#"{"a":1}"#, r#"{"a":"long long"}"#, r#"{"a":3}"#]], r#"{"a":1}"#, 1, 1);
        check(8, 1, &[&[r#"{"a":"long"}"#]], "", 0, 1);
    }

    #[test]
    fn notes_say_what_helps() {
        assert_eq!(
            super::note(0, 7, 200 * 1024),
            "Not even the first of 7 rows fits into 200 KiB. Select fewer columns, or shorter \
             values (SUBSTR)."
        );
        assert!(
            super::note(3, 12345, 200 * 1024)
                .starts_with("Only the first 3 of 12345 rows are here; 200 KiB is the limit.")
        );
    }
}
