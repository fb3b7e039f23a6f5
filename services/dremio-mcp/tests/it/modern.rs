//! Revision 2026-07-28: every request stands alone.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, Gateway, KEY, PATIENCE, messages};

fn body(method: &str, params: Value) -> String {
    body_with(&json!({}), method, params)
}

fn body_with(capabilities: &Value, method: &str, mut params: Value) -> String {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities.clone();
    json!({ "jsonrpc": "2.0", "id": "m", "method": method, "params": params }).to_string()
}

pub(crate) async fn post(gateway: &Gateway, method: &str, params: Value) -> Response {
    post_as(&Client::new(gateway, KEY), &json!({}), method, params).await
}

/// A request of a client that declares these capabilities; of `client`, only the key is used.
pub(crate) async fn post_as(
    client: &Client,
    capabilities: &Value,
    method: &str,
    params: Value,
) -> Response {
    let mut request = client.request(reqwest::Method::POST);
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        request = request.header("mcp-name", name);
    }
    let request = request
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    request.body(body_with(capabilities, method, params)).send().await.unwrap()
}

#[tokio::test]
async fn discover_list_and_call_without_a_session() {
    let gateway = Gateway::start().await;
    let answer = post(&gateway, "server/discover", json!({})).await;
    assert!(!answer.headers().contains_key("mcp-session-id"));
    let discovered = answer.json::<Value>().await.unwrap()["result"].clone();
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(discovered["resultType"], "complete");
    assert_eq!(discovered["capabilities"]["x-vendor"], 1);
    assert_eq!(discovered["instructions"], "for tests");
    assert_eq!(discovered["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "stdio-fixture");

    let listed = post(&gateway, "tools/list", json!({})).await.json::<Value>().await.unwrap();
    assert_eq!((&listed["id"], &listed["result"]["cacheScope"]), (&json!("m"), &json!("private")));
    assert!(listed["result"]["ttlMs"].as_u64().is_some());

    let called =
        post(&gateway, "tools/call", json!({ "name": "echo", "arguments": { "text": "hi" } }))
            .await;
    let called = called.json::<Value>().await.unwrap();
    assert_eq!(called["result"]["content"][0]["text"], "hi");
    assert_eq!(called["result"]["resultType"], "complete");
    gateway.stop().await;
}

#[tokio::test]
async fn the_rules_of_the_revision_are_enforced() {
    let gateway = Gateway::start().await;
    for (method, status, code) in
        [("no/such", StatusCode::NOT_FOUND, -32601), ("ping", StatusCode::NOT_FOUND, -32601)]
    {
        let answer = post(&gateway, method, json!({})).await;
        assert_eq!(answer.status(), status, "{method}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], code, "{method}");
    }
    let client = Client::new(&gateway, KEY);
    let bare = client.post(&body("tools/list", json!({}))).await;
    assert_eq!(bare.status(), StatusCode::BAD_REQUEST);
    assert_eq!(bare.json::<Value>().await.unwrap()["error"]["code"], -32020);
    let future = client
        .request(reqwest::Method::POST)
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2099-01-01");
    let future = future
        .header("mcp-method", "tools/list")
        .body(body("tools/list", json!({})).replace("2026-07-28", "2099-01-01"));
    let future = future.send().await.unwrap();
    assert_eq!(future.status(), StatusCode::BAD_REQUEST);
    let error = future.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["code"], -32022);
    assert_eq!(error["data"]["supported"][0], "2026-07-28");
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        let request = client.request(method).header("mcp-protocol-version", "2026-07-28");
        assert_eq!(request.send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn progress_is_streamed_before_the_answer() {
    let gateway = Gateway::start().await;
    let params =
        json!({ "name": "progress", "arguments": { "steps": 2 }, "_meta": { "progressToken": 5 } });
    let got = messages(post(&gateway, "tools/call", params).await).await;
    assert_eq!(
        got.iter().map(|message| message["params"]["progress"].clone()).collect::<Vec<_>>(),
        [json!(1), json!(2), Value::Null]
    );
    assert_eq!(got[2]["result"]["resultType"], "complete");
    gateway.stop().await;
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_ends_with_the_server() {
    let gateway = Gateway::start().await;
    let stream = post(
        &gateway,
        "subscriptions/listen",
        json!({ "notifications": { "toolsListChanged": true, "promptsListChanged": true } }),
    )
    .await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    gateway.request_stop();
    let got = tokio::time::timeout(PATIENCE, messages(stream)).await.unwrap();
    assert_eq!(got[0]["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        got[0]["params"],
        json!({
            "_meta": { "io.modelcontextprotocol/subscriptionId": "m" },
            "notifications": { "toolsListChanged": true },
        })
    );
    assert_eq!(got[1]["id"], "m");
    assert_eq!(got[1]["result"]["resultType"], "complete");
    gateway.stop().await;
}

#[tokio::test]
async fn list_changes_reach_who_listens_in_either_era() {
    let gateway = Gateway::start().await;
    let (client, both) =
        (gateway.client().await, json!({ "toolsListChanged": true, "promptsListChanged": true }));
    let modern = post(&gateway, "subscriptions/listen", json!({ "notifications": both })).await;
    let (older, newer) = (
        client.request(reqwest::Method::GET).send().await.unwrap(),
        client.request(reqwest::Method::GET).send().await.unwrap(),
    );
    for list in ["tools", "prompts"] {
        let arguments = json!({ "method": format!("notifications/{list}/list_changed") });
        assert_eq!(client.text("notify", arguments).await, "done");
    }
    // The list was forgotten, and what comes instead is kept again.
    assert!(
        client.rpc(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await["result"]["tools"]
            .is_array()
    );
    gateway.request_stop();
    let got = tokio::time::timeout(PATIENCE, messages(modern)).await.unwrap();
    // The child never said that its prompts change, so nothing was agreed about them.
    let change = json!({
        "jsonrpc": "2.0",
        "method": "notifications/tools/list_changed",
        "params": { "_meta": { "io.modelcontextprotocol/subscriptionId": "m" } },
    });
    assert_eq!((got.len(), &got[1]), (3, &change));
    let got = tokio::time::timeout(PATIENCE, messages(newer)).await.unwrap();
    let mut methods: Vec<&str> =
        got.iter().filter_map(|message| message["method"].as_str()).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["notifications/prompts/list_changed", "notifications/tools/list_changed"]);
    assert!(
        tokio::time::timeout(PATIENCE, messages(older)).await.unwrap().is_empty(),
        "one stream of a session tells"
    );
    gateway.stop().await;
}
