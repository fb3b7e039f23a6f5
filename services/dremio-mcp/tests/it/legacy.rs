//! Revisions with a handshake.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, Gateway, KEY, PATIENCE, messages};

#[tokio::test]
async fn the_handshake_gives_the_childs_own_introduction() {
    let gateway = Gateway::start().await;
    for (asked, given) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2024-11-05"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut client = Client::new(&gateway, KEY);
        let result = client.initialize(asked).await;
        assert_eq!(result["protocolVersion"], given);
        assert_eq!(result["serverInfo"]["name"], "stdio-fixture");
        assert_eq!(result["capabilities"]["x-vendor"], 1);
        assert_eq!(result["instructions"], "for tests");
        let initialized =
            client.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        assert_eq!(initialized.status(), StatusCode::ACCEPTED);
        assert_eq!(initialized.text().await.unwrap(), "");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn lists_calls_and_errors_come_back_as_the_child_said_them() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let tools = client.rpc(r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#).await;
    assert_eq!(
        (&tools["id"], &tools["result"]["tools"][0]["x-vendor"]),
        (&json!("l"), &json!(1.5))
    );
    assert_eq!(client.text("echo", json!({ "text": "hello" })).await, "hello");
    let unknown = client.call(json!(7), "no-such-tool", json!({})).await;
    assert_eq!(
        unknown,
        json!({ "jsonrpc": "2.0", "id": 7, "error": { "code": -32602, "message": "Unknown tool" } })
    );
    let ping = client.rpc(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
    assert_eq!(ping, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    gateway.stop().await;
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    for (body, code) in [
        ("not json", -32700),
        ("{", -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        ("7", -32600),
        (r#"{"id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}"#, -32602),
    ] {
        let answer = client.post(body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], code, "{body}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let request = |content_type: &str, accept: &str| {
        let request = client.request(Method::POST).header("content-type", content_type);
        request.header("accept", accept).body(ping).send()
    };
    assert_eq!(
        request("text/plain", "*/*").await.unwrap().status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let large = client
        .post(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#,
            "x".repeat(5 << 20)
        ))
        .await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let version = client
        .request(Method::POST)
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2024-01-01");
    assert_eq!(version.body(ping).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    gateway.stop().await;
}

#[tokio::test]
async fn batches_are_part_of_the_two_oldest_revisions() {
    let gateway = Gateway::start().await;
    for revision in ["2024-11-05", "2025-03-26"] {
        answers_a_batch(&gateway, revision).await;
    }
    gateway.stop().await;
}

async fn answers_a_batch(gateway: &Gateway, revision: &str) {
    let mut client = Client::new(gateway, KEY);
    client.initialize(revision).await;
    let call = |id: u32, ms: u32| {
        let arguments = json!({ "text": id.to_string(), "ms": ms });
        let params = json!({ "name": "delay", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let batch = json!([
        call(1, 60),
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": 2, "method": "ping" },
        { "jsonrpc": "2.0", "id": 3, "method": "initialize" },
        7,
        call(4, 0),
    ]);
    let answers: Value = client.post(&batch.to_string()).await.json().await.unwrap();
    let ids: Vec<_> =
        answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!(2), json!(3), Value::Null, json!(4)], "{answers}");
    assert_eq!(
        (&answers[0]["result"]["content"][0]["text"], &answers[4]["result"]["content"][0]["text"]),
        (&json!("1"), &json!("4"))
    );
    assert_eq!(
        (&answers[2]["error"]["code"], &answers[3]["error"]["code"]),
        (&json!(-32600), &json!(-32600))
    );
    let only_notifications =
        client.post(r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#).await;
    assert_eq!(only_notifications.status(), StatusCode::ACCEPTED);
    assert_eq!(client.post("[]").await.status(), StatusCode::BAD_REQUEST);
    let newer = gateway.client().await;
    assert_eq!(newer.post(&batch.to_string()).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn null_and_an_empty_cursor_are_what_is_absent() {
    let gateway = Gateway::start().await;
    let mut client = Client::new(&gateway, KEY);
    let initialize = concat!(
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"#,
        r#""protocolVersion":"2024-11-05","capabilities":null,"clientInfo":null,"_meta":null},"#,
        r#""error":null}"#,
    );
    let answer = client.post(initialize).await;
    assert_eq!(answer.status(), StatusCode::OK);
    client.session = Some(answer.headers()["mcp-session-id"].to_str().unwrap().to_owned());
    let initialized = client
        .post(r#"{"jsonrpc":"2.0","id":null,"method":"notifications/initialized","params":null}"#)
        .await;
    assert_eq!(initialized.status(), StatusCode::ACCEPTED);
    let whole = client.rpc(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert!(whole["result"]["tools"].is_array(), "{whole}");
    for params in [
        "null",
        r#"{"cursor":null,"_meta":null}"#,
        r#"{"cursor":""}"#,
        r#"{"_meta":{"progressToken":null}}"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
        let request = client
            .request(Method::POST)
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2024-11-05");
        assert_eq!(
            messages(request.body(body).send().await.unwrap()).await,
            std::slice::from_ref(&whole),
            "{params}"
        );
    }
    let call = concat!(
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","#,
        r#""params":{"name":"seen","arguments":null,"_meta":null}}"#,
    );
    let seen = client.rpc(call).await;
    assert!(seen["result"]["content"][0]["text"].is_string(), "{seen}");
    assert_eq!(
        client.rpc(r#"{"jsonrpc":"2.0","id":3,"method":"ping","params":null}"#).await["result"],
        json!({})
    );
    gateway.stop().await;
}

#[tokio::test]
async fn sessions_are_required_found_and_closed() {
    let gateway = Gateway::start().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut client = Client::new(&gateway, KEY);
    assert_eq!(client.post(ping).await.status(), StatusCode::BAD_REQUEST);
    client.session = Some("never-heard-of".into());
    let unknown = client.post(ping).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(unknown.text().await.unwrap().contains("Send `initialize` again"));
    client.initialize("2025-11-25").await;
    assert_eq!(client.post(ping).await.status(), StatusCode::OK);
    assert_eq!(
        client.request(Method::DELETE).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(client.post(ping).await.status(), StatusCode::NOT_FOUND);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_for_later_stays_open_until_its_session_ends() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let stream = client.request(Method::GET).send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    client.request(Method::DELETE).send().await.unwrap();
    // It was primed with an id to come back with, and nothing else came.
    let text = tokio::time::timeout(PATIENCE, stream.text()).await.unwrap().unwrap();
    assert!(text.starts_with("event: message\nid: ") && text.ends_with("\ndata: \n\n"), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn progress_goes_to_the_call_that_asked_for_it() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let call = |id: u32, token: Value| {
        let params = json!({
            "name": "progress",
            "arguments": { "steps": 3, "ms": 5 },
            "_meta": { "progressToken": token },
        });
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
            .to_string();
        let client = client.clone();
        async move { messages(client.post(&body).await).await }
    };
    // Two calls at once with the same token: each gets its own, under that token.
    let (first, second, quiet) =
        tokio::join!(call(1, json!("same")), call(2, json!("same")), call(3, Value::Null));
    for (got, id) in [(first, 1), (second, 2)] {
        assert_eq!(got.len(), 4, "{got:?}");
        for (index, notification) in got[..3].iter().enumerate() {
            assert_eq!(
                notification["params"],
                json!({ "progressToken": "same", "progress": index + 1, "total": 3 })
            );
        }
        assert_eq!(got[3]["id"], id);
    }
    assert_eq!(quiet.len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_lost_stream_is_read_on_and_misses_nothing() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let params = json!({
        "name": "progress",
        "arguments": { "steps": 40, "ms": 5 },
        "_meta": { "progressToken": "t" },
    });
    let body = json!({ "jsonrpc": "2.0", "id": "r", "method": "tools/call", "params": params })
        .to_string();
    // Read until the third progress report, then lose the connection.
    let mut answer = client.post(&body).await;
    let mut seen = String::new();
    while seen.matches("notifications/progress").count() < 3 {
        seen.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    drop(answer);
    assert!(seen.starts_with("event: message\nid: "), "primed with an id: {seen}");
    let last =
        seen.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().to_owned();
    let reported = seen.matches("notifications/progress").count();

    let rest = client.request(Method::GET).header("last-event-id", &last).send().await.unwrap();
    let rest = messages(rest).await;
    let progress: Vec<_> =
        rest.iter().filter_map(|message| message["params"]["progress"].as_u64()).collect();
    assert_eq!(progress, (reported as u64 + 1..=40).collect::<Vec<_>>());
    assert_eq!(
        (&rest.last().unwrap()["id"], &rest.last().unwrap()["result"]["content"][0]["text"]),
        (&json!("r"), &json!("done"))
    );

    // The answer can be had again; by another key it cannot, and after the last event there is
    // nothing more.
    let again =
        messages(client.request(Method::GET).header("last-event-id", &last).send().await.unwrap())
            .await;
    assert_eq!(again, rest);
    let mut stranger = Client::new(&gateway, crate::support::OTHER_KEY);
    stranger.session = client.session.clone();
    assert_eq!(
        stranger.request(Method::GET).header("last-event-id", &last).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let (stream, _) = last.rsplit_once('-').unwrap();
    let after_all = client
        .request(Method::GET)
        .header("last-event-id", format!("{stream}-42"))
        .send()
        .await
        .unwrap();
    assert_eq!(after_all.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        gateway.metrics().await.contains(r#"tool_calls_total{tool="progress",outcome="ok"} 1"#)
    );
    gateway.stop().await;
}
