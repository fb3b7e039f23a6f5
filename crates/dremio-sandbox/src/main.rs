//! `dremio-sandbox`: the stand-in as a program.
//!
//! Arguments → signals → sandbox → one line that says it is ready → wait. Exit codes: 0 asked to
//! stop (or healthy), 1 not healthy, 64 usage, 78 configuration.

mod healthcheck;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use dremio_sandbox::{
    Control, ControlPort, Sandbox, SandboxConfig, SlowQuery, parse_token_lifetime,
};
use service_kit::{Exit, parse_duration};
use tokio::signal::unix::{SignalKind, signal};

const DEMO_PASSWORD: &str = "dremio123";

/// A stand-in for Dremio Community Edition 25.2: its REST API over a small demo shop, with faults
/// on demand.
///
/// It holds demo data only, writes nothing, and keeps passwords in clear: never give it one that
/// matters.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_long_help = CONTROL_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask a running sandbox whether it is well: exit 0 or 1
    Healthcheck {
        /// Base address of the sandbox
        #[arg(long, default_value = "http://127.0.0.1:9047")]
        uri: String,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// Address of the REST API
    #[arg(long, default_value = "127.0.0.1:9047")]
    listen: SocketAddr,
    /// Name of the demo user
    #[arg(long, default_value = "dremio")]
    user: String,
    /// File with the demo user's password; if it is empty, DREMIO_PASSWORD holds it [default
    /// password: dremio123]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Start without a first user, as a new Dremio does
    #[arg(long, conflicts_with_all = ["user", "password_file"])]
    no_users: bool,
    /// How long a login token lives, with a unit (5s, 10m, 30h)
    #[arg(long, default_value = "30h", value_parser = parse_token_lifetime)]
    token_lifetime: Duration,
    /// How long a job takes at least, with a unit
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    job_duration: Duration,
    /// Queries that contain TEXT take at least so long; may be repeated [e.g.
    /// 'Sales.order_items=30s']
    #[arg(long, value_name = "TEXT=DURATION")]
    slow_query: Vec<SlowQuery>,
    /// Add the source Lake with this many tables, as a company would have them
    #[arg(long, value_name = "COUNT", default_value_t = 0, hide_default_value = true)]
    generated_tables: usize,
    /// Add the source Large: many_rows has 100 000 rows, wide_cells up to 5 MB in a cell
    #[arg(long)]
    large_tables: bool,
    /// Add what is seldom in a catalog: broken views, a function, a file that is no table
    #[arg(long)]
    rare_entries: bool,
    /// Say no more of a syntax error than Dremio before version 25 does
    #[arg(long)]
    bare_syntax_errors: bool,
    /// Address of the HTTP control port; off unless given. It has no protection: keep it on
    /// loopback
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
}

const CONTROL_HELP: &str = r#"Control port (JSON; durations have a unit):
  POST   /token-lifetime {"duration":"5s"}     tokens issued from now on live so long
  POST   /revoke-tokens                        all tokens are invalid
  POST   /refuse {"on":true}                   refuse connections; false accepts them again
  POST   /fault {"kind":"status","status":503,"path":"/apiv2/login","method":"POST","times":2}
         kinds: stall, delay (duration), drip (bytes_per_chunk, interval), reset_mid_answer,
         status (status), html, unauthorized, bad_json, oversized (bytes)
  DELETE /faults                               end all faults
  POST   /job-duration {"duration":"10s"}      jobs take at least so long
  POST   /slow-query {"containing":"Sales.orders","duration":"30s"}
  DELETE /slow-queries                         no query is slow any more
  POST   /generated-tables {"count":5000}      the source Lake has so many tables
  POST   /large-tables                         the source Large: 100 000 rows, cells of 5 MB
  POST   /rare-entries                         broken views, a function, a file that is no table
  POST   /bare-syntax-errors {"on":true}       no more than "Failure parsing the query."
  POST   /expire-results                       results of finished jobs are gone
  POST   /password {"user":"…","password":"…"} change a password or add a user
  GET    /requests, DELETE /requests           what was asked; forget it
  GET    /jobs                                 the jobs
  GET    /healthz"#;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(cause) => {
            let failed = cause.use_stderr();
            cause.print().ok();
            return if failed { Exit::Usage } else { Exit::Success }.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome =
        runtime.context("cannot start the runtime").and_then(|runtime| match cli.command {
            Some(Command::Healthcheck { uri }) => Ok(runtime.block_on(healthcheck::check(&uri))),
            None => runtime.block_on(run(cli.run)).map(|()| true),
        });
    match outcome {
        Ok(true) => Exit::Success,
        Ok(false) => Exit::Failure,
        Err(cause) => Exit::Config.eprint(&format!("dremio-sandbox: {cause:#}")),
    }
    .into()
}

async fn run(arguments: Run) -> anyhow::Result<()> {
    // Before anything slow: as process 1 an unhandled SIGTERM would be ignored.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let sandbox = Sandbox::start(SandboxConfig {
        addr: arguments.listen,
        users: users(&arguments)?,
        token_lifetime: arguments.token_lifetime,
        job_duration: arguments.job_duration,
        ..SandboxConfig::default()
    })
    .await?;
    prepare(&sandbox.control(), &arguments);
    let control = match arguments.control {
        None => None,
        Some(addr) => Some(
            ControlPort::start(addr, sandbox.control())
                .with_context(|| format!("cannot listen on {addr}"))?,
        ),
    };
    say_ready(&sandbox, control.as_ref(), &arguments)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    if let Some(control) = control {
        control.stop().await;
    }
    sandbox.stop().await;
    Ok(())
}

/// What the stand-in shows beyond the demo.
fn prepare(control: &Control, arguments: &Run) {
    for query in &arguments.slow_query {
        control.slow_down(query.clone());
    }
    if arguments.generated_tables > 0 {
        control.add_generated_tables(arguments.generated_tables);
    }
    if arguments.large_tables {
        control.add_large_tables();
    }
    if arguments.rare_entries {
        control.add_rare_entries();
    }
    control.set_bare_syntax_errors(arguments.bare_syntax_errors);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only variable that is read, once; the stand-in knows nothing of service-kit"
)]
fn users(arguments: &Run) -> anyhow::Result<Vec<(String, String)>> {
    if arguments.no_users {
        return Ok(Vec::new());
    }
    let password = match &arguments.password_file {
        None => DEMO_PASSWORD.to_owned(),
        Some(file) => password_in(file, std::env::var("DREMIO_PASSWORD").unwrap_or_default())?,
    };
    Ok(vec![(arguments.user.clone(), password)])
}

/// The password in `file`, or `otherwise` if that is blank.
fn password_in(file: &Path, otherwise: String) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    let password = if password.trim().is_empty() { otherwise } else { password.to_owned() };
    anyhow::ensure!(!password.is_empty(), "{} is empty, and so is DREMIO_PASSWORD", file.display());
    Ok(password)
}

/// One line on standard output: text for a person, JSON for a machine.
fn say_ready(
    sandbox: &Sandbox,
    control: Option<&ControlPort>,
    arguments: &Run,
) -> anyhow::Result<()> {
    let uri = sandbox.uri();
    let control = control.map(|control| format!("http://{}", control.addr()));
    let user = (!arguments.no_users).then_some(arguments.user.as_str());
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        let user = user.map_or_else(|| "no user yet".to_owned(), |user| format!("user {user}"));
        let control = control.map_or_else(String::new, |control| format!(", control at {control}"));
        writeln!(out, "dremio-sandbox is ready at {uri} ({user}){control}")
    } else {
        let line = serde_json::json!({"level": "info", "target": "dremio_sandbox",
            "message": "sandbox is ready",
            "uri": uri, "user": user, "control": control});
        writeln!(out, "{line}")
    }
    .and_then(|()| out.flush())
    .context("cannot write to standard output")
}
