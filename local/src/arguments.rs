//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use dremio_client::DremioUri;

/// An MCP server for Dremio on this machine, with everything it needs: agents can connect when it says ready.
///
/// Without arguments it brings its own little Dremio with demo data, so there is nothing to install. With
/// --dremio-uri it serves your Dremio Community Edition, and keeps its login token fresh for as long as it runs.
#[derive(Debug, Parser)]
#[command(name = "dremio-mcp-local", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Run one query through the whole chain, print its rows, and exit
    #[arg(long, value_name = "SQL")]
    pub(crate) ask: Option<String>,

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
    #[arg(long, value_enum, default_value_t = Engine::Native)]
    pub(crate) engine: Engine,

    /// How to start the official server [default: dremio-mcp-server run --no-log-to-file --enable-json-logging]
    #[arg(long, value_name = "COMMAND")]
    pub(crate) mcp_server_command: Option<String>,

    /// Where agents connect [default: 127.0.0.1:8000; with --ask a free port]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mcp_addr: Option<SocketAddr>,

    /// Where the sandbox listens [default: 127.0.0.1:9047; with --ask a free port]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "dremio_uri")]
    pub(crate) sandbox_addr: Option<SocketAddr>,

    /// How long the sandbox's login tokens live; try 10s to watch them being renewed
    #[arg(long, value_name = "DURATION", default_value = "30h", value_parser = service_kit::env::parse_duration, conflicts_with = "dremio_uri")]
    pub(crate) token_lifetime: Duration,

    /// Require one of the keys in this file (one a line) from agents [default: any program on this machine may connect]
    #[arg(long, value_name = "FILE")]
    pub(crate) api_keys_file: Option<PathBuf>,

    /// Show the services' logs on standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// What answers the agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// In this process
    Native,
    /// Dremio's own server in Python, as a child process
    Official,
}

const EXAMPLES: &str = r#"Examples:
  dremio-mcp-local
  dremio-mcp-local --ask 'SELECT * FROM Sales.customers LIMIT 5'
  dremio-mcp-local --dremio-uri http://localhost:9047 --username ada --password-file ~/.dremio-password
  dremio-mcp-local --engine official --mcp-server-command '/opt/dremio-mcp/bin/dremio-mcp-server run --no-log-to-file'"#;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
