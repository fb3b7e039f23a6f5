//! `dremio-mcp-local`: everything in one process on a laptop: a Dremio (the sandbox, or your own),
//! the refresher that keeps a token fresh, and the gateway that agents talk to.
//!
//! - `arguments`: what can be asked for
//! - `settings`: what the last start was asked for, in a `config_dir`
//! - `addresses`: where things listen
//! - `stack`: starts and stops the three
//! - `instance`: who runs with a folder
//! - `background`: running without a terminal
//! - `ask`: tool calls through the gateway, as an agent would make them
//! - `answer`: what they bring
//! - `table`: rows for people
//! - `export`: rows for programs
//! - `doctor`: what is wrong
//! - `screen`: what a person sees
//! - `browser`, `log_file`, `pages`: the status page, the log, completions and the manual

mod addresses;
mod answer;
mod arguments;
mod ask;
mod background;
mod browser;
mod config_dir;
mod doctor;
mod export;
mod instance;
mod log_file;
mod pages;
mod screen;
mod settings;
mod stack;
mod table;

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use dremio_mcp::Server;
use service_kit::Exit;
use service_kit::env::Env;
use service_kit::lifecycle::Shutdown;
use service_kit::logging::{self, Level, LogConfig};
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt};

use self::arguments::{Arguments, Command, Folder, Format};
use self::ask::Agent;
use self::config_dir::ConfigDir;
use self::export::Export;
use self::instance::Instance;
use self::log_file::LogFile;
use self::screen::{Screen, say};
use self::settings::{Effective, Wrong};
use self::stack::{NotReady, Stack};
use self::table::Table;

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let in_background = background::take_mark(&mut words);
    let screen = Screen::new();
    let effective = match Effective::read(&words) {
        Ok(effective) => effective,
        Err(Wrong::Usage(cause)) => {
            let _ = cause.print();
            return if cause.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
        Err(Wrong::Folder(cause)) => return screen.failed(&cause, Exit::Config).into(),
    };
    // One TLS implementation for the whole process; installing it twice is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match (&effective.arguments.command, &effective.folder) {
        (Some(command), _) => run_command(command, &screen),
        (None, Some(folder)) if effective.arguments.background && !in_background => {
            background::start(&words, folder)
        }
        (None, _) => run_async(serve(effective, &screen)),
    };
    done.unwrap_or_else(|cause| screen.failed(&cause, Exit::Failure)).into()
}

fn run_command(command: &Command, screen: &Screen) -> anyhow::Result<Exit> {
    match command {
        Command::Connect { client, folder } => run_async(connect_client(client, folder)),
        Command::Stop { folder } => background::stop(folder),
        Command::Status { folder } => run_async(background::status(folder, screen)),
        Command::Doctor { json, share, folder } => run_async(async {
            let diagnosis = doctor::examine(folder, screen).await?;
            let diagnosis = if *share { diagnosis.shared() } else { diagnosis };
            let text = if *json { diagnosis.json() } else { diagnosis.text() };
            Ok(diagnosis.exit().print(&text))
        }),
        Command::Completions { shell } => {
            pages::print(pages::completions(*shell).as_bytes());
            Ok(Exit::Success)
        }
        Command::Man { folder: Some(folder) } => {
            pages::write_manual(folder).map(|()| Exit::Success)
        }
        Command::Man { folder: None } => {
            pages::print(&pages::manual()?);
            Ok(Exit::Success)
        }
    }
}

fn run_async(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Sets clients up for what runs with the folder, or for what its settings would start.
async fn connect_client(client: &connect::Arguments, folder: &Folder) -> anyhow::Result<Exit> {
    let mut url = String::from("http://127.0.0.1:8000/mcp");
    let mut keys = None;
    if let Some(folder) = ConfigDir::existing(folder.config_dir.as_deref())? {
        let running = instance::running(&folder)?.and_then(|running| running.state);
        if let Some(state) = running {
            (url, keys) = (state.facts.mcp_uri, state.facts.keys_file.map(PathBuf::from));
        } else {
            let kept = settings::of(&folder)?;
            if let Some(addr) = kept.mcp_addr.filter(|addr| addr.port() != 0) {
                url = format!("http://{addr}/mcp");
            }
            keys = match kept.require_key {
                true => Some(folder.api_keys()?),
                false => kept.api_keys_file,
            };
        }
    }
    let server = Server { url: &url, wants_key: keys.is_some(), key_file: keys.as_deref() };
    Ok(dremio_mcp::connect_client(client, server, &Env::process()).await)
}

/// Sends the services' logs where they are wanted; the file, if it is one.
fn init_logs(arguments: &Arguments, path: Option<&Path>) -> anyhow::Result<Option<LogFile>> {
    let config = LogConfig { level: Level::Info, format: logging::Format::Text };
    let Some(path) = path else {
        if arguments.verbose {
            logging::init(config, BoxMakeWriter::new(io::stderr), io::stderr().is_terminal());
        }
        return Ok(None);
    };
    let cannot = || format!("cannot log into {}; name another --log-file", path.display());
    let file = LogFile::open(path).with_context(cannot)?;
    let writer = file.clone();
    let to_file = move || writer.clone();
    let writer = match arguments.verbose {
        true => BoxMakeWriter::new(to_file.and(io::stderr)),
        false => BoxMakeWriter::new(to_file),
    };
    logging::init(config, writer, false);
    Ok(Some(file))
}

async fn serve(effective: Effective, screen: &Screen) -> anyhow::Result<Exit> {
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    let mut arguments = effective.arguments.clone();
    let sql = match arguments.ask.as_deref().map(read_sql).transpose() {
        Ok(sql) => sql,
        Err(cause) => return Ok(screen.failed(&cause, Exit::Usage)),
    };
    // A single question runs beside what runs with the folder.
    let folder = effective.folder.as_ref().filter(|_| sql.is_none());
    let instance = folder.map(Instance::claim).transpose()?;
    if arguments.require_key {
        let Some(folder) = &effective.folder else {
            let cause = anyhow::anyhow!("--require-key keeps a key: add --config-dir DIR");
            return Ok(screen.failed(&cause, Exit::Usage));
        };
        arguments.api_keys_file = Some(folder.api_keys()?);
    }
    let log_path = arguments.log_file.clone().or_else(|| {
        let folder = folder.filter(|_| arguments.background)?;
        Some(folder.log_file())
    });
    let log = match init_logs(&arguments, log_path.as_deref()) {
        Ok(log) => log,
        Err(cause) => return Ok(screen.failed(&cause, Exit::Config)),
    };
    let started = tokio::select! {
        started = Stack::start(&arguments, folder, screen) => started,
        () = shutdown.draining() => return Ok(Exit::Success),
    };
    let mut stack = match started {
        Ok(stack) => stack,
        Err(cause) if cause.is::<NotReady>() => return Ok(screen.failed(&cause, Exit::Failure)),
        Err(cause) => return Ok(screen.failed(&cause, Exit::Config)),
    };
    let exit = match &sql {
        Some(sql) => tokio::select! {
            printed = answer(&stack, sql, &arguments, screen) => match printed {
                Err(cause) if !is_unread(&cause) => screen.failed(&cause, Exit::Failure),
                _ => Exit::Success,
            },
            () = shutdown.draining() => Exit::Failure,
        },
        None => match present(&stack, &effective, instance.as_ref(), log.as_ref(), screen) {
            Err(cause) => screen.failed(&cause, Exit::Failure),
            Ok(()) => tokio::select! {
                exit = stack.ended() => exit,
                () = shutdown.draining() => Exit::Success,
            },
        },
    };
    stack.stop().await;
    // Only now may another process have the folder.
    drop(instance);
    Ok(exit)
}

/// Tells people and other processes that everything is there, and leaves the terminal if it should.
fn present(
    stack: &Stack,
    effective: &Effective,
    instance: Option<&Instance>,
    log: Option<&LogFile>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let arguments = &effective.arguments;
    let mut facts = stack.facts();
    facts.log_file = log.map(LogFile::path);
    if let Some(instance) = instance {
        instance.serves(&facts)?;
    }
    effective.keep()?;
    let kept = effective.folder.as_ref().map(|folder| folder.path().display().to_string());
    let at_last = match (&kept, arguments.background) {
        (Some(folder), true) => {
            let named = arguments.folder.config_dir.is_some();
            let flag = if named { format!(" --config-dir '{folder}'") } else { String::new() };
            format!(
                "It runs in the background. How it is: dremio-mcp-local status{flag}\n\
                 End it: dremio-mcp-local stop{flag}"
            )
        }
        (Some(folder), false) => format!("Ctrl-C stops everything; {folder} stays."),
        (None, _) => "Ctrl-C stops everything.".to_owned(),
    };
    screen.ready(&facts, &at_last);
    if arguments.open {
        let page = facts.status_uri;
        tokio::spawn(async move {
            if !browser::open(&page).await {
                say(&format!("note: no browser was found to show {page}"));
            }
        });
    }
    match log.filter(|_| arguments.background) {
        Some(log) => background::detach(log),
        None => Ok(()),
    }
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
async fn answer(
    stack: &Stack,
    sql: &str,
    arguments: &Arguments,
    screen: &Screen,
) -> anyhow::Result<()> {
    let format = arguments.format;
    let agent = Agent::new(stack.facts().mcp_uri, arguments.api_keys_file.as_deref())?;
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
