//! The `healthcheck` subcommand: asks the service's own admin address, says what is not as it
//! should be, and exits 0 or 1. A scratch image has no shell and no curl, so the service's own
//! binary must be able to ask.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::admin::{Condition, Report};

/// Well under Docker's default health check timeout of 30 s, well over a loaded machine's pause.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A readiness report is under 4 KiB.
const REPORT_BYTES_MAX: usize = 64 * 1024;

/// Why the service is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// Nobody answers there.
    #[error("no answer from {addr}: {cause}")]
    NoAnswer {
        /// Where it was asked.
        addr: SocketAddr,
        /// What went wrong.
        cause: String,
    },
    /// Conditions that a restart may cure, or that dependants must wait for, are not met.
    #[error("not healthy: {0}")]
    Unmet(String),
}

/// A service that is healthy, and what it is not ready for all the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Healthy {
    /// The other conditions that are not met, with their reasons.
    pub unmet: Vec<String>,
}

impl Display for Healthy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("healthy")?;
        if self.unmet.is_empty() {
            Ok(())
        } else {
            write!(f, ", but not ready: {}", self.unmet.join("; "))
        }
    }
}

/// Asks `/readyz` at `admin_addr` and checks the conditions named in `essential`; others may fail
/// (a Dremio that is away must not get the task killed).
///
/// # Errors
/// When nobody answers within 5 s, or an essential condition is not met.
pub async fn check(admin_addr: SocketAddr, essential: &[&str]) -> Result<Healthy, Unhealthy> {
    let addr = loopback(admin_addr);
    let no_answer = |cause: String| Unhealthy::NoAnswer { addr, cause };
    let report = tokio::time::timeout(TIMEOUT, ask(addr))
        .await
        .map_err(|_| no_answer(format!("nothing for {TIMEOUT:?}")))?
        .map_err(no_answer)?;
    let unmet = |is_essential: bool| {
        let conditions = report.conditions.iter().filter(|(name, condition)| {
            essential.contains(&name.as_str()) == is_essential && !condition.ready
        });
        let why = |condition: &Condition| {
            condition
                .message
                .clone()
                .or(condition.reason.clone())
                .unwrap_or_else(|| "not met".to_owned())
        };
        conditions
            .map(|(name, condition)| format!("{name}: {}", why(condition)))
            .collect::<Vec<_>>()
    };
    let essential = unmet(true);
    if essential.is_empty() {
        Ok(Healthy { unmet: unmet(false) })
    } else {
        Err(Unhealthy::Unmet(essential.join("; ")))
    }
}

/// The address to connect to for a listener that may be bound to every interface.
#[must_use]
pub fn loopback(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

async fn ask(addr: SocketAddr) -> Result<Report, String> {
    let stream = TcpStream::connect(addr).await.map_err(|cause| cause.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| cause.to_string())?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("/readyz")
        .header("host", addr.to_string())
        .body(Empty::<bytes::Bytes>::new())
        .map_err(|cause| cause.to_string())?;
    let response = sender.send_request(request).await.map_err(|cause| cause.to_string())?;
    let body = Limited::new(response.into_body(), REPORT_BYTES_MAX)
        .collect()
        .await
        .map_err(|cause| cause.to_string())?
        .to_bytes();
    connection.abort();
    serde_json::from_slice(&body).map_err(|_| {
        "the answer is not a readiness report; is another service on this address?".to_owned()
    })
}
