//! Harm to the child: through the fixture's `fault` tool, and by signals from outside.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::client::call;
use super::judge;
use super::tally::{Outcome, Tally};
use crate::mcp::{Client, Endpoint, Era};
use crate::process_table::tree;

/// Between two faults that a child must survive.
const HARMLESS_PAUSE_MS: std::ops::Range<u64> = 500..3000;

/// Makes the child babble, ask back, answer far too much and not at all, until `end`.
pub(super) async fn harmless(
    endpoint: Endpoint,
    mut chance: fastrand::Rng,
    tally: Arc<Tally>,
    end: Instant,
) {
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(chance.u64(HARMLESS_PAUSE_MS))).await;
        let (kind, action, says) = match chance.u8(0..10) {
            0..3 => ("garbage", "fault garbage", Some("after garbage")),
            3..6 => ("ask", "fault ask", Some("asked")),
            6..8 => ("flood", "fault flood", Some("after the flood")),
            8 => ("large", "fault large", None),
            _ => ("silent", "fault silent", None),
        };
        let (endpoint, tally, era) = (endpoint.clone(), Arc::clone(&tally), era(&mut chance));
        // One that is never answered takes as long as a call may; the others do not wait for it.
        tokio::spawn(async move {
            let outcome = inflict(&endpoint, era, kind, says).await;
            tally.count(action, &outcome);
        });
    }
    // The last of them ends before the gateway is looked at.
    tokio::time::sleep(super::ANSWER_WAIT_MAX).await;
}

/// Ends the child's life in every way, until `end`. A child has served for `every` on average when
/// it is hit: a fault that waited for a child to come up, and then killed it, would only measure
/// how long the gateway waits between two children.
pub(super) async fn deadly(
    endpoint: Endpoint,
    gateway: i32,
    every: Duration,
    mut chance: fastrand::Rng,
    tally: Arc<Tally>,
    end: Instant,
) {
    loop {
        let era = era(&mut chance);
        while Instant::now() < end
            && inflict(&endpoint, era, "ask", Some("asked")).await != Outcome::Right
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(every.mul_f64(0.5 + chance.f64())).await;
        if Instant::now() >= end {
            return;
        }
        let (action, outcome) = match chance.u8(0..5) {
            0 => ("fault exit", inflict(&endpoint, era, "exit", None).await),
            1 => ("fault grandchild", inflict(&endpoint, era, "grandchild", None).await),
            2 => ("fault hang", inflict(&endpoint, era, "hang", None).await),
            3 => ("fault SIGKILL", signal(gateway, Signal::KILL)),
            _ => ("fault SIGSTOP", signal(gateway, Signal::STOP)),
        };
        tally.count(action, &outcome);
    }
}

fn era(chance: &mut fastrand::Rng) -> Era {
    if chance.bool() { Era::Legacy } else { Era::Modern }
}

/// One call of the tool, which ends with the text `says`, or with a documented error.
async fn inflict(endpoint: &Endpoint, era: Era, kind: &str, says: Option<&str>) -> Outcome {
    let mut client = match Client::connect(endpoint, era).await {
        Ok(client) => client,
        Err(cause) => return Outcome::Lost(format!("no connection: {cause:#}")),
    };
    let id = r#""fault""#;
    let outcome =
        match call(&mut client, id, "fault", &format!(r#"{{"kind":"{kind}"}}"#), None).await {
            Ok(answer) => says
                .map_or_else(|| judge::error(&answer, id), |says| judge::text(&answer, id, says)),
            Err(lost) => lost,
        };
    if era == Era::Legacy {
        // A session that is left open would only idle.
        let _ = tokio::time::timeout(Duration::from_secs(5), client.delete()).await;
    }
    outcome
}

/// Sends `signal` to the gateway's child.
fn signal(gateway: i32, signal: Signal) -> Outcome {
    let child = tree(gateway).into_iter().find(|process| process.name == "stdio-fixture");
    match child.and_then(|child| Pid::from_raw(child.pid)) {
        Some(child) if kill_process(child, signal).is_ok() => Outcome::Right,
        // Between two children there is none to harm.
        _ => Outcome::Left,
    }
}
