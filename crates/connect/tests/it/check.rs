//! The check, against a server that answers as told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use connect::{CheckError, Endpoint, Key, check};
use serde_json::{Value, json};

use crate::client;

fn http() -> reqwest::Client {
    let _again = rustls::crypto::ring::default_provider().install_default();
    let redirect = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(redirect).build().unwrap()
}

fn endpoint(url: &str, key: Option<&str>) -> Endpoint {
    let value = key.map(Into::into);
    let key = key.map(|_| Key { variable: "K".to_owned(), file: None, value });
    Endpoint::new("dremio", url, key).unwrap()
}

/// Serves with `answer`, and gives the address.
async fn serve<A>(answer: A) -> String
where
    A: Fn(&Request, &Value) -> Response<Body> + Clone + Send + Sync + 'static,
{
    let app = Router::new().fallback(move |request: Request| {
        let answer = answer.clone();
        async move {
            let (parts, body) = request.into_parts();
            let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            answer(&Request::from_parts(parts, Body::empty()), &body)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn answer(status: u16, kind: &str, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).header("content-type", kind).body(body.into()).unwrap()
}

fn rpc(result: &Value) -> Response<Body> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": result });
    answer(200, "application/json", body.to_string())
}

#[tokio::test]
async fn a_client_with_a_handshake() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let url = serve(move |request, body| {
        let header = |name| request.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
        let method = body["method"].as_str().unwrap_or(request.method().as_str()).to_owned();
        let headers = ["authorization", "mcp-session-id", "mcp-protocol-version"].map(header);
        log.lock().unwrap().push((method.clone(), headers));
        match method.as_str() {
            "initialize" => {
                assert_eq!(body["params"]["clientInfo"]["name"], "codex");
                let mut opened = rpc(&json!({ "protocolVersion": "2025-03-26" }));
                opened.headers_mut().insert("mcp-session-id", "s1".parse().unwrap());
                opened
            }
            "tools/list" if body["params"]["cursor"].is_null() => {
                rpc(&json!({ "tools": [{ "name": "a" }], "nextCursor": "2" }))
            }
            "tools/list" => {
                let result =
                    json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [{ "name": "b" }] } });
                let note = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
                let events = format!("data: {note}\n\nevent: message\r\ndata: {result}\r\n\r\n");
                answer(200, "text/event-stream", events)
            }
            _ => answer(202, "text/plain", ""),
        }
    })
    .await;
    let done = check(client("codex"), &endpoint(&url, Some("k3y")), &http()).await.unwrap();
    assert_eq!((done.revision.as_str(), done.tools), ("2025-03-26", vec!["a".into(), "b".into()]));
    let seen = seen.lock().unwrap();
    let methods: Vec<_> = seen.iter().map(|(method, _)| method.as_str()).collect();
    let note = "notifications/initialized";
    assert_eq!(methods, ["initialize", note, "tools/list", "tools/list", "DELETE"]);
    for (method, [authorization, session, revision]) in seen.iter() {
        assert_eq!(authorization.as_deref(), Some("Bearer k3y"));
        if method != "initialize" {
            assert_eq!(session.as_deref(), Some("s1"), "{method}");
        }
        if method == "tools/list" {
            assert_eq!(revision.as_deref(), Some("2025-03-26"));
        }
    }
}

#[tokio::test]
async fn a_modern_client_asks_at_once() {
    let url = serve(|request, body| {
        assert_eq!(request.headers()["mcp-method"], "tools/list");
        assert_eq!(request.headers()["mcp-protocol-version"], "2026-07-28");
        assert!(!request.headers().contains_key("authorization"));
        let meta = &body["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "claude-code");
        rpc(&json!({ "tools": [] }))
    })
    .await;
    let done = check(client("claude-code"), &endpoint(&url, None), &http()).await.unwrap();
    assert_eq!((done.revision.as_str(), done.tools.len()), ("2026-07-28", 0));
}

/// What a person reads when the server answers so.
async fn said(key: Option<&str>, status: u16, kind: &'static str, body: &'static str) -> String {
    let url = serve(move |_, _| answer(status, kind, body)).await;
    check(client("claude-code"), &endpoint(&url, key), &http()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn every_failure_says_what_to_do() {
    let json = "application/json";
    let cases = [
        (said(None, 401, json, "{}").await, "give --key-file"),
        (
            said(Some("wrong-key"), 401, json, "{}").await,
            "neither in its policy nor a line of its keys file",
        ),
        (said(None, 403, json, r#"{"error":{"message":"Host"}}"#).await, "(403): Host"),
        (said(None, 404, "text/html", "<h1>no").await, "ends with /mcp"),
        (said(None, 503, "text/plain", "not\nready").await, "503: not ready"),
        (said(None, 200, "text/html", "<html>").await, "does not speak MCP"),
        (said(None, 200, json, "{}").await, "does not speak MCP"),
        (said(None, 200, "text/event-stream", "").await, "does not speak MCP"),
        (
            said(None, 200, json, r#"{"id":1,"error":{"code":-1,"message":"full"}}"#).await,
            "with an error: full",
        ),
    ];
    for (said, part) in cases {
        assert!(said.contains(part), "{said}");
        assert!(!said.contains("wrong-key"), "{said}");
    }
    let url = serve(|_, _| {
        let mut elsewhere = answer(308, "text/plain", "");
        elsewhere.headers_mut().insert("location", "https://x/mcp".parse().unwrap());
        elsewhere
    })
    .await;
    let cause = check(client("codex"), &endpoint(&url, None), &http()).await.unwrap_err();
    assert!(cause.to_string().contains("use https://x/mcp"), "{cause}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let cause = check(client("codex"), &endpoint(&url, None), &http()).await.unwrap_err();
    assert!(cause.to_string().contains("nothing answers at http://127.0.0.1"), "{cause}");
}

#[tokio::test]
async fn an_unknown_key_is_not_sent() {
    let key = Key { variable: "K".to_owned(), file: None, value: None };
    let endpoint = Endpoint::new("dremio", "http://127.0.0.1:9/mcp", Some(key)).unwrap();
    let cause = check(client("codex"), &endpoint, &http()).await.unwrap_err();
    assert!(matches!(cause, CheckError::KeyUnknown { .. }), "{cause}");
}
