//! `dremio-mcp`: arguments, logging, configuration, [`App`], exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dremio_mcp::{App, AuthConfig, Config, ESSENTIAL_CONDITIONS, EngineConfig};
use service_kit::env::{Env, Problems, Reader};
use service_kit::lifecycle::Shutdown;
use service_kit::logging::{self, LogConfig};
use service_kit::{Clock, Exit, health};

/// Serves a Dremio to AI agents over MCP streamable HTTP, with a login token that never goes stale.
#[derive(Parser)]
#[command(name = "dremio-mcp", version, after_help = HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Clone, Copy)]
enum Command {
    /// Serve (the default)
    #[command(after_help = HELP)]
    Run,
    /// Ask a running gateway whether it is healthy: exit 0 or 1
    Healthcheck,
    #[command(after_help = HELP)]
    /// Check the environment, print what would run, and exit: 0, or 78 with every problem
    CheckConfig,
}

const HELP: &str = "\
Settings come from the environment. The ones to know:
  DREMIO_URI             Dremio's REST API, for example http://dremio:9047 (required)
  TOKEN_FILE             the token that token-refresher keeps fresh [/tokens/token.json]
  MCP_ADDR               where agents connect; the endpoint is /mcp [127.0.0.1:8000]
  MCP_API_KEYS_FILE      keys that agents present as `Authorization: Bearer <key>`, one a line
  MCP_API_KEY            one such key, instead of a file
  MCP_AUTH               `keys`, or `none` on a loopback address [keys]
  MCP_ALLOW_OPEN         allow MCP_AUTH=none on other addresses [false]
  MCP_ENGINE             `official` runs Dremio's own MCP server, `native` needs no Python [official]
  MCP_SERVER_COMMAND     the official server's command line [dremio-mcp-server run …]
  MCP_SERVER_CONFINE     keep its process from the token, the keys and other processes [true]
  MCP_SERVER_WRITABLE    folders in which that process may write, comma-separated
  MCP_ALLOWED_HOSTS      names of this server besides localhost: mcp.example.com,10.0.0.5:8000
  MCP_ALLOWED_ORIGINS    web pages that may use it: https://app.example.com,file://
  MCP_TRUSTED_PROXIES    addresses and ranges of proxies whose X-Forwarded-For is believed
  MCP_ALLOW_WRITES       let agents run statements that write, with either engine [false]
  MCP_ALLOW_JOB_HISTORY  let agents query sys.jobs and sys.jobs_recent: what everybody asked [false]
  MCP_RATE_LIMIT         messages that one key may send, for example 600/m, or off [6000/m]
  MCP_CALL_TIMEOUT       limit for one call [5m]
  MCP_ENGINE_TIMEOUT     an MCP server process that is silent for this long is replaced [30s]
  MCP_STANDBY            keep a second MCP server process ready to take over [false]
  MCP_SESSION_IDLE       a session that rests for so long is taken out of memory; its id stays good [1h]
  MCP_DRAIN_TIMEOUT      how long answers in flight get to finish after SIGTERM [20s]
  REFRESHER_URL          token-refresher's admin address, asked for a new token after a 401
  ADMIN_ADDR             /healthz, /readyz with reasons, /metrics [127.0.0.1:9464]
  ADMIN_ALLOWED_HOSTS    names with a dot by which tools may ask there, comma-separated
  DREMIO_CA_FILE         extra certificate authorities (PEM);  DREMIO_TLS_VERIFY [true]
  LOG_LEVEL, LOG_FORMAT  debug, info, warn, error; json or text
  DREMIOAI_…             passed on to the official server, except its URI and token
A secret NAME can also be given as NAME_FILE. Durations need a unit: 90s, 5m, 6h.";

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(cause) => {
            let _unprintable = cause.print();
            return if cause.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return Exit::TaskDied.eprint(&format!("no runtime: {cause}")).into(),
    };
    let env = Env::process();
    runtime.block_on(async {
        match arguments.command.unwrap_or(Command::Run) {
            Command::Run => run(&env).await,
            Command::Healthcheck => healthcheck(&env).await,
            Command::CheckConfig => check_config(&env),
        }
    })
}

async fn run(env: &Env) -> ExitCode {
    let shutdown = Shutdown::new();
    if let Err(cause) = shutdown.on_signals() {
        return Exit::TaskDied.eprint(&format!("no signal handlers: {cause}")).into();
    }
    // Before the configuration, with defaults where that is wrong, so that its problems are log
    // lines like all others.
    logging::init_stdout(LogConfig::read(&mut Reader::new(env)));
    let config = match Config::read(env) {
        Ok(config) => config,
        Err(Problems(problems)) => {
            for problem in problems {
                tracing::error!(variable = problem.name, "{problem}");
            }
            return Exit::Config.into();
        }
    };
    service_kit::lifecycle::raise_descriptor_limit();
    service_kit::lifecycle::close_memory();
    for name in &config.unknown_variables {
        tracing::warn!(variable = name, "this variable is not known and has no effect");
    }
    if !config.dremio.tls_verify {
        tracing::warn!(
            "DREMIO_TLS_VERIFY=false: anyone between here and Dremio can read and change everything"
        );
    }
    if config.guard.allow_writes {
        tracing::warn!(
            "MCP_ALLOW_WRITES=true: agents may run statements that change data and Dremio itself"
        );
    }
    if config.guard.allow_job_history {
        tracing::warn!("MCP_ALLOW_JOB_HISTORY=true: every agent can read what all others asked");
    }
    let dremio = config.dremio.uri.to_string();
    let app = match App::start(config, Clock::system(), shutdown).await {
        Ok(app) => app,
        Err(cause) => {
            tracing::error!(error = format!("{:#}", anyhow::Error::from(cause)), "cannot start");
            return Exit::Config.into();
        }
    };
    tracing::info!(mcp = format!("http://{}/mcp", app.mcp_addr()), admin = %app.admin_addr(), dremio, version = env!("CARGO_PKG_VERSION"), "serving");
    let exit = app.run().await;
    tracing::info!("stopped");
    exit.into()
}

async fn healthcheck(env: &Env) -> ExitCode {
    let mut reader = Reader::new(env);
    let addr = reader.listen_addr("ADMIN_ADDR", std::net::SocketAddr::from(([127, 0, 0, 1], 9464)));
    match health::check(addr, &ESSENTIAL_CONDITIONS).await {
        Ok(health) => Exit::Success.print(&health.to_string()).into(),
        Err(cause) => Exit::Failure.eprint(&cause.to_string()).into(),
    }
}

fn check_config(env: &Env) -> ExitCode {
    match Config::read(env) {
        Ok(config) => {
            if let Err(cause) = App::check(&config) {
                return Exit::Config.eprint(&format!("{:#}", anyhow::Error::from(cause))).into();
            }
            let unknown: String = config
                .unknown_variables
                .iter()
                .map(|name| format!("\n  warning: {name} is not known and has no effect"))
                .collect();
            let access = match &config.auth {
                AuthConfig::Keys(_) => "by key",
                AuthConfig::Open => "OPEN to everybody who reaches the address",
            };
            let engine = match &config.engine {
                EngineConfig::Official(command) => format!("official ({})", command.join(" ")),
                EngineConfig::Native => "native".to_owned(),
            };
            let text = format!(
                "configuration is good\n  Dremio:  {}\n  token:   {}\n  agents:  http://{}/mcp\n  admin:   http://{}\n  access:  {access}\n  engine:  {engine}{unknown}",
                config.dremio.uri,
                config.token_file.display(),
                config.mcp_addr,
                config.admin_addr,
            );
            Exit::Success.print(&text).into()
        }
        Err(problems) => Exit::Config.eprint(&problems.to_string()).into(),
    }
}
