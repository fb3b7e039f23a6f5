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

use crate::account_folder;
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
    /// The single account; `None` if there are only others.
    pub single: Option<Login>,
    /// `DREMIO_ACCOUNTS_DIR`: the folder of further accounts.
    pub accounts_dir: Option<PathBuf>,
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

/// The credentials of the single account.
#[derive(Clone, Debug)]
pub struct Login {
    /// `DREMIO_USERNAME`.
    pub username: SecretSource,
    /// `DREMIO_PASSWORD`.
    pub password: SecretSource,
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
        let single = Some(Login { username, password });
        Self { connect: ConnectConfig { uri, ..config.connect }, single, ..config }
    }

    fn gather(reader: &mut Reader<'_>) -> Self {
        // Logging has already read these, so that problems could be logged; here only for the list
        // of problems.
        LogConfig::read(reader);
        let (accounts_dir, single) = read_accounts(reader);
        Self {
            connect: ConnectConfig {
                uri: reader.value(&settings::DREMIO_URI),
                ca_file: reader.optional(&settings::DREMIO_CA_FILE),
                tls_verify: reader.flag(&settings::DREMIO_TLS_VERIFY),
                connect_timeout: CONNECT_TIMEOUT,
                request_timeout: REQUEST_TIMEOUT,
            },
            single,
            accounts_dir,
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

/// The folder of accounts, and the single account. That may be left out only where the folder has
/// another.
fn read_accounts(reader: &mut Reader<'_>) -> (Option<PathBuf>, Option<Login>) {
    let folder: Option<PathBuf> = reader.optional(&settings::DREMIO_ACCOUNTS_DIR);
    let accounts = folder.as_deref().map_or(0, |folder| match account_folder::list(folder) {
        Ok(listing) => listing.names.len(),
        Err(cause) => {
            let cure = "name a folder that token-refresher may read";
            let problem = format!("{} cannot be read: {cause}; {cure}", folder.display());
            reader.problem(&settings::DREMIO_ACCOUNTS_DIR, problem);
            0
        }
    });
    if accounts == 0 {
        let username = reader.required_secret(&settings::DREMIO_USERNAME);
        let password = reader.required_secret(&settings::DREMIO_PASSWORD);
        return (folder, Some(Login { username, password }));
    }
    let username = reader.secret(&settings::DREMIO_USERNAME);
    let single = match (username, reader.secret(&settings::DREMIO_PASSWORD)) {
        (Some(username), Some(password)) => Some(Login { username, password }),
        (None, Some(_)) => {
            reader.problem(
                &settings::DREMIO_USERNAME,
                "is required where DREMIO_PASSWORD is set; leave both out to have only the \
                 accounts of DREMIO_ACCOUNTS_DIR",
            );
            None
        }
        // Compose always names a user; without a password there is nobody to log in as.
        (_, None) => None,
    };
    (folder, single)
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
