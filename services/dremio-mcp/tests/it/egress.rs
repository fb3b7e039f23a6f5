//! The child's way to Dremio, seen from both ends: what the caller gets, and what the sandbox saw.

use std::time::Duration;

use dremio_sandbox::{Fault, Sandbox, SandboxConfig, Scope};
use serde_json::{Value, json};

use crate::setting::Setting;
use crate::support::{Gateway, eventually, http};

#[tokio::test]
async fn calls_carry_the_current_token_and_the_child_has_none() {
    let setting = Setting::new().await;
    let first = setting.rotate().await;
    assert!(setting.get("/api/v3/catalog").await.starts_with("HTTP/1.1 200"));
    let second = setting.rotate().await;
    assert!(setting.get("/api/v3/catalog").await.starts_with("HTTP/1.1 200"));
    let used: Vec<_> = setting
        .sandbox
        .control()
        .requests()
        .into_iter()
        .filter(|request| request.path.starts_with("/api/v3"))
        .collect();
    assert_eq!(
        used.iter().map(|request| request.token.clone()).collect::<Vec<_>>(),
        [Some(first.clone()), Some(second.clone())]
    );
    let seen = setting.client.seen().await.to_string();
    assert!(!seen.contains(&first) && !seen.contains(&second));
    setting.gateway.stop().await;
}

#[tokio::test]
async fn the_child_may_read_and_nothing_more() {
    let setting = Setting::new().await;
    setting.sandbox.control().clear_requests();
    for path in ["/apiv2/login", "/api/v3/user/by-name/dremio", "/api/v3/catalog/../user/1", "/"] {
        let answer = setting.get(path).await;
        assert!(
            answer.starts_with("HTTP/1.1 403 dremio-mcp does not let the MCP server do this"),
            "{path}: {answer}"
        );
    }
    let asked = setting
        .sandbox
        .control()
        .requests()
        .into_iter()
        .filter(|request| request.path != "/apiv2/login")
        .count();
    assert_eq!(asked, 0);
    setting.gateway.stop().await;
}

#[tokio::test]
async fn the_egress_proxy_accepts_only_its_secret() {
    let setting = Setting::new().await;
    let environment = setting.client.seen().await["environment"].clone();
    let egress = environment
        .as_array()
        .unwrap()
        .iter()
        .find_map(|pair| pair.as_str()?.strip_prefix("DREMIOAI_DREMIO__URI="))
        .unwrap()
        .to_owned();
    for authorization in ["", "Bearer ", "Bearer wrong"] {
        let answer = http()
            .get(format!("{egress}/api/v3/catalog"))
            .header("authorization", authorization)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 401);
    }
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_rejected_token_is_replaced_within_the_call() {
    let setting = Setting::new().await;
    assert_eq!(setting.sandbox.control().revoke_all_tokens(), 1);
    // The refresher's part, late: the call is already waiting when the new token comes.
    let (answer, _) =
        tokio::join!(setting.get("/api/v3/catalog"), async {
            eventually("Dremio has rejected the call", async || {
                setting.sandbox.control().requests().iter().any(|request| {
                    request.path.starts_with("/api/v3") && request.status == Some(401)
                })
            })
            .await;
            setting.rotate().await
        });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_token_that_dremio_rejects_and_nobody_replaces_is_not_ready() {
    let setting = Setting::new().await;
    setting.sandbox.control().revoke_all_tokens();
    let answer = setting.get("/api/v3/catalog").await;
    assert!(answer.starts_with("HTTP/1.1 401 Dremio rejected the login token"), "{answer}");
    setting.token_reason_becomes("token_rejected").await;
    setting.rotate().await;
    assert!(setting.get("/api/v3/catalog").await.starts_with("HTTP/1.1 200"));
    assert_eq!(setting.gateway.readiness().await["ready"], true);
    setting.gateway.stop().await;
}

#[tokio::test]
async fn an_expired_or_missing_token_is_never_sent() {
    let setting = Setting::new().await;
    setting.write("expired-long-ago", "2020-01-01T00:00:00Z".parse().unwrap());
    setting.token_reason_becomes("token_expired").await;
    setting.sandbox.control().clear_requests();
    let answer = setting.get("/api/v3/catalog").await;
    assert!(
        answer
            .starts_with("HTTP/1.1 503 the login token for Dremio expired at 2020-01-01T00:00:00Z"),
        "{answer}"
    );
    std::fs::remove_file(setting.gateway.folder.path().join("token.json")).unwrap();
    setting.token_reason_becomes("missing").await;
    let answer = setting.get("/api/v3/catalog").await;
    assert!(answer.starts_with("HTTP/1.1 503 no login token for Dremio (missing)"), "{answer}");
    assert_eq!(setting.sandbox.control().requests().len(), 0);
    setting.gateway.stop().await;
}

#[tokio::test]
async fn dremio_failures_are_reported_and_temporary() {
    let setting = Setting::new().await;
    let control = setting.sandbox.control();
    for (fault, expected) in [
        (Fault::Status(500), "HTTP/1.1 500"),
        (
            Fault::Html,
            "HTTP/1.1 502 the call to Dremio failed: the answer is not from Dremio's REST API",
        ),
        (Fault::Drip { bytes_per_chunk: 64, interval: Duration::from_millis(1) }, "HTTP/1.1 200"),
        (Fault::Delay(Duration::from_millis(50)), "HTTP/1.1 200"),
    ] {
        let text = format!("{fault:?}");
        control.inject(fault, Scope::path("/api/v3"));
        let answer = setting.get("/api/v3/catalog").await;
        assert!(answer.starts_with(expected), "{text}: {answer}");
        control.clear_faults();
    }
    control.inject(Fault::ResetMidAnswer, Scope::path("/api/v3"));
    let cut = setting.get("/api/v3/catalog").await;
    assert!(
        !cut.contains("\"data\":[")
            || serde_json::from_str::<Value>(cut.split("\n\n").nth(1).unwrap_or_default()).is_err(),
        "{cut}"
    );
    control.clear_faults();
    control.set_refusing(true);
    let away = setting.get("/api/v3/catalog").await;
    assert!(
        away.starts_with("HTTP/1.1 502 the call to Dremio failed: Dremio cannot be reached"),
        "{away}"
    );
    let readiness = setting.gateway.readiness().await;
    assert_eq!(readiness["conditions"]["dremio"]["reason"], "unreachable");
    assert_eq!(readiness["conditions"]["engine"]["ready"], true);
    control.set_refusing(false);
    assert!(setting.get("/api/v3/catalog").await.starts_with("HTTP/1.1 200"));
    assert_eq!(setting.gateway.readiness().await["ready"], true);
    setting.gateway.stop().await;
}

#[tokio::test]
async fn the_path_that_was_checked_is_the_path_that_is_sent() {
    for prefix in ["", "/tools/dremio"] {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let gateway = Gateway::start_with(&format!("{}{prefix}", sandbox.uri()), &[]).await;
        let client = gateway.client().await;
        let setting = Setting { sandbox, gateway, client };
        setting.rotate().await;
        let sent = || {
            let seen = setting.sandbox.control().requests().into_iter().map(|request| request.path);
            seen.filter(|path| !path.ends_with("/apiv2/login")).collect::<Vec<_>>()
        };
        for path in [
            r"/api/v3/catalog/x\..\..\..\..\apiv2\users\all",
            r"/api/v3/catalog/x\..\..\..\..\..\..\apiv2\users\all",
            "/api/v3/catalog/x%5C..%5C..%5Capiv2",
            "/api/v3/catalog/..;/..;/user/1",
            "/api/v3/catalog/..%3B/user/1",
            "/api/v3/catalog/%2e%2e%2fuser",
            "/api/v3/catalog/by-path/x%2F..%2F..%2F..%2Fuser",
            "/api/v3/catalog/a%2Fb",
            "/api/v3/catalog//b",
            "/api/v3/catalog/id;v=1",
            "/api/v3/catalog/%",
            "/api/v3/catalog/%zz",
            "/api/v3/catalog/%ff",
            "/api/v3/catalog/%0d%0aX",
            "/api/v3/catalog?x=%0a",
            "/api/v3/catalog?x=%",
        ] {
            let answer = setting.get(path).await;
            assert!(
                answer.starts_with("HTTP/1.1 403"),
                "{prefix} {path}: {answer}; Dremio was asked for {:?}",
                sent()
            );
            assert_eq!(sent(), Vec::<String>::new(), "{path}");
        }
        for (path, expected) in [
            (
                "/api/v3/catalog/by-path/%40ada/a%2Fb/c%20d?removeCatalogName=true",
                "/api/v3/catalog/by-path/%40ada/a%2Fb/c%20d?removeCatalogName=true",
            ),
            (
                "/api/v3/catalog/by-path/@ada/gr%c3%b6%C3%9Fe",
                "/api/v3/catalog/by-path/%40ada/gr%C3%B6%C3%9Fe",
            ),
            (
                "/api/v3/catalog/dremio:%2FSource%2Fdir/collaboration/tag",
                "/api/v3/catalog/dremio%3A%2FSource%2Fdir/collaboration/tag",
            ),
        ] {
            setting.sandbox.control().clear_requests();
            setting.get(path).await;
            assert_eq!(sent(), [format!("{prefix}{expected}")], "{path}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn both_engines_have_the_same_number_of_permits() {
    let setting = Setting::with(&[("MCP_ENGINE", "native")]).await;
    setting.sandbox.control().set_job_duration(Duration::from_secs(600));
    let mut queries = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let client = setting.client.clone();
        queries.spawn(async move {
            client.call(json!(1), "RunSqlQuery", json!({ "query": "SELECT 1" })).await
        });
    }
    eventually("one client has its share, and the rest waits", async || {
        let metrics = setting.gateway.metrics().await;
        metrics.contains("dremio_mcp_places_held 32\n")
            && metrics.contains("dremio_mcp_calls_waiting 8\n")
    })
    .await;
    eventually("its share runs", async || setting.sandbox.control().jobs().len() == 32).await;
    let other = setting.gateway.client().await;
    let answer = other.text("GetUsefulSystemTableNames", json!({})).await;
    assert!(answer.contains("INFORMATION_SCHEMA"), "{answer}");
    queries.shutdown().await;
    setting.gateway.stop().await;
}
