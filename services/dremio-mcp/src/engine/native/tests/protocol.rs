//! What belongs to the protocol, and needs no Dremio.

use serde_json::{Value, json};

use super::fixture::{lonely, outcome_text, request, tool_call};
use crate::engine::CallContext;

#[tokio::test]
async fn it_introduces_itself() {
    let native = lonely();
    let introduction: Value = serde_json::from_str(&native.introduction().result).unwrap();
    assert_eq!(introduction["protocolVersion"], "2025-11-25");
    assert_eq!(
        introduction["capabilities"],
        json!({ "prompts": { "listChanged": false }, "tools": { "listChanged": false } })
    );
    assert_eq!(introduction["serverInfo"]["name"], "dremio-mcp");
    assert!(introduction["instructions"].as_str().unwrap().contains("double quotes"));

    let response =
        native.call(&request("tools/list", &json!({})), &CallContext::anyones().0).await.unwrap();
    let list: Value = serde_json::from_str(response.result().unwrap()).unwrap();
    let names: Vec<&str> = list["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "RunSqlQuery",
            "GetQueryResult",
            "SearchTableAndViews",
            "GetSchemaOfTable",
            "GetDescriptionOfTableOrSchema",
            "GetTableOrViewLineage",
            "GetUsefulSystemTableNames",
        ]
    );
    for tool in list["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert_eq!(tool["_meta"]["anthropic/alwaysLoad"], true);
        assert!(tool["description"].as_str().unwrap().len() < 2048, "clients cut longer ones");
        assert!(native.tools().contains(tool["name"].as_str().unwrap()));
    }
    // Some clients show no instructions.
    assert!(list["tools"][0]["description"].as_str().unwrap().contains("double quotes"));
    assert_eq!(list["tools"][0]["_meta"]["anthropic/maxResultSizeChars"], 8 * 8000);
    for params in [json!({ "cursor": null }), json!({ "cursor": "" }), Value::Null] {
        let again =
            native.call(&request("tools/list", &params), &CallContext::anyones().0).await.unwrap();
        assert_eq!(again.result(), Some(list.to_string().as_str()), "{params}");
    }
    let list = request("prompts/list", &json!({}));
    let prompts = native.call(&list, &CallContext::anyones().0).await.unwrap();
    let prompts: Value = serde_json::from_str(prompts.result().unwrap()).unwrap();
    assert_eq!(prompts["prompts"][0]["name"], "System Prompt");
    let get = request("prompts/get", &json!({ "name": "System Prompt" }));
    let prompt = native.call(&get, &CallContext::anyones().0).await.unwrap();
    let prompt: Value = serde_json::from_str(prompt.result().unwrap()).unwrap();
    assert_eq!(prompt["messages"][0]["role"], "user");
    let pong = native.call(&request("ping", &json!({})), &CallContext::anyones().0).await.unwrap();
    assert_eq!(pong.result(), Some("{}"));
}

#[tokio::test]
async fn what_is_no_proper_call_is_an_error_of_the_protocol() {
    let native = lonely();
    for (method, params, code, message) in [
        ("resources/list", json!({}), -32601, "this server has no method resources/list"),
        ("prompts/list", json!({ "cursor": "2" }), -32602, "unknown cursor"),
        ("prompts/get", json!({ "name": "Prompt" }), -32602, "there is no prompt `Prompt`"),
        ("tools/lists", json!({}), -32601, "this server has no method tools/lists"),
        ("tools/list", json!({ "cursor": "2" }), -32602, "unknown cursor"),
        ("tools/call", json!([]), -32602, "not an object"),
        (
            "tools/call",
            json!({}),
            -32602,
            "there is no tool ``; the tools are RunSqlQuery, GetQueryResult, SearchTableAndViews, ",
        ),
        ("tools/call", json!({ "name": "runsqlquery" }), -32602, "there is no tool `runsqlquery`"),
        ("tools/call", json!({ "name": 5 }), -32602, "wrong type"),
    ] {
        let response =
            native.call(&request(method, &params), &CallContext::anyones().0).await.unwrap();
        let error: Value =
            serde_json::from_str(response.error().unwrap_or_else(|| panic!("{}", response.text())))
                .unwrap();
        assert_eq!(error["code"], code, "{method} {params}");
        assert!(error["message"].as_str().unwrap().contains(message), "{method} {params}: {error}");
    }
}

#[tokio::test]
async fn calls_that_come_to_nothing_tell_the_model_why() {
    let native = lonely();
    for (tool, arguments, error, advice) in [
        (
            "RunSqlQuery",
            json!({ "query": "SELECT 1" }),
            "no login token for Dremio",
            "Nothing is wrong with the request",
        ),
        (
            "RunSqlQuery",
            json!({ "query": "DROP TABLE t" }),
            "starts with DROP TABLE",
            "Nothing was sent to Dremio",
        ),
        (
            "GetSchemaOfTable",
            json!({ "table_name": "a.b" }),
            "no login token for Dremio",
            "Nothing is wrong with the request",
        ),
        ("RunSqlQuery", json!({}), "RunSqlQuery expects", "Correct the arguments"),
        ("RunSqlQuery", json!({ "query": "  " }), "the query is empty", "Nothing was sent"),
        (
            "RunSqlQuery",
            json!({ "query": format!("SELECT '{}'", "x".repeat(1024 * 1024)) }),
            "the query is longer than 1 MiB",
            "Nothing was sent",
        ),
        (
            "RunSqlQuery",
            json!({ "query": "SELECT 1", "max_rows": 0 }),
            "max_rows is not a number of rows",
            "Give 1 or more",
        ),
        (
            "RunSqlQuery",
            json!({ "query": "SELECT 1", "format": "xml" }),
            "format is neither csv nor json",
            "Leave it out",
        ),
        ("GetQueryResult", json!({}), "GetQueryResult expects", "Correct the arguments"),
        (
            "GetQueryResult",
            json!({ "job_id": "1b0a2c3d-0000-1111-2222-333344445500" }),
            "this is no job_id that RunSqlQuery gave",
            "Give job_id whole",
        ),
        (
            "GetQueryResult",
            json!({ "job_id": "1b0a2c3d-0000-1111-2222-333344445500-0123456789abcdef" }),
            "this job_id was not given to you",
            "Give job_id as the answer before wrote it",
        ),
        (
            "GetQueryResult",
            json!({ "job_id": "x", "offset": -1 }),
            "offset is not a number of rows",
            "Give the number of rows before",
        ),
        (
            "RunSqlQuery",
            json!({ "query": ["SELECT 1"] }),
            "RunSqlQuery expects",
            "Correct the arguments",
        ),
        (
            "GetSchemaOfTable",
            json!({ "table_name": 5 }),
            "GetSchemaOfTable expects",
            "Correct the arguments",
        ),
        (
            "GetUsefulSystemTableNames",
            json!([1]),
            "GetUsefulSystemTableNames expects",
            "Correct the arguments",
        ),
        (
            "GetSchemaOfTable",
            json!({ "table_name": " " }),
            "table_name cannot be read: the name is empty",
            "Give a dotted name",
        ),
        (
            "GetSchemaOfTable",
            json!({ "table_name": [] }),
            "table_name cannot be read: the name is empty",
            "Give a dotted name",
        ),
        (
            "GetSchemaOfTable",
            json!({ "table_name": "\"a" }),
            "a double quote is opened and never closed",
            "Give a dotted name",
        ),
    ] {
        let (is_error, text) = outcome_text(
            &native.call(&tool_call(tool, &arguments), &CallContext::anyones().0).await.unwrap(),
        );
        let (said, fix) = text.split_once('\n').unwrap();
        assert!(is_error && said.contains(error) && fix.starts_with(advice), "{text}");
    }
}
