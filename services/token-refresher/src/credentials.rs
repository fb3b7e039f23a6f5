//! The user name and the password, read anew for every login, so that a rotated secret file is picked up without a restart.

use secrecy::{ExposeSecret, SecretString};
use service_kit::{SecretError, SecretSource};

/// What one login needs.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: SecretString,
    pub(crate) password: SecretString,
}

impl Credentials {
    fn same(&self, other: &Credentials) -> bool {
        self.user.expose_secret() == other.user.expose_secret() && self.password.expose_secret() == other.password.expose_secret()
    }
}

/// Where the credentials come from, and which ones are known to be useless.
pub(crate) struct CredentialSource {
    username: SecretSource,
    password: SecretSource,
    /// What was read for the last attempt, if that failed because of it: rejected credentials, or (`None` inside) unreadable ones.
    useless: Option<Option<Credentials>>,
}

impl CredentialSource {
    pub(crate) fn new(username: SecretSource, password: SecretSource) -> Self {
        Self { username, password, useless: None }
    }

    /// Whether they can change while the process runs.
    pub(crate) fn can_change(&self) -> bool {
        self.username.path().is_some() || self.password.path().is_some()
    }

    /// Reads both. The files are small and local, yet reading them off the async threads costs nothing.
    pub(crate) async fn read(&self) -> Result<Credentials, SecretError> {
        let (username, password) = (self.username.clone(), self.password.clone());
        let read = move || Ok(Credentials { user: username.read()?, password: password.read()? });
        match tokio::task::spawn_blocking(read).await {
            Ok(result) => result,
            // Reading does not panic, and the runtime is not ending while someone asks.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// Remembers that these do not work, or that none could be read.
    pub(crate) fn remember_useless(&mut self, credentials: Option<Credentials>) {
        self.useless = Some(credentials);
    }

    pub(crate) fn forget_useless(&mut self) {
        self.useless = None;
    }

    /// Whether there are other credentials now than the useless ones.
    pub(crate) async fn have_changed(&self) -> bool {
        let Some(useless) = &self.useless else { return false };
        match (self.read().await, useless) {
            (Err(_), _) => false,
            (Ok(_), None) => true,
            (Ok(now), Some(then)) => !now.same(then),
        }
    }
}
