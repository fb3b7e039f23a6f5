//! Figures of the child's two transports as a pair, for docs/BENCHMARKS.md. On a quiet machine,
//! with `DREMIO_MCP_SERVER`: `cargo nextest run -p dremio-mcp --run-ignored only --no-capture -E
//! 'test(transport_figures)'`.
#![expect(clippy::print_stdout, reason = "figures")]

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::servers::dremios_own;
use crate::setting::Setting;
use crate::support::{Client, TRANSPORTS};

/// What a query takes at Dremio.
const JOB: Duration = Duration::from_millis(50);

const ROUNDS: usize = 3;
const CALLS_ALONE: usize = 20;
const CALLERS: usize = 16;
const CALLS_EACH: usize = 6;

async fn query(client: &Client) -> Duration {
    let since = Instant::now();
    let answer = client.text("RunSqlQuery", json!({ "query": "SELECT 1 AS \"a\"" })).await;
    assert!(answer.contains('1'), "{answer}");
    since.elapsed()
}

/// The median time of a query alone, and queries a second of many callers.
async fn measured(setting: &Setting) -> (Duration, f64) {
    let mut alone = Vec::new();
    for _ in 0..CALLS_ALONE {
        alone.push(query(&setting.client).await);
    }
    alone.sort_unstable();
    let since = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let client = setting.client.clone();
        callers.spawn(async move {
            for _ in 0..CALLS_EACH {
                query(&client).await;
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    let calls = u32::try_from(CALLERS * CALLS_EACH).unwrap();
    (alone[CALLS_ALONE / 2], f64::from(calls) / since.elapsed().as_secs_f64())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; for a quiet machine"]
async fn stdio_and_http_as_a_pair() {
    for server in dremios_own() {
        for repair in ["true", "false"] {
            let mut pair = Vec::new();
            for transport in TRANSPORTS {
                let mut settings = transport.to_vec();
                settings.push(("MCP_SERVER_COMMAND", server.as_str()));
                settings.push(("MCP_OFFICIAL_REPAIR", repair));
                let setting = Setting::with(&settings).await;
                setting.sandbox.control().set_job_duration(JOB);
                query(&setting.client).await;
                pair.push(setting);
            }
            for round in 0..ROUNDS {
                for (setting, name) in pair.iter().zip(["stdio", "HTTP"]) {
                    let (alone, rate) = measured(setting).await;
                    println!("{server} repair={repair} {round} {name}: {alone:?}, {rate:.1}/s");
                }
            }
        }
    }
}
