//! `dremio-mcp-local`: everything in one process on a laptop: a Dremio (the sandbox, or your own),
//! the refresher that keeps a token fresh, and the gateway that agents talk to.
//!
//! - `arguments`: what can be asked for
//! - `stack`: starts and stops the three
//! - `ask`: tool calls through the gateway, as an agent would make them
//! - `answer`: what they bring
//! - `table`: rows for people
//! - `export`: rows for programs
//! - `screen`: what a person sees

mod answer;
mod arguments;
mod ask;
mod export;
mod screen;
mod stack;
mod table;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use dremio_mcp::Server;
use service_kit::Exit;
use service_kit::env::Env;
use service_kit::lifecycle::Shutdown;
use service_kit::logging::{self, Level, LogConfig};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use self::arguments::{Arguments, Command, Format};
use self::ask::Agent;
use self::export::Export;
use self::screen::Screen;
use self::stack::{NotReady, Stack};
use self::table::Table;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(cause) => {
            let _ = cause.print();
            return if cause.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    if arguments.verbose {
        logging::init(
            LogConfig { level: Level::Info, format: logging::Format::Text },
            BoxMakeWriter::new(io::stderr),
        );
    }
    // One TLS implementation for the whole process; installing it twice is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let screen = Screen::new();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return screen.failed(&cause.into(), Exit::TaskDied).into(),
    };
    if let Some(Command::Connect(arguments)) = &arguments.command {
        return runtime.block_on(connect_client(arguments)).into();
    }
    runtime.block_on(run(arguments, &screen)).into()
}

async fn connect_client(arguments: &connect::Arguments) -> Exit {
    let server = Server { url: "http://127.0.0.1:8000/mcp", wants_key: false, key_file: None };
    dremio_mcp::connect_client(arguments, server, &Env::process()).await
}

async fn run(arguments: Arguments, screen: &Screen) -> Exit {
    let shutdown = Shutdown::new();
    if let Err(cause) = shutdown.on_signals() {
        return screen.failed(&cause.into(), Exit::TaskDied);
    }
    let sql = match arguments.ask.as_deref().map(read_sql).transpose() {
        Ok(sql) => sql,
        Err(cause) => return screen.failed(&cause, Exit::Usage),
    };
    let started = tokio::select! {
        started = Stack::start(&arguments, screen) => started,
        () = shutdown.draining() => return Exit::Success,
    };
    let mut stack = match started {
        Ok(stack) => stack,
        Err(cause) if cause.is::<NotReady>() => return screen.failed(&cause, Exit::Failure),
        Err(cause) => return screen.failed(&cause, Exit::Config),
    };
    let exit = match &sql {
        Some(sql) => tokio::select! {
            printed = answer(&stack, sql, arguments.format, screen) => match printed {
                Err(cause) if !is_unread(&cause) => screen.failed(&cause, Exit::Failure),
                _ => Exit::Success,
            },
            () = shutdown.draining() => Exit::Failure,
        },
        None => {
            screen.ready(&stack.facts());
            tokio::select! {
                exit = stack.ended() => exit,
                () = shutdown.draining() => Exit::Success,
            }
        }
    };
    stack.stop().await;
    exit
}

/// The SQL that was asked for: the argument, or what standard input holds.
fn read_sql(ask: &str) -> anyhow::Result<String> {
    let sql = match ask {
        "-" => io::read_to_string(io::stdin().lock())
            .context("cannot read the SQL from standard input")?,
        sql => sql.to_owned(),
    };
    anyhow::ensure!(!sql.trim().is_empty(), "--ask got no SQL");
    Ok(sql)
}

/// Asks like an agent, and prints the rows; notes on what was cut go to the screen.
async fn answer(stack: &Stack, sql: &str, format: Format, screen: &Screen) -> anyhow::Result<()> {
    let agent = Agent::new(stack.facts().mcp_uri)?;
    let mut page = agent.run_sql(sql).await?;
    let out = io::stdout();
    if format == Format::Table {
        return Ok(write!(out.lock(), "{}", Table::new(&page))?);
    }
    let mut export = Export::new(format, BufWriter::new(out));
    loop {
        export.add(&page)?;
        if let Some(note) = page.note_on_rows() {
            screen.note(note);
        }
        match &page.next {
            Some(next) => page = agent.read_on(next).await?,
            None => return Ok(export.finish()?),
        }
    }
}

/// Whether the reader has seen enough (`| head`).
fn is_unread(cause: &anyhow::Error) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}
