//! What a sandbox is started with, and why a start can fail.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How to start a [`Sandbox`](crate::Sandbox). The default is what a test wants: a free port, the
/// demo user, Dremio's lifetimes.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where to listen. Default `127.0.0.1:0`, a free port.
    pub addr: SocketAddr,
    /// User names and passwords. Empty: no first user yet, so every `/apiv2` call is 403 until
    /// `PUT /apiv2/bootstrap/firstuser`.
    pub users: Vec<(String, String)>,
    /// How long a token lives from its login on. Default 30 hours.
    pub token_lifetime: Duration,
    /// How long a token stays in the cache that makes a logout effective (contract §1.4). Default
    /// 5 minutes; zero makes every logout a no-op that answers 204.
    pub token_cache_lifetime: Duration,
    /// How long a job takes at least, from submission to COMPLETED. Default zero: as long as its
    /// SQL takes.
    pub job_duration: Duration,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            users: vec![("dremio".to_owned(), "dremio123".to_owned())],
            token_lifetime: Duration::from_secs(30 * 60 * 60),
            token_cache_lifetime: Duration::from_secs(5 * 60),
            job_duration: Duration::ZERO,
        }
    }
}

impl fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<&str> = self.users.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("SandboxConfig")
            .field("addr", &self.addr)
            .field("users", &users)
            .field("token_lifetime", &self.token_lifetime)
            .field("token_cache_lifetime", &self.token_cache_lifetime)
            .field("job_duration", &self.job_duration)
            .finish()
    }
}

/// Why a sandbox did not start. None of these goes away by trying again with the same
/// configuration, except a port in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address could not be listened on.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The demo data could not be built: a defect of this crate.
    #[error("cannot build the demo data: {reason}")]
    DemoData {
        /// What the SQL engine said.
        reason: String,
    },
}
