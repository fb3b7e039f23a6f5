use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::poll;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{Answer, Connection};
use crate::budget::Budget;
use crate::egress::Activity;
use crate::engine::{CallContext, CallError, Caller, ClientId, Wanted};
use crate::policy::Identity;
use crate::principal::Principal;
use crate::rpc::Message;

const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A child that never answers the tool `swallow`, and answers pings only if `pongs`.
fn child(pongs: bool) -> Arc<Connection> {
    let halves = Connection::open();
    let connection = Arc::clone(&halves.connection);
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (output, input) = tokio::io::split(ours);
    tokio::spawn(halves.run(BufReader::new(output), input, |_| {}));
    tokio::spawn(async move {
        let (read, mut write) = tokio::io::split(theirs);
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value = serde_json::from_str(&line).unwrap();
            let answers = match message["method"].as_str().unwrap() {
                "ping" => pongs,
                "tools/call" => message["params"]["name"] != "swallow",
                _ => false,
            };
            if answers {
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
                write.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
            }
        }
    });
    connection
}

async fn call(connection: &Connection, tool: &str) -> Answer {
    let request = Message::request("tools/call", &json!({ "name": tool }).to_string());
    connection.call(&request, Some(&CallContext::anyones().0), None).await
}

fn is_forgotten(answer: &Answer) -> bool {
    matches!(answer, Err(CallError::Forgotten { silence: SILENCE_MAX }))
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_call_is_ended_after_a_later_answer_and_a_ping() {
    let (connection, egress) = (child(true), Activity::none());
    let mut swallowed = Box::pin(call(&connection, "swallow"));
    assert!(poll!(&mut swallowed).is_pending());
    call(&connection, "echo").await.unwrap();
    let started = tokio::time::Instant::now();
    tokio::select! {
        answer = &mut swallowed => assert!(is_forgotten(&answer), "{answer:?}"),
        never = connection.end_forgotten(&egress, SILENCE_MAX) => match never {},
    }
    assert!(
        started.elapsed() >= SILENCE_MAX && started.elapsed() < SILENCE_MAX * 2,
        "{:?}",
        started.elapsed()
    );
}

/// Waits longer than a call may take, for a call that must not be ended.
async fn is_kept(connection: &Connection, egress: &Activity, call: impl Future<Output = Answer>) {
    tokio::select! {
        answer = call => panic!("{answer:?}"),
        never = connection.end_forgotten(egress, SILENCE_MAX) => match never {},
        () = tokio::time::sleep(SILENCE_MAX * 20) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_kept_while_the_child_may_work_on_it() {
    let (connection, egress) = (child(true), Activity::none());
    let mut only = Box::pin(call(&connection, "swallow"));
    is_kept(&connection, &egress, &mut only).await;
    // The later call is not answered either: the child may be busy with both.
    let mut later = Box::pin(call(&connection, "swallow"));
    assert!(poll!(&mut later).is_pending());
    is_kept(&connection, &egress, &mut only).await;
    // The child sends Dremio a request, for an unknown call.
    call(&connection, "echo").await.unwrap();
    let open = egress.open();
    is_kept(&connection, &egress, &mut only).await;
    // After that it is quiet, and both calls are older.
    let started = tokio::time::Instant::now();
    drop(open);
    tokio::select! {
        (only, later) = async { tokio::join!(only, later) } => {
            assert!(is_forgotten(&only) && is_forgotten(&later), "{only:?} {later:?}");
        }
        never = connection.end_forgotten(&egress, SILENCE_MAX) => match never {},
    }
    assert!(started.elapsed() >= SILENCE_MAX);
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_to_the_ping_a_call_is_kept() {
    let (connection, egress) = (child(false), Activity::none());
    let mut swallowed = Box::pin(call(&connection, "swallow"));
    assert!(poll!(&mut swallowed).is_pending());
    call(&connection, "echo").await.unwrap();
    is_kept(&connection, &egress, swallowed).await;
}

#[tokio::test(start_paused = true)]
async fn a_recent_call_is_kept() {
    let (connection, egress) = (child(true), Activity::none());
    tokio::time::advance(SILENCE_MAX * 2).await;
    let mut swallowed = Box::pin(call(&connection, "swallow"));
    assert!(poll!(&mut swallowed).is_pending());
    call(&connection, "echo").await.unwrap();
    let started = tokio::time::Instant::now();
    tokio::select! {
        answer = &mut swallowed => assert!(is_forgotten(&answer), "{answer:?}"),
        never = connection.end_forgotten(&egress, SILENCE_MAX) => match never {},
    }
    assert!(started.elapsed() >= SILENCE_MAX, "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_without_room_fails_only_its_call() {
    let halves = Connection::open();
    let connection = Arc::clone(&halves.connection);
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (output, input) = tokio::io::split(ours);
    tokio::spawn(halves.run(BufReader::new(output), input, |_| {}));
    tokio::spawn(async move {
        let (read, mut write) = tokio::io::split(theirs);
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let asked = Message::parse(line).unwrap();
            let bytes = asked.params_text().unwrap().matches('x').count() * 1024;
            let answer = Message::from_result(&format!("\"{}\"", "y".repeat(bytes)))
                .with_id(asked.id().unwrap());
            write.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        }
    });
    let budget = Budget::small(40 * 1024);
    let caller = Caller {
        identity: Identity::unlimited(Principal::anyone()),
        client: ClientId::Session(1),
        batch: None,
        shows_ui: false,
        notifications: None,
    };
    let context = CallContext::new(caller, Wanted::default(), &budget).0;
    let call = async |kib: usize| {
        let request =
            Message::request("tools/call", &format!(r#"{{"name":"{}"}}"#, "x".repeat(kib)));
        connection.call(&request, Some(&context), None).await
    };
    // One principal may have half of the budget, and each answer counts twice.
    let first = call(4).await.unwrap();
    let second = call(4).await.unwrap();
    assert!(matches!(call(4).await, Err(CallError::NoRoom(_))));
    assert!(call(1).await.is_ok());
    drop(first);
    assert!(call(4).await.is_ok());
    drop(second);
    assert!(call(8).await.is_ok());
}

#[tokio::test]
async fn calls_that_come_while_others_wait_go_out_together() {
    let halves = Connection::open();
    let connection = Arc::clone(&halves.connection);
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let (output, input) = tokio::io::split(ours);
    let mut run = Box::pin(halves.run(BufReader::new(output), input, |_| {}));
    let mut calls = ["a", "b", "c"].map(|tool| Box::pin(call(&connection, tool)));
    let mut lines_after_each = Vec::new();
    for call in &mut calls {
        assert!(poll!(call).is_pending());
        assert!(poll!(&mut run).is_pending());
        let mut bytes = [0; 1024];
        let count = match poll!(pin!(theirs.read(&mut bytes))) {
            Poll::Ready(count) => count.unwrap(),
            Poll::Pending => 0,
        };
        lines_after_each.push(bytes[..count].iter().filter(|byte| **byte == b'\n').count());
    }
    assert_eq!(lines_after_each, [1, 0, 2]);
}
