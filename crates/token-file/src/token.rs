//! A token with its expiry, and the short id under which it may be logged.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Longest token that is accepted. Dremio's opaque tokens have 26 characters and its JWTs stay
/// below 2 KiB; all headers together must fit into Jetty's default limit of 8 KiB.
pub(crate) const TOKEN_BYTES_MAX: usize = 4096;

/// A Dremio token and its expiry.
///
/// `Debug` shows the [`TokenId`] in place of the token.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
    expires_at: Timestamp,
    written_at: Option<Timestamp>,
    id: TokenId,
}

impl Token {
    /// Combines a token and its expiry. The expiry is cut to whole seconds, as in the file, so that
    /// a token is equal to itself after a round trip.
    #[must_use]
    pub fn new(secret: SecretString, expires_at: Timestamp) -> Self {
        let id = TokenId::of(secret.expose_secret());
        let whole_seconds = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
        Self { secret, expires_at: whole_seconds, written_at: None, id }
    }

    /// The token as it was read from a file that was written then.
    pub(crate) fn written(self, at: Option<Timestamp>) -> Self {
        Self { written_at: at, ..self }
    }

    /// The token itself, as sent in an `Authorization` header.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// When Dremio stops accepting the token: fixed when it was issued, to the second.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// When its file was written, soon after the login; nothing for a token from elsewhere.
    #[must_use]
    pub fn written_at(&self) -> Option<Timestamp> {
        self.written_at
    }

    /// The token's name in logs.
    #[must_use]
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// Whether the token has expired at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether an HTTP header can carry the token as a credential: visible ASCII without spaces.
    pub(crate) fn is_sendable(&self) -> bool {
        let token = self.secret.expose_secret();
        !token.is_empty()
            && token.len() <= TOKEN_BYTES_MAX
            && token.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// Equal when token and expiry are equal. Compares the full text, not the short id; timing reveals
/// nothing, because both sides are ours.
impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
            && self.expires_at == other.expires_at
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The first 8 hexadecimal digits of the SHA-256 of a token, or of the gateway key: enough to
/// follow it through the logs, useless for anything else.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId([u8; 4]);

impl TokenId {
    pub(crate) fn of(secret: impl AsRef<[u8]>) -> Self {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(secret));
        Self([a, b, c, d])
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
