//! Keeps one child alive: start, introduce, publish; when it ends, fail its calls, clear its
//! process group and start another, after a pause that depends on how long the last one lived. With
//! a standby, the other is already there.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::confinement;
use super::connection::Connection;
use super::port::{ReservedPort, Taken, advice, lacks_http};
use super::process::{Ends, LAST_WORDS_WAIT, Launch, Process};
use super::repair::Repair;
use super::{CurrentChild, LISTS, Official, PROTOCOL_VERSION, ServerInfo};
use crate::conditions::{ConditionName, Readiness};
use crate::engine::{CallError, FairQueue, Introduction};
use crate::methods;
use crate::metrics::{Counted, Metrics};
use crate::rpc::Message;

/// A Python server on a busy two-core machine was seen to need 12 s.
const INTRODUCTION_WAIT_MAX: Duration = Duration::from_secs(60);

/// Pause before a new child, doubled for each one that never served or not for [`PROVEN_AFTER`]. A
/// child that served and then died is always replaced at once, for the sake of the calls that wait.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(15);
const PROVEN_AFTER: Duration = Duration::from_secs(1);

/// Starts children, one after the other.
pub(crate) struct Supervisor {
    launch: Launch,
    queue: FairQueue,
    current: watch::Sender<Option<Arc<Connection>>>,
    info: Arc<ServerInfo>,
    readiness: Readiness,
    metrics: Arc<Metrics>,
}

/// Why a child that started is unusable.
#[derive(Debug, thiserror::Error)]
enum IntroductionError {
    #[error("it did not answer `{method}`")]
    NoAnswer { method: &'static str, source: CallError },
    #[error("it did not introduce itself within {INTRODUCTION_WAIT_MAX:?}")]
    TimedOut,
    #[error("it refused `{method}`")]
    Refused { method: &'static str },
    #[error(transparent)]
    Taken(#[from] Taken),
}

/// How the service of a child ended.
enum End {
    /// It ran until the gateway stopped.
    Asked,
    /// It ended or became unusable; the text says why.
    Unasked(String),
}

/// A child that has introduced itself.
struct RunningChild {
    process: Process,
    connection: Arc<Connection>,
    /// Drives the connection; it owns the child's input, which closes with it.
    messages: JoinHandle<()>,
    /// Whether it is Dremio's own server, whose behaviour is known.
    is_dremios_own: bool,
    /// Kept for as long as it lives.
    _port: Option<ReservedPort>,
    _counted: Counted,
}

impl Supervisor {
    /// A supervisor and its engine. Nothing runs before [`Supervisor::run`].
    pub(crate) fn new(
        launch: Launch,
        queue: FairQueue,
        repair: Repair,
        readiness: Readiness,
        metrics: Arc<Metrics>,
    ) -> (Self, Official) {
        let (current, seen) = watch::channel(None);
        let info = Arc::new(ServerInfo::new(repair));
        let official =
            Official { child: CurrentChild(seen), queue: queue.clone(), info: Arc::clone(&info) };
        (Self { launch, queue, current, info, readiness, metrics }, official)
    }

    /// Runs until `shutdown` drains and the calls in flight are answered, or until it stops now.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let supervisor = Arc::new(self);
        let mut pause = PAUSE_FIRST;
        let mut standby = Standby::default();
        while !shutdown.is_draining() {
            let running = tokio::select! {
                running = standby.take_or_start(&supervisor) => running,
                () = shutdown.draining() => break,
            };
            let started = Instant::now();
            let end = match running {
                Ok(mut running) => {
                    supervisor.current.send_replace(Some(Arc::clone(&running.connection)));
                    supervisor.readiness.set(ConditionName::Engine, Condition::met());
                    if supervisor.launch.standby {
                        standby.prepare(&supervisor);
                    }
                    let end = supervisor.serve(&mut running, &shutdown).await;
                    supervisor.current.send_replace(None);
                    running.close(&end);
                    // A child that was asked to stop is waited for; one that failed must not delay
                    // the next.
                    let ended = tokio::spawn(running.process.stop());
                    if matches!(end, End::Asked) {
                        drop(ended.await);
                    }
                    end
                }
                Err(why) => End::Unasked(why),
            };
            let End::Unasked(why) = end else { break };
            tracing::warn!(why, "the MCP server process is down");
            let is_proven = started.elapsed() >= PROVEN_AFTER;
            pause = if is_proven { PAUSE_FIRST } else { (pause * 2).min(PAUSE_MAX) };
            if standby.is_ready() && is_proven {
                continue;
            }
            supervisor.readiness.set(ConditionName::Engine, Condition::unmet("engine_down", why));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.draining() => {}
            }
        }
        standby.end().await;
    }

    /// Starts a child, counts the tools that it lists, and ends it. Dropping the future kills the
    /// child.
    ///
    /// # Errors
    /// Why the start failed, for the operator.
    pub(crate) async fn trial(self) -> Result<usize, String> {
        let running = self.start().await?;
        let tools = self.info.tools.lock().len();
        running.close(&End::Asked);
        running.process.stop().await;
        Ok(tools)
    }

    /// Starts a child and introduces the gateway to it. Dropping the future kills the child.
    ///
    /// # Errors
    /// Why the start failed, for the operator.
    async fn start(&self) -> Result<RunningChild, String> {
        let started = Instant::now();
        let (mut process, ends) = Process::start(&self.launch).await.map_err(chain)?;
        self.readiness.set(ConditionName::Confinement, confinement::condition(process.enforced()));
        self.metrics.child_started();
        tracing::info!(pid = process.pid(), "MCP server process started");
        let (connection, messages, port) = match ends {
            Ends::Pipes { stdout, stdin } => {
                let halves = Connection::open();
                let (connection, info) = (Arc::clone(&halves.connection), Arc::clone(&self.info));
                let aside = move |notification| info.hear(notification);
                (connection, tokio::spawn(halves.run(stdout, stdin, aside)), None)
            }
            Ends::Port { port, calls } => {
                let connection = Connection::over_http(port.number(), calls);
                (connection, tokio::spawn(std::future::pending()), Some(port))
            }
        };
        let mut listens = port.is_none();
        let introducing = async {
            if let Some(port) = &port {
                port.is_listened_on().await?;
                listens = true;
            }
            self.introduce(&connection).await
        };
        let introduced = tokio::select! {
            introduced = tokio::time::timeout(INTRODUCTION_WAIT_MAX, introducing) => {
                introduced.unwrap_or(Err(IntroductionError::TimedOut)).map_err(chain)
            }
            why = process.end_of() => Err(why),
        };
        let is_dremios_own = match introduced {
            Ok(is_dremios_own) => is_dremios_own,
            Err(why) => {
                messages.abort();
                // The end of its output may be noticed before the end of the process.
                let why =
                    tokio::time::timeout(LAST_WORDS_WAIT, process.end_of()).await.unwrap_or(why);
                let knows_http = listens || !lacks_http(process.exit_code());
                process.kill();
                let why = process.with_last_words(why).await;
                return Err(if knows_http { why } else { format!("{why}. {}", advice()) });
            }
        };
        process.has_introduced_itself();
        tracing::info!(
            pid = process.pid(),
            startup_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "MCP server process ready"
        );
        Ok(RunningChild {
            process,
            connection,
            messages,
            is_dremios_own,
            _port: port,
            _counted: self.metrics.child_ready(),
        })
    }

    /// Waits until the child is unusable, or until a stop is requested and its calls are answered.
    async fn serve(&self, running: &mut RunningChild, shutdown: &Shutdown) -> End {
        let silence_max = self.launch.silence_max;
        tokio::select! {
            () = shutdown.draining() => {}
            () = running.connection.stuck(silence_max) => {
                running.process.kill();
                return End::Unasked(format!("it did not answer for {silence_max:?}"));
            }
            why = running.process.end_of() => {
                // What it wrote before it ended is still in the pipe.
                let _ = tokio::time::timeout(LAST_WORDS_WAIT, &mut running.messages).await;
                return End::Unasked(why);
            }
            _ = &mut running.messages => return End::Unasked("it closed its output".into()),
            never = self.info.subscriptions.keep(&running.connection) => match never {},
            never = self.end_forgotten(&running.connection, running.is_dremios_own) => {
                match never {}
            }
        }
        tokio::select! {
            () = self.queue.idle() => {}
            () = shutdown.now() => {}
        }
        End::Asked
    }

    /// Ends the calls that the child has forgotten, if this can be known for this child.
    async fn end_forgotten(&self, connection: &Connection, is_dremios_own: bool) -> Infallible {
        // Requests to others bypass the egress proxy and are invisible there.
        if !is_dremios_own || !self.launch.asks_only_dremio() {
            return std::future::pending().await;
        }
        connection.end_forgotten(&self.launch.egress_activity, self.launch.forgotten_after).await
    }

    /// Asks the child for everything that is kept of it. Returns whether it is Dremio's own server.
    async fn introduce(&self, connection: &Connection) -> Result<bool, IntroductionError> {
        let ask = async |method, params: &str| {
            connection
                .ask(method, params)
                .await
                .map_err(|source| IntroductionError::NoAnswer { method, source })
        };
        let result = ask(methods::INITIALIZE, &initialize_params()).await?;
        let result =
            result.result().ok_or(IntroductionError::Refused { method: methods::INITIALIZE })?;
        connection.notify(Message::notification(methods::INITIALIZED, None).text()).await.map_err(
            |source| IntroductionError::NoAnswer { method: methods::INITIALIZED, source },
        )?;
        let capabilities = Capable::capabilities(result);
        let mut lists = HashMap::new();
        for (method, list) in LISTS {
            if !capabilities.contains_key(list.capability()) {
                continue;
            }
            let list = ask(method, "{}").await?;
            match list.result() {
                Some(_) => drop(lists.insert(method, list)),
                None => tracing::debug!(method, "the MCP server process does not offer this list"),
            }
        }
        if capabilities.contains_key("tools") && !lists.contains_key(methods::TOOLS_LIST) {
            return Err(IntroductionError::Refused { method: methods::TOOLS_LIST });
        }
        Ok(self.info.set(Introduction::new(result), lists))
    }
}

impl RunningChild {
    /// Fails the calls in flight and closes the child's input, upon which it exits.
    fn close(&self, end: &End) {
        self.messages.abort();
        let failed = self.connection.close();
        if failed > 0 && matches!(end, End::Unasked(_)) {
            tracing::warn!(
                pid = self.process.pid(),
                calls = failed,
                "calls in flight were lost with the MCP server process"
            );
        }
    }

    fn is_alive(&mut self) -> bool {
        !self.messages.is_finished() && self.process.is_running()
    }
}

/// A second child that waits to take over, if configured.
#[derive(Default)]
struct Standby(Option<JoinHandle<Result<RunningChild, String>>>);

impl Standby {
    /// Starts a child in the background.
    fn prepare(&mut self, supervisor: &Arc<Supervisor>) {
        let supervisor = Arc::clone(supervisor);
        self.0 = Some(tokio::spawn(async move { supervisor.start().await }));
    }

    /// Whether the child has started, or failed to.
    fn is_ready(&self) -> bool {
        self.0.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// The waiting child if it is still alive, otherwise a new one.
    async fn take_or_start(
        &mut self,
        supervisor: &Arc<Supervisor>,
    ) -> Result<RunningChild, String> {
        if let Some(prepared) = self.0.take()
            && let Ok(Ok(mut running)) = prepared.await
            && running.is_alive()
        {
            tracing::info!(
                pid = running.process.pid(),
                "the MCP server process on standby takes over"
            );
            return Ok(running);
        }
        supervisor.start().await
    }

    /// Ends the waiting child.
    async fn end(self) {
        let Some(prepared) = self.0 else { return };
        prepared.abort();
        if let Ok(Ok(running)) = prepared.await {
            running.close(&End::Asked);
            running.process.stop().await;
        }
    }
}

/// The part of an `InitializeResult` that decides which lists are requested.
#[derive(Deserialize)]
struct Capable<'a> {
    #[serde(borrow, default)]
    capabilities: HashMap<String, &'a RawValue>,
}

impl Capable<'_> {
    fn capabilities(result: &str) -> HashMap<String, &RawValue> {
        serde_json::from_str::<Capable<'_>>(result)
            .map(|introduction| introduction.capabilities)
            .unwrap_or_default()
    }
}

fn initialize_params() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        concat!(
            r#"{{"protocolVersion":"{protocol}","capabilities":{{}},"#,
            r#""clientInfo":{{"name":"dremio-mcp","version":"{version}"}}}}"#,
        ),
        protocol = PROTOCOL_VERSION,
        version = version,
    )
}

/// An error with its causes, for the one place where it is reported.
fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
