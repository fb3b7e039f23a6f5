//! What belongs to the protocol, and needs no Dremio.

use serde_json::{Value, json};

use super::fixture::{lonely, outcome, request, tool_call};
use crate::engine::CallContext;

#[tokio::test]
async fn it_introduces_itself() {
    let native = lonely();
    let introduction: Value = serde_json::from_str(&native.introduction().result).unwrap();
    assert_eq!(introduction["protocolVersion"], "2025-11-25");
    assert_eq!(introduction["capabilities"], json!({ "tools": { "listChanged": false } }));
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
    assert_eq!(names, ["RunSqlQuery", "GetSchemaOfTable", "GetUsefulSystemTableNames"]);
    for tool in list["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert_eq!(tool["_meta"]["anthropic/alwaysLoad"], true);
        assert!(tool["description"].as_str().unwrap().len() < 2048, "clients cut longer ones");
        assert!(native.tools().contains(tool["name"].as_str().unwrap()));
    }
    // Some clients show no instructions.
    assert!(
        list["tools"][0]["description"].as_str().unwrap().contains("INFORMATION_SCHEMA.\"TABLES\"")
    );
    assert_eq!(list["tools"][0]["_meta"]["anthropic/maxResultSizeChars"], 225 * 1024);
    for params in [json!({ "cursor": null }), json!({ "cursor": "" }), Value::Null] {
        let again =
            native.call(&request("tools/list", &params), &CallContext::anyones().0).await.unwrap();
        assert_eq!(again.result(), Some(list.to_string().as_str()), "{params}");
    }
    let pong = native.call(&request("ping", &json!({})), &CallContext::anyones().0).await.unwrap();
    assert_eq!(pong.result(), Some("{}"));
}

#[tokio::test]
async fn what_is_no_proper_call_is_an_error_of_the_protocol() {
    let native = lonely();
    for (method, params, code, message) in [
        ("prompts/list", json!({}), -32601, "this server has no method prompts/list"),
        ("tools/lists", json!({}), -32601, "this server has no method tools/lists"),
        ("tools/list", json!({ "cursor": "2" }), -32602, "unknown cursor"),
        ("tools/call", json!([]), -32602, "not an object"),
        (
            "tools/call",
            json!({}),
            -32602,
            "there is no tool ``; the tools are RunSqlQuery, GetSchemaOfTable, \
             GetUsefulSystemTableNames",
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
        let (is_error, text) = outcome(
            &native.call(&tool_call(tool, &arguments), &CallContext::anyones().0).await.unwrap(),
        );
        assert!(is_error, "{text}");
        assert!(text["error"].as_str().unwrap().contains(error), "{text}");
        assert!(text["message"].as_str().unwrap().starts_with(advice), "{text}");
    }
}
