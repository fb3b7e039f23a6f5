//! The gateway's own addresses: whether they can be listened on, or a gateway already does.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use service_kit::health;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, http};
use crate::ESSENTIAL_CONDITIONS;

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    if doctor.is_wrong(&["MCP_ADDR", "ADMIN_ADDR"]) {
        return vec![Finding::not_checked(
            "listener",
            "MCP_ADDR or ADMIN_ADDR is wrong, see above",
        )];
    }
    let (agents, admin) = (doctor.config.mcp_addr, doctor.config.admin_addr);
    if is_open(agents).await {
        return vec![who_is_there(doctor, agents, admin).await];
    }
    for (variable, addr) in [("MCP_ADDR", agents), ("ADMIN_ADDR", admin)] {
        if let Err(cause) = TcpListener::bind(addr).await {
            return vec![taken(doctor, variable, addr, cause.kind())];
        }
    }
    let here = if doctor.site.in_container { "in this container" } else { "here" };
    let text = format!("no gateway runs {here}, and {agents} is free for one");
    vec![Finding::good("listener", text)]
}

async fn is_open(addr: SocketAddr) -> bool {
    let connected =
        tokio::time::timeout(CHECK_MAX, TcpStream::connect(health::loopback(addr))).await;
    matches!(connected, Ok(Ok(_)))
}

/// Somebody listens where agents connect: this gateway, or another program.
async fn who_is_there(doctor: &Doctor, agents: SocketAddr, admin: SocketAddr) -> Finding {
    if !is_gateway(doctor, agents).await {
        return taken(doctor, "MCP_ADDR", agents, ErrorKind::AddrInUse);
    }
    let at = format!("a gateway listens at {agents}");
    match health::check(admin, &ESSENTIAL_CONDITIONS).await {
        Ok(health) if health.unmet.is_empty() => {
            Finding::good("listener", format!("{at}, and is ready"))
        }
        Ok(health) => Finding::warning("listener", format!("{at}, and is {health}")),
        Err(cause) => Finding::warning("listener", format!("{at}, and is not ready: {cause}")),
    }
}

/// Whether the words are those of `/readyz`.
async fn is_gateway(doctor: &Doctor, addr: SocketAddr) -> bool {
    let Ok(url) = format!("http://{}/readyz", health::loopback(addr)).parse::<Url>() else {
        return false;
    };
    let Some(http) = http::client(doctor, &url) else { return false };
    let Ok(response) = http.get(url).timeout(CHECK_MAX).send().await else { return false };
    let said = http::body(response).await;
    matches!(said.as_slice(), b"ready\n" | b"not ready\n")
}

fn taken(doctor: &Doctor, variable: &str, addr: SocketAddr, kind: ErrorKind) -> Finding {
    let at = |addr: SocketAddr| match (variable, doctor.site.in_container) {
        // The port inside of a container is its own.
        ("MCP_ADDR", true) => Cure::Run("docker compose up --force-recreate dremio-mcp".to_owned()),
        _ => Cure::Set(format!("{variable}={addr}")),
    };
    let next = SocketAddr::new(addr.ip(), addr.port().checked_add(1).unwrap_or(8001));
    let (text, cure) = match kind {
        ErrorKind::AddrInUse => (format!("another program listens at {addr}"), at(next)),
        ErrorKind::PermissionDenied => (
            format!("this user may not listen on port {} of {variable}", addr.port()),
            at(SocketAddr::new(addr.ip(), 8000)),
        ),
        ErrorKind::AddrNotAvailable => (
            format!("{addr} in {variable} is no address of this machine"),
            at(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), addr.port())),
        ),
        other => (format!("{variable}={addr} cannot be listened on: {other}"), at(next)),
    };
    Finding::bad("listener", text, cure)
}
