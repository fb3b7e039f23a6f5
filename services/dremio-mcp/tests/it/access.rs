//! Who gets in, and what the others are told.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::modern::post;
use crate::support::{Client, Gateway, KEY, OTHER_KEY, PATIENCE, eventually, http};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn without_a_key_nobody_gets_in() {
    let gateway = Gateway::start().await;
    for (authorization, challenge) in [
        (None, r#"Bearer realm="dremio-mcp""#),
        (
            Some("Bearer wrong-key-0123456789"),
            r#"Bearer realm="dremio-mcp", error="invalid_token""#,
        ),
        (Some("Basic YTpi"), r#"Bearer realm="dremio-mcp", error="invalid_token""#),
    ] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let mut request = http()
                .request(method, &gateway.uri)
                .header("content-type", "application/json")
                .body(PING);
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
    let gateway =
        Gateway::start_with("http://127.0.0.1:9", &[("MCP_ALLOWED_HOSTS", "mcp.example")]).await;
    for (header, value, expected) in [
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("host", "mcp.example", StatusCode::BAD_REQUEST),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "https://mcp.example", StatusCode::BAD_REQUEST),
        ("origin", "http://localhost:6274", StatusCode::BAD_REQUEST),
    ] {
        // 400 is what a ping without a session gets: access control let it in.
        let request = Client::new(&gateway, KEY)
            .request(Method::POST)
            .header("content-type", "application/json")
            .header(header, value);
        let answer = request.body(PING).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{header}: {value}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_and_read() {
    let gateway = Gateway::start_with(
        "http://127.0.0.1:9",
        &[("MCP_ALLOWED_ORIGINS", "https://app.example")],
    )
    .await;
    let preflight =
        http().request(Method::OPTIONS, &gateway.uri).header("origin", "https://app.example");
    let preflight = preflight
        .header("access-control-request-headers", "content-type, mcp-param-Region, x-other")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    let allowed: Vec<_> = preflight
        .headers()
        .get_all("access-control-allow-headers")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    let allowed = allowed.join(", ");
    assert!(
        allowed.contains("mcp-session-id")
            && allowed.contains("mcp-param-Region")
            && !allowed.contains("x-other"),
        "{allowed}"
    );
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://app.example");
    let foreign = http()
        .request(Method::OPTIONS, &gateway.uri)
        .header("origin", "https://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_RATE_LIMIT", "2/h")]).await;
    let ada = Client::new(&gateway, KEY);
    for _ in 0..2 {
        assert_eq!(
            ada.post(PING).await.status(),
            StatusCode::BAD_REQUEST,
            "without a session, but let in"
        );
    }
    let refused = ada.post(PING).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1000..=1801).contains(&seconds), "{seconds}");
    assert_eq!(
        Client::new(&gateway, OTHER_KEY).post(PING).await.status(),
        StatusCode::BAD_REQUEST,
        "another key has its own"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn every_message_of_a_batch_and_every_subscription_counts() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_RATE_LIMIT", "10/h")]).await;
    let mut ada = Client::new(&gateway, KEY);
    ada.initialize("2025-03-26").await;
    let batch = |messages: usize| format!("[{}]", vec![PING; messages].join(","));
    assert_eq!(ada.post(&batch(5)).await.status(), StatusCode::OK);
    // Six are spent, and a refused request costs what it cost when it came in.
    let refused = ada.post(&batch(5)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    let never = ada.post(&batch(20)).await;
    assert_eq!(never.status(), StatusCode::BAD_REQUEST);
    assert!(never.text().await.unwrap().contains("MCP_RATE_LIMIT"));
    assert_eq!(ada.post(&batch(2)).await.status(), StatusCode::OK);
    assert_eq!(ada.post(PING).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(gateway.metrics().await.contains("access_denied_total{reason=\"rate_limited\"} 3\n"));
    gateway.stop().await;

    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_RATE_LIMIT", "10/h")]).await;
    let listen = |resources: usize| json!({ "notifications": { "resourceSubscriptions": vec!["fixture://one"; resources] } });
    assert_eq!(post(&gateway, "subscriptions/listen", listen(8)).await.status(), StatusCode::OK);
    assert_eq!(
        post(&gateway, "subscriptions/listen", listen(1)).await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
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
    let modern = post(
        &gateway,
        "subscriptions/listen",
        json!({ "notifications": { "toolsListChanged": true } }),
    )
    .await;
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
    std::fs::write(gateway.folder.path().join("keys"), format!("# ada has left\n{OTHER_KEY}\n"))
        .unwrap();
    eventually("ada's key stops working", async || {
        ada.post(PING).await.status() == StatusCode::UNAUTHORIZED
    })
    .await;
    // What she had begun has ended.
    for open in [stream, modern] {
        tokio::time::timeout(PATIENCE, open.text()).await.unwrap().unwrap();
    }
    assert_eq!(tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap(), "");
    let mut bob = Client::new(&gateway, OTHER_KEY);
    bob.initialize("2025-11-25").await;
    // Only what stands in the file is a key, however bad the rest of it is.
    std::fs::write(gateway.folder.path().join("keys"), format!("short\n{KEY}\n")).unwrap();
    eventually("bob's key stops working", async || {
        bob.post(PING).await.status() == StatusCode::UNAUTHORIZED
    })
    .await;
    let keys = gateway.readiness().await["conditions"]["keys"].clone();
    assert_eq!(
        (&keys["ready"], &keys["reason"]),
        (&json!(true), &json!("bad_key_lines")),
        "{keys}"
    );
    std::fs::write(gateway.folder.path().join("keys"), "# nobody\n").unwrap();
    eventually("nobody is left", async || {
        gateway.readiness().await["conditions"]["keys"]["reason"] == "no_key"
    })
    .await;
    assert_eq!(ada.post(PING).await.status(), StatusCode::UNAUTHORIZED);
    gateway.stop().await;
}

/// Opening a pipe that nobody writes to waits for ever, and froze a worker of the runtime.
#[tokio::test]
async fn a_pipe_in_place_of_the_keys_freezes_nothing() {
    let gateway = Gateway::start().await;
    let file = gateway.folder.path().join("keys");
    std::fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    eventually("it is not ready", async || {
        gateway.readiness().await["conditions"]["keys"]["reason"] == "keys_unreadable"
    })
    .await;
    let keys = gateway.readiness().await["conditions"]["keys"].clone();
    assert!(keys["message"].as_str().unwrap().contains("a pipe"), "{keys}");
    assert_eq!(
        Client::new(&gateway, KEY).post(PING).await.status(),
        StatusCode::BAD_REQUEST,
        "the key is still known"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_repeated_header_is_refused() {
    let gateway = Gateway::start().await;
    for (header, value) in
        [("authorization", format!("Bearer {KEY}")), ("origin", "http://localhost".to_owned())]
    {
        let request = Client::new(&gateway, KEY)
            .request(Method::POST)
            .header("content-type", "application/json");
        let request = if header == "origin" { request.header(header, &value) } else { request };
        let answer = request.header(header, &value).body(PING).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(
            status == StatusCode::BAD_REQUEST && body.contains("more than one"),
            "{header}: {status} {body}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_that_is_sent_wrongly_is_told_how() {
    let gateway = Gateway::start().await;
    for (authorization, expected) in [
        (KEY.to_owned(), "lacks the word Bearer"),
        ("Basic YTpi".to_owned(), "not a user name and password"),
        (format!("Bearer Bearer {KEY}"), "twice"),
    ] {
        let answer = http()
            .post(&gateway.uri)
            .header("authorization", &authorization)
            .body(PING)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let body = answer.text().await.unwrap();
        assert!(body.contains(expected) && !body.contains(KEY), "{body}");
    }
    gateway.stop().await;
}

/// Clients that look for an OAuth login show a person the description; a 200 would make them log in
/// despite a good key.
#[tokio::test]
async fn whoever_looks_for_a_login_is_told_of_the_key_and_other_paths_say_where_mcp_is() {
    let gateway = Gateway::start().await;
    let root = gateway.uri.trim_end_matches("/mcp").to_owned();
    for (method, path, status) in [
        (Method::POST, "/register", StatusCode::FORBIDDEN),
        (Method::GET, "/authorize?client_id=x", StatusCode::FORBIDDEN),
        (Method::GET, "/.well-known/oauth-authorization-server", StatusCode::NOT_FOUND),
        (Method::GET, "/.well-known/oauth-protected-resource/mcp", StatusCode::NOT_FOUND),
        (Method::GET, "/mcp/.well-known/openid-configuration", StatusCode::NOT_FOUND),
        (Method::GET, "/sse", StatusCode::NOT_FOUND),
        (Method::POST, "/", StatusCode::NOT_FOUND),
    ] {
        // With a key and without: nothing is decided by it here.
        for key in [None, Some(KEY)] {
            let request = http().request(method.clone(), format!("{root}{path}"));
            let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
            let body: Value = answer.json().await.unwrap();
            if path == "/sse" || path == "/" {
                assert!(
                    body["error"]["message"].as_str().unwrap().contains("/mcp"),
                    "{path}: {body}"
                );
            } else {
                let description = body["error_description"].as_str().unwrap();
                assert_eq!(body["error"], "access_denied", "{path}");
                assert!(
                    description.contains("needs a key") && !description.contains('/'),
                    "{path}: {description}"
                );
            }
        }
    }
    let slash = http()
        .post(format!("{}/", gateway.uri))
        .bearer_auth(KEY)
        .header("content-type", "application/json");
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#;
    let answer = slash
        .header("accept", "application/json, text/event-stream")
        .body(initialize)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let strange = http().post(format!("{}/", gateway.uri)).body(initialize).send().await.unwrap();
    assert_eq!(strange.status(), StatusCode::UNAUTHORIZED, "with the slash it needs a key, too");
    let metrics = gateway.metrics().await;
    for reason in ["no_oauth_login\"} 4", "no_oauth_metadata\"} 6", "unknown_path\"} 4"] {
        assert!(
            metrics.contains(&format!("access_denied_total{{reason=\"{reason}")),
            "{reason}: {metrics}"
        );
    }
    gateway.stop().await;
}

/// Whoever is turned away holds no place, and still reads why, although its request was not read to
/// the end.
#[tokio::test]
async fn a_refusal_ends_the_connection_but_a_trusted_proxys() {
    for (proxies, closes) in [("10.0.0.0/8", true), ("127.0.0.0/8", false)] {
        let gateway =
            Gateway::start_with("http://127.0.0.1:9", &[("MCP_TRUSTED_PROXIES", proxies)]).await;
        let address = gateway.uri.trim_start_matches("http://").trim_end_matches("/mcp");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = vec![b'x'; 300_000];
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: 192.0.2.7\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if closes {
            stream.write_all(&body).await.unwrap();
            let mut text = String::new();
            tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text))
                .await
                .unwrap()
                .unwrap();
            assert!(
                text.starts_with("HTTP/1.1 401") && text.contains("connection: close"),
                "{text}"
            );
        } else {
            let mut start = vec![0; 2000];
            let read = stream.read(&mut start).await.unwrap();
            let text = String::from_utf8_lossy(&start[..read]).into_owned();
            assert!(
                text.starts_with("HTTP/1.1 401") && !text.contains("connection: close"),
                "{text}"
            );
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn the_admin_address_is_for_tools_and_not_for_web_pages() {
    let gateway =
        Gateway::start_with("http://127.0.0.1:9", &[("ADMIN_ALLOWED_HOSTS", "metrics.example")])
            .await;
    for (header, value, expected) in [
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("host", "metrics.example", StatusCode::OK),
        ("host", "dremio-mcp:9464", StatusCode::OK),
        ("origin", "http://localhost:3000", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
    ] {
        for path in ["metrics", "healthz"] {
            let answer = http()
                .get(format!("{}/{path}", gateway.admin))
                .header(header, value)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), expected, "{header}: {value}");
        }
    }
    gateway.stop().await;
}
