//! The first user of a fresh Dremio (contract §3.1).

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::exchange::Call;
use crate::{DremioClient, Error};

/// Largest answer that is accepted. A real one has a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How Dremio reports that it has a user already. The status does not help: every refusal has the
/// same.
const EXISTS: &str = "First user can only be created when no user is already registered";

/// The result of a request for a first user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstUser {
    /// The user now exists.
    Created,
    /// Dremio has users already; nothing changed. Only a login shows whether this is one of them.
    AlreadyThere,
}

/// Dremio requires names and an address, but does not use them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewUser<'a> {
    user_name: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    email: String,
    password: &'a str,
}

impl DremioClient {
    /// Creates the first user of a Dremio that has none (`PUT /apiv2/bootstrap/firstuser`). Safe to
    /// repeat.
    ///
    /// # Errors
    /// [`Error::Refused`] when Dremio does not accept the password (at least 8 characters, a letter
    /// and a digit) or the name (no quotes, no colons); [`Error::remote_message`] says which.
    /// Otherwise see [`Error::is_transient`].
    pub async fn create_first_user(
        &self,
        user: &str,
        password: &SecretString,
    ) -> Result<FirstUser, Error> {
        const OPERATION: &str = "first user";
        let email = format!("{user}@localhost");
        let new = NewUser {
            user_name: user,
            first_name: user,
            last_name: user,
            email,
            password: password.expose_secret(),
        };
        let body = serde_json::to_vec(&new).map_err(|_| Error::BadAnswer {
            operation: OPERATION,
            problem: "the request could not be written",
        })?;
        let call = Call {
            operation: OPERATION,
            method: Method::PUT,
            path_and_query: "/apiv2/bootstrap/firstuser",
            credential: None,
            body: Some(body),
            answer_bytes_max: ANSWER_BYTES_MAX,
            is_bulk: false,
            keeps_message: true,
        };
        match self.transport.exchange(call).await {
            Ok(answer) => {
                answer.json::<serde_json::Value>("not the new user").map(|_| FirstUser::Created)
            }
            Err(cause)
                if cause.remote_message().is_some_and(|message| message.starts_with(EXISTS)) =>
            {
                Ok(FirstUser::AlreadyThere)
            }
            Err(cause) => Err(cause),
        }
    }
}
