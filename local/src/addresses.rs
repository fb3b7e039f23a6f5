//! Where things listen, and what keeps them from it: found out before anything starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::arguments::Arguments;
use crate::config_dir::ConfigDir;
use crate::instance::{already_runs, running};

/// A gateway on this machine answers at once.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(1);

/// Where agents connect.
pub(crate) fn mcp_addr(arguments: &Arguments) -> SocketAddr {
    arguments.mcp_addr.unwrap_or_else(|| default_addr(arguments, 8000))
}

/// Where the sandbox listens.
pub(crate) fn sandbox_addr(arguments: &Arguments) -> SocketAddr {
    arguments.sandbox_addr.unwrap_or_else(|| default_addr(arguments, 9047))
}

/// A free port of this machine.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// The well-known port, or a free one for a single question, which must not collide with a stack
/// that runs.
fn default_addr(arguments: &Arguments, port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, if arguments.ask.is_some() { 0 } else { port }))
}

/// Whether each address can be had; `claimed` is the folder that this process runs with.
///
/// # Errors
/// When one is taken, with who has it if that can be told, or when agents of other machines could
/// connect without a key.
pub(crate) async fn check(
    arguments: &Arguments,
    claimed: Option<&ConfigDir>,
) -> anyhow::Result<()> {
    let mcp_addr = mcp_addr(arguments);
    if !mcp_addr.ip().is_loopback() && arguments.api_keys_file.is_none() {
        bail!(
            "--mcp-addr {mcp_addr} lets other machines in; require a key of them with \
             --api-keys-file FILE (one key a line)"
        );
    }
    if let Err(cause) = check_free(mcp_addr, "agents", "--mcp-addr") {
        return match who_has(mcp_addr, claimed).await {
            Some(who) => Err(cause.context(who)),
            None => Err(cause),
        };
    }
    if arguments.dremio_uri.is_none() {
        check_free(sandbox_addr(arguments), "the sandbox", "--sandbox-addr")?;
    }
    match arguments.admin_addr {
        Some(addr) => check_free(addr, "the status page", "--admin-addr"),
        None => Ok(()),
    }
}

fn check_free(addr: SocketAddr, whom: &str, flag: &str) -> anyhow::Result<()> {
    let next = SocketAddr::new(addr.ip(), addr.port().wrapping_add(1));
    let cure = || {
        format!(
            "cannot listen on {addr} for {whom}; is another program there? Choose another with \
             {flag} {next}"
        )
    };
    TcpListener::bind(addr).map(drop).with_context(cure)
}

/// Who listens at `addr`, if it is one of us.
async fn who_has(addr: SocketAddr, claimed: Option<&ConfigDir>) -> Option<String> {
    // Not while this process has a folder: looking at its own lock would end it.
    if claimed.is_none()
        && let Ok(Some(folder)) = ConfigDir::existing(None)
        && let Ok(Some(other)) = running(&folder)
        && let Some(state) = &other.state
        && state.facts.mcp_uri == format!("http://{addr}/mcp")
    {
        return Some(already_runs(&folder, &other));
    }
    let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_WAIT_MAX).build().ok()?;
    let answer = http.get(format!("http://{addr}/healthz")).send().await.ok()?;
    let is_ours = answer.status().is_success() && answer.text().await.ok()? == "ok\n";
    is_ours.then(|| {
        format!(
            "a dremio-mcp runs there already: connect your agent to http://{addr}/mcp, or end it \
             first"
        )
    })
}
