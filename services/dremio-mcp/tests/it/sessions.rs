//! Sessions that outlive the process: their ids say what another gateway needs to go on.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use token_file::gateway_key;

use crate::subscriptions::Stream;
use crate::support::{Client, Gateway, KEY, OTHER_KEY, eventually, messages};

const PING: &str = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;

/// A folder with a gateway key, as token-refresher leaves it.
fn folder_with_key() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    gateway_key::ensure(&folder.path().join("token.json")).unwrap();
    folder
}

/// A gateway whose token file lies in `folder`.
async fn gateway_in(folder: &Path, extra: &[(&str, &str)]) -> Gateway {
    let token_file = folder.join("token.json");
    let mut all = vec![("TOKEN_FILE", token_file.to_str().unwrap())];
    all.extend(extra);
    Gateway::start_with("http://127.0.0.1:9", &all).await
}

/// The same client, sending to another gateway.
fn moved(client: &Client, gateway: &Gateway, key: &'static str) -> Client {
    let mut there = Client::new(gateway, key);
    there.session.clone_from(&client.session);
    there
}

async fn refusal(client: &Client) -> (StatusCode, Value) {
    let answer = client.post(PING).await;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["id"], "p", "{body}");
    (status, body["error"]["code"].clone())
}

const NOT_FOUND: (StatusCode, i64) = (StatusCode::NOT_FOUND, -32001);

#[tokio::test]
async fn a_session_goes_on_at_another_gateway_and_after_a_restart() {
    let folder = folder_with_key();
    let (first, second) =
        (gateway_in(folder.path(), &[]).await, gateway_in(folder.path(), &[]).await);
    let client = first.client().await;
    assert_eq!(client.text("echo", json!({ "text": "one" })).await, "one");
    let there = moved(&client, &second, KEY);
    assert_eq!(there.text("echo", json!({ "text": "two" })).await, "two");
    assert_eq!(
        client.text("echo", json!({ "text": "three" })).await,
        "three",
        "and it stays where it was"
    );
    first.stop().await;
    let restarted = gateway_in(folder.path(), &[]).await;
    let back = moved(&client, &restarted, KEY);
    // All at once: it is taken up once.
    let answers = futures_util::future::join_all(
        (0..8).map(|number| back.text("echo", json!({ "text": number.to_string() }))),
    )
    .await;
    assert_eq!(answers, (0..8).map(|number| number.to_string()).collect::<Vec<_>>());
    let metrics = restarted.metrics().await;
    assert!(
        metrics.contains("dremio_mcp_sessions_resumed_total 1\n")
            && metrics.contains("dremio_mcp_sessions 1\n"),
        "{metrics}"
    );
    // It is the session of its revision, and only its own key has it.
    let batch = format!("[{PING}]");
    assert_eq!(back.post(&batch).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        refusal(&moved(&client, &restarted, OTHER_KEY)).await,
        (NOT_FOUND.0, json!(NOT_FOUND.1))
    );
    second.stop().await;
    restarted.stop().await;
}

#[tokio::test]
async fn a_session_of_an_older_revision_stays_one() {
    let folder = folder_with_key();
    let (first, second) =
        (gateway_in(folder.path(), &[]).await, gateway_in(folder.path(), &[]).await);
    let mut client = Client::new(&first, KEY);
    client.initialize("2025-03-26").await;
    let answers: Value =
        moved(&client, &second, KEY).post(&format!("[{PING}]")).await.json().await.unwrap();
    assert_eq!(answers, json!([{ "jsonrpc": "2.0", "id": "p", "result": {} }]));
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn without_a_shared_key_a_session_ends_with_its_process_and_readiness_says_so() {
    let (first, second) = (Gateway::start().await, Gateway::start().await);
    let client = first.client().await;
    let there = moved(&client, &second, KEY);
    assert_eq!(refusal(&there).await, (NOT_FOUND.0, json!(NOT_FOUND.1)));
    let text = there.post(PING).await.text().await.unwrap();
    assert!(
        text.contains("Session not found") && text.contains("Send `initialize` again"),
        "{text}"
    );
    assert!(
        second.metrics().await.contains(r#"dremio_mcp_sessions_refused_total{reason="forged"} 2"#)
    );
    let condition = async || second.readiness().await["conditions"]["gateway_key"].clone();
    assert_eq!(
        (&condition().await["ready"], &condition().await["reason"]),
        (&json!(true), &json!("missing"))
    );
    // token-refresher comes later than the gateway: what was opened before goes on, and the key
    // counts from now on.
    let mine = second.client().await;
    gateway_key::ensure(&second.folder.path().join("token.json")).unwrap();
    eventually("the key is seen", async || condition().await["reason"].is_null()).await;
    assert_eq!(mine.post(PING).await.status(), StatusCode::OK);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_rotation_is_followed_and_open_sessions_go_on() {
    let folder = folder_with_key();
    let gateway = gateway_in(folder.path(), &[]).await;
    let client = gateway.client().await;
    let token_file = folder.path().join("token.json");
    std::fs::remove_file(folder.path().join("gateway.key")).unwrap();
    gateway_key::ensure(&token_file).unwrap();
    let other = gateway_in(folder.path(), &[]).await;
    // Once the new key is seen, the other gateway knows what is opened here.
    eventually("the rotation", async || {
        moved(&gateway.client().await, &other, KEY).post(PING).await.status() == StatusCode::OK
    })
    .await;
    assert_eq!(client.post(PING).await.status(), StatusCode::OK);
    assert_eq!(refusal(&moved(&client, &other, KEY)).await, (NOT_FOUND.0, json!(NOT_FOUND.1)));
    gateway.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn an_ended_session_stays_ended() {
    let folder = folder_with_key();
    let (first, second) =
        (gateway_in(folder.path(), &[]).await, gateway_in(folder.path(), &[]).await);
    let client = first.client().await;
    let there = moved(&client, &second, KEY);
    // Ended where it was never seen.
    assert_eq!(
        there.request(Method::DELETE).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(refusal(&there).await, (NOT_FOUND.0, json!(NOT_FOUND.1)));
    assert_eq!(there.request(Method::GET).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(there.request(Method::DELETE).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn rest_only_frees_memory() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_SESSION_IDLE", "10ms")]).await;
    let client = gateway.client().await;
    eventually("it is forgotten", async || {
        gateway.metrics().await.contains("dremio_mcp_sessions 0\n")
    })
    .await;
    assert_eq!(client.text("echo", json!({ "text": "still here" })).await, "still here");
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_whose_stream_is_lost_gets_an_answer() {
    let folder = folder_with_key();
    let (first, second) =
        (gateway_in(folder.path(), &[]).await, gateway_in(folder.path(), &[]).await);
    let client = first.client().await;
    let params = json!({
        "name": "progress",
        "arguments": { "steps": 1000, "ms": 20 },
        "_meta": { "progressToken": "t" },
    });
    let body = json!({ "jsonrpc": "2.0", "id": "r-1", "method": "tools/call", "params": params })
        .to_string();
    let mut stream = Stream::of(client.post(&body).await);
    stream.next().await;
    let there = moved(&client, &second, KEY);
    let lost = there
        .request(Method::GET)
        .header("last-event-id", &stream.last_event_id)
        .send()
        .await
        .unwrap();
    let mut lost = Stream::of(lost);
    let answer = lost.next().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["data"]["reason"]),
        (&json!("r-1"), &json!("stream_lost")),
        "{answer}"
    );
    // Who asks for more is told that there is none, in the one way that ends the asking.
    let more = there
        .request(Method::GET)
        .header("last-event-id", &lost.last_event_id)
        .send()
        .await
        .unwrap();
    assert_eq!(more.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(more.headers()["allow"], "GET, POST, DELETE");
    drop(stream);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_session_that_is_taken_up_hears_what_it_may_have_missed() {
    let folder = folder_with_key();
    let (first, second) =
        (gateway_in(folder.path(), &[]).await, gateway_in(folder.path(), &[]).await);
    let client = first.client().await;
    let subscribe = |uri: &str| {
        let params = json!({ "uri": uri });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": params })
            .to_string()
    };
    client.rpc(&subscribe("x:1")).await;
    let mut news = Stream::of(client.request(Method::GET).send().await.unwrap());
    client
        .text(
            "notify",
            json!({ "method": "notifications/resources/updated", "params": { "uri": "x:1" } }),
        )
        .await;
    news.next().await;
    // The process goes away, and the client asks another for the rest of its stream.
    let there = moved(&client, &second, KEY);
    let rest = there
        .request(Method::GET)
        .header("last-event-id", &news.last_event_id)
        .send()
        .await
        .unwrap();
    let mut rest = Stream::of(rest);
    let told = [rest.next().await, rest.next().await].map(|message| message["method"].clone());
    assert_eq!(
        told,
        ["notifications/tools/list_changed", "notifications/resources/list_changed"],
        "the fixture's prompts never change"
    );
    // What it subscribes to now comes on that stream.
    there.rpc(&subscribe("x:1")).await;
    there
        .text(
            "notify",
            json!({ "method": "notifications/resources/updated", "params": { "uri": "x:1" } }),
        )
        .await;
    assert_eq!(rest.next().await["params"]["uri"], "x:1");
    // A session that was never away hears none of that.
    let fresh = second.client().await;
    let mut quiet = Stream::of(fresh.request(Method::GET).send().await.unwrap());
    fresh.rpc(&subscribe("x:2")).await;
    fresh
        .text(
            "notify",
            json!({ "method": "notifications/resources/updated", "params": { "uri": "x:2" } }),
        )
        .await;
    assert_eq!(quiet.next().await["params"]["uri"], "x:2");
    drop((news, rest, quiet));
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn made_up_ids_and_events_open_nothing() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for event in ["0123456789abcdef-1", "x", "call.e30.x-1", "over"] {
        let answer =
            client.request(Method::GET).header("last-event-id", event).send().await.unwrap();
        let expected = if event.starts_with(['0', 'x']) {
            StatusCode::OK
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        assert_eq!(answer.status(), expected, "{event}");
    }
    let good = client.session.clone().unwrap();
    for id in
        ["", "v1.", &good[..good.len() - 1], &good.replacen("v1", "v2", 1), &"v1.A".repeat(4000)]
    {
        client.session = Some(id.to_owned());
        assert_eq!(refusal(&client).await, (NOT_FOUND.0, json!(NOT_FOUND.1)), "{id}");
        assert_eq!(
            client.request(Method::DELETE).send().await.unwrap().status(),
            StatusCode::NOT_FOUND
        );
    }
    client.session = Some(good);
    assert_eq!(messages(client.post(PING).await).await[0]["result"], json!({}));
    gateway.stop().await;
}
