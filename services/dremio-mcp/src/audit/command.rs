//! `dremio-mcp audit`: checks the audit file, and shows who used what.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use service_kit::env::{Env, Reader};
use service_kit::settings::{self, Service};
use service_kit::{Clock, Exit, parse_duration};
use token_file::gateway_key;

use super::chain::{ChainKey, Head};
use super::file::files_set_aside;
use super::top::{Top, table};
use super::verify::verify;

const FILES: &str = "without a FILE: AUDIT_FILE, and all that was set aside from it";

/// The arguments of `dremio-mcp audit`.
#[derive(Debug, Args)]
pub struct AuditArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find out whether audit files were changed: exit 0, or 1 with what is wrong
    ///
    /// Each line is sealed, with the gateway key, together with the line before it; so any change
    /// of a line is found, and files must follow one another. What was cut off at the end, if only
    /// a part of the last line, is found with --head. Exit 78: there is no key, or a file cannot be
    /// read.
    Verify(Verify),
    /// Show who used what, as a table: calls by client and tool
    Top(Show),
}

#[derive(Debug, Args)]
struct Verify {
    #[arg(value_name = "FILE", help = FILES)]
    files: Vec<PathBuf>,
    /// A line that must be there, as the gateway logged it (event audit_head)
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Vec<Head>,
    /// A gateway key; without this, gateway.key beside TOKEN_FILE
    #[arg(long, value_name = "KEY_FILE")]
    key: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct Show {
    #[arg(value_name = "FILE", help = FILES)]
    files: Vec<PathBuf>,
    /// Calls that ended within this time
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_duration)]
    last: std::time::Duration,
    /// JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Runs the command, prints its answer, and says how it went.
pub fn audit(arguments: &AuditArguments, env: &Env, clock: &Clock) -> Exit {
    let done = match &arguments.command {
        Command::Verify(arguments) => run_verify(arguments, env),
        Command::Top(arguments) => run_top(arguments, env, clock),
    };
    done.unwrap_or_else(|problem| Exit::Config.eprint(&problem))
}

fn run_verify(arguments: &Verify, env: &Env) -> Result<Exit, String> {
    let files = files(&arguments.files, env)?;
    let mut keys = Vec::new();
    for file in &arguments.key {
        let key = gateway_key::read_file(file);
        let key = key.map_err(|cause| format!("{}: {cause}", file.display()))?;
        keys.push(ChainKey::of(&key));
    }
    if keys.is_empty() {
        let token_file: PathBuf = Reader::new(env, Service::Gateway).value(&settings::TOKEN_FILE);
        let key = gateway_key::read(&token_file).map_err(|cause| {
            let token_file = token_file.display();
            format!("{cause} (TOKEN_FILE is {token_file}); give the key's file with --key")
        })?;
        keys.push(ChainKey::of(&key));
    }
    let findings = verify(&files, &keys, &arguments.head)?;
    let notes = findings.notes.join("\n");
    if findings.problems.is_empty() {
        return Ok(Exit::Success.print(&format!("{notes}\nnothing was changed")));
    }
    let _ = Exit::Failure.print(&notes);
    Ok(Exit::Failure.eprint(&findings.problems.join("\n")))
}

fn run_top(arguments: &Show, env: &Env, clock: &Clock) -> Result<Exit, String> {
    let since = clock.now().checked_sub(arguments.last).unwrap_or(jiff::Timestamp::MIN);
    let mut top = Top::since(since);
    for path in files(&arguments.files, env)? {
        let unreadable = |cause| format!("{} cannot be read: {cause}", path.display());
        let file = File::open(&path).map_err(unreadable)?;
        top.add(BufReader::new(file)).map_err(unreadable)?;
    }
    let usage = top.usage();
    if arguments.json {
        let json = serde_json::to_string(&usage).map_err(|cause| cause.to_string())?;
        return Ok(Exit::Success.print(&json));
    }
    Ok(Exit::Success.print(&table(&usage)))
}

/// The files that are meant.
fn files(given: &[PathBuf], env: &Env) -> Result<Vec<PathBuf>, String> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    let Some(file) = env.get(settings::AUDIT_FILE.name).filter(|file| !file.is_empty()) else {
        return Err("which FILE? AUDIT_FILE is not set".to_owned());
    };
    let file = PathBuf::from(file);
    let set_aside = files_set_aside(&file);
    let mut files = set_aside.map_err(|cause| format!("{}: {cause}", file.display()))?;
    files.push(file);
    Ok(files)
}
