//! The child's jobs and results at Dremio: waited for, cancelled, and held to a size.

use std::time::Duration;

use dremio_sandbox::{JobState, Sandbox, SandboxConfig};
use serde_json::json;

use crate::setting::Setting;
use crate::support::{Gateway, eventually, http};

#[tokio::test]
async fn a_job_is_waited_for() {
    let setting = Setting::new().await;
    let (control, token) = (setting.sandbox.control(), setting.rotate().await);
    control.set_job_duration(Duration::from_secs(3600));
    let client = setting.client.clone();
    let call =
        tokio::spawn(async move { client.text("query", json!({ "sql": "SELECT 1" })).await });
    // The child asks once, the egress proxy as often as it takes.
    eventually("Dremio is asked again", async || control.jobs().iter().any(|job| job.polls > 1))
        .await;
    assert!(!call.is_finished());
    let cancel = format!("{}/api/v3/job/{}/cancel", setting.sandbox.uri(), control.jobs()[0].id);
    http().post(cancel).bearer_auth(token).send().await.unwrap().error_for_status().unwrap();
    let answer = call.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#""jobState":"CANCELED""#),
        "{answer}"
    );
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_is_cancelled_at_dremio() {
    let setting = Setting::new().await;
    let control = setting.sandbox.control();
    control.set_job_duration(Duration::from_secs(3600));
    let query = |id: &str| {
        json!({
            "jsonrpc": "2.0",
            "id": id,
            "method": "tools/call",
            "params": { "name": "query", "arguments": { "sql": "SELECT 1" } },
        })
        .to_string()
    };
    let asked = async |count: usize| {
        eventually("Dremio is asked about the job", async || {
            let jobs = setting.sandbox.control().jobs();
            jobs.len() == count && jobs.iter().all(|job| job.polls > 0)
        })
        .await;
    };
    let cancelled = async |count: usize| {
        eventually("its job is cancelled", async || {
            setting
                .sandbox
                .control()
                .jobs()
                .iter()
                .filter(|job| job.state == JobState::Canceled)
                .count()
                == count
        })
        .await;
    };
    let in_background = |body: String| {
        let client = setting.client.clone();
        tokio::spawn(async move { client.post(&body).await.text().await })
    };

    let waiting = in_background(query("cancelled"));
    asked(1).await;
    let cancel = concat!(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","#,
        r#""params":{"requestId":"cancelled"}}"#,
    );
    setting.client.post(cancel).await;
    cancelled(1).await;
    waiting.await.unwrap().unwrap();

    let gone = in_background(query("gone"));
    asked(2).await;
    gone.abort();
    cancelled(2).await;

    let lost = in_background(query("lost"));
    asked(3).await;
    let pid = i32::try_from(setting.client.seen().await["pid"].as_i64().unwrap()).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    cancelled(3).await;
    assert!(lost.await.unwrap().unwrap().contains("engine_lost"));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_call_over_its_time_cancels_its_job() {
    let sandbox = Sandbox::start(SandboxConfig {
        job_duration: Duration::from_secs(3600),
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let gateway = Gateway::start_with(&sandbox.uri(), &[("MCP_CALL_TIMEOUT", "3s")]).await;
    let client = gateway.client().await;
    let setting = Setting { sandbox, gateway, client };
    setting.rotate().await;
    let answer = setting.client.call(json!(1), "query", json!({ "sql": "SELECT 1" })).await;
    assert_eq!(answer["error"]["data"]["reason"], "call_timed_out");
    let jobs = || setting.sandbox.control().jobs();
    eventually("its job is cancelled", async || {
        jobs().iter().all(|job| job.state == JobState::Canceled) && jobs().len() == 1
    })
    .await;
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_stop_that_cannot_wait_tells_the_clients_and_cancels_their_jobs() {
    for engine in ["official", "native"] {
        let settings = [("MCP_ENGINE", engine), ("MCP_DRAIN_TIMEOUT", "2s")];
        let setting = Setting::with(&settings).await;
        let control = setting.sandbox.control();
        control.set_job_duration(Duration::from_secs(600));
        let (client, tool) =
            (setting.client.clone(), if engine == "native" { "RunSqlQuery" } else { "query" });
        let arguments = if engine == "native" {
            json!({ "query": "SELECT 1" })
        } else {
            json!({ "sql": "SELECT 1" })
        };
        let call = tokio::spawn(async move { client.call(json!(1), tool, arguments).await });
        eventually("the job runs", async || control.jobs().len() == 1).await;
        setting.gateway.request_stop();
        assert_eq!(call.await.unwrap()["error"]["data"]["reason"], "stopping", "{engine}");
        setting.gateway.stopped().await;
        assert!(control.jobs()[0].cancel_requested, "{engine}");
    }
}

/// A query for a thousand rows of `bytes` each.
fn thousand_of(bytes: usize) -> String {
    let digits = (1..10).fold("SELECT 0 AS \"n\"".to_owned(), |query, digit| {
        format!("{query} UNION ALL SELECT {digit}")
    });
    format!(
        "WITH \"d\" AS ({digits}) SELECT REPEAT('x', {bytes}) AS \"x\" FROM \"d\" a CROSS JOIN \
         \"d\" b CROSS JOIN \"d\" c"
    )
}

#[tokio::test]
async fn the_size_of_a_result_for_the_child_is_limited() {
    let setting = Setting::new().await;
    let status = setting.client.text("query", json!({ "sql": thousand_of(3000) })).await;
    assert!(status.contains(r#""jobState":"COMPLETED""#), "{status}");
    let job = setting.sandbox.control().jobs()[0].id.clone();
    let page = async |offset: u32, limit: u32| {
        setting.get(&format!("/api/v3/job/{job}/results?offset={offset}&limit={limit}")).await
    };
    let refused = |answer: &str| {
        let told = answer.lines().next().unwrap_or_default();
        told.starts_with("HTTP/1.1 413 This result is larger than 1 MiB")
            && told.contains("aggregate")
            && answer.contains("errorMessage")
    };
    // One page that is too large by itself, and pages that are together.
    let answer = page(0, 500).await;
    assert!(refused(&answer), "{answer:.300}");
    for offset in [0, 100, 200] {
        let answer = page(offset, 100).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.matches("xxx\"").count() == 100,
            "{answer:.300}"
        );
    }
    assert!(refused(&page(300, 100).await));
    // Whoever begins anew has it all again, and other results have nothing to do with it.
    assert!(page(0, 100).await.starts_with("HTTP/1.1 200 "));
    assert!(
        setting.client.text("query", json!({ "sql": thousand_of(30) })).await.contains("COMPLETED")
    );
    let job = setting.sandbox.control().jobs()[1].id.clone();
    assert!(
        setting
            .get(&format!("/api/v3/job/{job}/results?offset=0&limit=500"))
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    assert!(setting.gateway.metrics().await.contains("dremio_mcp_bytes_held{kind=\"pages\"} 0\n"));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn the_official_servers_own_limit_says_how_much_of_a_result_may_pass() {
    let setting = Setting::with(&[("DREMIOAI_DREMIO__MAX_RESULT_BYTES", "500000")]).await;
    assert!(
        setting
            .client
            .text("query", json!({ "sql": thousand_of(3000) }))
            .await
            .contains("COMPLETED")
    );
    let job = setting.sandbox.control().jobs()[0].id.clone();
    assert!(
        setting
            .get(&format!("/api/v3/job/{job}/results?offset=0&limit=500"))
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    setting.gateway.stop().await;
}
