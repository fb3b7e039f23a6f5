//! Whether Dremio is there at all, step by step, for those who look for a fault. Calls only say
//! that it cannot be reached.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::net::{TcpStream, lookup_host};

use crate::exchange::{Call, Credential};
use crate::{DremioClient, DremioUri, Error};

/// Largest answer that is accepted. A real one has a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why there is no connection to an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreached {
    /// The name leads to no address, or whoever knows names does not answer.
    #[error("the name {host} is not known here")]
    UnknownName {
        /// The name.
        host: String,
    },
    /// There is a machine, and nobody listens on that port.
    #[error("nobody listens on port {port} of {host}")]
    Refused {
        /// The machine.
        host: String,
        /// The port.
        port: u16,
    },
    /// Nothing comes back: a machine that is off, another network, or a firewall.
    #[error("port {port} of {host} does not answer")]
    Silent {
        /// The machine.
        host: String,
        /// The port.
        port: u16,
    },
    /// There is no way to that network.
    #[error("there is no way to {host}")]
    NoRoute {
        /// The machine.
        host: String,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
}

/// What Dremio says to somebody who presents no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The time of day there, to the second (RFC 9110 §6.6.1), if it said so.
    pub date: Option<Timestamp>,
}

/// Connects to the host and port of `uri`, and closes the connection. Returns the address that
/// answered. Cancel safe.
///
/// # Errors
/// The step that failed. `limit` is for all of it.
pub async fn reach(uri: &DremioUri, limit: Duration) -> Result<SocketAddr, Unreached> {
    let (host, port) = (uri.host().to_owned(), uri.port());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let silent = || Unreached::Silent { host: host.clone(), port };
    let unknown = || Unreached::UnknownName { host: host.clone() };
    let found = tokio::time::timeout(limit, lookup_host((bare, port))).await;
    let addresses: Vec<_> = found.map_err(|_| unknown())?.map_err(|_| unknown())?.collect();
    if addresses.is_empty() {
        return Err(unknown());
    }
    let connected = tokio::time::timeout(limit, TcpStream::connect(addresses.as_slice())).await;
    let connected = connected.map_err(|_| silent())?;
    match connected.and_then(|stream| stream.peer_addr()) {
        Ok(address) => Ok(address),
        Err(source) => Err(match source.kind() {
            ErrorKind::ConnectionRefused => Unreached::Refused { host, port },
            ErrorKind::TimedOut => silent(),
            _ => Unreached::NoRoute { host, source },
        }),
    }
}

#[derive(Deserialize)]
struct Information {
    version: String,
}

impl DremioClient {
    /// Asks whether Dremio is up (`GET /apiv2/server_status`, contract §3.2).
    ///
    /// # Errors
    /// [`Error::ServerStatus`] while its master is down. What is no Dremio gives
    /// [`Error::NotDremioApi`], [`Error::NotFound`] or [`Error::BadAnswer`].
    pub async fn greet(&self) -> Result<Greeting, Error> {
        const OPERATION: &str = "server status";
        let answer = self.transport.exchange(call(OPERATION, "/apiv2/server_status", None)).await?;
        let status: String = answer.json("not a word")?;
        if status != "OK" {
            let problem = "another word than OK";
            return Err(Error::BadAnswer { operation: OPERATION, problem });
        }
        let date = answer.date().and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        Ok(Greeting { date })
    }

    /// Whether its first user was made (contract §3.1): without one, every call is refused.
    ///
    /// # Errors
    /// See [`Error::is_transient`].
    pub async fn has_user(&self) -> Result<bool, Error> {
        match self.transport.exchange(call("first user", "/apiv2/login", None)).await {
            Err(Error::NoUserYet { .. }) => Ok(false),
            Ok(_) | Err(Error::RejectedCredentials { .. }) => Ok(true),
            Err(cause) => Err(cause),
        }
    }

    /// Its version, such as `25.2.0-202410241428100111-a963b970` (`GET /api/v3/info`).
    ///
    /// # Errors
    /// [`Error::RejectedCredentials`] for a bad token. Otherwise see [`Error::is_transient`].
    pub async fn version(&self, token: &SecretString) -> Result<String, Error> {
        let call = call("version", "/api/v3/info", Some(Credential::Bearer(token)));
        let answer: Information = self.transport.exchange(call).await?.json("no version in it")?;
        Ok(answer.version.chars().filter(|letter| !letter.is_control()).take(100).collect())
    }
}

fn call<'a>(
    operation: &'static str,
    path_and_query: &'a str,
    credential: Option<Credential<'a>>,
) -> Call<'a> {
    Call {
        operation,
        method: Method::GET,
        path_and_query,
        credential,
        body: None,
        answer_bytes_max: ANSWER_BYTES_MAX,
        is_bulk: false,
        keeps_message: false,
    }
}
