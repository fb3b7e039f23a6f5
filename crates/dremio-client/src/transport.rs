//! The connection pool to one Dremio, with its address, trust and time limits.

use std::time::Duration;

use crate::connect::{ConnectConfig, ConnectError};
use crate::tls;
use crate::uri::DremioUri;

/// Idle connections are closed before Dremio does so (Jetty's default is 30 s): a call on a
/// connection that is just being closed would fail needlessly.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Idle connections kept for the next calls. A guess: more concurrent calls are rare, and a new
/// connection is cheap.
const POOL_IDLE_PER_HOST_MAX: usize = 32;

/// A peer that vanished silently is noticed during a long call after a few of these.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How many times longer a page of results, which may be 32 MiB, may take than another call: the
/// limit of a call then applies to its head and to each pause. A guess: with 30 s, that is 270
/// KiB/s.
pub const PAGE_PATIENCE: u32 = 4;

/// A pool of connections to one Dremio. Cheap to clone; all clones share the pool.
///
/// It never follows a redirect and never uses a proxy from the environment: a token is sent only to
/// the configured address.
#[derive(Clone, Debug)]
pub struct Transport {
    http: reqwest::Client,
    uri: DremioUri,
    request_timeout: Duration,
}

impl Transport {
    /// Prepares the pool. Nothing is sent: the first call shows whether Dremio answers.
    ///
    /// # Errors
    /// Only for mistakes in the configuration, or a machine without CA certificates. Plain `http`
    /// cannot fail here.
    pub fn connect(config: &ConnectConfig) -> Result<Self, ConnectError> {
        Self::connect_as_in(config, Duration::ZERO)
    }

    /// The same, but certificates are judged as if it were so much later: what fails here and not
    /// there will soon have ended.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub fn connect_as_in(config: &ConnectConfig, ahead: Duration) -> Result<Self, ConnectError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(config, ahead)?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST_MAX)
            .tcp_keepalive(KEEPALIVE_INTERVAL)
            .build()
            .map_err(|source| ConnectError::Http { source })?;
        Ok(Self { http, uri: config.uri.clone(), request_timeout: config.request_timeout })
    }

    /// The same pool with another time limit per call.
    #[must_use]
    pub fn within(&self, request_timeout: Duration) -> Self {
        Self { request_timeout, ..self.clone() }
    }

    /// The HTTP client, for calls that are forwarded rather than made here. Its request timeout
    /// applies to every call that does not set its own.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Dremio's base address.
    #[must_use]
    pub fn uri(&self) -> &DremioUri {
        &self.uri
    }

    /// The limit for a whole call.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// The URL of `path_and_query` at this Dremio, or `None` if a URL cannot carry that text
    /// unchanged; see [`DremioUri::join`].
    #[must_use]
    pub fn url(&self, path_and_query: &str) -> Option<reqwest::Url> {
        self.uri.join(path_and_query)
    }
}
