//! Sandbox, refresher and gateway on free ports.

use std::time::Duration;

use dremio_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use service_kit::env::Env;
use service_kit::lifecycle::Shutdown;
use service_kit::{Clock, Exit};
use tempfile::TempDir;
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
        let (dremio, token_file) = (sandbox.uri(), folder.path().join("token.json"));
        let shutdown = Shutdown::new();
        let common = [
            ("DREMIO_URI", dremio.as_str()),
            ("TOKEN_FILE", token_file.to_str().unwrap()),
            ("ADMIN_ADDR", "127.0.0.1:0"),
        ];

        let own = [
            ("DREMIO_USERNAME", "dremio"),
            ("DREMIO_PASSWORD", PASSWORD),
            ("TOKEN_REVOKE_AFTER", "1s"),
            ("RETRY_INITIAL", "100ms"),
        ];
        let config =
            token_refresher::Config::read(&Env::from_pairs(common.into_iter().chain(own))).unwrap();
        let refresher =
            token_refresher::App::start(config, Clock::system(), shutdown.clone()).await.unwrap();

        let (nudge, fixture) =
            (format!("http://{}", refresher.admin_addr()), stdio_fixture::executable());
        let own = [
            ("MCP_ADDR", "127.0.0.1:0"),
            ("MCP_API_KEY", KEY),
            ("MCP_RATE_LIMIT", "off"),
            ("MCP_SERVER_COMMAND", fixture.to_str().unwrap()),
            ("REFRESHER_URL", nudge.as_str()),
        ];
        let config =
            dremio_mcp::Config::read(&Env::from_pairs(common.into_iter().chain(own))).unwrap();
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
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
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
    let _installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}
