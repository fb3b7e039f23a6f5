//! `dremio-mcp-local`: everything in one process on a laptop: a Dremio (the sandbox, or your own),
//! the refresher that keeps a token fresh, and the gateway that agents talk to.
//!
//! - `arguments`: what can be asked for
//! - `stack`: starts and stops the three
//! - `ask`: one tool call through the gateway, as an agent would make it
//! - `table`: rows for people
//! - `screen`: what a person sees

mod arguments;
mod ask;
mod screen;
mod stack;
mod table;

use std::process::ExitCode;

use clap::Parser;
use service_kit::Exit;
use service_kit::lifecycle::Shutdown;
use service_kit::logging::{self, Format, Level, LogConfig};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use self::arguments::Arguments;
use self::screen::Screen;
use self::stack::{NotReady, Stack};

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
            LogConfig { level: Level::Info, format: Format::Text },
            BoxMakeWriter::new(std::io::stderr),
        );
    }
    // One TLS implementation for the whole process; installing it twice is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let screen = Screen::new();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return screen.failed(&cause.into(), Exit::TaskDied).into(),
    };
    runtime.block_on(run(arguments, &screen)).into()
}

async fn run(arguments: Arguments, screen: &Screen) -> Exit {
    let shutdown = Shutdown::new();
    if let Err(cause) = shutdown.on_signals() {
        return screen.failed(&cause.into(), Exit::TaskDied);
    }
    let started = tokio::select! {
        started = Stack::start(&arguments, screen) => started,
        () = shutdown.draining() => return Exit::Success,
    };
    let mut stack = match started {
        Ok(stack) => stack,
        Err(cause) if cause.is::<NotReady>() => return screen.failed(&cause, Exit::Failure),
        Err(cause) => return screen.failed(&cause, Exit::Config),
    };
    let exit = match &arguments.ask {
        Some(sql) => tokio::select! {
            exit = answer(&stack, sql, screen) => exit,
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

async fn answer(stack: &Stack, sql: &str, screen: &Screen) -> Exit {
    match ask::run_sql(&stack.facts().mcp_uri, sql).await {
        Ok(rows) => {
            screen.rows(&rows);
            Exit::Success
        }
        Err(cause) => screen.failed(&cause, Exit::Failure),
    }
}
