//! User name and password, read again for every login, so that a rotated secret file is used
//! without a restart.

use secrecy::{ExposeSecret, SecretString};
use service_kit::{SecretError, SecretSource};

/// The input of one login.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: SecretString,
    pub(crate) password: SecretString,
}

impl Credentials {
    fn same(&self, other: &Credentials) -> bool {
        self.user.expose_secret() == other.user.expose_secret()
            && self.password.expose_secret() == other.password.expose_secret()
    }
}

/// Where the credentials come from, and which ones are known not to work.
pub(crate) struct CredentialSource {
    username: SecretSource,
    password: SecretSource,
    /// What was read for the last attempt, if it failed because of that: rejected credentials, or
    /// `Some(None)` if they could not be read.
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

    /// Reads both, off the async threads: the files are small, but may be on a slow volume.
    pub(crate) async fn read(&self) -> Result<Credentials, SecretError> {
        let (username, password) = (self.username.clone(), self.password.clone());
        let read = move || Ok(Credentials { user: username.read()?, password: password.read()? });
        match tokio::task::spawn_blocking(read).await {
            Ok(result) => result,
            // Reading does not panic, and the runtime does not end while this waits.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// What looks like an accident in rejected credentials, in words for a person and without their
    /// text.
    pub(crate) fn likely_mistake(&self, rejected: &Credentials) -> Option<String> {
        let look = |what: &str, source: &SecretSource, secret: &SecretString| {
            let oddity = oddity(secret.expose_secret())?;
            let place = source.path().map_or_else(
                || format!("the {what}"),
                |path| format!("the {what} in {}", path.display()),
            );
            Some(format!("{place} {oddity}"))
        };
        look("password", &self.password, &rejected.password)
            .or_else(|| look("user name", &self.username, &rejected.user))
    }

    /// Remembers that these do not work, or that they could not be read.
    pub(crate) fn remember_useless(&mut self, credentials: Option<Credentials>) {
        self.useless = Some(credentials);
    }

    pub(crate) fn forget_useless(&mut self) {
        self.useless = None;
    }

    /// Whether the credentials differ from those that did not work.
    pub(crate) async fn have_changed(&self) -> bool {
        let Some(useless) = &self.useless else { return false };
        match (self.read().await, useless) {
            (Err(_), _) => false,
            (Ok(_), None) => true,
            (Ok(now), Some(then)) => !now.same(then),
        }
    }
}

/// What is odd about a secret: allowed in a password, but rare.
fn oddity(secret: &str) -> Option<&'static str> {
    if secret.starts_with('\u{feff}') {
        Some("begins with a byte-order mark, which editors on Windows write; save the file without")
    } else if secret.contains('\n') {
        Some("has more than one line, and all of them count; leave only the line that is meant")
    } else if secret.contains('\r') {
        Some("has a carriage return in it; save the file with line ends of Unix")
    } else if secret.contains(char::is_control) {
        Some("has a control character in it; write it again")
    } else if secret.trim() != secret {
        Some("begins or ends with a blank, which counts; take it away if it is not meant")
    } else if secret.len() > 1
        && ['"', '\''].iter().any(|&quote| secret.starts_with(quote) && secret.ends_with(quote))
    {
        Some("stands in quotes, which count; take them away if they are not meant")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::oddity;

    #[test]
    fn accidents_are_named() {
        for (secret, named) in [
            ("\u{feff}dremio123", "byte-order mark"),
            ("dremio123\n# production", "more than one line"),
            ("dremio123\n", "more than one line"),
            ("dremio123\r", "carriage return"),
            ("dremio\t123", "control character"),
            ("dremio123 ", "ends with a blank"),
            ("\u{a0}dremio123", "begins or ends with a blank"),
            ("'dremio123'", "in quotes"),
        ] {
            let oddity = oddity(secret).unwrap_or_default();
            assert!(oddity.contains(named) && !oddity.contains("dremio"), "{secret:?}: {oddity}");
        }
        for secret in ["dremio123", "two words", "it's", "\"", "pa$$\\n", "grüße €"] {
            assert_eq!(oddity(secret), None, "{secret:?}");
        }
    }
}
