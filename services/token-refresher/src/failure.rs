//! A failure in two forms: a stable word for machines, and a sentence with the cure for people.

use dremio_client::ErrorClass;

/// Something that currently does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The stable word.
    pub(crate) reason: &'static str,
    /// The sentence. It holds no secret and no text from the network.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// Describes an error with its causes.
    pub(crate) fn of(reason: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::new(reason, format!("{:#}", error.into()))
    }

    /// Describes a failed login. `credentials` are what to correct if Dremio rejects them.
    pub(crate) fn login(error: dremio_client::Error, credentials: &str) -> Self {
        match error.class() {
            ErrorClass::RejectedCredentials => Self::new(
                error.class().as_str(),
                format!(
                    "Dremio rejected the user name or the password; correct {credentials} (a \
                     changed file is tried at once)"
                ),
            ),
            _ => Self::call(error),
        }
    }

    /// The same, with the probable reason.
    pub(crate) fn with_likely_cause(mut self, cause: &str) -> Self {
        self.message.push_str("; the likely cause: ");
        self.message.push_str(cause);
        self
    }

    /// Describes the failure of any other call.
    pub(crate) fn call(error: dremio_client::Error) -> Self {
        Self::of(error.class().as_str(), error)
    }
}
