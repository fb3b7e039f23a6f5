//! An engine with everything that it needs, and ways to call it.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioClient, JobId, Transport};
use dremio_sandbox::{Control, RecordedRequest, Sandbox, SandboxConfig};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use service_kit::Clock;
use service_kit::admin::Condition;
use tempfile::TempDir;
use token_file::{Token, Writer};

use super::super::Native;
use crate::answer::AnswerConfig;
use crate::budget::{Budget, Held};
use crate::conditions::{ConditionName, Readiness};
use crate::dremio::{DremioCaller, DremioHealth, Handles, JobCustody, KeptJobs, TokenSource};
use crate::engine::{CALL_LIMITS, CallContext, Caller, ClientId, FairQueue, ToolRoom, Wanted};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::policy::{Gate, Identity};
use crate::principal::Principal;
use crate::rpc::Message;
use crate::signer::Signer;

/// Longest wait for something that happens in the background.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// An engine, its Dremio, and a way to give it tokens.
pub(super) struct Fixture {
    pub(super) sandbox: Sandbox,
    pub(super) native: Arc<Native>,
    pub(super) client: DremioClient,
    readiness: Readiness,
    pub(super) tokens: Writer,
    dremio: DremioCaller,
    signer: Arc<Signer>,
    _folder: TempDir,
}

impl Fixture {
    /// Everything is there, and the engine has a good token.
    pub(super) async fn start() -> Self {
        Self::start_patient(Duration::from_secs(30)).await
    }

    /// As [`Fixture::start`], with a limit for each of the engine's requests.
    pub(super) async fn start_patient(request_timeout: Duration) -> Self {
        Self::start_with(request_timeout, Guard::default()).await
    }

    pub(super) async fn start_with(request_timeout: Duration, guard: Guard) -> Self {
        Self::start_answering(request_timeout, guard, AnswerConfig::default()).await
    }

    /// As [`Fixture::start`], with other answers.
    pub(super) async fn start_answering(
        request_timeout: Duration,
        guard: Guard,
        answers: AnswerConfig,
    ) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let config =
            ConnectConfig { request_timeout, ..ConnectConfig::new(sandbox.uri().parse().unwrap()) };
        let client = DremioClient::new(Transport::connect(&config).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        let tokens = Writer::open(path.clone()).unwrap();
        tokens.write(&login(&client).await).unwrap();
        let (source, _requester) = TokenSource::watch(&path, Clock::system(), None);
        let readiness = Readiness::new(&[ConditionName::Dremio]);
        let health = DremioHealth::new(readiness.clone(), metrics(), true);
        let dremio = DremioCaller::new(client.clone(), source, health);
        let signer = signer();
        let native = Arc::new(native(dremio.clone(), guard, answers, &signer));
        Self { sandbox, native, client, readiness, tokens, dremio, signer, _folder: folder }
    }

    /// The handle of a job for whoever calls.
    pub(super) fn handle(&self, context: &CallContext, job: &JobId) -> String {
        self.native.room.handles.issue(context.caller().principal(), "", job)
    }

    /// Another gateway with the same Dremio and the same key, where calls wait for so long.
    pub(super) fn replica(&self, query_wait: Duration) -> Native {
        let answers = AnswerConfig { query_wait, ..self.native.room.answers };
        native(self.dremio.clone(), Guard::default(), answers, &self.signer)
    }

    pub(super) fn control(&self) -> Control {
        self.sandbox.control()
    }

    /// Calls a tool: whether it failed, and its text, as JSON where it is some.
    pub(super) async fn tool(&self, name: &str, arguments: Value) -> (bool, Value) {
        outcome(
            &self
                .native
                .call(&tool_call(name, &arguments), &CallContext::anyones().0)
                .await
                .unwrap(),
        )
    }

    /// The rows of a query as JSON.
    pub(super) async fn query(&self, sql: &str) -> (bool, Value) {
        self.tool("RunSqlQuery", json!({ "query": sql, "format": "json" })).await
    }

    /// Calls a tool as `context` would: whether it failed, and its text.
    pub(super) async fn text_for(
        &self,
        context: &CallContext,
        name: &str,
        arguments: Value,
    ) -> (bool, String) {
        outcome_text(&self.native.call(&tool_call(name, &arguments), context).await.unwrap())
    }

    /// As [`Fixture::text_for`], for anyone.
    pub(super) async fn text(&self, name: &str, arguments: Value) -> (bool, String) {
        self.text_for(&CallContext::anyones().0, name, arguments).await
    }

    /// A query that runs in the background.
    pub(super) fn query_later(&self, sql: &str) -> tokio::task::JoinHandle<(bool, Value)> {
        let (native, request) = (
            Arc::clone(&self.native),
            tool_call("RunSqlQuery", &json!({ "query": sql, "format": "json" })),
        );
        tokio::spawn(async move {
            outcome(&native.call(&request, &CallContext::anyones().0).await.unwrap())
        })
    }

    /// Requests so far to paths of this kind.
    pub(super) fn requests(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<RecordedRequest> {
        self.control().requests().into_iter().filter(|request| is_wanted(&request.path)).collect()
    }

    pub(super) fn dremio_condition(&self) -> Condition {
        self.readiness.conditions()[&ConditionName::Dremio].clone()
    }
}

fn signer() -> Arc<Signer> {
    Arc::new(Signer::new().unwrap())
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::register(&mut Registry::default()))
}

fn native(
    dremio: DremioCaller,
    guard: Guard,
    answers: AnswerConfig,
    signer: &Arc<Signer>,
) -> Native {
    let jobs = JobCustody::new(dremio);
    let kept = Arc::new(KeptJobs::default());
    let handles = Handles::new(Arc::clone(signer));
    let gate = Gate::new(guard, "native", metrics());
    let room = ToolRoom::new(jobs, kept, gate, handles, answers);
    Native::new(room, FairQueue::new(CALL_LIMITS, None))
}

/// An engine whose Dremio and token do not exist.
pub(super) fn lonely() -> Native {
    let transport =
        Transport::connect(&ConnectConfig::new("http://127.0.0.1:9".parse().unwrap())).unwrap();
    let (tokens, _requester) =
        TokenSource::watch(Path::new("/nowhere/token.json"), Clock::system(), None);
    let health = DremioHealth::new(Readiness::new(&[ConditionName::Dremio]), metrics(), true);
    let dremio = DremioCaller::new(DremioClient::new(transport), tokens, health);
    native(dremio, Guard::default(), AnswerConfig::default(), &signer())
}

pub(super) async fn login(client: &DremioClient) -> Token {
    let login = client.login("dremio", &"dremio123".into()).await.unwrap();
    Token::new(login.token, login.expires_at)
}

/// What a call of the key with this number comes with.
pub(super) fn context_of(key: u8) -> (CallContext, tokio::sync::mpsc::Receiver<Held>) {
    let caller = Caller {
        identity: Identity::unlimited(Principal::of_key(&[key; 32])),
        client: ClientId::Gateway,
        batch: None,
        shows_ui: false,
        notifications: None,
    };
    let wanted = Wanted { progress: true, log_level: None };
    let (context, received) = CallContext::new(caller, wanted, &Budget::new(&metrics()));
    (context, received.unwrap())
}

pub(super) fn request(method: &str, params: &Value) -> Message {
    Message::parse(
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string(),
    )
    .unwrap()
}

pub(super) fn tool_call(name: &str, arguments: &Value) -> Message {
    request("tools/call", &json!({ "name": name, "arguments": arguments }))
}

pub(super) fn outcome(response: &Message) -> (bool, Value) {
    let (is_error, text) = outcome_text(response);
    (is_error, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(super) fn outcome_text(response: &Message) -> (bool, String) {
    let result: Value =
        serde_json::from_str(response.result().unwrap_or_else(|| panic!("{}", response.text())))
            .unwrap();
    assert_eq!(result["content"].as_array().unwrap().len(), 1);
    assert_eq!(result["content"][0]["type"], "text");
    (
        result["isError"].as_bool().unwrap(),
        result["content"][0]["text"].as_str().unwrap().to_owned(),
    )
}

pub(super) async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    look: impl Fn() -> F,
) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, found).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// The id of the only job.
pub(super) async fn job_id(control: &Control) -> JobId {
    wait_for("a job", async || control.jobs().first().map(|job| job.id.parse().unwrap())).await
}
