//! No answer reaches anybody but its caller, whatever happens to the child: 16 keys call all tools
//! at once, each answer proves whose it is, and the child is killed again and again.
//!
//! `MIX_UP_CALLS=20000 cargo nextest run -p dremio-mcp -E 'test(mix_up)'` makes that many calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::egress::Setting;
use crate::servers::each_over;
use crate::support::{Client, KEY, TICKETS, children};

const KEYS: usize = 16;

/// Calls of one key at a time.
const AT_ONCE: usize = 4;

/// Calls between two kills of the child.
const KILL_EVERY: usize = 100;

/// And the time: a child that lived for less is replaced more and more slowly.
const LIVES: Duration = Duration::from_millis(2500);

/// Tells the children of this test from others'.
const OWN_PATH: &str = "/usr/bin:/bin:/of-mix-up";

fn calls() -> usize {
    let set = std::env::var_os("MIX_UP_CALLS").map(|count| count.into_string().unwrap());
    set.map_or(400, |count| count.parse().unwrap())
}

fn key(number: usize) -> &'static str {
    Box::leak(format!("key-of-number-{number:02}-0123456789").into_boxed_str())
}

/// The tool and the arguments of a call, and what its answer must hold.
fn asked(key: usize, call: usize) -> (&'static str, Value, String) {
    let proof = format!("proof-{key:02}-{call}-of-this-key");
    match call % 4 {
        0 => ("GetSchemaOfTable", json!({ "table_name": format!("Sales.{proof}") }), proof),
        1 => ("GetDescriptionOfTableOrSchema", json!({ "name": proof }), proof),
        _ => {
            let query = format!("SELECT '{proof}' AS \"proof\"");
            ("RunSqlQuery", json!({ "query": query }), proof)
        }
    }
}

#[tokio::test]
async fn sixteen_keys_and_a_child_that_dies_mix_nothing_up() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    let all = (0..KEYS).map(key).chain([KEY]);
    let lines: String = all.map(|key| format!("{key}\n")).collect();
    std::fs::write(keys.path(), lines).unwrap();
    let keys = keys.path().to_str().unwrap();
    for repair in ["true", "false"] {
        let settings =
            [("MCP_API_KEYS_FILE", keys), ("MCP_OFFICIAL_REPAIR", repair), ("PATH", OWN_PATH)];
        for (server, setting) in each_over(&[TICKETS], &settings).await {
            mix(&format!("{server}, repair {repair}"), Arc::new(setting)).await;
        }
    }
}

#[expect(clippy::print_stderr, reason = "the figures of a long run")]
async fn mix(server: &str, setting: Arc<Setting>) {
    let (made, lost, is_over) =
        (AtomicUsize::default(), AtomicUsize::default(), AtomicBool::default());
    let counts = Arc::new((made, lost, is_over));
    let mut callers = JoinSet::new();
    for key_number in 0..KEYS {
        for lane in 0..AT_ONCE {
            let (setting, counts) = (Arc::clone(&setting), Arc::clone(&counts));
            callers.spawn(async move {
                let mut client = Client::new(&setting.gateway, key(key_number));
                client.initialize("2025-11-25").await;
                for round in 0..calls().div_ceil(KEYS * AT_ONCE) {
                    let (tool, arguments, proof) = asked(key_number, round * AT_ONCE + lane);
                    let id = json!(format!("{key_number}-{lane}-{round}"));
                    let answer = client.call(id.clone(), tool, arguments).await;
                    counts.0.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(answer["id"], id, "{answer}");
                    let text = answer.to_string();
                    let is_lost = matches!(
                        answer["error"]["data"]["reason"].as_str(),
                        Some("engine_lost" | "broken_off" | "engine_not_ready")
                    );
                    if is_lost {
                        counts.1.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    let others = text.replace(&proof, "");
                    assert!(!others.contains("-of-this-key"), "{tool} {proof}: {text}");
                    assert!(tool != "RunSqlQuery" || text.contains(&proof), "{proof}: {text}");
                }
            });
        }
    }
    let killer = {
        let counts = Arc::clone(&counts);
        tokio::spawn(async move {
            let (mut kills, mut next, mut seen) = (0, KILL_EVERY, (None, Instant::now()));
            while !counts.2.load(Ordering::Relaxed) {
                let made = counts.0.load(Ordering::Relaxed);
                for (child, _) in children(OWN_PATH) {
                    if seen.0 != Some(child) {
                        seen = (Some(child), Instant::now());
                    } else if made >= next && seen.1.elapsed() >= LIVES {
                        kills += usize::from(kill_process(child, Signal::KILL).is_ok());
                        next = made + KILL_EVERY;
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            kills
        })
    };
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    counts.2.store(true, Ordering::Relaxed);
    let (made, lost) = (counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed));
    let kills = killer.await.unwrap();
    eprintln!("{server}: {made} calls of {KEYS} keys, {kills} kills, {lost} lost, 0 mixed up");
    assert!(kills > 0 && lost < made, "{server}: {kills} kills, {lost} of {made} lost");
}
