//! `dremio-mcp`: arguments, logging, configuration, [`App`], exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dremio_mcp::doctor::{Doctor, Site};
use dremio_mcp::{
    App, AuditArguments, AuthConfig, Config, ESSENTIAL_CONDITIONS, EngineConfig, KeyError, NewKey,
    Server, audit, connect_client, list_keys, policy_tools,
};
use service_kit::env::{Env, Problems, Reader, read_admin_addr};
use service_kit::lifecycle::Shutdown;
use service_kit::logging::{self, LogConfig};
use service_kit::settings::{self, Service, help};
use service_kit::{Clock, Exit, health};

/// Serves a Dremio to AI agents over MCP streamable HTTP, with a login token that never goes stale.
#[derive(Parser)]
#[command(name = "dremio-mcp", version, after_help = help(Service::Gateway))]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default)
    #[command(after_help = help(Service::Gateway))]
    Run,
    /// Ask a running gateway whether it is healthy: exit 0 or 1
    Healthcheck,
    #[command(after_help = help(Service::Gateway))]
    /// Check the environment, print what would run, and exit: 0, or 78 with every problem
    CheckConfig,
    /// Check the audit file, or show who used what
    Audit(AuditArguments),
    /// Show how an MCP client is set up for a gateway, or set it up
    Connect(connect::Arguments),
    /// Look for what is wrong, from the settings to a query, and name what mends it
    #[command(after_help = DOCTOR_HELP)]
    Doctor {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Hide names of hosts and people, addresses and paths, for a public place
        #[arg(long)]
        share: bool,
    },
    /// Make and list the keys of MCP_POLICY_FILE
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key for a client, and print it once, with its line for the policy file
    New {
        /// The client: 1 to 64 characters from A-Z, a-z, 0-9, `.`, `_` and `-`
        name: String,
    },
    /// Print the clients of the policy file, the start of their keys' digests, and their rights
    List,
}

const DOCTOR_HELP: &str = "\
It takes the settings of `dremio-mcp run` and only reads. ✓ is as it should be, ! works and is
worth knowing, ✗ does not work and names one command or one line to change, - was not checked and
says why. A whole look takes 20 seconds at most.

Exit codes: 0 nothing is wrong, 1 something is, 78 a setting is wrong, 64 wrong command line.

  docker compose run --rm --no-deps dremio-mcp doctor  with Docker Compose
  dremio-mcp doctor --share                            to paste into a bug report";

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(cause) => {
            let _unprintable = cause.print();
            return if cause.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    let runtime = match service_kit::runtime::start() {
        Ok(runtime) => runtime,
        Err(cause) => return Exit::TaskDied.eprint(&format!("no runtime: {cause}")).into(),
    };
    let env = Env::process();
    let command = arguments.command.unwrap_or(Command::Run);
    let is_doctor = matches!(command, Command::Doctor { .. });
    let exit = runtime.block_on(async {
        match command {
            Command::Run => run(&env).await,
            Command::Healthcheck => healthcheck(&env).await,
            Command::CheckConfig => check_config(&env),
            Command::Audit(arguments) => audit(&arguments, &env, &Clock::system()).into(),
            Command::Key { command } => key(&env, &command),
            Command::Connect(arguments) => connect(&arguments, &env).await,
            Command::Doctor { json, share } => doctor(&env, json, share).await,
        }
    });
    if is_doctor {
        // A name that is still being looked up must not hold up the end.
        runtime.shutdown_background();
    }
    exit
}

async fn run(env: &Env) -> ExitCode {
    let shutdown = Shutdown::new();
    if let Err(cause) = shutdown.on_signals() {
        return Exit::TaskDied.eprint(&format!("no signal handlers: {cause}")).into();
    }
    // Before the configuration, with defaults for invalid settings, so that configuration problems
    // are log lines like all others.
    logging::init_stdout(LogConfig::read(&mut Reader::new(env, Service::Gateway)));
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
            "DREMIO_TLS_VERIFY=false: anyone between here and Dremio can read and change \
             everything"
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
    tracing::info!(
        mcp = format!("http://{}/mcp", app.mcp_addr()),
        admin = %app.admin_addr(),
        dremio,
        version = env!("CARGO_PKG_VERSION"),
        "serving",
    );
    let exit = app.run().await;
    tracing::info!("stopped");
    exit.into()
}

async fn connect(arguments: &connect::Arguments, env: &Env) -> ExitCode {
    let server = Server { url: "http://127.0.0.1:8000/mcp", wants_key: true, key_file: None };
    connect_client(arguments, server, env).await.into()
}

async fn healthcheck(env: &Env) -> ExitCode {
    let addr = match read_admin_addr(env, Service::Gateway) {
        Ok(addr) => addr,
        Err(problems) => return Exit::Failure.eprint(&problems.to_string()).into(),
    };
    match health::check(addr, &ESSENTIAL_CONDITIONS).await {
        Ok(health) => Exit::Success.print(&health.to_string()).into(),
        Err(cause) => Exit::Failure.eprint(&cause.to_string()).into(),
    }
}

async fn doctor(env: &Env, json: bool, share: bool) -> ExitCode {
    let diagnosis = match Doctor::of_env(env, Clock::system(), Site::here(env)).await {
        Ok(doctor) => doctor.examine().await,
        Err(diagnosis) => diagnosis,
    };
    let diagnosis = if share { diagnosis.shared() } else { diagnosis };
    let text = if json { diagnosis.json() } else { diagnosis.text() };
    diagnosis.exit().print(&text).into()
}

fn check_config(env: &Env) -> ExitCode {
    match Config::read(env) {
        Ok(config) => {
            let policy = match App::check(&config) {
                Ok(summary) => {
                    summary.map_or_else(String::new, |text| format!("\n  policy:  {text}"))
                }
                Err(cause) => {
                    let text = format!("{:#}", anyhow::Error::from(cause));
                    return Exit::Config.eprint(&text).into();
                }
            };
            let unknown: String = config
                .unknown_variables
                .iter()
                .map(|name| format!("\n  warning: {name} is not known and has no effect"))
                .collect();
            let access = match &config.auth {
                AuthConfig::Keys(_) => "by key",
                AuthConfig::Policy { .. } => "by key, as the policy says",
                AuthConfig::Open => "OPEN to everybody who reaches the address",
            };
            let engine = match &config.engine {
                EngineConfig::Official(command) => format!("official ({})", command.join(" ")),
                EngineConfig::Native => "native".to_owned(),
            };
            let text = format!(
                "configuration is good\n  Dremio:  {}\n  token:   {}\n  agents:  http://{}/mcp\n  \
                 admin:   http://{}\n  access:  {access}{policy}\n  engine:  {engine}\n  \
                 set:     {}{unknown}",
                config.dremio.uri,
                config.token_file.display(),
                config.mcp_addr,
                config.admin_addr,
                env.given(Service::Gateway).join(", "),
            );
            Exit::Success.print(&text).into()
        }
        Err(problems) => Exit::Config.eprint(&problems.to_string()).into(),
    }
}

/// Needs no setting but MCP_POLICY_FILE, and that for `list` only.
fn key(env: &Env, command: &KeyCommand) -> ExitCode {
    let file = policy_file(env);
    let exit = match (command, file) {
        (KeyCommand::New { name }, file) => {
            match NewKey::make(name, file.as_deref(), policy_tools()) {
                Ok(key) => Exit::Success.print(&key.text),
                Err(cause @ KeyError::Name) => Exit::Usage.eprint(&cause.to_string()),
                Err(cause) => Exit::TaskDied.eprint(&cause.to_string()),
            }
        }
        (KeyCommand::List, None) => {
            Exit::Config.eprint("MCP_POLICY_FILE is not set: there is no policy file to list")
        }
        (KeyCommand::List, Some(file)) => match list_keys(&file, policy_tools()) {
            Ok(text) => Exit::Success.print(&text),
            Err(cause) => Exit::Config.eprint(&format!("MCP_POLICY_FILE: {cause}")),
        },
    };
    exit.into()
}

fn policy_file(env: &Env) -> Option<PathBuf> {
    Reader::new(env, Service::Gateway).text(&settings::MCP_POLICY_FILE).map(PathBuf::from)
}
