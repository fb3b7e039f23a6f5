//! Every row of a large result is reached exactly once by following handles.

use serde_json::{Value, json};

use super::fixture::Fixture;
use crate::answer::estimate;

/// Follows the answers of `query` from handle to handle: all lines of rows, and how many answers
/// they came in.
async fn followed(fixture: &Fixture, query: &str) -> (Vec<String>, usize) {
    let (mut rows, mut answers) = (Vec::new(), 0);
    let (mut tool, mut arguments) = ("RunSqlQuery", json!({ "query": query }));
    loop {
        let (is_error, text) = fixture.text(tool, arguments).await;
        assert!(!is_error && estimate(&text) <= 8000, "{text:.300}");
        let lines: Vec<&str> = text.lines().collect();
        let [_header, these @ .., footer] = &lines[..] else { panic!("{text:.300}") };
        assert!(!these.is_empty() && footer.starts_with('['), "{footer}");
        rows.extend(these.iter().map(|line| (*line).to_owned()));
        answers += 1;
        let Some((_, next)) = footer.split_once("GetQueryResult(job_id=\"") else {
            return (rows, answers);
        };
        let (job_id, offset) = next.split_once("\", offset=").unwrap();
        let offset: u64 = offset.split(')').next().unwrap().parse().unwrap();
        assert_eq!(offset, rows.len() as u64);
        (tool, arguments) = ("GetQueryResult", json!({ "job_id": job_id, "offset": offset }));
    }
}

#[tokio::test]
async fn each_of_100_000_rows_is_reached_once() {
    let fixture = Fixture::start().await;
    fixture.control().add_large_tables();
    let query = "SELECT \"row_id\", \"remark\" FROM \"Large\".\"many_rows\" ORDER BY \"row_id\"";
    let (rows, answers) = followed(&fixture, query).await;
    assert_eq!(rows.len(), 100_000);
    for (number, row) in rows.iter().enumerate() {
        assert!(row.starts_with(&format!("{},", number + 1)), "{row}");
    }
    assert!(answers > 50, "{answers}");
    // One job, and each row is fetched once, but for those that did not fit any more.
    assert_eq!(fixture.control().jobs().len(), 1);
}

#[tokio::test]
async fn rows_of_any_width_are_reached_once() {
    let fixture = Fixture::start().await;
    fixture.control().add_large_tables();
    let query = "SELECT * FROM \"Large\".\"wide_cells\" ORDER BY \"row_id\"";
    let (rows, _) = followed(&fixture, query).await;
    let numbers: Vec<Value> =
        rows.iter().map(|row| row.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(
        numbers.into_iter().eq((1..=1000).map(Value::from)),
        "rows are missing, or twice there"
    );
    assert!(rows[99].ends_with("…[cut]") || rows[99].contains("…[cut],"), "{:.200}", rows[99]);
}
