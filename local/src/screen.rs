//! What a person sees: progress while things start, then a short screen with everything to paste.
//! Progress goes to standard error, so that the rows of `--ask` can be piped.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use connect::{Endpoint, Key, VARIABLE, in_short};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use service_kit::Exit;

/// The addresses and names that the screen shows.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Facts {
    /// Dremio, or the sandbox in its place.
    pub(crate) dremio_uri: String,
    /// User name and password, if it is the sandbox.
    pub(crate) sandbox_user: Option<(String, String)>,
    /// The endpoint for agents.
    pub(crate) mcp_uri: String,
    /// The status page; metrics and probes are below it.
    pub(crate) status_uri: String,
    /// Which engine answers.
    pub(crate) engine: String,
    /// The log, if it is a file.
    pub(crate) log_file: Option<PathBuf>,
    /// The file of the keys that agents need, as a path that is right from any folder; nothing if
    /// they need none.
    pub(crate) keys_file: Option<String>,
}

/// Writes for people.
pub(crate) struct Screen {
    started: Instant,
    colour: bool,
    last: Mutex<String>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            started: Instant::now(),
            colour: std::io::stderr().is_terminal() && !plain,
            last: Mutex::default(),
        }
    }

    /// Something is on its way. The same twice in a row is said once.
    pub(crate) fn starting(&self, what: &str, detail: &str) {
        let line = format!("  {} {what:<11} {detail}", self.dim("…")).trim_end().to_owned();
        let mut last = self.last.lock();
        if *last != line {
            say(&line);
            *last = line;
        }
    }

    /// Something is there.
    pub(crate) fn done(&self, what: &str, detail: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        say(format!("  {} {what:<11} {detail}", self.green("✓")).trim_end());
        tracing::debug!(what, seconds, "started");
    }

    /// Everything is there: what to do next, and `at_last` how it ends.
    pub(crate) fn ready(&self, known: &Facts, at_last: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        say(&format!(
            "
{title} in {seconds:.1} s

{known}

Connect an agent:

{agents}

Then ask it, for example: \"Which tables are there, and what do they hold?\"
{at_last}",
            title = self.green("Ready"),
            known = facts(known),
            agents = agents(known),
        ));
    }

    /// A text whose beginning says that all is well or not, in that colour.
    pub(crate) fn judged(&self, text: &str, exit: Exit) -> String {
        let end = text.find([' ', '\n']).unwrap_or(text.len());
        let (first, rest) = text.split_at(end);
        let first = if exit == Exit::Success { self.green(first) } else { self.red(first) };
        format!("{first}{rest}")
    }

    /// Something to know about what was printed. The same twice in a row is said once.
    pub(crate) fn note(&self, text: &str) {
        let line = format!("note: {text}");
        let mut last = self.last.lock();
        if *last != line {
            say(&line);
            *last = line;
        }
    }

    /// Something went wrong: each cause on a line of its own.
    pub(crate) fn failed(&self, cause: &anyhow::Error, exit: Exit) -> Exit {
        let mut text = format!("{} {cause}", self.red("error:"));
        for deeper in cause.chain().skip(1).map(ToString::to_string) {
            if !text.contains(&deeper) {
                text.push_str(&format!("\n  because: {deeper}"));
            }
        }
        say(&text);
        exit
    }

    fn green(&self, text: &str) -> String {
        self.coloured(text, "32")
    }

    fn red(&self, text: &str) -> String {
        self.coloured(text, "31")
    }

    fn dim(&self, text: &str) -> String {
        self.coloured(text, "2")
    }

    fn coloured(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What runs where, a line each.
pub(crate) fn facts(known: &Facts) -> String {
    let Facts { mcp_uri, engine, status_uri, dremio_uri, .. } = known;
    let access = match &known.keys_file {
        Some(file) => format!("agents need a key of {file}"),
        None => "open to programs on this machine".to_owned(),
    };
    let sandbox = known.sandbox_user.as_ref().map_or(String::new(), |(user, password)| {
        format!("  (sandbox; user {user}, password {password})")
    });
    let mut text = format!(
        "  MCP URL      {mcp_uri}  ({engine}; {access})\n  Status page  {status_uri}\n  \
         Dremio       {dremio_uri}{sandbox}"
    );
    if let Some(file) = &known.log_file {
        text.push_str(&format!("\n  Log          {}", file.display()));
    }
    text
}

/// How agents are set up, from the table of clients.
fn agents(known: &Facts) -> String {
    let key = known.keys_file.as_ref().map(|file| Key {
        variable: VARIABLE.to_owned(),
        file: Some(file.into()),
        value: None,
    });
    let endpoint = Endpoint::new("dremio", &known.mcp_uri, key);
    let mut lines = endpoint.map_or_else(|_| Vec::new(), |endpoint| in_short(&endpoint));
    let all = connect::clients().count();
    lines
        .push(("Others", format!("dremio-mcp-local connect lists all {all}; --write sets one up")));
    let width = lines.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
    let lines = lines.iter().map(|(what, line)| format!("  {what:width$}  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Who has closed standard error does not want to know.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
