//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use dremio_client::DremioUri;

/// An MCP server for Dremio on this machine, with everything it needs: agents can connect when it
/// says ready.
///
/// Without arguments it brings its own little Dremio with demo data, so there is nothing to
/// install. With --dremio-uri it serves your Dremio Community Edition, and keeps its login token
/// fresh for as long as it runs.
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
    /// [default: native; official if its command is given]
    #[arg(long, value_enum)]
    engine: Option<Engine>,

    /// How to start the official server [default: dremio-mcp-server run --no-log-to-file
    /// --enable-json-logging]
    #[arg(long, value_name = "COMMAND")]
    pub(crate) mcp_server_command: Option<String>,

    /// Where agents connect [default: 127.0.0.1:8000; with --ask a free port]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_addr)]
    pub(crate) mcp_addr: Option<SocketAddr>,

    /// Where the sandbox listens [default: 127.0.0.1:9047; with --ask a free port]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_addr, conflicts_with = "dremio_uri")]
    pub(crate) sandbox_addr: Option<SocketAddr>,

    /// How long the sandbox's login tokens live; try 10s to watch them being renewed
    #[arg(long, value_name = "DURATION", default_value = "30h", value_parser = service_kit::env::parse_duration, conflicts_with = "dremio_uri")]
    pub(crate) token_lifetime: Duration,

    /// Require one of the keys in this file (one a line) from agents [default: any program on this
    /// machine may connect]
    #[arg(long, value_name = "FILE")]
    pub(crate) api_keys_file: Option<PathBuf>,

    /// Names of this server besides localhost, comma-separated: mcp.example.com,10.0.0.5:8000
    #[arg(long, value_name = "NAMES")]
    pub(crate) allowed_hosts: Option<String>,

    /// Web pages that may use it, comma-separated: `https://app.example.com,file://`
    #[arg(long, value_name = "ORIGINS")]
    pub(crate) allowed_origins: Option<String>,

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

impl Arguments {
    pub(crate) fn engine(&self) -> Engine {
        self.engine.unwrap_or(if self.mcp_server_command.is_some() {
            Engine::Official
        } else {
            Engine::Native
        })
    }
}

/// An address, or a port on this machine: `127.0.0.1:8001`, `localhost:8001`, `8001`.
fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<u16>() {
        Ok(port) => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        Err(_) => service_kit::parse_listen_addr(text),
    }
}

/// `text` with the names of variables that this process sets itself replaced by the flags that they
/// come from.
pub(crate) fn in_flags(text: &str) -> String {
    const FLAGS: [(&str, &str); 10] = [
        ("MCP_ALLOWED_HOSTS", "--allowed-hosts"),
        ("MCP_ALLOWED_ORIGINS", "--allowed-origins"),
        ("MCP_API_KEYS_FILE", "--api-keys-file"),
        ("MCP_SERVER_COMMAND", "--mcp-server-command"),
        ("MCP_ADDR", "--mcp-addr"),
        ("DREMIO_PASSWORD_FILE", "--password-file"),
        ("DREMIO_PASSWORD", "--password-file"),
        ("DREMIO_USERNAME", "--username"),
        ("DREMIO_URI", "--dremio-uri"),
        ("MCP_ENGINE", "--engine"),
    ];
    FLAGS.iter().fold(text.to_owned(), |text, (variable, flag)| text.replace(variable, flag))
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
    fn variables_are_called_by_their_flags() {
        assert_eq!(
            super::in_flags("correct DREMIO_USERNAME and DREMIO_PASSWORD"),
            "correct --username and --password-file"
        );
    }

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
