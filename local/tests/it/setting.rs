//! Sandbox, refresher and gateway on free ports.

use std::time::Duration;

use dremio_client::DremioUri;
use dremio_mcp::{AuthConfig, EngineConfig};
use dremio_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use service_kit::env::Env;
use service_kit::lifecycle::Shutdown;
use service_kit::{Clock, Exit, SecretSource};
use tempfile::TempDir;
use token_refresher::schedule::Policy;
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "key-of-the-tests-0123456789";
pub(crate) const PASSWORD: &str = "dremio123";

/// Far beyond what anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that runs.
pub(crate) struct Setting {
    pub(crate) sandbox: Sandbox,
    pub(crate) uri: String,
    pub(crate) admin: String,
    _folder: TempDir,
    shutdown: Shutdown,
    gateway: JoinHandle<Exit>,
    refresher: token_refresher::RunningApp,
}

impl Setting {
    /// A sandbox whose tokens live for `lifetime`, and the services in front of it.
    pub(crate) async fn start(lifetime: Duration) -> Self {
        let sandbox =
            Sandbox::start(SandboxConfig { token_lifetime: lifetime, ..SandboxConfig::default() })
                .await
                .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token.json");
        let shutdown = Shutdown::new();
        let uri: DremioUri = sandbox.uri().parse().unwrap();
        let any_port = "127.0.0.1:0".parse().unwrap();
        let inline = |text: &str| SecretSource::Inline(text.into());

        let config = token_refresher::Config::new(uri.clone(), inline("dremio"), inline(PASSWORD));
        let config = token_refresher::Config {
            token_file: token_file.clone(),
            admin_addr: any_port,
            revoke_after: Some(Duration::from_secs(1)),
            policy: Policy { retry_initial: Duration::from_millis(100), ..config.policy },
            ..config
        };
        let refresher =
            token_refresher::App::start(config, Clock::system(), shutdown.clone()).await.unwrap();

        let auth = AuthConfig::Keys(inline(KEY));
        let config = dremio_mcp::Config::new(uri, any_port, auth, &Env::default()).unwrap();
        let fixture = stdio_fixture::executable();
        let config = dremio_mcp::Config {
            token_file,
            admin_addr: any_port,
            rate_limit: None,
            engine: EngineConfig::Official(vec![fixture.to_str().unwrap().to_owned()]),
            refresher_url: format!("http://{}/", refresher.admin_addr()).parse().ok(),
            ..config
        };
        let app = dremio_mcp::App::start(config, Clock::system(), shutdown.clone()).await.unwrap();
        let (uri, admin) =
            (format!("http://{}/mcp", app.mcp_addr()), format!("http://{}", app.admin_addr()));
        Self {
            sandbox,
            uri,
            admin,
            _folder: folder,
            shutdown,
            gateway: tokio::spawn(app.run()),
            refresher,
        }
    }

    /// Calls the fixture's tool that GETs `path` at Dremio; its status line, or what went wrong.
    pub(crate) async fn get(&self, http: &reqwest::Client, path: &str) -> Result<String, String> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": "dremio", "arguments": { "path": path }, "_meta": meta });
        let request = http
            .post(&self.uri)
            .bearer_auth(KEY)
            .header("accept", "application/json, text/event-stream");
        let request = request
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "dremio");
        let answer = request
            .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }))
            .send()
            .await;
        let answer: Value = answer
            .map_err(|cause| cause.to_string())?
            .json()
            .await
            .map_err(|cause| cause.to_string())?;
        let text =
            answer["result"]["content"][0]["text"].as_str().ok_or_else(|| answer.to_string())?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// The gateway's metrics.
    pub(crate) async fn metrics(&self) -> String {
        metrics(&self.admin).await
    }

    /// How often the refresher has logged in.
    pub(crate) async fn logins(&self) -> usize {
        let text = metrics(&format!("http://{}", self.refresher.admin_addr())).await;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("token_refresher_logins_total "))
            .map(str::to_owned);
        line.unwrap_or_else(|| panic!("no such metric: {text}")).parse().unwrap()
    }

    /// Stops everything and proves that it was clean.
    pub(crate) async fn stop(mut self) {
        self.shutdown.request();
        assert_eq!(
            tokio::time::timeout(PATIENCE, self.gateway).await.unwrap().unwrap(),
            Exit::Success
        );
        assert_eq!(
            tokio::time::timeout(PATIENCE, self.refresher.join()).await.unwrap(),
            Exit::Success
        );
        self.sandbox.stop().await;
    }
}

async fn metrics(admin: &str) -> String {
    http().get(format!("{admin}/metrics")).send().await.unwrap().text().await.unwrap()
}

/// A client whose process has a TLS implementation, which reqwest wants even for plain HTTP.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}
