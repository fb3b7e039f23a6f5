//! Keeps exactly one child alive: start, introduce, publish; when it ends, fail its calls, clear its process
//! group and start another, sooner or later depending on how long the last one lived.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use service_kit::admin::{Condition, Readiness};
use service_kit::lifecycle::Shutdown;
use tokio::sync::watch;
use tokio::time::Instant;

use super::connection::{Aside, Connection};
use super::process::{Launch, Spawner};
use super::{Facts, LISTS, Official};
use crate::engine::CallError;
use crate::metrics::Metrics;
use crate::rpc::Message;

/// The newest revision that the official server's SDK speaks. A child may answer with an older one.
const PROTOCOL_VERSION: &str = "2025-11-25";

/// A Python server on a busy two-core machine was seen to need 12 s.
const INTRODUCTION_WAIT_MAX: Duration = Duration::from_secs(60);

/// Pause before a new child, doubled for each one that did not live for [`PROVEN_AFTER`].
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const PROVEN_AFTER: Duration = Duration::from_secs(30);

/// How long the output of a child that has ended is read: a grandchild may hold the pipe open for ever.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(200);

/// Starts children, one after the other.
pub(crate) struct Supervisor {
    launch: Launch,
    spawner: Spawner,
    current: watch::Sender<Option<Arc<Connection>>>,
    facts: Arc<Facts>,
    readiness: Readiness,
    metrics: Arc<Metrics>,
}

/// Why a child that started is of no use.
#[derive(Debug, thiserror::Error)]
enum IntroductionError {
    #[error("it did not answer `{method}`")]
    NoAnswer { method: &'static str, source: CallError },
    #[error("it did not introduce itself within {INTRODUCTION_WAIT_MAX:?}")]
    TimedOut,
    #[error("it refused `{method}`")]
    Refused { method: &'static str },
}

/// How one child's life went.
enum End {
    /// It ran until the gateway stopped.
    Asked,
    /// It ended, or never came up; the text says why.
    Unasked(String),
}

impl Supervisor {
    /// A supervisor and the engine that it feeds. Nothing runs before [`Supervisor::run`].
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn new(launch: Launch, readiness: Readiness, metrics: Arc<Metrics>) -> std::io::Result<(Self, Official)> {
        let (current, seen) = watch::channel(None);
        let facts = Arc::new(Facts::default());
        let official = Official { current: seen, facts: Arc::clone(&facts) };
        Ok((Self { launch, spawner: Spawner::start()?, current, facts, readiness, metrics }, official))
    }

    /// Runs until `shutdown` drains and the calls in flight are answered, or it says now.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut pause = PAUSE_FIRST;
        while !shutdown.is_draining() {
            let started = Instant::now();
            let end = self.one_life(&shutdown).await;
            self.current.send_replace(None);
            let End::Unasked(why) = end else { break };
            pause = if started.elapsed() >= PROVEN_AFTER { PAUSE_FIRST } else { (pause * 2).min(PAUSE_MAX) };
            self.readiness.set("engine", Condition::unmet("engine_down", why.clone()));
            tracing::warn!(why, restart_in = ?pause, "the MCP server process is down");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.draining() => {}
            }
        }
    }

    async fn one_life(&self, shutdown: &Shutdown) -> End {
        let started = Instant::now();
        let (mut process, stdout, stdin) = match self.spawner.spawn(&self.launch).await {
            Ok(started) => started,
            Err(cause) => return End::Unasked(chain(&cause)),
        };
        self.metrics.child_started();
        tracing::info!(pid = process.pid(), "MCP server process started");
        let halves = Connection::open();
        let connection = Arc::clone(&halves.connection);
        let facts = Arc::clone(&self.facts);
        let mut messages = tokio::spawn(halves.run(stdout, stdin, move |Aside::ListChanged(list)| facts.list_changed(list)));
        let end = tokio::select! {
            end = self.serve(&connection, started, shutdown) => end,
            status = process.ended() => {
                // What it wrote before it ended still lies in the pipe.
                let _read_to_the_end = tokio::time::timeout(LAST_WORDS_WAIT, &mut messages).await;
                End::Unasked(status.map_or_else(|| "it ended".into(), |status| format!("it ended ({status})")))
            }
            _ = &mut messages => End::Unasked("it closed its output".into()),
        };
        self.current.send_replace(None);
        // The messages task holds the child's input: with it, the input closes and the child leaves.
        messages.abort();
        let failed = connection.close();
        if failed > 0 {
            tracing::warn!(pid = process.pid(), calls = failed, "calls in flight were lost with the MCP server process");
        }
        process.stop().await;
        end
    }

    /// Introduces the gateway to the child, publishes the connection, and waits for a stop.
    async fn serve(&self, connection: &Arc<Connection>, started: Instant, shutdown: &Shutdown) -> End {
        let introduced = tokio::select! {
            introduced = tokio::time::timeout(INTRODUCTION_WAIT_MAX, self.introduce(connection)) => introduced,
            () = shutdown.draining() => return End::Asked,
        };
        if let Err(cause) = introduced.unwrap_or(Err(IntroductionError::TimedOut)) {
            return End::Unasked(chain(&cause));
        }
        tracing::info!(startup_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX), "MCP server process ready");
        self.current.send_replace(Some(Arc::clone(connection)));
        self.readiness.set("engine", Condition::met());
        tokio::select! {
            () = shutdown.draining() => {}
            () = connection.stuck(self.launch.silence_max) => return End::Unasked(format!("it did not answer for {:?}", self.launch.silence_max)),
        }
        tokio::select! {
            () = connection.idle() => {}
            () = shutdown.now() => {}
        }
        End::Asked
    }

    async fn introduce(&self, connection: &Connection) -> Result<(), IntroductionError> {
        let result = ask(connection, "initialize", &initialize_params()).await?;
        let result = result.result().ok_or(IntroductionError::Refused { method: "initialize" })?;
        connection
            .notify(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await
            .map_err(|source| IntroductionError::NoAnswer { method: "notifications/initialized", source })?;
        let capabilities = Introduction::capabilities(result);
        let mut lists = HashMap::new();
        for (method, list) in LISTS {
            if !capabilities.contains_key(list.capability()) {
                continue;
            }
            let list = ask(connection, method, "{}").await?;
            match list.result() {
                Some(_) => drop(lists.insert(method, Arc::new(list))),
                None => tracing::debug!(method, "the MCP server process does not offer this list"),
            }
        }
        if capabilities.contains_key("tools") && !lists.contains_key("tools/list") {
            return Err(IntroductionError::Refused { method: "tools/list" });
        }
        self.facts.set_lists(lists);
        self.facts.set_initialize(result);
        Ok(())
    }
}

/// The part of an `InitializeResult` that decides what is asked next.
#[derive(Deserialize)]
struct Introduction<'a> {
    #[serde(borrow, default)]
    capabilities: HashMap<String, &'a RawValue>,
}

impl Introduction<'_> {
    fn capabilities(result: &str) -> HashMap<String, &RawValue> {
        serde_json::from_str::<Introduction<'_>>(result).map(|introduction| introduction.capabilities).unwrap_or_default()
    }
}

fn initialize_params() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(r#"{{"protocolVersion":"{PROTOCOL_VERSION}","capabilities":{{}},"clientInfo":{{"name":"dremio-mcp","version":"{version}"}}}}"#)
}

async fn ask(connection: &Connection, method: &'static str, params: &str) -> Result<Message, IntroductionError> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{method}","params":{params}}}"#);
    let request = Message::parse(text).map_err(|_| IntroductionError::Refused { method })?;
    connection.call(&request, None).await.map_err(|source| IntroductionError::NoAnswer { method, source })
}

/// An error with its causes, for the one place where it is reported.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(|cause| format!(": {cause}"));
    std::iter::once(error.to_string()).chain(causes).collect()
}
