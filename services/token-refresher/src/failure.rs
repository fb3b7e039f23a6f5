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

    /// Describes a failed login. `cure` is what to do if Dremio rejects the credentials.
    pub(crate) fn login(error: dremio_client::Error, cure: &str) -> Self {
        match error.class() {
            ErrorClass::RejectedCredentials => Self::new(
                error.class().as_str(),
                format!("Dremio rejected the user name or the password; {cure}"),
            ),
            _ => Self::call(error),
        }
    }

    /// Describes the failure of any other call.
    pub(crate) fn call(error: dremio_client::Error) -> Self {
        let reason = error.class().as_str();
        match error.class() {
            // Of the steps to a connection, only the one that failed helps a person.
            ErrorClass::Unreachable => {
                let error = anyhow::Error::from(error);
                Self::new(reason, format!("{error}: {}", error.root_cause()))
            }
            _ => Self::of(reason, error),
        }
    }

    /// The same, with what to do next.
    pub(crate) fn with_next_step(mut self, step: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(step);
        self
    }
}

#[cfg(test)]
mod tests {
    use dremio_client::{ConnectConfig, DremioClient, Transport};

    use super::Failure;

    #[tokio::test]
    async fn a_dremio_that_is_away_is_one_short_sentence() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let transport = Transport::connect(&ConnectConfig::new(uri.parse().unwrap())).unwrap();
        let login = DremioClient::new(transport).login("ada", &"x".into()).await.unwrap_err();
        let failure = Failure::login(login, "the password").with_next_step("do this");
        let expected =
            "login: Dremio cannot be reached: Connection refused (os error 111); do this";
        assert_eq!((failure.reason, failure.message.as_str()), ("unreachable", expected));
    }
}
