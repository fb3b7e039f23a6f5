//! The command `connect`, as the programs have it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::check::{CheckError, Checked, check};
use crate::clients::{Client, clients, find};
use crate::endpoint::{Endpoint, EndpointError, Key, first_key};
use crate::home::Home;
use crate::render::{list, next_steps, render};
use crate::write::{Change, WriteError, Written, write};

/// The variable of the key, unless another is named. Documents use it, too.
pub const VARIABLE: &str = "DREMIO_MCP_KEY";

/// A slip of the keyboard is nearer than this; unrelated names are not.
const NEAR: f64 = 0.8;

/// What can be asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The client; without it, all are listed
    client: Option<String>,

    /// Put the entry into the client's file, and keep a copy of the old one beside it
    #[arg(long, requires = "client")]
    write: bool,

    /// Ask the server for its tools as the client would
    #[arg(long, requires = "client")]
    check: bool,

    /// The server's address, as the client sees it [default: http://127.0.0.1:8000/mcp]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// The name under which the client lists the server
    #[arg(long, value_name = "NAME", default_value = "dremio")]
    name: String,

    /// The environment variable that holds the key [default: DREMIO_MCP_KEY]
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,

    /// The file that holds the key: its first line that is neither blank nor a # comment
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// The server wants no key
    #[arg(long, conflicts_with_all = ["key_env", "key_file"])]
    no_key: bool,
}

/// What the words in the list mean.
const HOW: &str = "
command: a line to run. --write: an entry in its own file. program: code to begin with.
connect CLIENT shows it; connect CLIENT --write changes the file; --help has more.";

const EXAMPLES: &str = "Examples:
  connect                                     which clients there are
  connect cursor                              what to do, by hand
  connect cursor --write                      does it, in ~/.cursor/mcp.json
  connect zed --write --key-file secrets/mcp_api_keys
  connect codex --check --url https://mcp.example.com/mcp";

/// Where the command runs.
pub struct Surroundings<'s> {
    /// The server's address, unless another is given.
    pub url: &'s str,
    /// Whether the server wants a key, unless something is said of one.
    pub wants_key: bool,
    /// The file that holds the key, unless something is said of one.
    pub key_file: Option<&'s Path>,
    /// Looks a variable of the environment up.
    pub variable: &'s dyn Fn(&str) -> Option<OsString>,
    /// An HTTP client for a check of this address. It follows no redirects.
    pub http: &'s dyn Fn(&str) -> Result<reqwest::Client, String>,
}

/// What the command says.
#[derive(Debug)]
pub struct Outcome {
    /// For standard output.
    pub text: String,
    /// What went wrong, if something did.
    pub problem: Option<CommandError>,
}

/// Why the command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such client.
    #[error("there is no client {name:?}{}", nearest(name))]
    UnknownClient {
        /// What was asked for.
        name: String,
    },
    /// The address or a name is wrong.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The file of the key cannot be used.
    #[error("{}: {why}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Nothing that is written here stays.
    #[error(
        "nothing was written: HOME names no folder that can be written to. In a container, mount \
         yours: --user \"$(id -u)\" --volume \"$HOME:$HOME\" --env \
         HOME=\"$HOME\"; or do what is shown"
    )]
    NoHome,
    /// The file was left alone.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The client would not work.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// There is nothing to check with.
    #[error("cannot ask the server: {why}")]
    Http {
        /// Why.
        why: String,
    },
}

impl CommandError {
    /// Whether the command line is to blame.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::UnknownClient { .. } | Self::Endpoint(_) | Self::KeyFile { .. })
    }
}

/// Does what `arguments` ask for.
pub async fn run(arguments: &Arguments, surroundings: &Surroundings<'_>) -> Outcome {
    let mut text = String::new();
    let problem = run_into(&mut text, arguments, surroundings).await.err();
    Outcome { text: text.trim_end().to_owned(), problem }
}

async fn run_into(
    text: &mut String,
    arguments: &Arguments,
    surroundings: &Surroundings<'_>,
) -> Result<(), CommandError> {
    let Some(name) = &arguments.client else {
        text.push_str(&list());
        text.push_str(HOW);
        return Ok(());
    };
    let client = find(name).ok_or_else(|| CommandError::UnknownClient { name: name.clone() })?;
    let endpoint = endpoint(arguments, surroundings)?;
    let home = Home::of_this_user(surroundings.variable);
    if arguments.write {
        let Some(home) = &home else {
            text.push_str(&render(client, &endpoint, None));
            return Err(CommandError::NoHome);
        };
        let written = write(client, &endpoint, home)?;
        text.push_str(&done(&written));
        text.push_str(&next_steps(client, &endpoint));
    }
    if arguments.check {
        let http = (surroundings.http)(endpoint.url()).map_err(|why| CommandError::Http { why })?;
        text.push_str(&answered(client, &check(client, &endpoint, &http).await?));
    }
    if !arguments.write && !arguments.check {
        text.push_str(&render(client, &endpoint, home.as_ref()));
    }
    Ok(())
}

fn endpoint(
    arguments: &Arguments,
    surroundings: &Surroundings<'_>,
) -> Result<Endpoint, CommandError> {
    let asked = arguments.key_env.is_some() || arguments.key_file.is_some();
    let key = (asked || surroundings.wants_key && !arguments.no_key)
        .then(|| key(arguments, surroundings))
        .transpose()?;
    let url = arguments.url.as_deref().unwrap_or(surroundings.url);
    Ok(Endpoint::new(&arguments.name, url, key)?)
}

fn key(arguments: &Arguments, surroundings: &Surroundings<'_>) -> Result<Key, CommandError> {
    let variable = arguments.key_env.as_deref().unwrap_or(VARIABLE).to_owned();
    let usual = surroundings.key_file.filter(|_| arguments.key_env.is_none());
    let Some(path) = arguments.key_file.as_deref().or(usual) else {
        let value = (surroundings.variable)(&variable).and_then(|value| value.into_string().ok());
        let value = value.filter(|value| !value.is_empty()).map(SecretString::from);
        return Ok(Key { variable, file: None, value });
    };
    let failed = |why: String| CommandError::KeyFile { path: path.to_owned(), why };
    let text = fs::read_to_string(path).map_err(|cause| failed(cause.to_string()))?;
    let value =
        first_key(&text).ok_or_else(|| failed("holds no key; write one key a line".to_owned()))?;
    let path = std::path::absolute(path).map_err(|cause| failed(cause.to_string()))?;
    Ok(Key { variable, file: Some(path), value: Some(value) })
}

fn done(written: &Written) -> String {
    let Written { path, backup, change } = written;
    let shown = Path::display(path);
    match (change, backup) {
        (Change::None, _) => format!("{shown} has it already; nothing was written.\n"),
        (_, Some(backup)) => {
            format!("Written: {shown}\nThe old version is {}\n", backup.display())
        }
        (_, None) => format!("Written: {shown}\n"),
    }
}

fn answered(client: &Client, checked: &Checked) -> String {
    let Checked { revision, tools } = checked;
    format!(
        "The server answers {} (protocol {revision}) with {} tool{}: {}\n",
        client.title,
        tools.len(),
        if tools.len() == 1 { "" } else { "s" },
        tools.join(", ")
    )
}

fn nearest(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let near = clients()
        .map(|client| (strsim::jaro_winkler(&lower, client.name), client.name))
        .filter(|(nearness, _)| *nearness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, name)) => format!("; did you mean {name}?"),
        None => "; `connect` alone lists all".to_owned(),
    }
}
