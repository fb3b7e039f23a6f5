//! The environment, as checked values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioUri};
use service_kit::SecretSource;
use service_kit::admin::AdminHosts;
use service_kit::env::{Env, Problems, Reader};
use service_kit::logging::LogConfig;

use crate::schedule::Policy;

/// Limits for one call to Dremio. A login takes it a tenth of a second and a check a few
/// milliseconds; the gateway, which may be waiting for the result, gives up after two seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// More frequent checks than this would be a load on Dremio without a use.
const CHECK_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Below this, retries would be hammering.
const RETRY_INITIAL_MIN: Duration = Duration::from_millis(100);

/// Where the admin endpoints are unless configured otherwise.
const ADMIN_ADDR: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9465);

/// Everything that the service is told from outside.
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
    /// `TOKEN_REVOKE_AFTER`; nothing to leave replaced tokens alone.
    pub revoke_after: Option<Duration>,
    /// Variables with our prefixes that nobody knows: worth a warning.
    pub unknown: Vec<String>,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    /// All problems at once, each with its cure. A retry is useless before someone has mended them.
    pub fn read(env: &Env) -> Result<Config, Problems> {
        let mut reader = Reader::new(env);
        // Read for real before anything else, so that these problems could be logged; here only for
        // the list of problems.
        LogConfig::read(&mut reader);
        let uri: Option<DremioUri> = reader.required("DREMIO_URI", "http://dremio:9047");
        let ca_file = reader.text("DREMIO_CA_FILE").map(PathBuf::from);
        let tls_verify = reader.flag("DREMIO_TLS_VERIFY", true);
        let username = reader.required_secret("DREMIO_USERNAME");
        let password = reader.required_secret("DREMIO_PASSWORD");
        let token_file = PathBuf::from(reader.text("TOKEN_FILE").unwrap_or("/tokens/token.json"));
        let admin_addr = reader.listen_addr("ADMIN_ADDR", ADMIN_ADDR);
        let admin_hosts = reader.or("ADMIN_ALLOWED_HOSTS", AdminHosts::default());
        let policy = read_policy(&mut reader);
        let revoke_after = reader.duration("TOKEN_REVOKE_AFTER", Duration::from_secs(10 * 60));
        let unknown = reader.unknown(&["TOKEN_", "RETRY_"]);
        reader.finish()?;
        // Without a problem, what is required is there.
        let (Some(uri), Some(username), Some(password)) = (uri, username, password) else {
            return Err(Problems(Vec::new()));
        };
        Ok(Config {
            connect: ConnectConfig {
                uri,
                ca_file,
                tls_verify,
                connect_timeout: CONNECT_TIMEOUT,
                request_timeout: REQUEST_TIMEOUT,
            },
            username,
            password,
            token_file,
            admin_addr,
            admin_hosts,
            policy,
            revoke_after: (!revoke_after.is_zero()).then_some(revoke_after),
            unknown,
        })
    }
}

/// `ADMIN_ADDR` alone, for the health check, which must work without the rest.
///
/// # Errors
/// When it is not an address.
pub fn read_admin_addr(env: &Env) -> Result<SocketAddr, Problems> {
    // The other names stay unknown to this reader, and so do their slips: `run` reports those.
    let only: Vec<(&str, &str)> =
        env.get("ADMIN_ADDR").map(|value| ("ADMIN_ADDR", value)).into_iter().collect();
    let env = Env::from_pairs(only);
    let mut reader = Reader::new(&env);
    let admin_addr = reader.listen_addr("ADMIN_ADDR", ADMIN_ADDR);
    reader.finish().map(|()| admin_addr)
}

fn read_policy(reader: &mut Reader<'_>) -> Policy {
    let policy = Policy {
        check_interval: reader.duration("TOKEN_CHECK_INTERVAL", Duration::from_secs(5 * 60)),
        refresh_before: reader.duration("TOKEN_REFRESH_BEFORE", Duration::from_secs(6 * 60 * 60)),
        retry_initial: reader.duration("RETRY_INITIAL", Duration::from_secs(1)),
        retry_max: reader.duration("RETRY_MAX", Duration::from_secs(5 * 60)),
    };
    if policy.check_interval < CHECK_INTERVAL_MIN {
        reader.problem("TOKEN_CHECK_INTERVAL", "is less than 1s; use 1s or more".to_owned());
    }
    if policy.retry_initial < RETRY_INITIAL_MIN {
        reader.problem("RETRY_INITIAL", "is less than 100ms; use 100ms or more".to_owned());
    }
    if policy.retry_max < policy.retry_initial {
        reader.problem("RETRY_MAX", "is less than RETRY_INITIAL; use at least as much".to_owned());
    }
    policy
}

#[cfg(test)]
mod tests;
