//! A running gateway, and a client that shows what went over the wire.

use std::sync::OnceLock;
use std::time::Duration;

use dremio_mcp::{App, Config};
use reqwest::{Method, Response, StatusCode};
use rustix::process::Pid;
use serde_json::{Value, json};
use service_kit::env::Env;
use service_kit::lifecycle::Shutdown;
use service_kit::{Clock, Exit};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "key-of-ada-0123456789abcdef";
pub(crate) const OTHER_KEY: &str = "key-of-bob-0123456789abcdef";

/// Far beyond what anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Not a setting of the environment: that each call has a ticket, also where no setting asks for
/// that.
pub(crate) const TICKETS: (&str, &str) = ("tickets", "true");

/// The settings by which the gateway speaks with its child in either way.
pub(crate) const TRANSPORTS: [&[(&str, &str)]; 2] = [&[], &[TICKETS]];

/// A gateway over the fixture. Dropping it stops everything at once.
pub(crate) struct Gateway {
    pub(crate) uri: String,
    pub(crate) admin: String,
    pub(crate) folder: TempDir,
    shutdown: Shutdown,
    running: JoinHandle<Exit>,
}

impl Gateway {
    /// A gateway whose child is the fixture, and whose Dremio is at `dremio`.
    pub(crate) async fn start_with(dremio: &str, extra: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token.json");
        let keys = folder.path().join("keys");
        std::fs::write(&keys, format!("{KEY}\n{OTHER_KEY}\n")).unwrap();
        let fixture = stdio_fixture::executable();
        let mut pairs = vec![
            ("DREMIO_URI", dremio),
            ("MCP_ADDR", "127.0.0.1:0"),
            ("ADMIN_ADDR", "127.0.0.1:0"),
            ("TOKEN_FILE", token_file.to_str().unwrap()),
            ("MCP_API_KEYS_FILE", keys.to_str().unwrap()),
            ("MCP_SERVER_COMMAND", fixture.to_str().unwrap()),
        ];
        pairs.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        pairs.extend(extra.iter().filter(|setting| **setting != TICKETS));
        let mut config = Config::read(&Env::from_pairs(pairs)).unwrap();
        config.tickets |= extra.contains(&TICKETS);
        let shutdown = Shutdown::new();
        let app = App::start(config, Clock::system(), shutdown.clone()).await.unwrap();
        let (uri, admin) =
            (format!("http://{}/mcp", app.mcp_addr()), format!("http://{}", app.admin_addr()));
        let running = tokio::spawn(app.run());
        Self { uri, admin, folder, shutdown, running }
    }

    /// A gateway over the fixture, with no Dremio to speak of.
    pub(crate) async fn start() -> Self {
        Self::start_with("http://127.0.0.1:9", &[]).await
    }

    /// Stops as SIGTERM would, at once if a stop was asked for already, and proves that it was a
    /// clean stop.
    pub(crate) async fn stop(self) {
        self.shutdown.request();
        self.stopped().await;
    }

    /// Waits for the end of a stop that was asked for, and proves that it was a clean one.
    pub(crate) async fn stopped(mut self) {
        assert_eq!(
            tokio::time::timeout(PATIENCE, &mut self.running).await.unwrap().unwrap(),
            Exit::Success
        );
    }

    /// Asks for a stop without waiting for it.
    pub(crate) fn request_stop(&self) {
        self.shutdown.request();
    }

    /// A legacy client that has shaken hands.
    pub(crate) async fn client(&self) -> Client {
        let mut client = Client::new(self, KEY);
        client.initialize("2025-11-25").await;
        client
    }

    /// What `/readyz` on the admin address says.
    pub(crate) async fn readiness(&self) -> Value {
        http().get(format!("{}/readyz", self.admin)).send().await.unwrap().json().await.unwrap()
    }

    /// Waits until the engine answers: a Python server on a busy machine takes longer than a
    /// client waits for its first answer.
    pub(crate) async fn has_engine(&self) {
        let waited = tokio::time::timeout(PATIENCE * 6, async {
            while self.readiness().await["conditions"]["engine"]["ready"] != true {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "the engine does not come up");
    }

    pub(crate) async fn metrics(&self) -> String {
        http().get(format!("{}/metrics", self.admin)).send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.stop_now();
    }
}

/// The child processes of gateways here that were given this `PATH`, with their command lines,
/// whose parts end with 0.
pub(crate) fn children(path: &str) -> Vec<(Pid, String)> {
    let child = |entry: std::fs::DirEntry| {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).ok();
        let stat = read("stat")?;
        // Behind the name, which may have spaces: the state and the parent.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()?;
        let is_one = parent == std::process::id()
            && read("environ")?.split('\0').any(|pair| pair.strip_prefix("PATH=") == Some(path));
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        is_one.then_some((pid, read("cmdline")?))
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(child).collect()
}

/// One HTTP client for all tests of this process.
pub(crate) fn http() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// Waits for `condition`, and fails the test when it does not come true.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

/// A legacy client that holds one session.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    uri: String,
    key: &'static str,
    pub(crate) session: Option<String>,
}

impl Client {
    pub(crate) fn new(gateway: &Gateway, key: &'static str) -> Self {
        Self { http: http(), uri: gateway.uri.clone(), key, session: None }
    }

    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        self.initialize_with(version, &json!({})).await
    }

    pub(crate) async fn initialize_with(&mut self, version: &str, capabilities: &Value) -> Value {
        let client = json!({ "name": "test", "version": "0" });
        let params = json!({
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": client,
        });
        let answer = self
            .post(
                &json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
                    .to_string(),
            )
            .await;
        assert_eq!(answer.status(), StatusCode::OK);
        self.session =
            answer.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        let body: Value = answer.json().await.unwrap();
        assert!(self.session.is_some(), "{body}");
        body["result"].clone()
    }

    /// A request with this client's key and session.
    pub(crate) fn request(&self, method: Method) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .request(method, &self.uri)
            .bearer_auth(self.key)
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        request
    }

    pub(crate) async fn post(&self, body: &str) -> Response {
        self.request(Method::POST)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// A request and its JSON-RPC response, however it came.
    pub(crate) async fn rpc(&self, body: &str) -> Value {
        messages(self.post(body).await).await.pop().unwrap()
    }

    /// Calls a tool; the whole response.
    pub(crate) async fn call(&self, id: Value, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        self.rpc(
            &json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
                .to_string(),
        )
        .await
    }

    /// Calls a tool; the body of the answer as it came.
    pub(crate) async fn request_text(&self, tool: &str, arguments: Value) -> String {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
            .to_string();
        self.post(&body).await.text().await.unwrap()
    }

    /// Calls a tool that answers with one text.
    pub(crate) async fn text(&self, tool: &str, arguments: Value) -> String {
        let response = self.call(json!(1), tool, arguments).await;
        response["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("no text: {response}"))
            .to_owned()
    }

    /// What the child says it has seen.
    pub(crate) async fn seen(&self) -> Value {
        serde_json::from_str(&self.text("seen", json!({})).await).unwrap()
    }
}

/// The JSON-RPC messages in an answer, plain or streamed.
pub(crate) async fn messages(answer: Response) -> Vec<Value> {
    let streamed = answer.headers()["content-type"] == "text/event-stream";
    let text = answer.text().await.unwrap();
    if !streamed {
        return vec![serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))];
    }
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| !data.is_empty())
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}
