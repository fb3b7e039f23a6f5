//! The command line of token-refresher: arguments, logging, configuration, [`App`], exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service_kit::env::{Env, Problems, Reader, read_admin_addr};
use service_kit::lifecycle::Shutdown;
use service_kit::logging::{self, LogConfig};
use service_kit::settings::{Service, help};
use service_kit::{Clock, Exit, health};
use token_refresher::{App, Config, first_user};

/// Logs in to Dremio with user name and password and keeps a fresh token in a file that other
/// services read.
#[derive(Parser)]
#[command(version, about, after_help = help(Service::TokenRefresher))]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Keep the token fresh until asked to stop (the default)
    #[command(after_help = help(Service::TokenRefresher))]
    Run,
    /// See to it once that a good token is in the file of every account, and exit with 0 if so for
    /// the single account, or without one for at least one
    Once,
    /// Create the first user of a fresh Dremio, waiting for it to start; exit with 0 also if Dremio
    /// has users already
    FirstUser,
    /// Ask the running service whether it is healthy, and exit with 0 if so
    Healthcheck,
    #[command(after_help = help(Service::TokenRefresher))]
    /// Check the configuration and exit with 0, or list what is wrong with it and exit with 78
    CheckConfig,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(cause) => {
            // Help and version come here, too, and are no errors.
            let _ = cause.print();
            return if cause.use_stderr() { Exit::Usage } else { Exit::Success }.into();
        }
    };
    let env = Env::process();
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => run(&env).await,
        Command::Once => once(&env).await,
        Command::FirstUser => create_first_user(&env).await,
        Command::Healthcheck => healthcheck(&env).await,
        Command::CheckConfig => check_config(&env),
    }
    .into()
}

async fn run(env: &Env) -> Exit {
    let (config, shutdown) = match prepare(env) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    match App::start(config, Clock::system(), shutdown).await {
        Ok(mut app) => app.join().await,
        Err(cause) => cannot_start(&cause.into()),
    }
}

/// The first steps of every long-running command. Must be called inside the runtime.
fn prepare(env: &Env) -> Result<(Config, Shutdown), Exit> {
    // Before anything slow: as PID 1, a signal without a handler is lost.
    let shutdown = Shutdown::new();
    let signals = shutdown.on_signals();
    start_logging(env);
    service_kit::lifecycle::close_memory();
    if let Err(cause) = signals {
        tracing::error!(error = %cause, "cannot handle signals");
        return Err(Exit::TaskDied);
    }
    Config::read(env).map(|config| (config, shutdown)).map_err(|problems| report(&problems))
}

async fn once(env: &Env) -> Exit {
    start_logging(env);
    service_kit::lifecycle::close_memory();
    let config = match Config::read(env) {
        Ok(config) => config,
        Err(problems) => return report(&problems),
    };
    App::once(config, Clock::system()).await.unwrap_or_else(|error| cannot_start(&error.into()))
}

async fn create_first_user(env: &Env) -> Exit {
    let (config, shutdown) = match prepare(env) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    tokio::select! {
        created = first_user(&config) => {
            created.unwrap_or_else(|error| cannot_start(&error.into()))
        }
        () = shutdown.draining() => Exit::Failure,
    }
}

async fn healthcheck(env: &Env) -> Exit {
    let admin_addr = match read_admin_addr(env, Service::TokenRefresher) {
        Ok(admin_addr) => admin_addr,
        Err(problems) => return Exit::Failure.eprint(&problems.to_string()),
    };
    // A restart does not help if Dremio is down, so only the token counts.
    match health::check(admin_addr, &["token"]).await {
        Ok(health) => Exit::Success.print(&health.to_string()),
        Err(unhealthy) => Exit::Failure.eprint(&unhealthy.to_string()),
    }
}

fn check_config(env: &Env) -> Exit {
    let config = match Config::read(env) {
        Ok(config) => config,
        Err(problems) => return Exit::Config.eprint(&problems.to_string()),
    };
    if let Err(cause) = App::check(&config) {
        return Exit::Config.eprint(&format!("{:#}", anyhow::Error::from(cause)));
    }
    let unknown = config.unknown.iter().map(|name| format!("{name} is not known; is it misspelt?"));
    let warnings: String = unknown
        .chain(App::check_accounts(&config))
        .map(|warning| format!("\n  warning: {warning}"))
        .collect();
    let given = env.given(Service::TokenRefresher).join(", ");
    Exit::Success.print(&format!("the configuration is valid\n  set: {given}{warnings}"))
}

/// `LOG_LEVEL` and `LOG_FORMAT`, or the defaults if they are wrong: that is reported later, with
/// all other problems.
fn start_logging(env: &Env) {
    logging::init_stdout(LogConfig::read(&mut Reader::new(env, Service::TokenRefresher)));
}

fn report(problems: &Problems) -> Exit {
    for problem in &problems.0 {
        tracing::error!(variable = problem.name, "{problem}");
    }
    Exit::Config
}

fn cannot_start(error: &anyhow::Error) -> Exit {
    tracing::error!(error = format!("{error:#}"), "cannot start");
    Exit::Config
}
