//! Many clients, one child: what each sent comes back to it, unchanged.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Gateway, OTHER_KEY, PATIENCE, eventually, messages};

#[tokio::test]
async fn client_messages_are_relayed_byte_for_byte() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let params = concat!(
        r#"{"z":1.10,"a":12345678901234567890123,"n":-0.0,"u":"\u00e9é\/","#,
        r#""nested":{"b":[],"a":{}}}"#,
    );
    let answer = client
        .post(&format!(r#"{{"jsonrpc":"2.0","id":"x","method":"x/reflect","params":{params}}}"#))
        .await;
    let text = answer.text().await.unwrap();
    // The fixture itself re-serialises, which keeps order and strings; what the gateway does to
    // bytes is proved in its unit tests.
    let same: Value = serde_json::from_str(params).unwrap();
    assert_eq!(text, format!(r#"{{"jsonrpc":"2.0","id":"x","result":{same}}}"#));
    gateway.stop().await;
}

#[tokio::test]
async fn ambiguous_messages_do_not_reach_the_child() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let mut old = Client::new(&gateway, OTHER_KEY);
    old.initialize("2025-03-26").await;
    let call = |argument: &str| {
        let params = format!(r#"{{"name":"fault","arguments":{{"kind":{argument}}}}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{params}}}"#)
    };
    // Each of these the official server leaves without an answer, for as long as a call may take.
    for argument in [
        r#""\ud800""#.to_owned(),
        format!("{}1{}", "[".repeat(300), "]".repeat(300)),
        "9".repeat(5000),
    ] {
        let refused = client.post(&call(&argument)).await;
        assert_eq!(refused.status(), reqwest::StatusCode::BAD_REQUEST, "{argument}");
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(
            (&refused["id"], &refused["error"]["code"]),
            (&json!("x"), &json!(-32700)),
            "{refused}"
        );
        let answers = old
            .rpc(&format!(r#"[{{"jsonrpc":"2.0","id":1,"method":"ping"}},{}]"#, call(&argument)))
            .await;
        assert_eq!((&answers[0]["result"], &answers[1]), (&json!({}), &refused));
    }
    let seen = client.seen().await;
    assert_eq!(seen["calls"], 1, "that of `seen`");
    gateway.stop().await;
}

#[tokio::test]
async fn answers_that_come_back_out_of_order_reach_their_callers() {
    let gateway = Gateway::start().await;
    let mut calls = Vec::new();
    for number in 0..200_u64 {
        let client = gateway.client().await;
        // All clients use the same id; the delays reverse the order of whole groups.
        calls.push(tokio::spawn(async move {
            let text = format!("client {number}");
            let arguments = json!({ "text": text, "ms": (200 - number) % 37 });
            (text, client.text("delay", arguments).await)
        }));
    }
    for call in calls {
        let (sent, got) = call.await.unwrap();
        assert_eq!(sent, got);
    }
    assert!(gateway.metrics().await.contains("dremio_mcp_engine_starts_total 1\n"));
    gateway.stop().await;
}

#[tokio::test]
async fn cancelling_and_leaving_reach_the_child() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let silent = |id: &str| {
        json!({
            "jsonrpc": "2.0",
            "id": id,
            "method": "tools/call",
            "params": { "name": "fault", "arguments": { "kind": "silent" } },
        })
        .to_string()
    };

    // Cancelled by a notification: the answer is a stream that ends without one.
    let (cancelled, body) = (client.clone(), silent("c"));
    let cancelled = tokio::spawn(async move { cancelled.post(&body).await.text().await.unwrap() });
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}"#;
    eventually("the call is cancelled", async || {
        client.post(notification).await;
        cancelled.is_finished()
    })
    .await;
    assert_eq!(cancelled.await.unwrap(), "");

    // The client goes away: dropping the request closes its connection.
    let gone = client
        .request(reqwest::Method::POST)
        .header("content-type", "application/json")
        .body(silent("d"));
    assert!(gone.timeout(Duration::from_millis(100)).send().await.is_err());
    eventually("the child knows of both", async || {
        client.seen().await["cancelled"].as_array().is_some_and(|ids| ids.len() == 2)
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_CALL_TIMEOUT", "50ms")]).await;
    let client = gateway.client().await;
    let answer = client.call(json!(1), "fault", json!({ "kind": "silent" })).await;
    assert_eq!(answer["error"]["data"]["reason"], "call_timed_out");
    eventually("the child was told", async || {
        client.seen().await["cancelled"].as_array().is_some_and(|ids| ids.len() == 1)
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_stop_lets_answers_in_flight_finish() {
    let gateway = Gateway::start().await;
    let (client, observer) = (gateway.client().await, gateway.client().await);
    let slow =
        tokio::spawn(
            async move { client.text("delay", json!({ "text": "in time", "ms": 500 })).await },
        );
    // The observer's own calls count too, so one more than those is the slow one.
    let mut own = 0;
    eventually("the call is under way", || {
        own += 1;
        let (observer, own) = (observer.clone(), own);
        async move { observer.seen().await["calls"].as_u64() > Some(own) }
    })
    .await;
    gateway.request_stop();
    assert_eq!(tokio::time::timeout(PATIENCE, slow).await.unwrap().unwrap(), "in time");
    gateway.stop().await;
}

#[tokio::test]
async fn log_messages_reach_only_who_asked_and_whose_alone_they_can_be() {
    let gateway = Gateway::start().await;
    let (asked, silent) = (gateway.client().await, gateway.client().await);
    let set_level = |level: &str| {
        let params = json!({ "level": level });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "logging/setLevel", "params": params })
            .to_string()
    };
    assert_eq!(asked.rpc(&set_level("loud")).await["error"]["code"], -32602);
    assert_eq!(asked.rpc(&set_level("notice")).await["result"], json!({}));
    let logging = |level: &str| {
        let params = json!({ "level": level, "data": "row" });
        let arguments = json!({ "method": "notifications/message", "params": params });
        let params = json!({ "name": "notify", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params }).to_string()
    };
    let got = messages(asked.post(&logging("warning")).await).await;
    assert_eq!(
        got[0],
        json!({
            "jsonrpc": "2.0",
            "method": "notifications/message",
            "params": { "level": "warning", "data": "row" },
        })
    );
    assert_eq!(
        messages(asked.post(&logging("info")).await).await.len(),
        1,
        "less severe than asked for"
    );
    assert_eq!(messages(silent.post(&logging("error")).await).await.len(), 1, "nobody asked");

    // Two calls at a time: nobody can say whose it is.
    let (other, body) = (silent.clone(), json!({ "text": "x", "ms": 400 }));
    let running = tokio::spawn(async move { other.text("delay", body).await });
    let mut own = 0;
    eventually("the other call is under way", || {
        own += 1;
        let (asked, own) = (asked.clone(), own);
        async move { asked.seen().await["calls"].as_u64() > Some(own + 3) }
    })
    .await;
    assert_eq!(messages(asked.post(&logging("error")).await).await.len(), 1, "another call runs");
    running.await.unwrap();
    assert_eq!(messages(asked.post(&logging("error")).await).await.len(), 2);

    // From now on the child knows something of another key's.
    let mut stranger = Client::new(&gateway, OTHER_KEY);
    stranger.initialize("2025-11-25").await;
    stranger.text("echo", json!({ "text": "secret" })).await;
    assert_eq!(
        messages(asked.post(&logging("error")).await).await.len(),
        1,
        "the child has worked for two keys"
    );
    gateway.stop().await;
}

const SILENT: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","#,
    r#""params":{"name":"fault","arguments":{"kind":"silent"}}}"#,
);

async fn places(gateway: &Gateway, held: usize, waiting: usize) {
    let expected = [
        format!("dremio_mcp_places_held {held}\n"),
        format!("dremio_mcp_calls_waiting {waiting}\n"),
    ];
    eventually(&format!("{held} places are held and {waiting} calls wait"), async || {
        let metrics = gateway.metrics().await;
        expected.iter().all(|line| metrics.contains(line))
    })
    .await;
}

#[tokio::test]
async fn a_key_that_wants_every_place_leaves_some_to_others() {
    let gateway = Gateway::start().await;
    let mut other = Client::new(&gateway, OTHER_KEY);
    other.initialize("2025-11-25").await;
    let mut greedy = tokio::task::JoinSet::new();
    for (clients, held) in [(1, 32), (2, 48)] {
        let client = gateway.client().await;
        for _ in 0..40 {
            let client = client.clone();
            greedy.spawn(async move { client.post(SILENT).await });
        }
        places(&gateway, held, clients * 40 - held).await;
    }
    assert_eq!(other.text("echo", json!({ "text": "at once" })).await, "at once");
    greedy.shutdown().await;
    places(&gateway, 0, 0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_batch_holds_up_neither_its_client_nor_others() {
    let gateway = Gateway::start().await;
    let mut client = Client::new(&gateway, OTHER_KEY);
    client.initialize("2025-03-26").await;
    let (sender, batch) = (client.clone(), format!("[{}]", vec![SILENT; 64].join(",")));
    let sent = tokio::spawn(async move { sender.post(&batch).await });
    places(&gateway, 8, 56).await;
    assert_eq!(client.text("echo", json!({ "text": "at once" })).await, "at once");
    sent.abort();
    places(&gateway, 0, 0).await;
    gateway.stop().await;
}
