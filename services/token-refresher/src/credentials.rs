//! User name and password, read again for every login, so that a rotated secret file is used
//! without a restart.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use service_kit::{SecretError, SecretSource};
use tokio::sync::Semaphore;

use crate::account_folder::{AccountFolder, FolderError};
use crate::config::Login;

/// How many accounts of the folder are read at a time, each on a thread.
static FOLDER_READS: Semaphore = Semaphore::const_new(4);

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

/// Where the credentials come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// From settings: the single account.
    Settings(Login),
    /// From an account's folder.
    Folder(AccountFolder),
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Origin {
    /// Reads both. Synchronous: the files are small, but may be on a slow volume.
    pub(crate) fn read(&self) -> Result<Credentials, CredentialsError> {
        let (user, password) = match self {
            Self::Settings(login) => (login.username.read()?, login.password.read()?),
            Self::Folder(folder) => (folder.username()?, folder.password()?),
        };
        Ok(Credentials { user, password })
    }

    /// Where the user name and the password are, if in files.
    fn paths(&self) -> [Option<PathBuf>; 2] {
        let path = |secret: &SecretSource| secret.path().map(PathBuf::from);
        match self {
            Self::Settings(login) => [path(&login.username), path(&login.password)],
            Self::Folder(folder) => ["username", "password"].map(|file| Some(folder.path(file))),
        }
    }

    /// What to do when Dremio rejects them.
    fn cure(&self, in_container: bool) -> String {
        let at_once = "a changed file is tried at once";
        match self {
            Self::Settings(login) => match (login.password.path(), in_container) {
                (Some(_), true) => format!(
                    "run scripts/setup.sh --force, which asks for both and tries them ({at_once})"
                ),
                (Some(file), false) => format!(
                    "correct DREMIO_USERNAME, or the password in {} ({at_once})",
                    file.display()
                ),
                (None, true) => "correct DREMIO_USERNAME and DREMIO_PASSWORD in .env, then run: \
                                 docker compose up"
                    .to_owned(),
                (None, false) => {
                    "correct DREMIO_USERNAME and DREMIO_PASSWORD, and start it again".to_owned()
                }
            },
            Self::Folder(folder) => {
                let folder = folder.folder();
                format!("correct username and password in {} ({at_once})", folder.display())
            }
        }
    }
}

/// Where the credentials come from, and which ones are known not to work.
pub(crate) struct CredentialSource {
    origin: Origin,
    /// What was read for the last attempt, if it failed because of that: rejected credentials, or
    /// `Some(None)` if they could not be read.
    useless: Option<Option<Credentials>>,
}

impl CredentialSource {
    pub(crate) fn new(origin: Origin) -> Self {
        Self { origin, useless: None }
    }

    /// Whether they can change while the process runs.
    pub(crate) fn can_change(&self) -> bool {
        self.origin.paths().iter().any(Option::is_some)
    }

    /// What to do when Dremio rejects them.
    pub(crate) fn cure(&self, in_container: bool) -> String {
        self.origin.cure(in_container)
    }

    /// Reads both, off the async threads.
    pub(crate) async fn read(&self) -> Result<Credentials, CredentialsError> {
        // The single account does not wait for the others, whose volume may hang.
        let _place = match &self.origin {
            Origin::Settings(_) => None,
            Origin::Folder(_) => FOLDER_READS.acquire().await.ok(),
        };
        let origin = self.origin.clone();
        match tokio::task::spawn_blocking(move || origin.read()).await {
            Ok(result) => result,
            // Reading does not panic, and the runtime does not end while this waits.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// What looks like an accident in rejected credentials, in words for a person and without their
    /// text.
    pub(crate) fn likely_mistake(&self, rejected: &Credentials) -> Option<String> {
        let [username_path, password_path] = self.origin.paths();
        let look = |what: &str, path: Option<PathBuf>, secret: &SecretString| {
            let oddity = oddity(secret.expose_secret())?;
            let place = path.map_or_else(
                || format!("the {what}"),
                |path| format!("the {what} in {}", path.display()),
            );
            Some(format!("{place} {oddity}"))
        };
        look("password", password_path, &rejected.password)
            .or_else(|| look("user name", username_path, &rejected.user))
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
    use service_kit::SecretSource;

    use super::{Origin, oddity};
    use crate::config::Login;

    #[test]
    fn rejected_credentials_have_a_next_step_for_where_they_are() {
        let inline = SecretSource::Inline("x".into());
        let file = SecretSource::File("/secrets/password".into());
        for (password, in_container, step) in [
            (&inline, true, "DREMIO_PASSWORD in .env, then run: docker compose up"),
            (&inline, false, "DREMIO_PASSWORD, and start it again"),
            (&file, true, "run scripts/setup.sh --force"),
            (&file, false, "the password in /secrets/password (a changed file is tried at once)"),
        ] {
            let login = Login { username: inline.clone(), password: password.clone() };
            let cure = Origin::Settings(login).cure(in_container);
            assert!(cure.contains(step), "{cure}");
        }
    }

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
