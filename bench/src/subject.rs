//! What is measured: the gateway, and other bridges from stdio to streamable HTTP, each over the
//! same child, on a loopback port, with its log in a file and its options such that it is as fast
//! as it gets.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::mcp::{Client, Endpoint, Era};

/// The gateway asks for a key, as it does in use; the others have nothing like it, or have it
/// switched off.
pub(crate) const KEY: &str = "bench-key-0123456789abcdef";

/// A Python server on a busy machine needs 10 s.
const START_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long a server may take to leave before its group is killed.
const STOP_WAIT_MAX: Duration = Duration::from_secs(20);

/// A bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Gateway,
    /// No bridge: a bare handler that answers without a child, which is the limit of them all.
    Limit,
    /// The same handler in front of the child: the limit of a bridge over stdio.
    StdioLimit,
    SupergatewayNpm,
    McpProxyNpm,
    McpProxyPypi,
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) gateway: PathBuf,
    pub(crate) child: PathBuf,
    pub(crate) peers: PathBuf,
}

/// A bridge that runs. Dropping it kills its process group.
pub(crate) struct Running {
    pub(crate) endpoint: Endpoint,
    pub(crate) pid: i32,
    pub(crate) folder: TempDir,
    child: Child,
}

impl Subject {
    pub(crate) const ALL: [Self; 4] =
        [Self::Gateway, Self::McpProxyNpm, Self::SupergatewayNpm, Self::McpProxyPypi];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "dremio-mcp",
            Self::Limit => "bare handler, no child (the limit)",
            Self::StdioLimit => "bare handler, child (the limit over stdio)",
            Self::SupergatewayNpm => "supergateway (npm)",
            Self::McpProxyNpm => "mcp-proxy (npm)",
            Self::McpProxyPypi => "mcp-proxy (PyPI)",
        }
    }

    /// The file without which it is not installed.
    fn program(self, programs: &Programs) -> PathBuf {
        match self {
            Self::Gateway => programs.gateway.clone(),
            Self::Limit | Self::StdioLimit => programs.child.with_file_name("bare-handler"),
            Self::SupergatewayNpm => {
                programs.peers.join("npm/node_modules/supergateway/dist/index.js")
            }
            Self::McpProxyNpm => {
                programs.peers.join("npm/node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs")
            }
            Self::McpProxyPypi => programs.peers.join("python/bin/mcp-proxy"),
        }
    }

    pub(crate) fn is_installed(self, programs: &Programs) -> bool {
        self.program(programs).exists()
    }

    /// What runs it; `port` is free, and `folder` is its own.
    fn command(self, programs: &Programs, port: u16, folder: &Path) -> anyhow::Result<Command> {
        let program = self.program(programs);
        let child = programs.child.to_str().context("the child's path is not UTF-8")?;
        let port_text = port.to_string();
        let mut command = match self {
            Self::Gateway | Self::Limit | Self::StdioLimit | Self::McpProxyPypi => {
                Command::new(&program)
            }
            Self::SupergatewayNpm | Self::McpProxyNpm => {
                let mut node = Command::new("node");
                node.arg(&program);
                node
            }
        };
        match self {
            Self::Gateway => {
                let token = folder.join("token.json");
                // No tool of the child calls Dremio, so no server listens there; the token has
                // only to be valid.
                std::fs::write(
                    &token,
                    r#"{"token":"not-a-token","expires_at":"2999-01-01T00:00:00Z"}"#,
                )?;
                command
                    .env("MCP_ADDR", format!("127.0.0.1:{port}"))
                    .env("ADMIN_ADDR", "127.0.0.1:0")
                    .env("MCP_API_KEY", KEY)
                    .env("MCP_SERVER_COMMAND", format!("'{child}'"))
                    .env("DREMIO_URI", "http://127.0.0.1:9")
                    .env("MCP_RATE_LIMIT", "off")
                    .env("TOKEN_FILE", token)
                    .env("LOG_FORMAT", "json");
            }
            Self::Limit => {
                command.arg(&port_text);
            }
            Self::StdioLimit => {
                command.args([&port_text, child]);
            }
            Self::SupergatewayNpm => {
                command.args([
                    "--stdio",
                    child,
                    "--outputTransport",
                    "streamableHttp",
                    "--stateful",
                    "--logLevel",
                    "none",
                ]);
                command.args(["--port", &port_text]);
            }
            Self::McpProxyNpm => {
                command.args([
                    "--server",
                    "stream",
                    "--no-eventStore",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port_text,
                    "--",
                    child,
                ]);
            }
            Self::McpProxyPypi => {
                command.args([
                    "--log-level",
                    "ERROR",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port_text,
                    "--",
                    child,
                ]);
            }
        }
        Ok(command)
    }

    /// Starts it. It may not listen yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(
        self,
        programs: &Programs,
        extra: &[(&str, &str)],
    ) -> anyhow::Result<Running> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = File::create(folder.path().join("log"))?;
        let tmp = folder.path().join("tmp");
        std::fs::create_dir(&tmp)?;
        let mut command = self.command(programs, port, folder.path())?;
        command.env("TMPDIR", tmp).envs(extra.iter().copied()).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child =
            command.spawn().with_context(|| format!("{} cannot be started", self.name()))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).context("it ended at once")?;
        let endpoint = Endpoint {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            key: (self == Self::Gateway).then_some(KEY),
        };
        Ok(Running { endpoint, pid, folder, child })
    }

    /// Starts it, and waits until it has answered `tools/list`; how long that took.
    ///
    /// # Errors
    /// When it does not within a minute.
    pub(crate) async fn start(
        self,
        programs: &Programs,
        extra: &[(&str, &str)],
    ) -> anyhow::Result<(Running, Duration)> {
        let started = Instant::now();
        let running = self.spawn(programs, extra)?;
        loop {
            let tried = tokio::time::timeout(START_WAIT_MAX, list(&running.endpoint)).await;
            match tried.unwrap_or_else(|_| bail!("no answer")) {
                Ok(()) => return Ok((running, started.elapsed())),
                Err(cause) if started.elapsed() > START_WAIT_MAX => {
                    return Err(cause.context(format!(
                        "{} did not come up; its log: {}",
                        self.name(),
                        running.log()
                    )));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }
}

async fn list(endpoint: &Endpoint) -> anyhow::Result<()> {
    let mut client = Client::connect(endpoint, Era::Legacy).await?;
    let answer = client.list("1").await?;
    if !answer.messages.last().is_some_and(|text| text.contains(r#""echo""#)) {
        bail!("no tools: {} {:?}", answer.status, answer.messages);
    }
    // Not to be counted later on.
    client.delete().await.map(drop)
}

impl Running {
    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read(self.folder.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Asks it to leave, and waits for it; what it exited with, `None` when it had to be killed.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let left = tokio::time::timeout(STOP_WAIT_MAX, self.child.wait()).await;
        left.ok().and_then(Result::ok).and_then(|status| status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.pid) {
            // An error means that the group is gone, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
