//! A child with the name of Dremio's own server, with the egress proxy and a stand-in for Dremio:
//! only forgotten calls are ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioClient, Transport};
use dremio_sandbox::{Sandbox, SandboxConfig};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use service_kit::Clock;
use service_kit::lifecycle::Shutdown;
use tempfile::TempDir;
use token_file::{Token, Writer};
use tokio::task::JoinHandle;

use super::connection::Answer;
use super::{ChildTransport, Launch, Official, Repair, Supervisor};
use crate::budget::Budget;
use crate::conditions::{ConditionName, Readiness};
use crate::dremio::{DremioCaller, DremioHealth, TokenSource};
use crate::egress::{Calls, Egress, Pages};
use crate::engine::{CALL_LIMITS, CallContext, CallError, FairQueue};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::policy::Gate;
use crate::rpc::Message;

const FORGOTTEN_AFTER: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(30);

struct Setting {
    sandbox: Sandbox,
    official: Arc<Official>,
    shutdown: Shutdown,
    _folder: TempDir,
}

impl Setting {
    /// Starts a child over stdio that introduces itself by this name.
    async fn start(name: &str) -> Self {
        let stdio = |calls: Calls| ChildTransport::Stdio(calls.open_for_child().unwrap());
        Self::over(stdio, name).await
    }

    /// Starts a child that introduces itself by this name.
    async fn over(speaks: impl FnOnce(Calls) -> ChildTransport, name: &str) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let transport =
            Transport::connect(&ConnectConfig::new(sandbox.uri().parse().unwrap())).unwrap();
        let client = DremioClient::new(transport);
        let login = client.login("dremio", &"dremio123".into()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token.json");
        Writer::open(token_file.clone())
            .unwrap()
            .write(&Token::new(login.token, login.expires_at))
            .unwrap();
        let (tokens, _requester) = TokenSource::watch(&token_file, Clock::system(), None);
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        let health =
            DremioHealth::new(Readiness::new(&[ConditionName::Dremio]), Arc::clone(&metrics), true);
        let gate = Gate::new(Guard::default(), "official", Arc::clone(&metrics));
        let pages = Pages::new(Budget::new(&metrics), 1 << 20);
        let dremio = DremioCaller::new(client, tokens, health);
        let egress = Egress::bind(dremio, gate, pages).await.unwrap();
        let launch = Launch {
            command: vec![
                stdio_fixture::executable().to_str().unwrap().to_owned(),
                name.to_owned(),
            ],
            environment: BTreeMap::new(),
            egress_uri: egress.uri().unwrap(),
            transport: speaks(egress.calls()),
            egress_activity: egress.activity(),
            silence_max: PATIENCE,
            forgotten_after: FORGOTTEN_AFTER,
            standby: false,
            confinement: None,
        };
        let queue = FairQueue::new(CALL_LIMITS, None);
        let repair = Repair::of_guard(Guard::default(), egress.calls());
        let (supervisor, official) = Supervisor::new(
            launch,
            queue,
            repair,
            Readiness::new(&[ConditionName::Engine]),
            metrics,
        );
        let shutdown = Shutdown::new();
        tokio::spawn(egress.run(shutdown.clone()));
        tokio::spawn(supervisor.run(shutdown.clone()));
        Self { sandbox, official: Arc::new(official), shutdown, _folder: folder }
    }

    fn call(&self, tool: &str, arguments: Value) -> JoinHandle<Answer> {
        let request = Message::request(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }).to_string(),
        );
        let official = Arc::clone(&self.official);
        tokio::spawn(async move { official.call(&request, &CallContext::anyones().0).await })
    }

    async fn text(&self, tool: &str, arguments: Value) -> String {
        text(self.call(tool, arguments).await.unwrap())
    }

    /// A call that the child has read and never answers.
    async fn swallowed(&self) -> JoinHandle<Answer> {
        let seen = async || {
            serde_json::from_str::<Value>(&self.text("seen", json!({})).await).unwrap()["calls"]
                .as_u64()
                .unwrap()
        };
        let before = seen().await;
        let call = self.call("fault", json!({ "kind": "silent" }));
        let mut looks = 0;
        while seen().await == before + looks + 1 {
            looks += 1;
        }
        call
    }

    /// Makes other calls until `call` is over.
    async fn end_of(&self, call: JoinHandle<Answer>) -> Answer {
        let others = async {
            while !call.is_finished() {
                self.text("echo", json!({ "text": "on" })).await;
            }
        };
        tokio::time::timeout(PATIENCE, others).await.expect("it is over some time");
        call.await.unwrap()
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.shutdown.stop_now();
    }
}

fn text(answer: Answer) -> String {
    let result: Value = serde_json::from_str(answer.unwrap().result().unwrap()).unwrap();
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_forgotten_by_dremios_server_is_cancelled() {
    let setting = Setting::start("Dremio").await;
    let swallowed = setting.swallowed().await;
    let answer = setting.end_of(swallowed).await;
    assert!(matches!(answer, Err(CallError::Forgotten { silence: FORGOTTEN_AFTER })), "{answer:?}");
    let seen: Value = serde_json::from_str(&setting.text("seen", json!({})).await).unwrap();
    assert_eq!(seen["cancelled"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_call_is_ended_while_any_job_runs() {
    let setting = Setting::start("Dremio").await;
    // Longer than the silence after which a call counts as forgotten, so that the job outlasts it
    // before and during the child's polls.
    setting.sandbox.control().set_job_duration(FORGOTTEN_AFTER * 6);
    let query = setting.call("query", json!({ "sql": "SELECT 1", "ms": 900 }));
    let swallowed = setting.swallowed().await;
    let answer = text(setting.end_of(query).await);
    assert!(answer.contains("COMPLETED"), "{answer}");
    assert!(!swallowed.is_finished(), "nobody knows whose the job was");
    assert!(matches!(setting.end_of(swallowed).await, Err(CallError::Forgotten { .. })));
}

#[tokio::test]
async fn a_call_of_another_server_is_never_ended() {
    let setting = Setting::start("stdio-fixture").await;
    let swallowed = setting.swallowed().await;
    setting.text("delay", json!({ "ms": 1500, "text": "five times as long" })).await;
    assert!(!swallowed.is_finished());
    swallowed.abort();
}

#[tokio::test]
async fn over_http_a_forgotten_call_is_ended_whatever_others_do() {
    let setting = Setting::over(ChildTransport::Http, "Dremio").await;
    setting.sandbox.control().set_job_duration(Duration::from_secs(3600));
    let query = setting.call("query", json!({ "sql": "SELECT 1", "ms": 0 }));
    let swallowed = setting.call("fault", json!({ "kind": "silent" }));
    let answer = swallowed.await.unwrap();
    assert!(matches!(answer, Err(CallError::Forgotten { silence: FORGOTTEN_AFTER })), "{answer:?}");
    assert!(!query.is_finished(), "its job runs, and the child asks about it");
    query.abort();
}
