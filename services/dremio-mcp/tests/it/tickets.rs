//! The child over HTTP: every call has a ticket, which is all that opens the way to Dremio.

use std::time::Duration;

use dremio_sandbox::JobState;
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::servers::each_over;
use crate::setting::Setting;
use crate::support::{Client, Gateway, OTHER_KEY, TICKETS, children, eventually, http, messages};

async fn over_http() -> Setting {
    Setting::with(&[TICKETS]).await
}

/// The requests to Dremio's API that the sandbox has seen.
fn asked(setting: &Setting) -> Vec<String> {
    let seen = setting.sandbox.control().requests().into_iter().map(|request| request.path);
    seen.filter(|path| path.starts_with("/api/v3")).collect()
}

#[tokio::test]
async fn the_child_has_no_ticket_of_its_own() {
    let setting = over_http().await;
    let seen = setting.client.seen().await;
    let environment = seen["environment"].as_array().unwrap();
    assert!(environment.iter().all(|pair| !pair.as_str().unwrap().contains("PAT=")), "{seen}");
    assert!(setting.get("/api/v3/catalog").await.starts_with("HTTP/1.1 200"));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_ticket_ends_with_its_call() {
    let setting = over_http().await;
    setting.sandbox.control().clear_requests();
    assert_eq!(setting.client.text("fault", json!({ "kind": "late" })).await, "answered");
    eventually("the child has tried", async || {
        setting.client.seen().await["late"].as_array().unwrap().len() == 1
    })
    .await;
    let said = setting.client.seen().await["late"][0].as_str().unwrap().to_owned();
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
    assert!(!asked(&setting).iter().any(|path| path.contains("catalog")));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn another_process_cannot_reach_dremio_through_the_child() {
    let path = "/usr/bin:/bin:/of-another-process";
    let port = |command: String| -> Option<u16> {
        command.split_once("--port\0")?.1.split('\0').next()?.parse().ok()
    };
    for (server, setting) in each_over(&[TICKETS], &[("PATH", path)]).await {
        setting.sandbox.control().clear_requests();
        let commands = children(path).into_iter().map(|(_, command)| command);
        let ports: Vec<u16> = commands.filter_map(port).collect();
        assert!(!ports.is_empty());
        for (port, bearer) in ports.iter().flat_map(|port| [(port, "guessed"), (port, "")]) {
            let call = json!({
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": { "name": "RunSqlQuery", "arguments": { "query": "SELECT 1" } },
            });
            let answer = http()
                .post(format!("http://127.0.0.1:{port}/mcp"))
                .bearer_auth(bearer)
                .header("accept", "application/json, text/event-stream")
                .json(&call)
                .send()
                .await
                .unwrap();
            if bearer.is_empty() {
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{server}");
                continue;
            }
            let said = answer.text().await.unwrap();
            assert!(said.contains("401") || said.contains("Unknown tool"), "{server}: {said}");
        }
        assert_eq!(asked(&setting), Vec::<String>::new(), "{server}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn what_the_child_says_of_other_calls_reaches_nobody() {
    let setting = over_http().await;
    let bob = Client::new(&setting.gateway, OTHER_KEY);
    let (mut bob, params) = (bob, json!({ "name": "progress", "arguments": { "ms": 300 } }));
    bob.initialize("2025-11-25").await;
    let bobs = tokio::spawn(async move {
        let mut params = params;
        params["_meta"] = json!({ "progressToken": "bobs" });
        let call = json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params });
        messages(bob.post(&call.to_string()).await).await
    });
    // One call to look, and the one that waits.
    eventually("bob's call is with the child", async || {
        setting.client.seen().await["calls"].as_u64() > Some(2)
    })
    .await;
    assert_eq!(setting.client.text("fault", json!({ "kind": "others" })).await, "own");
    let bobs = bobs.await.unwrap();
    assert!(!json!(bobs).to_string().contains("stray"), "{bobs:?}");
    assert_eq!(bobs.last().unwrap()["result"]["content"][0]["text"], "done");
    assert_eq!(bobs[0]["params"]["progressToken"], "bobs");
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_broken_answer_fails_only_its_call() {
    let setting = over_http().await;
    for (kind, reason) in
        [("break", "broken_off"), ("status", "broken_off"), ("large", "answer_too_large")]
    {
        let answer = setting.client.call(json!(1), "fault", json!({ "kind": kind })).await;
        assert_eq!(answer["error"]["data"]["reason"], reason, "{kind}: {answer}");
    }
    let refused = setting.client.call(json!(1), "fault", json!({ "kind": "refuse" })).await;
    assert_eq!(refused["error"]["message"], "Validation error");
    assert_eq!(setting.client.text("echo", json!({ "text": "on" })).await, "on");
    assert!(setting.gateway.metrics().await.contains("dremio_mcp_engine_starts_total 1\n"));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn progress_comes_before_the_answer() {
    let setting = over_http().await;
    let params = json!({
        "name": "progress",
        "arguments": { "steps": 3, "ms": 1 },
        "_meta": { "progressToken": "mine" },
    });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let all = messages(setting.client.post(&call.to_string()).await).await;
    let steps: Vec<_> = all.iter().map(|message| message["params"]["progress"].clone()).collect();
    assert_eq!(steps, [json!(1), json!(2), json!(3), Value::Null], "{all:?}");
    assert!(all[..3].iter().all(|message| message["params"]["progressToken"] == "mine"));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_at_dremio() {
    let limit = [("MCP_CALL_TIMEOUT", "700ms"), ("MCP_OFFICIAL_REPAIR", "false")];
    for (server, setting) in each_over(&[TICKETS], &limit).await {
        let control = setting.sandbox.control();
        control.set_job_duration(Duration::from_secs(3600));
        let query = json!({ "query": "SELECT 1" });
        let answer = setting.client.call(json!(1), "RunSqlQuery", query).await;
        assert_eq!(answer["error"]["data"]["reason"], "call_timed_out", "{server}: {answer}");
        eventually("its job is cancelled", async || {
            control.jobs().iter().all(|job| job.state == JobState::Canceled)
        })
        .await;
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_server_without_http_is_named_with_the_cure() {
    let silent = format!("{} stdio-only", stdio_fixture::executable().display());
    let strict = "/bin/sh -c 'echo \"Error: No such option: $0\" >&2; exit 2'";
    for (command, words) in [(silent.as_str(), ""), (strict, "No such option: --enable-streaming")]
    {
        let settings = [TICKETS, ("MCP_SERVER_COMMAND", command), ("PATH", "/usr/bin:/bin")];
        let gateway = Gateway::start_with("http://127.0.0.1:9", &settings).await;
        eventually("readiness says so", async || {
            let engine = gateway.readiness().await["conditions"]["engine"].clone();
            let said = engine["message"].as_str().unwrap_or_default().to_owned();
            said.contains("MCP_SERVER_COMMAND does not seem to serve HTTP")
                && said.contains("--enable-streaming-http --host 127.0.0.1 --port PORT")
                && said.contains("MCP_ENGINE=native")
                && said.contains(words)
        })
        .await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_child_on_standby_takes_over_as_over_stdio() {
    let settings = [TICKETS, ("MCP_STANDBY", "true")];
    let gateway = Gateway::start_with("http://127.0.0.1:9", &settings).await;
    let client = gateway.client().await;
    let pid = |seen: &Value| i32::try_from(seen["pid"].as_i64().unwrap()).unwrap();
    let kill = |pid: i32| kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    eventually("both are there", async || {
        gateway.metrics().await.contains("dremio_mcp_engine_processes 2\n")
    })
    .await;
    let first = pid(&client.seen().await);
    kill(first);
    eventually("the other has taken over", async || {
        client.call(json!(1), "seen", json!({})).await["result"].is_object()
    })
    .await;
    let second = pid(&client.seen().await);
    assert_ne!(second, first);
    kill(second);
    eventually("a third one answers", async || {
        client.call(json!(1), "echo", json!({})).await["result"].is_object()
    })
    .await;
    assert_ne!(pid(&client.seen().await), second);
    gateway.stop().await;
}
