//! Bytes that the gateway holds: what one key sends or leaves unread takes no other's room, and not
//! that of its own small calls.

use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, Gateway, KEY, OTHER_KEY, eventually};

const MIB: usize = 1024 * 1024;

/// A connection on which a request of ada's has begun: its head, and what else is given.
async fn begun(gateway: &Gateway, framing: &str, rest: &[u8]) -> TcpStream {
    let address = gateway.uri.trim_start_matches("http://").trim_end_matches("/mcp");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\naccept: \
         application/json, text/event-stream\r\ncontent-type: \
         application/json\r\n{framing}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // One that is refused meanwhile does not take all of it.
    let _refused = stream.write_all(rest).await;
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let _reset = stream.read_to_string(&mut text).await;
    text
}

async fn held(gateway: &Gateway, kind: &str) -> usize {
    let gauge = format!(r#"dremio_mcp_bytes_held{{kind="{kind}"}} "#);
    let metrics = gateway.metrics().await;
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(&gauge))
        .map_or(0, |bytes| bytes.parse().unwrap())
}

#[tokio::test]
async fn bodies_of_one_key_have_a_share_and_leave_room_for_its_small_calls_and_for_others() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    // Announced, not sent: room is taken before the first byte is read. Each is counted four times,
    // for its copies on the way.
    let large = format!("content-length: {}", 4 * MIB);
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(begun(&gateway, &large, b"{").await);
    }
    eventually("three bodies have their room", async || {
        held(&gateway, "bodies").await == 3 * 4 * 4 * MIB
    })
    .await;

    // A body whose length nobody announced is refused as soon as it finds no more room.
    let chunk = format!("{:x}\r\n{}\r\n", 3 * MIB, " ".repeat(3 * MIB));
    let refused =
        answer(begun(&gateway, "transfer-encoding: chunked", chunk.as_bytes()).await).await;
    let lower = refused.to_ascii_lowercase();
    assert!(lower.starts_with("http/1.1 429 "), "{refused}");
    assert!(
        lower.contains("\r\nretry-after: 5\r\n") && lower.contains("\r\nconnection: close\r\n"),
        "{refused}"
    );
    assert!(
        refused.contains(r#""reason":"no_room""#) && refused.contains("Requests of this key"),
        "{refused}"
    );
    assert!(
        gateway.metrics().await.contains("dremio_mcp_refusals_total{reason=\"bytes_of_key\"} 1\n")
    );

    assert_eq!(client.text("echo", json!({ "text": "small" })).await, "small");
    let mut bob = Client::new(&gateway, OTHER_KEY);
    bob.initialize("2025-11-25").await;
    let long = "b".repeat(3 * MIB);
    assert_eq!(bob.text("echo", json!({ "text": long })).await, long);

    // Who waits for room has it when a connection ends.
    let waiting = {
        let (client, long) = (client.clone(), long.clone());
        tokio::spawn(async move { client.text("echo", json!({ "text": long })).await })
    };
    slow.pop();
    assert_eq!(waiting.await.unwrap(), long);
    drop(slow);
    for kind in ["bodies", "answers"] {
        eventually("all room is given back", async || held(&gateway, kind).await == 0).await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_unread() {
    let gateway = Gateway::start().await;
    let announced = format!("content-length: {}", 4 * MIB + 1);
    let mut stream = begun(&gateway, &announced, b"").await;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status[9..], StatusCode::PAYLOAD_TOO_LARGE.as_str().as_bytes());
    gateway.stop().await;
}
