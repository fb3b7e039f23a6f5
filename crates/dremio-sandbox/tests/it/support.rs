//! A sandbox and a client that is logged in to it.

use std::sync::Once;
use std::time::{Duration, Instant};

use dremio_sandbox::{Control, Sandbox, SandboxConfig};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// Longer than anything here takes; a test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) token: String,
}

pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    });
    Client::builder().tls_certs_only([]).timeout(LIMIT).build().expect("a client")
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::with(SandboxConfig::default()).await
    }

    pub(crate) async fn with(config: SandboxConfig) -> Self {
        let sandbox = Sandbox::start(config).await.expect("a sandbox");
        let mut fixture = Self { sandbox, client: client(), token: String::new() };
        fixture.token = fixture.log_in().await;
        fixture
    }

    pub(crate) fn control(&self) -> Control {
        self.sandbox.control()
    }

    pub(crate) async fn log_in(&self) -> String {
        let answer = self
            .post_open("/apiv2/login", &json!({"userName": "dremio", "password": "dremio123"}))
            .await;
        let body: Value = answer.json().await.expect("JSON");
        body["token"].as_str().expect("a token").to_owned()
    }

    /// A request without credentials.
    pub(crate) fn open(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox.uri()))
    }

    pub(crate) async fn post_open(&self, path: &str, body: &Value) -> Response {
        self.open(Method::POST, path).json(body).send().await.expect("an answer")
    }

    /// A request with the fixture's token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.open(method, path).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn submit(&self, sql: &str) -> String {
        let (status, body) = self.post("/api/v3/sql", &json!({"sql": sql})).await;
        assert_eq!(status, 200, "{body}");
        body["id"].as_str().expect("an id").to_owned()
    }

    /// Polls a job until it has ended.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        let start = Instant::now();
        loop {
            let (status, job) = self.get(&format!("/api/v3/job/{id}")).await;
            assert_eq!(status, 200, "{job}");
            if matches!(job["jobState"].as_str(), Some("COMPLETED" | "FAILED" | "CANCELED")) {
                return job;
            }
            assert!(start.elapsed() < LIMIT, "{job}");
            tokio::task::yield_now().await;
        }
    }

    /// The text of a result, in which numbers keep their spelling.
    pub(crate) async fn result_text(&self, sql: &str) -> String {
        let id = self.submit(sql).await;
        let job = self.ended(&id).await;
        assert_eq!(job["jobState"], "COMPLETED", "{sql}: {job}");
        let answer = self.request(Method::GET, &format!("/api/v3/job/{id}/results?limit=500"));
        answer.send().await.expect("an answer").text().await.expect("text")
    }

    pub(crate) async fn result(&self, sql: &str) -> Value {
        serde_json::from_str(&self.result_text(sql).await).expect("JSON")
    }

    pub(crate) async fn failure(&self, sql: &str) -> String {
        let id = self.submit(sql).await;
        let job = self.ended(&id).await;
        assert_eq!(job["jobState"], "FAILED", "{sql}: {job}");
        job["errorMessage"].as_str().expect("a message").to_owned()
    }
}

/// Status and body; `Null` for a body that is not JSON.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.bytes().await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
