//! The command line.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dremio_client::DremioUri;
use dremio_mcp::{AllowedHost, AllowedOrigin, EngineConfig};
use service_kit::env::parse_list;
use service_kit::{parse_duration, parse_listen_addr};

/// The parser of a whole list, where clap would take each element for a value of its own.
type List<T> = Vec<T>;

/// An MCP server for Dremio on this machine, with everything it needs: agents can connect when it
/// says ready.
///
/// Without arguments it brings its own little Dremio with demo data, so there is nothing to
/// install. With --dremio-uri it serves your Dremio Community Edition, and keeps its login token
/// fresh for as long as it runs.
///
/// By itself it leaves nothing behind. With --config-dir, settings and keys stay: the next start
/// from that folder needs no other flag, and open sessions of agents go on.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "dremio-mcp-local",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Run one query through the whole chain, print its rows, and exit; - reads the query from
    /// standard input
    #[arg(long, value_name = "SQL")]
    pub(crate) ask: Option<String>,

    /// How --ask prints the rows: a table of as many as an agent gets at a time; csv and json
    /// print all
    #[arg(long, value_enum, requires = "ask", default_value_t)]
    pub(crate) format: Format,

    /// Your Dremio, for example http://localhost:9047 [default: a sandbox with demo data]
    #[arg(long, value_name = "URI", requires = "username", requires = "password_file")]
    pub(crate) dremio_uri: Option<DremioUri>,

    /// The user to log in as
    #[arg(long, value_name = "NAME", requires = "dremio_uri")]
    pub(crate) username: Option<String>,

    /// The file that holds the user's password; read again when it changes
    #[arg(long, value_name = "FILE", requires = "dremio_uri")]
    pub(crate) password_file: Option<PathBuf>,

    /// What answers the agents: our own tools, or Dremio's official MCP server
    /// [default: native; official if its command is given]
    #[arg(long, value_enum)]
    engine: Option<Engine>,

    /// How to start the official server [default: dremio-mcp-server run --no-log-to-file
    /// --enable-json-logging]
    #[arg(long, value_name = "COMMAND", value_parser = EngineConfig::official)]
    mcp_server_command: Option<EngineConfig>,

    /// Where agents connect [default: 127.0.0.1:8000; with --ask a free port]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_addr)]
    pub(crate) mcp_addr: Option<SocketAddr>,

    /// The sandbox again, although the folder keeps another Dremio
    #[arg(long, conflicts_with = "dremio_uri")]
    pub(crate) sandbox: bool,

    /// Where the sandbox listens [default: 127.0.0.1:9047; with --ask a free port]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_addr, conflicts_with = "dremio_uri")]
    pub(crate) sandbox_addr: Option<SocketAddr>,

    /// How long the sandbox's login tokens live; try 10s to watch them being renewed
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30h",
        value_parser = parse_duration,
        conflicts_with = "dremio_uri"
    )]
    pub(crate) token_lifetime: Duration,

    /// Require one of the keys in this file (one a line) from agents [default: any program on this
    /// machine may connect]
    #[arg(long, value_name = "FILE")]
    pub(crate) api_keys_file: Option<PathBuf>,

    /// Require a key of agents, which is made once and kept as api_keys in the folder
    #[arg(long, conflicts_with = "api_keys_file")]
    pub(crate) require_key: bool,

    /// Where the status page is, and metrics [default: a free port of this machine]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_addr)]
    pub(crate) admin_addr: Option<SocketAddr>,

    /// Names of this server besides localhost, comma-separated: mcp.example.com,10.0.0.5:8000
    #[arg(long, value_name = "NAMES", value_parser = list::<AllowedHost>, default_value = "")]
    pub(crate) allowed_hosts: List<AllowedHost>,

    /// Web pages that may use it, comma-separated: `https://app.example.com,file://`
    #[arg(long, value_name = "ORIGINS", value_parser = list::<AllowedOrigin>, default_value = "")]
    pub(crate) allowed_origins: List<AllowedOrigin>,

    #[command(flatten)]
    pub(crate) folder: Folder,

    /// Show the status page in the browser as soon as it is ready
    #[arg(long, conflicts_with = "ask")]
    pub(crate) open: bool,

    /// Leave the terminal when it is ready; `stop` and `status` are for what runs so
    #[arg(long, conflicts_with_all = ["ask", "verbose"])]
    pub(crate) background: bool,

    /// Write the services' logs into this file, of at most 8 MiB; the one before it is FILE.1
    /// [default: none; with --background dremio-mcp-local.log in the folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// Show the services' logs on standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// The folder of an installation.
#[derive(Args, Clone, Debug)]
pub(crate) struct Folder {
    /// Keep settings and keys in this folder, which is closed to other users [default: nothing is
    /// kept; with --background, and for commands, dremio-mcp-local in ~/.config]
    #[arg(long, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
}

/// What else can be done than to serve.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Show how an MCP client is set up for this server, or set it up
    Connect {
        #[command(flatten)]
        client: connect::Arguments,
        #[command(flatten)]
        folder: Folder,
    },
    /// Stop what runs in the background, or with a --config-dir
    Stop {
        #[command(flatten)]
        folder: Folder,
    },
    /// Say whether something runs in the background, or with a --config-dir, and how it is
    Status {
        #[command(flatten)]
        folder: Folder,
    },
    /// Look for what is wrong, from Dremio to the agents' address, and name what mends it
    Doctor {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Hide names of hosts and people, addresses and paths, for a public place
        #[arg(long)]
        share: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Print the completions of a shell: dremio-mcp-local completions bash >
    /// ~/.local/share/bash-completion/completions/dremio-mcp-local
    Completions {
        /// Whose
        shell: Shell,
    },
    /// Print the manual: dremio-mcp-local man | man -l -
    Man {
        /// Write it into this folder instead, with a page for each command
        folder: Option<PathBuf>,
    },
}

/// How `--ask` prints rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people
    #[default]
    Table,
    /// With a header (RFC 4180); NULL is empty, and empty text is ""
    Csv,
    /// An array with an object a row; numbers keep every digit
    Json,
}

/// What answers the agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// In this process
    Native,
    /// Dremio's own server in Python, as a child process
    Official,
}

impl Arguments {
    /// The engine that was chosen, if `default` is the official one without a choice of its
    /// command.
    pub(crate) fn engine(&self, default: EngineConfig) -> EngineConfig {
        match (self.engine, &self.mcp_server_command) {
            (Some(Engine::Native), _) | (None, None) => EngineConfig::Native,
            (_, Some(official)) => official.clone(),
            (Some(Engine::Official), None) => default,
        }
    }
}

/// An address, or a port on this machine: `127.0.0.1:8001`, `localhost:8001`, `8001`.
fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<u16>() {
        Ok(port) => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        Err(_) => parse_listen_addr(text),
    }
}

fn list<T: FromStr<Err: Display>>(text: &str) -> Result<List<T>, String> {
    parse_list(text).map_err(|problems| problems.join("; "))
}

const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  dremio-mcp-local\n",
    "  dremio-mcp-local --ask 'SELECT * FROM Sales.customers LIMIT 5'\n",
    "  dremio-mcp-local --ask - --format csv < report.sql > report.csv\n",
    "  dremio-mcp-local connect claude-code --write\n",
    "  dremio-mcp-local --background --open\n",
    "  dremio-mcp-local stop\n",
    "  dremio-mcp-local --dremio-uri http://localhost:9047 --username ada --password-file ",
    "~/.dremio-password\n",
    "  dremio-mcp-local --engine official --mcp-server-command ",
    "'/opt/dremio-mcp/bin/dremio-mcp-server run --no-log-to-file'",
);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn addresses_may_be_short() {
        for text in ["8001", "localhost:8001", "127.0.0.1:8001"] {
            assert_eq!(super::parse_addr(text).unwrap().to_string(), "127.0.0.1:8001", "{text}");
        }
        assert!(super::parse_addr("elsewhere").unwrap_err().contains("write for example"));
        assert!(
            super::parse_addr(":8001")
                .unwrap_err()
                .contains("127.0.0.1:8001 for this machine alone")
        );
    }

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
