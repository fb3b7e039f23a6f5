//! What a person sees: progress while things start, then a short screen with everything to paste.
//! Progress goes to standard error, so that the rows of `--ask` can be piped.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use parking_lot::Mutex;
use service_kit::Exit;

/// The addresses and names that the screen shows.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Dremio, or the sandbox in its place.
    pub(crate) dremio_uri: String,
    /// User name and password, if it is the sandbox.
    pub(crate) sandbox_user: Option<(&'static str, &'static str)>,
    /// The endpoint for agents.
    pub(crate) mcp_uri: String,
    /// Which engine answers.
    pub(crate) engine: &'static str,
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

    /// Everything is there: what to do next.
    pub(crate) fn ready(&self, facts: &Facts) {
        let seconds = self.started.elapsed().as_secs_f32();
        let url = &facts.mcp_uri;
        let (claude, json) = match &facts.keys_file {
            Some(file) => (
                format!(r#" --header "Authorization: Bearer $(grep -m1 '^[^#]' '{file}')""#),
                format!(r#","headers":{{"Authorization":"Bearer <a key in {file}>"}}"#),
            ),
            None => (String::new(), String::new()),
        };
        let dremio = match facts.sandbox_user {
            Some((user, password)) => {
                format!("{}  (sandbox; user {user}, password {password})", facts.dremio_uri)
            }
            None => facts.dremio_uri.clone(),
        };
        let access = match &facts.keys_file {
            Some(file) => format!("agents need a key of {file}"),
            None => "open to programs on this machine".to_owned(),
        };
        say(&format!(
            "
{title} in {seconds:.1} s

  MCP URL      {url}  ({engine}; {access})
  Dremio       {dremio}

Connect an agent:

  Claude Code  claude mcp add --transport http --scope user dremio {url}{claude}
  Cursor       in ~/.cursor/mcp.json:
               {{\"mcpServers\":{{\"dremio\":{{\"url\":\"{url}\"{json}}}}}}}
  VS Code      code --add-mcp '{{\"name\":\"dremio\",\"type\":\"http\",\"url\":\"{url}\"{json}}}'

Then ask it, for example: \"Which tables are there, and what do they hold?\"
Ctrl-C stops everything.",
            title = self.green("Ready"),
            engine = facts.engine,
        ));
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
        for deeper in cause.chain().skip(1) {
            text.push_str(&format!("\n  because: {deeper}"));
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

/// Who has closed standard error does not want to know.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
