//! The table of clients (`connect`) holds wherever there are lines to paste. They are written with
//! `BLESS=1 cargo test -p tidy table_of_clients`.

use std::process::Command;

use anyhow::{Context, Result};
use connect::{Endpoint, Key, VARIABLE, clients, in_short, one_line};
use tidy::Workspace;

use crate::agree;

const COMMAND: &str = "BLESS=1 cargo test -p tidy table_of_clients";
const SETUP: &str = "scripts/setup.sh";
const URL: &str = "http://127.0.0.1:8000/mcp";

/// What stands for variables of `scripts/setup.sh` until their names take its place.
const URL_OF_SETUP: &str = "http://endpoint.invalid/mcp";
const KEYS_OF_SETUP: &str = "/keys.invalid";

#[test]
fn what_follows_from_the_table_of_clients_agrees_with_it() -> Result<()> {
    let parts = [
        ("README.md", "clients", readme()?),
        ("docs/CLIENTS.md", "clients", document()?),
        (SETUP, "clients", setup()?),
    ];
    agree(&Workspace::load()?, &parts, COMMAND)
}

#[test]
fn the_last_words_of_setup_are_what_connect_says() -> Result<()> {
    let text = Workspace::load()?.read(SETUP)?;
    let (_, part) = text.split_once(">>> clients").context("no part")?;
    let (part, _) = part.split_once("# <<<").context("no end")?;
    let (_, part) = part.split_once('\n').context("no lines")?;
    let (url, keys) = ("https://mcp.example.com/mcp", "/srv/my keys/a$b");
    let output =
        Command::new("bash").args(["-ec", part]).env("endpoint", url).env("keys", keys).output()?;
    let said = String::from_utf8(output.stdout)?;
    assert_eq!(said, words(&endpoint(url, Some(keys))?), "{:?}", output.status);
    Ok(())
}

fn endpoint(url: &str, file: Option<&str>) -> Result<Endpoint> {
    let key = Key { variable: VARIABLE.to_owned(), file: file.map(Into::into), value: None };
    Ok(Endpoint::new("dremio", url, Some(key))?)
}

fn readme() -> Result<String> {
    let mut lines = String::from("| | |\n|---|---|\n");
    for (what, line) in in_short(&endpoint(URL, None)?) {
        lines.push_str(&format!("| {what} | {} |\n", code(&line)));
    }
    Ok(lines)
}

fn document() -> Result<String> {
    let endpoint = endpoint(URL, None)?;
    let mut lines = String::from("| client | name | set-up | to know | source |\n");
    lines.push_str("|---|---|---|---|---|\n");
    for client in clients() {
        let name = client.name;
        let line = if client.file.is_some() || client.command.is_some() {
            code(&one_line(client, &endpoint, None))
        } else {
            format!("a program: `connect {name}`")
        };
        let (notes, source) = (client.notes.join(" "), client.source);
        let read = client.read_on.map_or("not read".to_owned(), |day| format!("read {day}"));
        let title = client.title;
        let row = format!("| {title} | `{name}` | {line} | {notes} | <{source}>, {read} |\n");
        lines.push_str(&row);
    }
    Ok(lines)
}

fn code(line: &str) -> String {
    format!("`{}`", line.replace('|', "\\|"))
}

/// The last words of `scripts/setup.sh`: the command that prints them.
fn setup() -> Result<String> {
    let mut text = words(&endpoint(URL_OF_SETUP, Some(KEYS_OF_SETUP))?);
    for special in ["\\", "$", "`"] {
        text = text.replace(special, &format!("\\{special}"));
    }
    text = text.replace(URL_OF_SETUP, "$endpoint").replace(KEYS_OF_SETUP, "$keys");
    Ok(format!("cat <<EOF\n{text}EOF\n"))
}

fn words(endpoint: &Endpoint) -> String {
    let lines = in_short(endpoint).into_iter();
    lines.map(|(what, line)| format!("  {what}:\n    {line}\n")).collect()
}
