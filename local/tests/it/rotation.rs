//! The promise of the project: tokens come and go, and no client notices.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::setting::{PATIENCE, Setting, http};

const CLIENTS: usize = 8;
const ROTATIONS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_rotations_under_load_fail_no_call_and_restart_nothing() {
    let setting = Arc::new(Setting::start(Duration::from_millis(1500)).await);
    let stop = CancellationToken::new();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (setting, stop, http) = (Arc::clone(&setting), stop.clone(), http());
            tokio::spawn(async move {
                let mut calls = 0_usize;
                while !stop.is_cancelled() {
                    let answer = setting.get(&http, "/api/v3/catalog").await;
                    assert_eq!(answer.as_deref(), Ok("HTTP/1.1 200 OK"));
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    let rotated = tokio::time::timeout(PATIENCE, async {
        // The first login is no rotation.
        while setting.logins().await <= ROTATIONS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(rotated.await.is_ok(), "only {} logins", setting.logins().await);
    stop.cancel();
    let mut total = 0_usize;
    for client in clients {
        total += client.await.unwrap();
    }
    // How many there are is a matter of speed; there are enough to have met every rotation.
    assert!(total > ROTATIONS, "only {total} calls");
    assert!(setting.metrics().await.contains("dremio_mcp_engine_starts_total 1\n"));
    Arc::into_inner(setting).unwrap().stop().await;
}

#[tokio::test]
async fn revoking_every_token_costs_the_next_call_a_moment() {
    let setting = Setting::start(Duration::from_secs(3600)).await;
    let http = http();
    assert_eq!(setting.get(&http, "/api/v3/catalog").await.as_deref(), Ok("HTTP/1.1 200 OK"));
    for _ in 0..3 {
        assert!(setting.sandbox.control().revoke_all_tokens() >= 1);
        assert_eq!(setting.get(&http, "/api/v3/catalog").await.as_deref(), Ok("HTTP/1.1 200 OK"));
    }
    assert!(setting.metrics().await.contains("dremio_mcp_engine_starts_total 1\n"));
    setting.stop().await;
}
