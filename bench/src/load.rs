//! A closed loop: each of so many connections sends a call, checks its answer, and sends the next
//! one.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::mcp::{Client, Endpoint, Era};
use crate::process_table::{Usage, usage};
use crate::samples::Samples;

/// Before what is measured: caches, connections and just-in-time compilers settle.
const WARM_UP: Duration = Duration::from_millis(1500);

/// An answer that takes longer is lost.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// What one run gave.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// Calls whose answer was wrong, an error, or none.
    pub(crate) bad: usize,
    /// Processor time of the server's first process, and of it with all that it started, for each
    /// call.
    pub(crate) own_cpu_ms: f64,
    pub(crate) tree_cpu_ms: f64,
    pub(crate) usage: Usage,
}

/// One connection's part.
#[derive(Default)]
struct Part {
    samples: Samples,
    bad: Vec<String>,
}

/// Loads the server `pid` at `endpoint` for `length` over `connections` connections of `era`.
///
/// # Errors
/// When a connection cannot be opened, which is also how it shows that a server does not speak
/// `era`.
pub(crate) async fn run(
    endpoint: &Endpoint,
    pid: i32,
    era: Era,
    connections: usize,
    length: Duration,
) -> anyhow::Result<Measured> {
    let mut clients = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut client = Client::connect(endpoint, era).await?;
        client.echo(0, &format!("first of {number}")).await?;
        clients.push(client);
    }
    let begin = Instant::now() + WARM_UP;
    let end = begin + length;
    let mut parts = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        parts.spawn(one(client, number, begin, end));
    }
    tokio::time::sleep_until(begin).await;
    let before = usage(pid);
    tokio::time::sleep_until(end).await;
    let after = usage(pid);
    let mut whole = Part::default();
    while let Some(part) = parts.join_next().await {
        let part = part?;
        whole.samples.merge(part.samples);
        whole.bad.extend(part.bad);
    }
    for text in whole.bad.iter().take(3) {
        crate::say(&format!("BAD: {text:.500}"));
    }
    let calls = whole.samples.count().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
    let calls = calls as f64;
    let each = |after: Duration, before: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1e3 / calls
    };
    Ok(Measured {
        per_second: calls / length.as_secs_f64(),
        p50_ms: whole.samples.at_ms(500),
        p99_ms: whole.samples.at_ms(990),
        max_ms: whole.samples.at_ms(1000),
        bad: whole.bad.len(),
        own_cpu_ms: each(after.own_cpu, before.own_cpu),
        tree_cpu_ms: each(after.tree_cpu, before.tree_cpu),
        usage: after,
    })
}

async fn one(mut client: Client, number: usize, begin: Instant, end: Instant) -> Part {
    let mut part = Part::default();
    for id in 1.. {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let text = format!("connection {number} call {id}");
        let checked = tokio::time::timeout(ANSWER_WAIT_MAX, client.echo(id, &text)).await;
        let took = sent.elapsed();
        match checked {
            Ok(Ok(())) if sent >= begin => part.samples.add(took),
            Ok(Ok(())) => {}
            Ok(Err(cause)) => part.bad.push(format!("{cause:#}")),
            Err(_) => part.bad.push(format!("no answer to {text}")),
        }
        if part.bad.len() > 100 {
            break;
        }
    }
    part
}
