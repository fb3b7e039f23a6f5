//! `RunSqlQuery`: what is sent, and what comes back.

use std::time::Duration;

use dremio_sandbox::{Fault, Scope};
use serde_json::json;
use service_kit::admin::Condition;

use super::fixture::{Fixture, job_id, outcome_text, tool_call};
use crate::answer::{AnswerConfig, estimate};
use crate::engine::CallContext;
use crate::guard::Guard;

/// A query for the rows `{"n":0}` to `{"n":999}`, which needs no table.
fn thousand() -> String {
    let digits = (1..10).fold("SELECT 0 AS \"n\"".to_owned(), |query, digit| {
        format!("{query} UNION ALL SELECT {digit}")
    });
    format!(
        "WITH \"d\" AS ({digits}) SELECT a.\"n\" * 100 + b.\"n\" * 10 + c.\"n\" AS \"n\" FROM \
         \"d\" a CROSS JOIN \"d\" b CROSS JOIN \"d\" c ORDER BY 1"
    )
}

#[tokio::test]
async fn rows_arrive_as_dremio_wrote_them() {
    let fixture = Fixture::start().await;
    let sql = "SELECT CAST(9223372036854775807 AS BIGINT) AS \"big\", CAST(12.50 AS DECIMAL(10, \
               2)) AS \"amount\", 'it''s' AS \"text\";";
    let response = fixture
        .native
        .call(
            &tool_call("RunSqlQuery", &json!({ "query": sql, "format": "json" })),
            &CallContext::anyones().0,
        )
        .await
        .unwrap();
    let expected =
        "{\"result\":[\n{\"big\":9223372036854775807,\"amount\":12.50,\"text\":\"it's\"}\n]}";
    assert_eq!(outcome_text(&response), (false, expected.to_owned()));
    assert_eq!(
        fixture.control().jobs()[0].sql,
        format!("{sql}\n/* dremio-mcp: tool=RunSqlQuery */")
    );
    assert_eq!(fixture.dremio_condition(), Condition::met());
}

#[tokio::test]
async fn no_more_pages_are_fetched_than_needed() {
    let fixture = Fixture::start().await;
    let results = |fixture: &Fixture| fixture.requests(|path| path.contains("/results")).len();

    let (is_error, text) = fixture.text("RunSqlQuery", json!({ "query": thousand() })).await;
    assert!(!is_error, "{text}");
    let numbers: Vec<u64> = text.lines().skip(1).filter_map(|line| line.parse().ok()).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    assert!(text.starts_with("n\n0\n") && text.ends_with("\n999\n[1000 rows]"), "{text}");
    assert_eq!(results(&fixture), 2);

    // 1,000 rows of 200 tokens each are too many; those that fit are on the first page.
    fixture.control().clear_requests();
    let wide = format!(
        "SELECT \"n\", '{}' AS \"filler\" FROM ({}) ORDER BY 1",
        "x".repeat(1000),
        thousand()
    );
    let (is_error, text) = fixture.text("RunSqlQuery", json!({ "query": wide })).await;
    let rows = text.lines().count() - 2;
    assert!(!is_error && (35..=40).contains(&rows) && estimate(&text) <= 8000, "{rows}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with(&format!("[rows 1-{rows} of 1000; next: GetQueryResult(job_id=\"")));
    assert!(last.ends_with(&format!("\", offset={rows}); better: aggregate or filter]")), "{last}");
    assert_eq!(results(&fixture), 1);

    // What is asked for by number is not asked for in vain.
    fixture.control().clear_requests();
    let few = json!({ "query": thousand(), "max_rows": 3 });
    let (_, text) = fixture.text("RunSqlQuery", few).await;
    assert!(text.starts_with("n\n0\n1\n2\n[rows 1-3 of 1000; next: "), "{text}");
    let asked = fixture.requests(|path| path.contains("/results"));
    assert!(asked.len() == 1 && asked[0].path.ends_with("&limit=3"), "{:?}", asked[0].path);
    // Nothing lifts the budget.
    let (_, text) = fixture.text("RunSqlQuery", json!({ "query": wide, "max_rows": 1e300 })).await;
    assert_eq!(text.lines().count() - 2, rows);
}

#[tokio::test]
async fn an_empty_result_names_the_values_that_a_text_could_have_been() {
    let answers = AnswerConfig { suggest_values: true, ..AnswerConfig::default() };
    let fixture =
        Fixture::start_answering(Duration::from_secs(30), Guard::default(), answers).await;
    // The catalog is there before the queries.
    fixture.text("SearchTableAndViews", json!({ "query": "orders" })).await;
    let ask = async |query: &str| fixture.text("RunSqlQuery", json!({ "query": query })).await.1;
    let text = ask("SELECT order_id FROM Sales.orders WHERE status = 'Shipped'").await;
    let values = "status has 'SHIPPED', 'RETURNED', 'CANCELLED', 'OPEN'";
    assert_eq!(text, format!("order_id\n[0 rows; columns: order_id BIGINT; {values}]"));
    let job = fixture.control().jobs().pop().unwrap();
    assert!(job.sql.contains("LIMIT 10000") && job.sql.contains("tool=RunSqlQuery"), "{}", job.sql);
    // The value is there, and something else in the way; and rows need no advice.
    for (query, rows) in [
        ("SELECT order_id FROM Sales.orders WHERE status = 'SHIPPED' AND order_id < 0", "[0 rows"),
        ("SELECT COUNT(*) AS n FROM Sales.orders WHERE status = 'Shipped'", "[1 row]"),
    ] {
        let text = ask(query).await;
        assert!(text.contains(rows) && !text.contains(" has "), "{text}");
    }
}

#[tokio::test]
async fn an_empty_result_is_no_error() {
    let fixture = Fixture::start().await;
    let query = "SELECT \"SCHEMA_NAME\" FROM INFORMATION_SCHEMA.\"SCHEMATA\" WHERE 1 = 0";
    let (is_error, text) = fixture.text("RunSqlQuery", json!({ "query": query })).await;
    assert_eq!(
        (is_error, text.as_str()),
        (false, "SCHEMA_NAME\n[0 rows; columns: SCHEMA_NAME VARCHAR]")
    );
    let (is_error, answer) = fixture.query(query).await;
    assert_eq!((is_error, &answer["result"]), (false, &json!([])), "{answer}");
    assert_eq!(answer["note"], "columns: SCHEMA_NAME VARCHAR");
}

#[tokio::test]
async fn a_statement_that_writes_never_reaches_dremio() {
    let fixture = Fixture::start().await;
    let (is_error, answer) = fixture.query("/* SELECT */ DELETE FROM \"Sales\".\"orders\"").await;
    assert!(is_error && answer.as_str().unwrap().contains("DELETE FROM"), "{answer}");
    assert!(fixture.requests(|path| path.starts_with("/api/v3")).is_empty());
}

#[tokio::test]
async fn a_failed_query_comes_with_dremios_words_and_a_hint() {
    let fixture = Fixture::start().await;
    let (is_error, answer) = fixture.query("SELECT * FROM \"no such source\".\"t\"").await;
    let (said, fix) = answer.as_str().unwrap().split_once('\n').unwrap();
    assert!(is_error && said.contains("not found") && !fix.is_empty(), "{answer}");
    // On one line, whatever lines Dremio breaks it into.
    let (is_error, answer) = fixture.query("SELECT FROM WHERE").await;
    assert!(is_error && answer.as_str().unwrap().lines().count() >= 2, "{answer}");
}

#[tokio::test]
async fn a_page_that_is_too_large_is_fetched_in_smaller_ones() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_millis(300));
    let query = fixture.query_later(&thousand());
    let results = format!("/api/v3/job/{}/results", job_id(&fixture.control()).await);
    fixture
        .control()
        .inject(Fault::Oversized(33 * 1024 * 1024), Scope::path(results.clone()).once());
    let (is_error, answer) = query.await.unwrap();
    // As many as fit in JSON.
    let rows = answer["result"].as_array().unwrap();
    assert!(!is_error && (900..1000).contains(&rows.len()), "{}", rows.len());
    let asked: Vec<String> = fixture
        .requests(|path| path.starts_with(&results))
        .into_iter()
        .map(|request| request.path)
        .collect();
    let expected = ["?offset=0&limit=500", "?offset=0&limit=50", "?offset=50&limit=50"]
        .map(|query| format!("{results}{query}"));
    assert_eq!(asked[..3], expected);
}

#[tokio::test]
async fn cells_of_any_size_are_cut_and_no_row_is_lost() {
    let fixture = Fixture::start().await;
    let wide = |bytes: usize| {
        thousand()
            .replace("AS \"n\" FROM", &format!("AS \"n\", REPEAT('x', {bytes}) AS \"x\" FROM"))
    };
    let (is_error, text) = fixture.text("RunSqlQuery", json!({ "query": wide(20_000) })).await;
    let rows: Vec<_> = text.lines().skip(1).filter(|line| !line.starts_with('[')).collect();
    assert!(!is_error && rows.len() > 10 && estimate(&text) <= 8000, "{}", rows.len());
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(*row, format!("{number},{}…[cut]", "x".repeat(2000)));
    }
    // Rows of 5 MB.
    let query = format!("{} LIMIT 3", wide(5_000_000));
    let (is_error, answer) = fixture.query(&query).await;
    assert!(!is_error, "{:.300}", answer.to_string());
    let cell = format!("{}…[cut]", "x".repeat(2000));
    let expected = json!([{ "n": 0, "x": cell }, { "n": 1, "x": cell }, { "n": 2, "x": cell }]);
    assert_eq!(answer["result"], expected);
    assert!(answer["note"].as_str().unwrap().contains("SUBSTR(column, 2001)"));
}
