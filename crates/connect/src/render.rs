//! What a person does, as text. No key is ever in it.

use std::fmt::Write;
use std::path::Path;

use crate::clients::{Client, File, clients};
use crate::endpoint::{Endpoint, Key};
use crate::home::Home;
use crate::os::Os;
use crate::template;
use crate::write::with_entry;

/// What is shown where there is no room for all.
const IN_SHORT: [&str; 4] = ["claude-code", "codex", "cursor", "vscode"];

/// All clients, one a line: what to type, what it is called, how it is set up.
#[must_use]
pub fn list() -> String {
    let width = clients().map(|client| client.name.len()).max().unwrap_or_default();
    let title_width = clients().map(|client| client.title.len()).max().unwrap_or_default();
    let mut text = String::new();
    for client in clients() {
        let how = match (&client.file, client.command, client.code) {
            (Some(_), Some(_), _) => "command, or --write",
            (Some(_), None, _) => "--write",
            (None, Some(_), _) => "command",
            _ => "program",
        };
        let _ = writeln!(text, "{:width$}  {:title_width$}  {how}", client.name, client.title);
    }
    text
}

/// How `client` is set up for `endpoint`. Without a `home`, the paths of all systems are shown.
#[must_use]
pub fn render(client: &Client, endpoint: &Endpoint, home: Option<&Home>) -> String {
    let mut text = format!("{}\n", client.title);
    if let Some(key) = endpoint.key().filter(|_| needs_variable(client)) {
        let _ =
            writeln!(text, "\nSet the key in the shell that {} starts from:\n", program(client));
        let _ = writeln!(text, "  {}", export(key));
    }
    if let Some(command) = client.command {
        let _ = writeln!(text, "\nRun:\n\n  {}", template::text(command, endpoint, ""));
    }
    if let Some(file) = &client.file {
        let or = if client.command.is_some() { "Or put" } else { "Put" };
        let _ = writeln!(text, "\n{or} this into {}:\n", places(file, home));
        let _ = write!(text, "{}", indented(&shown(file, endpoint)));
    }
    if let Some(code) = client.code {
        let _ = write!(text, "\n{}", indented(&template::text(code, endpoint, "")));
    }
    if !client.notes.is_empty() {
        text.push('\n');
    }
    for note in client.notes {
        let _ = writeln!(text, "- {note}");
    }
    let _ = match client.read_on {
        Some(day) => writeln!(text, "\nFrom {}, read on {day}.", client.source),
        None => writeln!(text, "\nNot read: {}. What is above is not proven.", client.source),
    };
    text
}

/// What is left to do when the entry stands in the client's file.
pub(crate) fn next_steps(client: &Client, endpoint: &Endpoint) -> String {
    let mut text = String::new();
    let reads = client.file.as_ref().is_some_and(|file| file.reference.is_some());
    if let Some(key) = endpoint.key().filter(|_| reads) {
        let shell = format!("the shell that {} starts from", program(client));
        let _ = writeln!(text, "Set the key in {shell}:  {}", export(key));
    }
    for note in client.notes {
        let _ = writeln!(text, "{note}");
    }
    text
}

/// How the clients that most people have are set up, for a screen or a page that has room for no
/// more: what each line is for, and the line. The key comes first, if one is wanted.
#[must_use]
pub fn in_short(endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    let key = endpoint.key().map(|key| ("The key", export(key)));
    let clients = clients().filter(|client| IN_SHORT.contains(&client.name));
    key.into_iter()
        .chain(clients.map(|client| (client.title, one_line(client, endpoint, None))))
        .collect()
}

/// How `client` is set up, on one line: its command, or what goes into which file.
#[must_use]
pub fn one_line(client: &Client, endpoint: &Endpoint, home: Option<&Home>) -> String {
    if let Some(command) = client.command {
        return template::text(command, endpoint, "");
    }
    let Some(file) = &client.file else { return format!("see `connect {}`", client.name) };
    let shown = shown(file, endpoint);
    let joined: Vec<_> = shown.lines().map(str::trim).collect();
    format!("{} in {}", joined.join(" "), places(file, home))
}

/// Whether anything that is shown reads the variable of the key.
fn needs_variable(client: &Client) -> bool {
    let reads = |template: Option<&str>| template.is_some_and(|it| it.contains("{{variable}}"));
    reads(client.command)
        || reads(client.code)
        || client.file.as_ref().is_some_and(|file| file.reference.is_some())
}

/// What starts, and needs the key.
fn program(client: &Client) -> &'static str {
    if client.code.is_some() { "the program" } else { client.title }
}

/// The line that sets the variable of the key.
fn export(key: &Key) -> String {
    let Key { variable, file, .. } = key;
    match file {
        Some(file) => {
            format!(r#"export {variable}="$(grep -m1 '^[^#]' {})""#, quoted(file))
        }
        None => format!("export {variable}='<the key>'"),
    }
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// The entry alone, in the file's own form.
fn shown(file: &File, endpoint: &Endpoint) -> String {
    let key = match (endpoint.key(), file.reference) {
        (Some(_), Some(reference)) => template::text(reference, endpoint, ""),
        (Some(Key { file: Some(file), .. }), None) => format!("<a key of {}>", file.display()),
        _ => "<the key>".to_owned(),
    };
    with_entry(file, endpoint, &key, "").unwrap_or_default()
}

fn places(file: &File, home: Option<&Home>) -> String {
    if let Some(home) = home {
        return home.file(file).display().to_string();
    }
    let first = |os| file.paths(os).first().copied().unwrap_or_default();
    let mut text = first(Os::Linux).to_owned();
    let others = [(Os::Macos, "macOS"), (Os::Windows, "Windows")];
    let others = others.map(|(os, title)| (first(os), title));
    let others = others.iter().filter(|(path, _)| *path != first(Os::Linux));
    let others: Vec<_> = others.map(|(path, title)| format!("{title}: {path}")).collect();
    if !others.is_empty() {
        let _ = write!(text, " ({})", others.join("; "));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}
