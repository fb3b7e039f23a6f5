//! Sign-in: obtaining, checking and logging out a token (contract §1).

use http::Method;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::exchange::{Call, Credential};
use crate::{DremioClient, Error};

/// Largest answer of the sign-in calls that is accepted. A real one has about 1 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

const PATH: &str = "/apiv2/login";

/// A fresh token.
#[derive(Clone, Debug)]
pub struct Login {
    /// The token. It stays valid until it expires or is logged out, also across restarts and
    /// password changes.
    pub token: SecretString,
    /// When it expires, by Dremio's clock. Fixed: use does not extend it.
    pub expires_at: Timestamp,
    /// Dremio's version, if reported.
    pub dremio_version: Option<String>,
}

/// The result of a logout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logout {
    /// Proven: a later call with the token was rejected.
    Proven,
    /// Dremio confirmed the logout but still accepts the token: another coordinator has it cached
    /// (for up to 5 minutes), or it had just left the cache. Another attempt may help.
    StillAccepted,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginRequest<'a> {
    user_name: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct LoginAnswer {
    token: String,
    /// Milliseconds since 1970.
    expires: i64,
    version: Option<String>,
}

impl DremioClient {
    /// Logs in with user name and password (`POST /apiv2/login`). Every success creates one more
    /// token.
    ///
    /// # Errors
    /// [`Error::RejectedCredentials`] for a wrong name or password: a retry with the same ones is
    /// useless. [`Error::NoUserYet`] on a fresh Dremio. Otherwise see [`Error::is_transient`]; a
    /// token that was never received may have been created.
    pub async fn login(&self, user: &str, password: &SecretString) -> Result<Login, Error> {
        const OPERATION: &str = "login";
        let bad = |problem| Error::BadAnswer { operation: OPERATION, problem };
        let body = serde_json::to_vec(&LoginRequest {
            user_name: user,
            password: password.expose_secret(),
        })
        .map_err(|_| bad("the request could not be written"))?;
        let call = Call {
            operation: OPERATION,
            method: Method::POST,
            path_and_query: PATH,
            credential: None,
            body: Some(body),
            answer_bytes_max: ANSWER_BYTES_MAX,
            is_bulk: false,
            keeps_message: false,
        };
        let answer: LoginAnswer =
            self.transport.exchange(call).await?.json("no token and expiry in it")?;
        let expires_at = Timestamp::from_millisecond(answer.expires)
            .map_err(|_| bad("the expiry is out of range"))?;
        let token = SecretString::from(answer.token);
        if token.expose_secret().is_empty()
            || !token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(bad("the token cannot be used in a header"));
        }
        Ok(Login { token, expires_at, dremio_version: answer.version })
    }

    /// Asks whether `token` is accepted (`GET /apiv2/login`), which is very cheap for Dremio.
    ///
    /// # Errors
    /// [`Error::RejectedCredentials`] when it is not. Any other error says nothing about the token.
    pub async fn probe(&self, token: &SecretString) -> Result<(), Error> {
        const OPERATION: &str = "token check";
        let call = Call {
            operation: OPERATION,
            method: Method::GET,
            path_and_query: PATH,
            credential: Some(Credential::Bearer(token)),
            body: None,
            answer_bytes_max: ANSWER_BYTES_MAX,
            is_bulk: false,
            keeps_message: false,
        };
        let accepted: bool = self.transport.exchange(call).await?.json("neither true nor false")?;
        if accepted {
            Ok(())
        } else {
            Err(Error::BadAnswer { operation: OPERATION, problem: "neither accepted nor rejected" })
        }
    }

    /// Logs `token` out (`DELETE /apiv2/login`), and verifies it.
    ///
    /// Dremio invalidates a token only while it is in the cache, but answers 204 in any case
    /// (contract §1.4). So this first makes a call with the token, which puts it there, then logs
    /// out, then checks whether the token is still accepted. A token that is rejected from the
    /// start counts as logged out.
    ///
    /// # Errors
    /// When one of the three calls failed for another reason; the token may still be valid. The
    /// whole operation may be repeated.
    pub async fn logout(&self, token: &SecretString) -> Result<Logout, Error> {
        match self.probe(token).await {
            Ok(()) => {}
            Err(Error::RejectedCredentials { .. }) => return Ok(Logout::Proven),
            Err(cause) => return Err(cause),
        }
        let call = Call {
            operation: "logout",
            method: Method::DELETE,
            path_and_query: PATH,
            credential: Some(Credential::Dremio(token)),
            body: None,
            answer_bytes_max: ANSWER_BYTES_MAX,
            is_bulk: false,
            keeps_message: false,
        };
        self.transport.exchange(call).await?.no_content()?;
        match self.probe(token).await {
            Ok(()) => Ok(Logout::StillAccepted),
            Err(Error::RejectedCredentials { .. }) => Ok(Logout::Proven),
            Err(cause) => Err(cause),
        }
    }
}
