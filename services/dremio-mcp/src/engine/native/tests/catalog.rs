//! `GetSchemaOfTable` and `GetUsefulSystemTableNames`.

use std::time::Duration;

use serde_json::json;

use super::fixture::Fixture;
use crate::catalog::quoted;
use crate::engine::tools::SYSTEM_TABLES;
use crate::guard::Guard;

#[tokio::test]
async fn system_tables_that_are_named_exist() {
    // Those with the job history are named where they may be queried.
    for (allow_job_history, hidden) in [(true, 0), (false, 2)] {
        let fixture = Fixture::start_with(
            Duration::from_secs(30),
            Guard { allow_job_history, ..Guard::default() },
        )
        .await;
        let (is_error, names) = fixture.tool("GetUsefulSystemTableNames", json!({})).await;
        assert!(
            !is_error && names.as_object().unwrap().len() == SYSTEM_TABLES.len() - hidden,
            "{names}"
        );
        for name in names.as_object().unwrap().keys() {
            let (is_error, answer) = fixture.query(&format!("SELECT * FROM {name} LIMIT 1")).await;
            assert!(!is_error, "{name}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_schema_of_a_table_is_the_same_by_either_form_of_its_name() {
    let fixture = Fixture::start().await;
    let sql = "SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.\"TABLES\" WHERE \
               TABLE_TYPE <> 'SYSTEM_TABLE' ORDER BY 1, 2";
    let (_, tables) = fixture.query(sql).await;
    let mut described = 0;
    for table in tables["result"].as_array().unwrap() {
        // The path in TABLE_SCHEMA is not quoted: names with dots in them are ambiguous, and left
        // out here.
        let (schema, name) =
            (table["TABLE_SCHEMA"].as_str().unwrap(), table["TABLE_NAME"].as_str().unwrap());
        let parts: Vec<&str> = schema.split('.').chain([name]).collect();
        let (is_error, answer) =
            fixture.tool("GetSchemaOfTable", json!({ "table_name": parts })).await;
        if is_error {
            assert!(parts.len() > 2, "{parts:?}: {answer}");
            continue;
        }
        assert_eq!((&answer["entityType"], &answer["path"]), (&json!("dataset"), &json!(parts)));
        assert!(answer["fields"][0]["type"]["name"].is_string(), "{answer}");
        let dotted = quoted(&parts);
        assert_eq!(
            fixture.tool("GetSchemaOfTable", json!({ "table_name": dotted })).await,
            (false, answer.clone())
        );
        described +=
            usize::from(answer["tags"][0].is_string() && answer["description"].is_string());
    }
    assert!(described > 0, "no table with tags and a wiki");
}

#[tokio::test]
async fn what_is_not_a_table_says_what_it_is() {
    let fixture = Fixture::start().await;
    let (is_error, answer) = fixture
        .tool("GetSchemaOfTable", json!({ "table_name": "\"no such space\".\"it's\"" }))
        .await;
    assert!(is_error, "{answer}");
    assert!(
        answer.as_str().unwrap().starts_with("there is no table \"no such space\".\"it's\""),
        "{answer}"
    );
    assert!(answer.as_str().unwrap().contains("LIKE '%it''s%'"), "{answer}");
    let (is_error, answer) =
        fixture.tool("GetSchemaOfTable", json!({ "table_name": "\"@dremio\"" })).await;
    assert!(is_error && answer.as_str().unwrap().starts_with("\"@dremio\" is a home"), "{answer}");
    assert!(fixture.requests(|path| path.contains("/collaboration/")).is_empty());
}
