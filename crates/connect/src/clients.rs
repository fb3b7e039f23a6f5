//! The table of clients. What a row says is data: the texts are templates (`crate::template`).

mod frameworks;
mod terminal;
mod windows;

use crate::os::Os;

/// An entry as Cursor has it, which others took over.
const URL_ENTRY: &str = r#"{"url": "{{url}}", "headers": {"Authorization": "Bearer {{key}}"}}"#;

/// The same with its transport.
const TYPED_ENTRY: &str = r#"{"type": "http", "url": "{{url}}",
    "headers": {"Authorization": "Bearer {{key}}"}}"#;

/// When the sources of these rows were last read.
const READ: Option<&str> = Some("2026-11-26");

/// A reference as shells have it.
const SHELL_REFERENCE: Option<&str> = Some("${{{variable}}}");

/// A client and how it is set up.
#[derive(Debug)]
pub struct Client {
    /// What people type: lower-case letters, digits and `-`.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Its own file, if it has one that other programs may write.
    pub file: Option<File>,
    /// The command that sets it up, or that runs it.
    pub command: Option<&'static str>,
    /// The lines of a program that uses it.
    pub code: Option<&'static str>,
    /// What else a person must do or know, one line each.
    pub notes: &'static [&'static str],
    /// Which protocol it speaks, for a check.
    pub speaks: Speaks,
    /// Where this is documented, or the package that it was read from.
    pub source: &'static str,
    /// When that was read, as `YYYY-MM-DD`; nothing, if it was not.
    pub read_on: Option<&'static str>,
}

/// The revision of MCP that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// A revision with a handshake.
    Handshake(&'static str),
    /// 2026-07-28: no handshake.
    Modern,
}

/// A file that a client reads.
#[derive(Debug)]
pub struct File {
    /// How it is written.
    pub format: Format,
    /// Its usual places below the home folder, on Linux. The first that exists counts.
    pub linux: &'static [&'static str],
    /// The same on macOS.
    pub macos: &'static [&'static str],
    /// The same on Windows.
    pub windows: &'static [&'static str],
    /// A variable that names a folder, and the part of the usual places that it stands for.
    pub moved_by: Option<(&'static str, &'static str)>,
    /// What a new file begins with.
    pub begins: &'static str,
    /// The member that holds the servers.
    pub at: &'static str,
    /// How it holds them.
    pub place: Place,
    /// Our entry in it, as JSON.
    pub entry: &'static str,
    /// How this client reads a variable, as a template. Nothing: the key itself must
    /// stand in the file.
    pub reference: Option<&'static str>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, with comments and commas at the end as far as the file has them.
    Json,
    /// TOML 1.1.
    Toml,
    /// YAML 1.2.
    Yaml,
}

/// How a file holds its servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By name.
    Map,
    /// As a list of entries with a member `name`.
    List,
}

impl File {
    /// Its usual places below the home folder. The first that exists counts.
    #[must_use]
    pub fn paths(&self, os: Os) -> &'static [&'static str] {
        match os {
            Os::Linux => self.linux,
            Os::Macos => self.macos,
            Os::Windows => self.windows,
        }
    }

    /// A JSON file with the same places on all systems.
    const fn json(
        paths: &'static [&'static str],
        at: &'static str,
        entry: &'static str,
        reference: Option<&'static str>,
    ) -> Self {
        Self {
            format: Format::Json,
            linux: paths,
            macos: paths,
            windows: paths,
            moved_by: None,
            begins: "",
            at,
            place: Place::Map,
            entry,
            reference,
        }
    }
}

impl Client {
    /// What rows have in common, to be completed.
    const NEW: Self = Self {
        name: "",
        title: "",
        file: None,
        command: None,
        code: None,
        notes: &[],
        speaks: Speaks::Handshake("2025-11-25"),
        source: "",
        read_on: None,
    };
}

/// All clients: programs of the terminal, programs with windows, what programs are made with.
pub fn clients() -> impl Iterator<Item = &'static Client> + Clone {
    terminal::ALL.iter().chain(windows::ALL).chain(frameworks::ALL)
}

/// The client of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Client> {
    clients().find(|client| client.name == name)
}
