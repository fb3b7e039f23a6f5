//! Creates the first user of a fresh Dremio without a browser. A step before the service, not part
//! of it.

use std::time::Duration;

use dremio_client::{ConnectError, DremioClient, FirstUser, Transport};
use secrecy::ExposeSecret;
use service_kit::{Exit, SecretError};
use tokio::time::Instant;

use crate::config::Config;

/// How long Dremio may take to start. Its own container needs one to two minutes, more on a small
/// machine.
const START_WAIT_MAX: Duration = Duration::from_secs(10 * 60);

/// How often a starting Dremio is polled. It refuses connections until it is ready.
const ASK_INTERVAL: Duration = Duration::from_secs(2);

/// Why it could not be tried at all.
#[derive(Debug, thiserror::Error)]
pub enum FirstUserError {
    /// Trust or the HTTP client could not be set up.
    #[error("cannot prepare the connection to Dremio")]
    Connect(#[from] ConnectError),
    /// The user name or password could not be read.
    #[error("cannot read the credentials")]
    Credentials(#[from] SecretError),
    /// There is no single account, and which of the others is meant cannot be told.
    #[error("set DREMIO_USERNAME and DREMIO_PASSWORD: Dremio's first user is made of them")]
    NoSingleAccount,
}

/// Waits up to 10 minutes for Dremio, and creates the configured user if Dremio has none. A Dremio
/// with users is left unchanged, which is a success; [`Exit::Failure`] means that no user exists.
///
/// # Errors
/// See [`FirstUserError`].
pub async fn first_user(config: &Config) -> Result<Exit, FirstUserError> {
    let client = DremioClient::new(Transport::connect(&config.connect)?);
    let login = config.single.as_ref().ok_or(FirstUserError::NoSingleAccount)?;
    let (user, password) = (login.username.read()?, login.password.read()?);
    let deadline = Instant::now() + START_WAIT_MAX;
    let mut is_told = false;
    loop {
        match client.create_first_user(user.expose_secret(), &password).await {
            Ok(FirstUser::Created) => {
                tracing::info!(
                    target: "audit",
                    event = "first_user_created",
                    "created Dremio's first user"
                );
                return Ok(Exit::Success);
            }
            Ok(FirstUser::AlreadyThere) => {
                tracing::info!("Dremio has users already; nothing was changed");
                return Ok(Exit::Success);
            }
            Err(cause) if cause.is_transient() && Instant::now() < deadline => {
                if !is_told {
                    tracing::info!(dremio_uri = %config.connect.uri, "waiting for Dremio to start");
                    is_told = true;
                }
            }
            Err(cause) => {
                let said = cause.remote_message().unwrap_or_default();
                tracing::error!(error = %cause, said, "Dremio has no first user");
                return Ok(Exit::Failure);
            }
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
}
