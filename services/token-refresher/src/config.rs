//! The configuration, read from the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioUri};
use service_kit::SecretSource;
use service_kit::admin::AdminHosts;
use service_kit::env::{Env, Problems, Reader};
use service_kit::logging::LogConfig;
use service_kit::settings::{self, Service};

use crate::schedule::Policy;

/// Limits for one call to Dremio. A login takes a tenth of a second and a check a few milliseconds;
/// a gateway that waits for the result gives up after 5 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// More frequent checks would only be a load on Dremio.
const CHECK_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Shorter pauses would flood Dremio with retries.
const RETRY_INITIAL_MIN: Duration = Duration::from_millis(100);

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Dremio is (`DREMIO_URI`, `DREMIO_CA_FILE`, `DREMIO_TLS_VERIFY`).
    pub connect: ConnectConfig,
    /// `DREMIO_USERNAME`.
    pub username: SecretSource,
    /// `DREMIO_PASSWORD`.
    pub password: SecretSource,
    /// `TOKEN_FILE`.
    pub token_file: PathBuf,
    /// `ADMIN_ADDR`; port 0 takes a free one.
    pub admin_addr: SocketAddr,
    /// `ADMIN_ALLOWED_HOSTS`.
    pub admin_hosts: AdminHosts,
    /// `TOKEN_CHECK_INTERVAL`, `TOKEN_REFRESH_BEFORE`, `RETRY_INITIAL`, `RETRY_MAX`.
    pub policy: Policy,
    /// `TOKEN_REVOKE_AFTER`; `None` leaves replaced tokens alone.
    pub revoke_after: Option<Duration>,
    /// Unknown variables with our prefixes: worth a warning.
    pub unknown: Vec<String>,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    /// All problems at once, each with its cure. A retry does not help until a person has fixed
    /// them.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        let mut reader = Reader::new(env, Service::TokenRefresher);
        let config = Config::gather(&mut reader);
        let unknown = reader.finish()?;
        Ok(Self { unknown, ..config })
    }

    /// All defaults, for this Dremio and this user.
    #[must_use]
    pub fn new(uri: DremioUri, username: SecretSource, password: SecretSource) -> Self {
        let config = Config::gather(&mut Reader::new(&Env::default(), Service::TokenRefresher));
        Self { connect: ConnectConfig { uri, ..config.connect }, username, password, ..config }
    }

    fn gather(reader: &mut Reader<'_>) -> Self {
        // Logging has already read these, so that problems could be logged; here only for the list
        // of problems.
        LogConfig::read(reader);
        Self {
            connect: ConnectConfig {
                uri: reader.value(&settings::DREMIO_URI),
                ca_file: reader.optional(&settings::DREMIO_CA_FILE),
                tls_verify: reader.flag(&settings::DREMIO_TLS_VERIFY),
                connect_timeout: CONNECT_TIMEOUT,
                request_timeout: REQUEST_TIMEOUT,
            },
            username: reader.required_secret(&settings::DREMIO_USERNAME),
            password: reader.required_secret(&settings::DREMIO_PASSWORD),
            token_file: reader.value(&settings::TOKEN_FILE),
            admin_addr: reader.listen_addr(&settings::ADMIN_ADDR),
            admin_hosts: reader.optional(&settings::ADMIN_ALLOWED_HOSTS).unwrap_or_default(),
            policy: read_policy(reader),
            revoke_after: Some(reader.duration(&settings::TOKEN_REVOKE_AFTER))
                .filter(|grace| !grace.is_zero()),
            unknown: Vec::new(),
        }
    }
}

fn read_policy(reader: &mut Reader<'_>) -> Policy {
    let policy = Policy {
        check_interval: reader.duration(&settings::TOKEN_CHECK_INTERVAL),
        refresh_before: reader.duration(&settings::TOKEN_REFRESH_BEFORE),
        retry_initial: reader.duration(&settings::RETRY_INITIAL),
        retry_max: reader.duration(&settings::RETRY_MAX),
    };
    if policy.check_interval < CHECK_INTERVAL_MIN {
        reader.problem(&settings::TOKEN_CHECK_INTERVAL, "is less than 1s; use 1s or more");
    }
    if policy.retry_initial < RETRY_INITIAL_MIN {
        reader.problem(&settings::RETRY_INITIAL, "is less than 100ms; use 100ms or more");
    }
    if policy.retry_max < policy.retry_initial {
        reader.problem(&settings::RETRY_MAX, "is less than RETRY_INITIAL; use at least as much");
    }
    policy
}

#[cfg(test)]
mod tests;
