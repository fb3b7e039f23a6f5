//! `RunSqlQuery`: what is sent, and what comes back.

use std::time::Duration;

use dremio_sandbox::{Fault, Scope};
use serde_json::json;
use service_kit::admin::Condition;

use super::fixture::{Fixture, job_id, outcome_text, tool_call};
use crate::engine::CallContext;

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
        .call(&tool_call("RunSqlQuery", &json!({ "query": sql })), &CallContext::anyones().0)
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

    let (is_error, answer) = fixture.query(&thousand()).await;
    assert!(!is_error, "{answer}");
    let numbers: Vec<u64> =
        answer["result"].as_array().unwrap().iter().map(|row| row["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    assert_eq!((answer.get("truncated"), results(&fixture)), (None, 2));

    // 1,000 rows of 1 KiB each are too many; those that fit are on the first page.
    fixture.control().clear_requests();
    let wide = format!(
        "SELECT \"n\", '{}' AS \"filler\" FROM ({}) ORDER BY 1",
        "x".repeat(1000),
        thousand()
    );
    let (is_error, answer) = fixture.query(&wide).await;
    assert!(!is_error, "{answer}");
    let rows = answer["result"].as_array().unwrap();
    assert!((195..=205).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows.last().unwrap()["n"], rows.len() - 1);
    assert_eq!((&answer["truncated"], &answer["row_count"]), (&json!(true), &json!(1000)));
    assert_eq!(answer["returned_rows"], rows.len());
    assert!(answer["note"].as_str().unwrap().contains("of 1000 rows"), "{}", answer["note"]);
    assert_eq!(results(&fixture), 1);
}

#[tokio::test]
async fn an_empty_result_is_no_error() {
    let fixture = Fixture::start().await;
    let (is_error, answer) =
        fixture.query("SELECT * FROM INFORMATION_SCHEMA.\"SCHEMATA\" WHERE 1 = 0").await;
    assert_eq!((is_error, &answer["result"]), (false, &json!([])), "{answer}");
    assert_eq!(answer["schema"][1]["name"], "SCHEMA_NAME");
}

#[tokio::test]
async fn a_statement_that_writes_never_reaches_dremio() {
    let fixture = Fixture::start().await;
    let (is_error, answer) = fixture.query("/* SELECT */ DELETE FROM \"Sales\".\"orders\"").await;
    assert!(is_error && answer["error"].as_str().unwrap().contains("DELETE FROM"), "{answer}");
    assert!(fixture.requests(|path| path.starts_with("/api/v3")).is_empty());
}

#[tokio::test]
async fn a_failed_query_comes_with_dremios_words_and_a_hint() {
    let fixture = Fixture::start().await;
    let (is_error, answer) = fixture.query("SELECT * FROM \"no such source\".\"t\"").await;
    assert!(is_error && answer["error"].as_str().unwrap().contains("not found"), "{answer}");
    assert!(answer["message"].as_str().unwrap().starts_with("Look names up"), "{answer}");
    let (is_error, answer) = fixture.query("SELECT FROM WHERE").await;
    assert!(is_error, "{answer}");
    // On one line, whatever lines Dremio breaks it into.
    let said = fixture.control().jobs()[1].error.clone().unwrap();
    assert_eq!(answer["error"], said.replace('\n', " "));
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
    assert!(!is_error && answer["result"].as_array().unwrap().len() == 1000, "{answer}");
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
async fn of_a_page_of_megabytes_no_more_is_read_than_an_answer_can_show() {
    let fixture = Fixture::start().await;
    let wide = |bytes: usize| {
        thousand()
            .replace("AS \"n\" FROM", &format!("AS \"n\", REPEAT('x', {bytes}) AS \"x\" FROM"))
    };
    // 500 rows of 20,000 bytes are 10 MB.
    let (is_error, answer) = fixture.query(&wide(20_000)).await;
    assert!(
        !is_error && answer["truncated"] == true && answer["row_count"] == 1000,
        "{:.300}",
        answer.to_string()
    );
    assert_eq!(
        (&answer["returned_rows"], answer["result"].as_array().unwrap().len()),
        (&json!(10), 10)
    );
    assert_eq!(answer["result"][9]["n"], 9);
    // Not even one row fits.
    let (is_error, answer) = fixture.query(&format!("{} LIMIT 3", wide(900_000))).await;
    assert!(!is_error && answer["returned_rows"] == 0, "{:.300}", answer.to_string());
    assert!(
        answer["note"].as_str().unwrap().starts_with("Not even the first of 3 rows fits"),
        "{:.300}",
        answer["note"]
    );
    assert_eq!(fixture.requests(|path| path.contains("/results")).len(), 2);
}
