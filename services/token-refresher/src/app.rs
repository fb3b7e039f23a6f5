//! The service as a value that is started, runs and stops. Used by the binary, the tests and
//! `dremio-mcp-local`.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::{ConnectError, DremioClient, Transport};
use prometheus_client::registry::Registry;
use service_kit::admin::{self, Readiness};
use service_kit::http::{Limits, serve};
use service_kit::lifecycle::{Shutdown, Tasks};
use service_kit::{Clock, Exit, report_open_folder};
use token_file::{AccountName, BadAccountName, POLL_INTERVAL, Watchers, WriteError, Writer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::account_folder::{self, AccountFolder};
use crate::accounts::{Accounts, Sources};
use crate::conditions::Conditions;
use crate::config::Config;
use crate::credentials::Origin;
use crate::gateway_key::KeyKeeper;
use crate::metrics::Metrics;
use crate::refresh::{self, Directory, Outcome};
use crate::renewal::{Renewal, Shared};
use crate::revoker::{self, Revoker};
use crate::volume::{Volume, VolumeError};

/// How long a stop may take. A step under way is finished, because half a login leaves a token
/// behind. Below the 10 s after which Docker kills.
const DRAIN_MAX: Duration = Duration::from_secs(8);

/// How many accounts call Dremio at the same time, so that many of them are no herd after an
/// outage: a login takes a tenth of a second of a core there, and a connection a thread here while
/// its name is looked up. A guess.
const CALLS_MAX: usize = 8;

/// The admin endpoints serve a few tools only.
const ADMIN_LIMITS: Limits = Limits {
    connections_max: 64,
    idle_connections_max: 32,
    idle_max: Duration::from_secs(180),
    unproven: None,
    header_read_timeout: Duration::from_secs(5),
    header_bytes_max: 16 * 1024,
    long_head_bytes_max: 256 * 1024,
    write_stall_max: Duration::from_secs(10),
};

/// Why the service did not start. Each of these needs a person; a restart does not help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Trust or the HTTP client could not be set up.
    #[error("cannot prepare the connection to Dremio")]
    Connect(#[from] ConnectError),
    /// The token file cannot be written where it is configured.
    #[error("cannot write the token file")]
    TokenFile(#[from] WriteError),
    /// The admin address is in use or not available to this process.
    #[error("cannot listen on {addr}; set ADMIN_ADDR to a free address of this machine")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// The service.
#[derive(Debug)]
pub struct App;

/// A running service. Dropping this does not stop it; its [`Shutdown`] does.
#[derive(Debug)]
pub struct RunningApp {
    admin_addr: SocketAddr,
    readiness: Readiness,
    tasks: JoinHandle<Exit>,
}

impl RunningApp {
    /// The address of the admin endpoints, with the actual port if 0 was configured.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// The conditions `token` and `dremio`, as `/readyz` shows them.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Waits until the service has stopped, on request or because a task died. Cancel safe.
    pub async fn join(&mut self) -> Exit {
        (&mut self.tasks).await.unwrap_or(Exit::TaskDied)
    }
}

impl App {
    /// Finds what would prevent a start although the configuration is well-formed, without starting
    /// anything. It does not touch what a running service uses.
    ///
    /// # Errors
    /// As for [`start`](Self::start), except for an address that is in use.
    pub fn check(config: &Config) -> Result<(), StartError> {
        Transport::connect(&config.connect)?;
        match Writer::check(config.token_file.clone()) {
            // `start` continues in this case, too, and logs it.
            Err(WriteError::DiskFull { .. } | WriteError::Io { .. }) => Ok(()),
            checked => Ok(checked?),
        }
    }

    /// Starts the service. When this returns, the admin endpoints answer; the token may come later.
    ///
    /// # Errors
    /// A problem of the configuration or the machine. An unreachable Dremio and a full disk are not
    /// errors here: both may pass.
    pub async fn start(
        config: Config,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Result<RunningApp, StartError> {
        let parts = Parts::new(&config, clock).await?;
        let listener = TcpListener::bind(config.admin_addr).await;
        let listener =
            listener.map_err(|source| StartError::Listen { addr: config.admin_addr, source })?;
        let admin_addr = listener
            .local_addr()
            .map_err(|source| StartError::Listen { addr: config.admin_addr, source })?;
        let (directory, readiness) = (Directory::default(), parts.readiness);
        let router = admin::router(readiness.clone(), parts.registry)
            .merge(refresh::router(directory.clone()));
        let router = config.admin_hosts.guard(router);
        let folder = match config.accounts_dir {
            Some(folder) => {
                let listing = account_folder::follow(folder.clone()).map_err(StartError::Thread)?;
                Some((folder, listing))
            }
            None => None,
        };

        let mut tasks = Tasks::new(shutdown.clone());
        tasks.spawn("admin", serve(listener, router, ADMIN_LIMITS, shutdown.clone()));
        let token_folder = config.token_file.parent().map(|folder| ("token_folder", folder));
        let accounts_folder = folder.as_ref().map(|(folder, _)| ("accounts_folder", &**folder));
        for (name, folder) in token_folder.into_iter().chain(accounts_folder) {
            let (folder, readiness) = (folder.to_owned(), readiness.clone());
            tasks.spawn(name, report_open_folder(folder, name, readiness, shutdown.clone()));
        }
        tasks.spawn("revoker", parts.revoker.run(shutdown.clone()));
        let sources = Sources { single: config.single, folder };
        let watchers = Watchers::spawn(POLL_INTERVAL);
        let accounts = Accounts::new(parts.shared, sources, watchers, directory);
        tasks.spawn("accounts", accounts.run(shutdown));
        tracing::info!(%admin_addr, dremio_uri = %config.connect.uri, "token-refresher is running");
        Ok(RunningApp { admin_addr, readiness, tasks: tokio::spawn(tasks.run(DRAIN_MAX)) })
    }

    /// Puts a good token into the file of every account, once: reuses the one there, or logs in.
    /// Nothing is retried. It is a success as the service would be healthy: with the token of the
    /// single account, or, where there is none, of at least one.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn once(config: Config, clock: Clock) -> Result<Exit, StartError> {
        let parts = Parts::new(&config, clock).await?;
        let mut origins = Vec::new();
        if let Some(login) = config.single.clone() {
            origins.push((None, Origin::Settings(login)));
        }
        if let Some(folder) = &config.accounts_dir {
            let listing = account_folder::list(folder).unwrap_or_default();
            origins.extend(listing.names.into_iter().map(|name| {
                let origin = Origin::Folder(AccountFolder::new(folder.clone(), name.clone()));
                (Some(name), origin)
            }));
        }
        let (mut single, mut any) = (None, false);
        for (account, origin) in origins {
            let shared = Arc::clone(&parts.shared);
            let outcome = Renewal::new(shared, account.clone(), origin).once().await;
            let is_good = report_once(account.as_ref(), &outcome);
            any |= is_good;
            if account.is_none() {
                single = Some(is_good);
            }
        }
        Ok(if single.unwrap_or(any) { Exit::Success } else { Exit::Failure })
    }

    /// What is wrong with accounts of the folder, one line each, as far as it can be seen without
    /// asking Dremio. It keeps no other account from working.
    #[must_use]
    pub fn check_accounts(config: &Config) -> Vec<String> {
        let Some(folder) = &config.accounts_dir else { return Vec::new() };
        let listing = account_folder::list(folder).unwrap_or_default();
        let bad_names = listing.refused.iter().map(|name| {
            format!("{name} in {} is no name of an account: {BadAccountName}", folder.display())
        });
        let unusable = listing.names.iter().filter_map(|name| {
            let origin = Origin::Folder(AccountFolder::new(folder.clone(), name.clone()));
            let cause = origin.read().err()?;
            Some(format!("account {name}: {:#}", anyhow::Error::from(cause)))
        });
        bad_names.chain(unusable).collect()
    }
}

/// Says how it ended, and whether the file holds a good token.
fn report_once(account: Option<&AccountName>, outcome: &Outcome) -> bool {
    let account = account.map(AccountName::as_str);
    let (token, message) = match outcome {
        Outcome::Valid(token) => (token, "the token file holds a good token"),
        Outcome::Renewed(token) => (token, "the token file holds a new token"),
        Outcome::Failed(failure) => {
            tracing::error!(
                account,
                reason = failure.reason,
                error = failure.message,
                "there is no good token in the token file"
            );
            return false;
        }
    };
    tracing::info!(account, token_id = %token.id(), expires_at = %token.expires_at(), "{message}");
    true
}

/// The part that `start` and `once` share.
struct Parts {
    shared: Arc<Shared>,
    readiness: Readiness,
    revoker: Revoker,
    registry: Registry,
}

impl Parts {
    async fn new(config: &Config, clock: Clock) -> Result<Self, StartError> {
        for name in &config.unknown {
            tracing::warn!(
                variable = name,
                "this environment variable is not known; is it misspelt?"
            );
        }
        let tls_verified = config.connect.tls_verify || !config.connect.uri.is_https();
        if !tls_verified {
            tracing::warn!(
                "Dremio's certificate is not checked (DREMIO_TLS_VERIFY=false): the password goes \
                 to whoever answers"
            );
        }
        let client = DremioClient::new(Transport::connect(&config.connect)?);
        let volume = Volume::start(config.token_file.clone()).map_err(StartError::Thread)?;
        check_volume(&volume).await?;
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let (replaced, received) = mpsc::channel(revoker::WAITING_MAX);
        let revoker = Revoker {
            client: client.clone(),
            clock: clock.clone(),
            policy: config.policy,
            random,
            metrics: metrics.clone(),
            replaced: received,
        };
        let readiness = Readiness::new(&["token", "dremio"]);
        let in_container = Path::new("/.dockerenv").exists();
        let shared = Arc::new(Shared {
            client,
            gateway_key: KeyKeeper::new(volume.clone(), metrics.clone()),
            volume,
            clock,
            random,
            metrics,
            conditions: Conditions::new(readiness.clone()),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            policy: config.policy,
            revoke_after: config.revoke_after,
            tls_verified,
            if_unreachable: next_step_in_silence(config.connect.uri.host(), in_container),
            in_container,
            replaced,
        });
        Ok(Self { shared, readiness, revoker, registry })
    }
}

/// Fails for what a person must fix, and only warns about what may pass.
async fn check_volume(volume: &Volume) -> Result<(), StartError> {
    match volume.file_of(None).open().await {
        Ok(()) => Ok(()),
        Err(
            error @ (VolumeError::Stuck
            | VolumeError::Failed(WriteError::DiskFull { .. } | WriteError::Io { .. })),
        ) => {
            let failure = error.failure();
            tracing::error!(
                reason = failure.reason,
                error = failure.message,
                "the token file cannot be written at the moment"
            );
            Ok(())
        }
        Err(VolumeError::Failed(error)) => Err(error.into()),
    }
}

/// What to say if Dremio at `host` does not answer.
fn next_step_in_silence(host: &str, in_container: bool) -> Option<&'static str> {
    let is_loopback = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    match host {
        _ if !in_container => None,
        "dremio" => Some(
            "for a Dremio on this machine set DREMIO_URI=http://host.docker.internal:9047 in \
             .env; to try it with demo data: docker compose --profile sandbox up",
        ),
        _ if is_loopback => Some(
            "the likely cause: DREMIO_URI names this container itself; a Dremio on the machine \
             outside is http://host.docker.internal:9047, and must listen on more than 127.0.0.1",
        ),
        _ => Some(
            "this finds the step that fails: docker compose run --rm --no-deps dremio-mcp doctor",
        ),
    }
}

/// A random number from 0 (inclusive) to 1 (exclusive), for jitter. Without a source of randomness
/// there is no jitter.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::next_step_in_silence;

    #[test]
    fn silence_in_a_container_has_a_next_step() {
        for (host, step) in [
            ("localhost", "names this container itself"),
            ("127.0.0.1", "names this container itself"),
            ("[::1]", "names this container itself"),
            ("dremio", "set DREMIO_URI=http://host.docker.internal:9047 in .env"),
            ("bi.example", "dremio-mcp doctor"),
        ] {
            assert!(
                next_step_in_silence(host, true).is_some_and(|said| said.contains(step)),
                "{host}"
            );
            assert_eq!(next_step_in_silence(host, false), None, "{host}");
        }
    }
}
