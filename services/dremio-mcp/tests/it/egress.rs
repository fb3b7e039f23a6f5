//! The child's way to Dremio, seen from both ends: what the caller gets, and what the sandbox saw.

use std::time::Duration;

use dremio_sandbox::{Fault, Sandbox, SandboxConfig, Scope};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use token_file::{Token, TokenId, Writer};

use crate::support::{Client, Gateway, eventually, http};

/// A sandbox, and a gateway in front of it with a token that the sandbox gave.
pub(crate) struct Setting {
    pub(crate) sandbox: Sandbox,
    pub(crate) gateway: Gateway,
    pub(crate) client: Client,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let gateway = Gateway::start_with(&sandbox.uri(), settings).await;
        gateway.has_engine().await;
        let client = gateway.client().await;
        let setting = Self { sandbox, gateway, client };
        setting.rotate().await;
        setting
    }

    /// Logs in at the sandbox as another user, and writes the token to `file` beside the others.
    pub(crate) async fn log_in_as(&self, user: &str, password: &str, file: &str) {
        let body = json!({ "userName": user, "password": password });
        let login = http().post(format!("{}/apiv2/login", self.sandbox.uri())).json(&body);
        let login: Value = login.send().await.unwrap().json().await.unwrap();
        let token = SecretString::from(login["token"].as_str().unwrap().to_owned());
        let expires_at = Timestamp::from_millisecond(login["expires"].as_i64().unwrap()).unwrap();
        let file = self.gateway.folder.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        Writer::open(file).unwrap().write(&Token::new(token, expires_at)).unwrap();
    }

    /// Logs in at the sandbox and writes the new token, as the refresher would.
    pub(crate) async fn rotate(&self) -> String {
        let body = json!({ "userName": "dremio", "password": "dremio123" });
        let login: Value = http()
            .post(format!("{}/apiv2/login", self.sandbox.uri()))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = login["token"].as_str().unwrap().to_owned();
        let expires_at = Timestamp::from_millisecond(login["expires"].as_i64().unwrap()).unwrap();
        let id = self.write(&token, expires_at).to_string();
        let shown = async || {
            self.gateway.readiness().await["conditions"]["token"]["message"]
                .as_str()
                .is_some_and(|text| text.contains(&id))
        };
        eventually("the gateway uses the new token", shown).await;
        token
    }

    fn write(&self, token: &str, expires_at: Timestamp) -> TokenId {
        let token = Token::new(SecretString::from(token.to_owned()), expires_at);
        Writer::open(self.gateway.folder.path().join("token.json")).unwrap().write(&token).unwrap();
        token.id()
    }

    async fn token_reason_becomes(&self, reason: &str) {
        eventually(&format!("readiness says {reason}"), async || {
            self.gateway.readiness().await["conditions"]["token"]["reason"] == reason
        })
        .await;
    }

    /// What the child gets for a GET: the status line and the body.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.client.text("dremio", json!({ "path": path })).await
    }
}

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
