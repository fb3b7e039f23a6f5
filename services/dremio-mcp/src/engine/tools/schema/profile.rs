//! What the values of a table look like: nulls, distinct values, the least and the greatest, and
//! the frequent ones where there are few.

use std::collections::HashMap;

use service_kit::wording::counted;

use super::super::ToolCall;
use super::super::lines::{Lines, one_line};
use super::super::values::{self, ROWS, Row, number, text};
use super::{column_name, page};
use crate::catalog::quoted;

/// Most columns that are looked at; each is five values of one aggregate.
const COLUMNS_MAX: usize = 40;

/// A column with no more distinct values than these has them listed.
const DISTINCT_MAX: u64 = 20;

/// Values of a column that are listed, and the columns of which they are.
const VALUES_MAX: usize = 8;
const LISTED_MAX: usize = 12;

/// Types whose values cannot be compared.
const NESTED: [&str; 7] = ["LIST", "STRUCT", "MAP", "UNION", "OTHER", "ARRAY", "ROW"];

/// Adds a line for each column, or the reason why they are only named.
pub(super) async fn show(
    call: &mut ToolCall<'_>,
    lines: &mut Lines,
    path: &[String],
    columns: &[(String, String)],
) {
    let shown = columns.get(..COLUMNS_MAX).unwrap_or(columns);
    let figures = match rows(call, &figures_sql(path, shown), "PROFILING_COLUMNS").await {
        Ok(rows) => rows.into_iter().next().unwrap_or_default(),
        Err(reason) => {
            super::show_columns(lines, columns);
            lines.push(&format!("[no profile: {reason}]"));
            return;
        }
    };
    let values = frequent_values(call, path, shown, &figures).await;
    let count = number(&figures, "n").unwrap_or_default();
    let part = if count >= ROWS { "the first " } else { "all " };
    let rows = counted(count, "row");
    lines.push(&format!("[of {part}{rows}: nulls, distinct values, least .. greatest]"));
    for (place, (name, data_type)) in shown.iter().enumerate() {
        let mut line = format!("{} {data_type}:{}", column_name(name), spread(&figures, place));
        if let Some(list) = values.get(&place) {
            let more = if list.len() > VALUES_MAX { ", …" } else { "" };
            let list = list.get(..VALUES_MAX).unwrap_or(list);
            line.push_str(&format!(": {}{more}", list.join(", ")));
        }
        lines.push(&line);
    }
    let rest = columns.get(shown.len()..).unwrap_or_default();
    if !rest.is_empty() {
        let names: Vec<String> = rest.iter().map(|(name, _)| column_name(name)).collect();
        lines.push(&format!("[not profiled: {}]", one_line(&names.join(", "), 1_000)));
    }
}

/// The values of the columns that have few of them, each with how often it is there; by the place
/// of the column. `figures` is the answer to [`figures_sql`].
async fn frequent_values(
    call: &mut ToolCall<'_>,
    path: &[String],
    columns: &[(String, String)],
    figures: &Row,
) -> HashMap<usize, Vec<String>> {
    let few: Vec<usize> = (0..columns.len())
        .filter(|place| {
            let distinct = number(figures, &format!("d{place}"));
            let is_plain = columns.get(*place).is_some_and(|(_, it)| can_be_listed(it));
            is_plain && (1..=DISTINCT_MAX).contains(&distinct.unwrap_or_default())
        })
        .take(LISTED_MAX)
        .collect();
    let mut values: HashMap<usize, Vec<String>> = HashMap::new();
    if !few.is_empty()
        && let Ok(rows) = rows(call, &of_columns(path, columns, &few), "LISTING_VALUES").await
    {
        for row in rows {
            let place = number(&row, "c").and_then(|place| usize::try_from(place).ok());
            let list = values.entry(place.unwrap_or_default()).or_default();
            list.push(format!("{} {}", text(&row, "v"), text(&row, "n")));
        }
    }
    values
}

/// ` 3 nulls, 4 distinct, 1 .. 9`, as far as it is known of the column at this place.
fn spread(figures: &Row, place: usize) -> String {
    let count = number(figures, "n").unwrap_or_default();
    let nulls = count.saturating_sub(number(figures, &format!("n{place}")).unwrap_or(count));
    let mut said = format!(" {}", counted(nulls, "null"));
    if let Some(distinct) = number(figures, &format!("d{place}")) {
        said.push_str(&format!(", {distinct} distinct"));
    }
    if figures.get(&format!("a{place}")).is_some_and(|it| it.get() != "null") {
        let (least, greatest) =
            (text(figures, &format!("a{place}")), text(figures, &format!("z{place}")));
        said.push_str(&format!(", {least} .. {greatest}"));
    }
    said
}

/// One aggregate over the first rows: `n`, and for each column `n0`, `d0`, `a0`, `z0`.
fn figures_sql(path: &[String], columns: &[(String, String)]) -> String {
    let mut wanted = vec!["COUNT(*) AS \"n\"".to_owned()];
    for (place, (name, data_type)) in columns.iter().enumerate() {
        let name = quoted(&[name]);
        wanted.push(format!("COUNT({name}) AS \"n{place}\""));
        if is_plain(data_type) {
            wanted.push(format!("COUNT(DISTINCT {name}) AS \"d{place}\""));
            if data_type != "BOOLEAN" && data_type != "VARBINARY" {
                wanted.push(format!("MIN({name}) AS \"a{place}\""));
                wanted.push(format!("MAX({name}) AS \"z{place}\""));
            }
        }
    }
    let path = quoted(path);
    format!("SELECT {} FROM (SELECT * FROM {path} LIMIT {ROWS}) AS \"t\"", wanted.join(", "))
}

/// [`values::sql`] for some of the columns.
fn of_columns(path: &[String], columns: &[(String, String)], few: &[usize]) -> String {
    values::sql(few.iter().filter_map(|place| Some((*place, path, &*columns.get(*place)?.0))))
}

fn is_plain(data_type: &str) -> bool {
    !NESTED.iter().any(|nested| data_type.starts_with(nested))
}

fn can_be_listed(data_type: &str) -> bool {
    ["VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "DATE"].contains(&data_type)
}

async fn rows(call: &mut ToolCall<'_>, sql: &str, what: &str) -> Result<Vec<Row>, String> {
    values::rows(&page(call, sql, what, 500).await?)
}

#[cfg(test)]
mod tests {
    use super::{figures_sql, of_columns};
    use crate::guard::Guard;

    #[test]
    fn names_cannot_leave_their_quotes() {
        let path = ["@ada", "a\"b.c/d"].map(str::to_owned);
        let columns = [("x\" FROM y".to_owned(), "VARCHAR".to_owned())];
        let sql = figures_sql(&path, &columns);
        assert_eq!(
            sql,
            "SELECT COUNT(*) AS \"n\", COUNT(\"x\"\" FROM y\") AS \"n0\", \
             COUNT(DISTINCT \"x\"\" FROM y\") AS \"d0\", \
             MIN(\"x\"\" FROM y\") AS \"a0\", MAX(\"x\"\" FROM y\") AS \"z0\" FROM (SELECT * FROM \
             \"@ada\".\"a\"\"b.c/d\" LIMIT 10000) AS \"t\""
        );
        assert!(Guard::default().check(&sql).is_ok());
        assert!(Guard::default().check(&of_columns(&path, &columns, &[0])).is_ok());
    }
}
