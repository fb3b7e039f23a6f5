//! Who gets in, and what the others are told.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::modern::post;
use crate::support::{Client, Gateway, KEY, OTHER_KEY, PATIENCE, eventually, http};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn without_a_key_nobody_gets_in() {
    let gateway = Gateway::start().await;
    for (authorization, challenge) in [
        (None, r#"Bearer realm="dremio-mcp""#),
        (Some("Bearer wrong-key-0123456789"), r#"Bearer realm="dremio-mcp", error="invalid_token""#),
        (Some("Basic YTpi"), r#"Bearer realm="dremio-mcp", error="invalid_token""#),
    ] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let mut request = http().request(method, &gateway.uri).header("content-type", "application/json").body(PING);
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(answer.headers()["www-authenticate"], challenge);
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["jsonrpc"], "2.0");
            assert!(!body.to_string().contains("wrong-key"));
        }
    }
    assert!(gateway.metrics().await.contains(r#"access_denied_total{reason="key_missing"} 3"#));
    gateway.stop().await;
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_forbidden_even_with_a_key() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_ALLOWED_HOSTS", "mcp.example")]).await;
    for (header, value, expected) in [
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("host", "mcp.example", StatusCode::BAD_REQUEST),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "https://mcp.example", StatusCode::BAD_REQUEST),
        ("origin", "http://localhost:6274", StatusCode::BAD_REQUEST),
    ] {
        // 400 is what a ping without a session gets: it came through the door.
        let request = Client::new(&gateway, KEY).request(Method::POST).header("content-type", "application/json").header(header, value);
        let answer = request.body(PING).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{header}: {value}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_and_read() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_ALLOWED_ORIGINS", "https://app.example")]).await;
    let preflight = http().request(Method::OPTIONS, &gateway.uri).header("origin", "https://app.example");
    let preflight = preflight.header("access-control-request-headers", "content-type, mcp-param-Region, x-other").send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    let allowed: Vec<_> = preflight.headers().get_all("access-control-allow-headers").iter().map(|value| value.to_str().unwrap()).collect();
    let allowed = allowed.join(", ");
    assert!(allowed.contains("mcp-session-id") && allowed.contains("mcp-param-Region") && !allowed.contains("x-other"), "{allowed}");
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://app.example");
    let foreign = http().request(Method::OPTIONS, &gateway.uri).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_RATE_LIMIT", "2/h")]).await;
    let ada = Client::new(&gateway, KEY);
    for _ in 0..2 {
        assert_eq!(ada.post(PING).await.status(), StatusCode::BAD_REQUEST, "without a session, but through the door");
    }
    let refused = ada.post(PING).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1000..=1801).contains(&seconds), "{seconds}");
    assert_eq!(Client::new(&gateway, OTHER_KEY).post(PING).await.status(), StatusCode::BAD_REQUEST, "another key has its own");
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_is_of_no_use_to_another_key() {
    let gateway = Gateway::start().await;
    let ada = gateway.client().await;
    let mut bob = Client::new(&gateway, OTHER_KEY);
    bob.session = ada.session.clone();
    assert_eq!(bob.post(PING).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(bob.request(Method::GET).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(bob.request(Method::DELETE).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(ada.post(PING).await.status(), StatusCode::OK);
    gateway.stop().await;
}

#[tokio::test]
async fn keys_are_added_and_withdrawn_without_a_restart() {
    let gateway = Gateway::start().await;
    let ada = gateway.client().await;
    let stream = ada.request(Method::GET).send().await.unwrap();
    let modern = post(&gateway, "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })).await;
    let (caller, endless) = (ada.clone(), json!({ "kind": "silent" }));
    let call = tokio::spawn(async move { caller.request_text("fault", endless).await });
    // The looks count too, so one more than those is the call.
    let mut own = 0;
    eventually("the call is under way", || {
        own += 1;
        let (ada, own) = (ada.clone(), own);
        async move { ada.seen().await["calls"].as_u64() > Some(own) }
    })
    .await;
    std::fs::write(gateway.folder.path().join("keys"), format!("# ada has left\n{OTHER_KEY}\n")).unwrap();
    eventually("ada's key stops working", async || ada.post(PING).await.status() == StatusCode::UNAUTHORIZED).await;
    // What she had begun has ended.
    for open in [stream, modern] {
        tokio::time::timeout(PATIENCE, open.text()).await.unwrap().unwrap();
    }
    assert_eq!(tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap(), "");
    let mut bob = Client::new(&gateway, OTHER_KEY);
    bob.initialize("2025-11-25").await;
    // A file that has become bad keeps the keys that were good.
    std::fs::write(gateway.folder.path().join("keys"), "short\n").unwrap();
    assert_eq!(bob.post(PING).await.status(), StatusCode::OK);
    gateway.stop().await;
}
