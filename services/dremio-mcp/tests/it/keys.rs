//! What a key may do, and what happens when keys come and go.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::modern::post;
use crate::support::{Client, Gateway, KEY, OTHER_KEY, PATIENCE, eventually};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

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
    let listen = |resources: usize| {
        let uris = vec!["fixture://one"; resources];
        json!({ "notifications": { "resourceSubscriptions": uris } })
    };
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
