//! Builds and runs the gateway: binds everything first, so that a taken port is an error at once,
//! then starts the tasks, and stops them in an order that lets answers in flight finish.

mod auth;
mod child;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dremio_client::{ConnectError, DremioClient, Transport};
use prometheus_client::registry::Registry;
use service_kit::admin::{self, Condition};
use service_kit::http::{Connections, Limits, UnprovenLimits, serve, serve_as};
use service_kit::lifecycle::{Shutdown, Tasks};
use service_kit::{Clock, Exit, report_open_folder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::child::is_found;
pub(crate) use self::child::launch;
use crate::access::{Access, Auth, HostRules, KeyRing, KeyRingError, RateLimit, RefusalLog};
use crate::audit::Audit;
use crate::budget::Budget;
use crate::conditions::{ConditionName, Readiness};
use crate::config::{AuthConfig, Config, EngineConfig};
use crate::dremio::{DremioCaller, DremioHealth, Handles, JobCustody, KeptJobs, Tokens};
use crate::egress::{Egress, Pages, result_bytes_max};
use crate::engine::native::Native;
use crate::engine::official::{Repair, Supervisor};
use crate::engine::{CALL_LIMITS, Engine, FairQueue, ToolRoom};
use crate::front::Front;
use crate::metrics::Metrics;
use crate::policy::{Gate, PolicyError};
use crate::session::{Gateway, SessionIds, SessionLimits, SessionTable};
use crate::signer::Signer;
use crate::status::{Recent, Status, agents_url};
use crate::telemetry::Traces;

/// There may be many agents, and silent connections must not cost others their place: a connection
/// without a valid key is closed after 10 s, one address may have a quarter of all connections
/// without a key, and idle ones never use more than half of all. A silent connection takes about
/// 10 KiB.
const AGENT_LIMITS: Limits = Limits {
    connections_max: 16_384,
    idle_connections_max: 8192,
    idle_max: Duration::from_secs(180),
    unproven: Some(UnprovenLimits { idle_max: Duration::from_secs(10), per_address_max: 4096 }),
    header_read_timeout: Duration::from_secs(10),
    header_bytes_max: 64 * 1024,
    long_head_bytes_max: 16 * 1024 * 1024,
    write_stall_max: Duration::from_secs(60),
};

/// How long before the end of a drain the remaining calls are ended. Enough time to tell Dremio.
const LAST_CALL_BEFORE: Duration = Duration::from_secs(4);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the port, or the address does not belong to this machine.
    #[error(
        "{variable}={addr}: cannot listen there; is another program using the port? Choose \
         another with {variable}"
    )]
    Bind {
        /// The setting with the address.
        variable: &'static str,
        /// The address.
        addr: SocketAddr,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The settings for Dremio cannot work.
    #[error("Dremio cannot be called with these settings")]
    Connect(#[from] ConnectError),
    /// The keys became unusable after the configuration was checked.
    #[error("the API keys cannot be used")]
    Keys(#[from] KeyRingError),
    /// The policy file became unusable after the configuration was checked.
    #[error("MCP_POLICY_FILE: {0}")]
    Policy(#[from] PolicyError),
    /// The official server is not installed in the expected place.
    #[error(
        "MCP_SERVER_COMMAND: `{program}` was not found, or is no program; install the official \
         server or name its full path"
    )]
    NoSuchProgram {
        /// The program.
        program: String,
    },
    /// The same, for the collector of traces.
    #[error("the collector of traces cannot be called with these settings")]
    Traces(#[source] ConnectError),
    /// The operating system refused a thread, a socket or random numbers.
    #[error("the operating system refused a resource")]
    Resource(#[source] anyhow::Error),
}

/// A gateway whose ports are bound and whose tasks run.
#[derive(Debug)]
pub struct App {
    mcp_addr: SocketAddr,
    admin_addr: SocketAddr,
    readiness: Readiness,
    tasks: Tasks,
    drain_timeout: Duration,
}

impl App {
    /// Finds what would keep the gateway from working although the configuration is well-formed,
    /// without starting anything. Gives the policy file, what it has, and which keys are outside of
    /// it; `None` without one.
    ///
    /// # Errors
    /// The errors of [`App::start`], and a missing program, which it would try to start again and
    /// again.
    pub fn check(config: &Config) -> Result<Option<String>, StartError> {
        Transport::connect(&config.dremio)?;
        if let AuthConfig::Keys(source) = &config.auth {
            KeyRing::load(source.clone())?;
        }
        let policy = auth::policy_summary(config)?;
        Self::check_program(config)?;
        Ok(policy)
    }

    /// Finds out whether there is a program to start as the engine.
    ///
    /// # Errors
    /// [`StartError::NoSuchProgram`].
    pub(crate) fn check_program(config: &Config) -> Result<(), StartError> {
        match &config.engine {
            EngineConfig::Official(command) => match command.first() {
                Some(program)
                    if !is_found(
                        program,
                        config.child_environment.get("PATH").map_or("", String::as_str),
                    ) =>
                {
                    Err(StartError::NoSuchProgram { program: program.clone() })
                }
                _ => Ok(()),
            },
            EngineConfig::Native => Ok(()),
        }
    }

    /// Binds the ports and starts the tasks. Dremio, the token and the child may still be missing.
    ///
    /// # Errors
    /// When the gateway cannot run with this configuration on this machine; see [`StartError`].
    pub async fn start(
        config: Config,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Result<Self, StartError> {
        let mcp = bind("MCP_ADDR", config.mcp_addr).await?;
        let admin = bind("ADMIN_ADDR", config.admin_addr).await?;
        let resource = |cause: std::io::Error| StartError::Resource(cause.into());
        let (mcp_addr, admin_addr) =
            (mcp.local_addr().map_err(resource)?, admin.local_addr().map_err(resource)?);

        let mut registry = Registry::default();
        let metrics = Arc::new(Metrics::register(&mut registry));
        let mut conditions = vec![
            ConditionName::Dremio,
            ConditionName::Engine,
            ConditionName::GatewayKey,
            ConditionName::Token,
        ];
        conditions.extend(auth::conditions(&config.auth));
        let readiness = Readiness::new(&conditions);
        let connections = Connections::new(AGENT_LIMITS, config.trusted_proxies.clone());
        connections.register(registry.sub_registry_with_prefix("dremio_mcp"));
        // What serves requests stops first; then what it needs.
        let back = Shutdown::new();
        let mut tasks = Tasks::new(shutdown.clone());

        let transport = Transport::connect(&config.dremio)?;
        let (tokens, refresh_requester) =
            Tokens::watch(config.token_file.clone(), clock.clone(), config.refresher_url.clone());
        let health =
            DremioHealth::new(readiness.clone(), Arc::clone(&metrics), config.dremio.tls_verify);
        let client = DremioClient::new(transport);
        tasks.spawn(
            "token report",
            tokens.clone().report(readiness.clone(), Arc::clone(&metrics), back.clone()),
        );
        if let Some(folder) = config.token_file.parent().map(Path::to_owned) {
            tasks.spawn(
                "token folder",
                report_open_folder(
                    folder,
                    ConditionName::TokenFolder,
                    readiness.clone(),
                    back.clone(),
                ),
            );
        }
        tasks.spawn(
            "refresh requests",
            refresh_requester.run(client.transport().http().clone(), back.clone()),
        );
        tasks.spawn(
            "dremio probe",
            health.clone().probe(client.clone(), tokens.clone(), back.clone()),
        );

        let dremio =
            DremioCaller::new(client, tokens.of(None), health).with_accounts(tokens.clone());
        let queue = FairQueue::new(CALL_LIMITS, Some(Arc::clone(&metrics)));
        if config.guard.allow_writes {
            let warning = "MCP_ALLOW_WRITES=true: agents may run statements that change data and \
                           Dremio itself";
            readiness
                .set(ConditionName::Guard, Condition::met_with_warning("writes_allowed", warning));
        }
        let gate = |engine| Gate::new(config.guard, engine, Arc::clone(&metrics));
        let is_limited = matches!(config.auth, AuthConfig::Policy { .. });
        let budget = Budget::new(&metrics);
        let signer = Arc::new(Signer::new().map_err(|cause| StartError::Resource(cause.into()))?);
        tasks.spawn(
            "gateway key",
            Arc::clone(&signer).follow(config.token_file.clone(), readiness.clone(), back.clone()),
        );
        let (audit, writing) = Audit::start(&config.audit, &signer, &clock, &readiness)
            .map_err(StartError::Resource)?;
        if let Some(writing) = writing {
            let hangups = shutdown.take_hangups();
            tasks.spawn("audit file", writing.run(hangups, back.clone()));
        }
        let jobs = JobCustody::new(dremio.clone());
        let kept = Arc::new(KeptJobs::default());
        // What a stop ends is not asked for again here: jobs are left before that.
        let (kept_swept, sweep) = (Arc::clone(&kept), shutdown.clone());
        tasks.spawn("kept jobs", async move { kept_swept.sweep(&sweep).await });
        let handles = Handles::new(Arc::clone(&signer));
        let tools = |engine| ToolRoom::new(jobs, kept, gate(engine), handles, config.answers);
        let engine = match &config.engine {
            EngineConfig::Native => {
                readiness.set(ConditionName::Engine, Condition::met());
                let native = Arc::new(Native::new(tools("native"), queue));
                tasks.spawn("native engine", Arc::clone(&native).finish(back.clone()));
                Engine::Native(native)
            }
            EngineConfig::Official(command) => {
                let pages = Pages::new(budget.clone(), result_bytes_max(&config.child_environment));
                let mut at_egress = gate("official");
                if is_limited {
                    at_egress = at_egress.for_callers_only();
                }
                let egress =
                    Egress::bind(dremio, at_egress, pages).await.map_err(StartError::Resource)?;
                let launch = launch(&config, command, &egress).map_err(StartError::Resource)?;
                let repair = if config.official_repair {
                    Repair::with_tools(tools("official"), egress.calls(), &launch.egress_uri)
                } else {
                    Repair::of_guard(config.guard, egress.calls())
                };
                let (supervisor, official) =
                    Supervisor::new(launch, queue, repair, readiness.clone(), Arc::clone(&metrics));
                let egress_stop = Shutdown::new();
                tasks.spawn("egress proxy", egress.run(egress_stop.clone()));
                let supervised = back.clone();
                tasks.spawn("engine", async move {
                    supervisor.run(supervised).await;
                    egress_stop.request();
                });
                let official = Arc::new(official);
                tasks.spawn("official engine", Arc::clone(&official).finish(back.clone()));
                Engine::Official(official)
            }
        };

        let auth = auth::start(&config, &clock, &metrics, &tokens, &readiness, &back, &mut tasks)?;
        let hosts = HostRules::new(mcp_addr, &config.allowed_hosts, &config.allowed_origins);
        let access = Arc::new(Access {
            hosts,
            auth,
            rate_limit: config.rate_limit.map(RateLimit::new),
            metrics: Arc::clone(&metrics),
            refusals: RefusalLog::default(),
        });
        let (reporting, report_stop) = (Arc::clone(&access), back.clone());
        tasks.spawn("refusal log", async move { reporting.refusals.report(&report_stop).await });
        let traces = config.traces.clone();
        let traces = Traces::start(traces, &config.dremio, &clock, &metrics, &mut tasks, &back)
            .map_err(StartError::Traces)?;
        let recent = Arc::new(Recent::new(clock.clone()));
        let status = Arc::new(Status {
            readiness: readiness.clone(),
            metrics: Arc::clone(&metrics),
            tokens,
            engine: engine.clone(),
            recent: Arc::clone(&recent),
            dremio: config.dremio.uri.to_string(),
            agents_url: agents_url(mcp_addr, &config.allowed_hosts),
            wants_key: !matches!(access.auth, Auth::Open(_)),
        });
        tasks.spawn("status", Arc::clone(&status).follow(back.clone()));
        let session_ids = SessionIds::new(signer, clock);
        let limits = SessionLimits { idle_max: config.session_idle, ..SessionLimits::default() };
        let last_call = CancellationToken::new();
        tasks.spawn(
            "last call",
            end_calls(last_call.clone(), config.drain_timeout, shutdown.clone(), back.clone()),
        );
        let gateway = Arc::new(Gateway {
            engine,
            sessions: SessionTable::new(limits, session_ids, Arc::clone(&metrics)),
            budget,
            access: Arc::clone(&access),
            metrics,
            recent,
            audit,
            traces,
            batches: AtomicU64::new(0),
            call_timeout: config.call_timeout,
            last_call,
            shutdown: shutdown.clone(),
        });
        let swept = (Arc::clone(&gateway), back.clone());
        tasks.spawn("session sweep", async move { swept.0.sessions.sweep(&swept.1).await });

        let agents = Arc::new(Front { access, gateway, readiness: readiness.clone() });
        let agents = move |request| {
            let agents = Arc::clone(&agents);
            async move { agents.answer(request).await }
        };
        let (front, stopping) = (shutdown.clone(), readiness.clone());
        let drained = back.clone();
        tasks.spawn("agents' listener", async move {
            let stopping = async {
                front.draining().await;
                stopping.set(
                    ConditionName::Engine,
                    Condition::unmet("stopping", "the gateway was asked to stop"),
                );
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = serve_as(mcp, agents, connections, front.clone()) => {}
                () = stopping => {}
            }
            drained.request();
        });
        let operators = admin::router(readiness.clone(), registry).merge(status.router());
        let operators = config.admin_hosts.guard(operators);
        tasks.spawn("admin listener", serve(admin, operators, Limits::default(), back));
        Ok(Self { mcp_addr, admin_addr, readiness, tasks, drain_timeout: config.drain_timeout })
    }

    /// The address for agents, with the real port even if the configuration said 0.
    #[must_use]
    pub fn mcp_addr(&self) -> SocketAddr {
        self.mcp_addr
    }

    /// The address for operators.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// The conditions, as shown by `/readyz`.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Runs until the shutdown that was passed at the start is requested, then drains.
    pub async fn run(self) -> Exit {
        self.tasks.run(self.drain_timeout).await
    }
}

/// Ends the calls that a stop cannot wait for, shortly before its deadline: their clients are
/// informed, and their jobs at Dremio cancelled.
async fn end_calls(
    last_call: CancellationToken,
    drain_timeout: Duration,
    front: Shutdown,
    back: Shutdown,
) {
    let patience = drain_timeout.saturating_sub(LAST_CALL_BEFORE.min(drain_timeout / 2));
    front.draining().await;
    tokio::select! {
        () = tokio::time::sleep(patience) => last_call.cancel(),
        () = back.draining() => {}
    }
}

async fn bind(variable: &'static str, addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|source| StartError::Bind { variable, addr, source })
}
