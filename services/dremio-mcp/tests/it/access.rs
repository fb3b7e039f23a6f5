//! Who gets in, and what the others are told.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, Gateway, KEY, PATIENCE, http};

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
async fn login_discovery_names_the_key_and_other_paths_name_mcp() {
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
    let initialize = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"#,
        r#""protocolVersion":"2025-11-25","capabilities":{},"#,
        r#""clientInfo":{"name":"t","version":"0"}}}"#,
    );
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
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: \
             192.0.2.7\r\ncontent-length: {}\r\n\r\n",
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
