//! What packages and shells want of a program: completions, and a manual.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;

/// The completions of `shell`, with the names of clients.
pub(crate) fn completions(shell: Shell) -> String {
    let names: Vec<_> = connect::clients().map(|client| client.name).collect();
    let with_clients = |client: clap::Arg| client.value_parser(PossibleValuesParser::new(names));
    let mut command = Arguments::command()
        .mut_subcommand("connect", |connect| connect.mut_arg("client", with_clients));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "dremio-mcp-local", &mut script);
    let script = String::from_utf8_lossy(&script);
    // Where a program has a hyphen in its name, clap_complete 4.6 looks for its commands in bash
    // under another name than it puts them.
    script.replace("dremio__subcmd__mcp__subcmd__local__subcmd__", "dremio__mcp__local__subcmd__")
}

/// The manual, as `man` reads it.
///
/// # Errors
/// None in practice: it is written to memory.
pub(crate) fn manual() -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command()).render(&mut page)?;
    Ok(page)
}

/// Writes the manual and that of each command into `folder`, which must exist.
///
/// # Errors
/// When a page cannot be written.
pub(crate) fn write_manual(folder: &Path) -> anyhow::Result<()> {
    clap_mangen::generate_to(command(), folder)
        .with_context(|| format!("cannot write into {}", folder.display()))
}

/// Prints what a program reads. Who has closed the pipe does not want the rest.
pub(crate) fn print(bytes: &[u8]) {
    let _ = std::io::stdout().write_all(bytes);
}

fn command() -> Command {
    Arguments::command()
}
