//! The child process: what it sees, how it dies, and what its callers notice.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::support::{Client, Gateway, KEY, TRANSPORTS, eventually};

fn pid(seen: &Value) -> Pid {
    Pid::from_raw(i32::try_from(seen["pid"].as_i64().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_child_sees_a_cleared_environment_and_no_credential() {
    let gateway = Gateway::start_with(
        "http://127.0.0.1:9",
        &[("DREMIOAI_TOOLS__SERVER_MODE", "FOR_SELF"), ("AWS_SECRET", "x"), ("PATH", "/bin")],
    )
    .await;
    let seen = gateway.client().await.seen().await;
    let mut names: Vec<&str> = seen["environment"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|pair| pair.as_str()?.split('=').next())
        .collect();
    names.sort_unstable();
    let expected = [
        "DREMIOAI_DREMIO__ALLOW_DML",
        "DREMIOAI_DREMIO__PAT",
        "DREMIOAI_DREMIO__URI",
        "DREMIOAI_TOOLS__SERVER_MODE",
        "PATH",
        "PYTHONUNBUFFERED",
        "TMPDIR",
        "XDG_CONFIG_HOME",
    ];
    assert_eq!(names, expected);
    assert!(!seen.to_string().contains(KEY));
    gateway.stop().await;
}

#[tokio::test]
async fn a_killed_child_is_replaced_and_sessions_live_on() {
    for transport in TRANSPORTS {
        let gateway = Gateway::start_with("http://127.0.0.1:9", transport).await;
        let client = gateway.client().await;
        let first = pid(&client.seen().await);
        let waiting = client.clone();
        let waiting = tokio::spawn(async move {
            waiting.call(json!("w"), "fault", json!({ "kind": "silent" })).await
        });
        // One call to learn the pid, one that waits, and those that look.
        let mut own = 1;
        eventually("the call is with the child", || {
            own += 1;
            let (client, own) = (client.clone(), own);
            async move { client.seen().await["calls"].as_u64() > Some(own) }
        })
        .await;
        kill_process(first, Signal::KILL).unwrap();
        let lost = waiting.await.unwrap();
        assert_eq!(
            (&lost["id"], &lost["error"]["data"]["reason"]),
            (&json!("w"), &json!("engine_lost"))
        );
        // The same session goes on, and lists are answered without a child.
        assert_eq!(client.text("echo", json!({ "text": "again" })).await, "again");
        assert_ne!(pid(&client.seen().await), first);
        assert!(test_kill_process(first).is_err(), "it was reaped");
        assert_eq!(gateway.readiness().await["conditions"]["engine"]["ready"], true);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn grandchildren_leave_with_the_child() {
    for transport in TRANSPORTS {
        let gateway = Gateway::start_with(
            "http://127.0.0.1:9",
            &[transport, &[("PATH", "/usr/bin:/bin")]].concat(),
        )
        .await;
        let client = gateway.client().await;
        let group = pid(&client.seen().await);
        let lost = client.call(json!(1), "fault", json!({ "kind": "grandchild" })).await;
        assert_eq!(lost["error"]["data"]["reason"], "engine_lost");
        eventually("the whole group is gone", async || {
            rustix::process::test_kill_process_group(group).is_err()
        })
        .await;
        assert_eq!(client.text("echo", json!({ "text": "on" })).await, "on");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_child_on_standby_takes_over_without_a_wait() {
    // Two of them start; a third would never come up.
    let folder = tempfile::tempdir().unwrap();
    let (path, fixture) = (folder.path().to_str().unwrap(), stdio_fixture::executable());
    let twice = format!(
        "/bin/sh -c 'mkdir {path}/1 || mkdir {path}/2 || sleep 3600; exec {}'",
        fixture.display()
    );
    let environment = [
        ("MCP_STANDBY", "true"),
        ("MCP_SERVER_COMMAND", twice.as_str()),
        ("MCP_SERVER_WRITABLE", path),
        ("PATH", "/usr/bin:/bin"),
    ];
    let gateway = Gateway::start_with("http://127.0.0.1:9", &environment).await;
    let client = gateway.client().await;
    let first = pid(&client.seen().await);
    eventually("both are there", async || {
        gateway.metrics().await.contains("dremio_mcp_engine_processes 2\n")
    })
    .await;
    kill_process(first, Signal::KILL).unwrap();
    eventually("the other has taken over", async || {
        // The one call that was on its way may be lost.
        client.call(json!(1), "seen", json!({})).await["result"].is_object()
    })
    .await;
    assert_eq!(gateway.readiness().await["conditions"]["engine"]["ready"], true);
    let second = pid(&client.seen().await);
    assert_ne!(second, first);
    gateway.stop().await;
    assert!(test_kill_process(second).is_err());
}

#[tokio::test]
async fn a_child_that_hangs_is_replaced() {
    for transport in TRANSPORTS {
        let gateway = Gateway::start_with(
            "http://127.0.0.1:9",
            &[transport, &[("MCP_ENGINE_TIMEOUT", "400ms")]].concat(),
        )
        .await;
        let client = gateway.client().await;
        // Stopped from outside, with a call in flight, and stuck by itself.
        for stop in [true, false] {
            let child = pid(&client.seen().await);
            if stop {
                kill_process(child, Signal::STOP).unwrap();
            }
            let lost = client.call(json!(1), "fault", json!({ "kind": "hang" })).await;
            assert_eq!(lost["error"]["data"]["reason"], "engine_lost");
            assert_eq!(client.text("echo", json!({ "text": "on" })).await, "on");
            assert_ne!(pid(&client.seen().await), child);
            assert!(test_kill_process(child).is_err(), "it is gone");
        }
        // A child that is merely idle is left alone.
        let idle = pid(&client.seen().await);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(pid(&client.seen().await), idle);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn odd_output_harms_no_call() {
    for transport in TRANSPORTS {
        let gateway = Gateway::start_with("http://127.0.0.1:9", transport).await;
        let client = gateway.client().await;
        assert_eq!(client.text("fault", json!({ "kind": "garbage" })).await, "after garbage");
        assert_eq!(client.text("fault", json!({ "kind": "ask" })).await, "asked");
        assert_eq!(client.text("fault", json!({ "kind": "flood" })).await, "after the flood");
        let large = client.call(json!(1), "fault", json!({ "kind": "large" })).await;
        assert_eq!(large["error"]["data"]["reason"], "answer_too_large");
        assert_eq!(client.text("echo", json!({ "text": "on" })).await, "on");
        assert!(gateway.metrics().await.contains("dremio_mcp_engine_starts_total 1\n"));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_in_readiness() {
    let gateway = Gateway::start_with(
        "http://127.0.0.1:9",
        &[("MCP_SERVER_COMMAND", "/nowhere/mcp-server run")],
    )
    .await;
    eventually("readiness says so", async || {
        let engine = gateway.readiness().await["conditions"]["engine"].clone();
        engine["reason"] == "engine_down"
            && engine["message"].as_str().unwrap().contains("`/nowhere/mcp-server` was not found")
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_stopped_gateway_leaves_no_process() {
    for transport in TRANSPORTS {
        let gateway = Gateway::start_with("http://127.0.0.1:9", transport).await;
        let client = gateway.client().await;
        let child = pid(&client.seen().await);
        gateway.stop().await;
        assert!(test_kill_process(child).is_err());
    }
}

#[tokio::test]
async fn a_first_client_waits_for_the_first_child() {
    let gateway = Gateway::start().await;
    // No waiting here: the handshake itself waits until the child has introduced itself.
    let mut client = Client::new(&gateway, KEY);
    assert_eq!(client.initialize("2025-11-25").await["serverInfo"]["name"], "stdio-fixture");
    assert!(tokio::time::timeout(Duration::from_secs(5), client.seen()).await.is_ok());
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_that_never_comes_up_has_its_last_words_in_readiness() {
    let dying = "/bin/sh -c 'echo loading >&2; echo \"ModuleNotFoundError: dremioai, not \
                 $DREMIOAI_DREMIO__PAT\" >&2; exit 1'";
    let gateway = Gateway::start_with(
        "http://127.0.0.1:9",
        &[("MCP_SERVER_COMMAND", dying), ("PATH", "/usr/bin:/bin")],
    )
    .await;
    let engine = async || gateway.readiness().await["conditions"]["engine"].clone();
    eventually("readiness says so", async || engine().await["reason"] == "engine_down").await;
    let said = engine().await["message"].clone();
    assert_eq!(
        said,
        "it ended (exit status: 1); its last words: loading | ModuleNotFoundError: dremioai, not \
         ***"
    );
    gateway.stop().await;
}
