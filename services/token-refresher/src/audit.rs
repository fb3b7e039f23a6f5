//! The record of what happens to tokens: log lines with `target: "audit"` and a stable `event`.
//!
//! All of them are here, so that it is easy to verify that a token appears only with its id and
//! expiry.

use token_file::Token;

use crate::failure::Failure;

macro_rules! audit {
    ($level:ident, $event:literal, $message:literal $(, $($field:tt)*)?) => {
        tracing::$level!(target: "audit", event = $event $(, $($field)*)?, $message)
    };
}

pub(crate) fn login_succeeded(user: &str, token: &Token, dremio_version: Option<&str>) {
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(
        info, "login_succeeded", "logged in to Dremio",
        user, %token_id, %expires_at, dremio_version
    );
}

/// `needs_person`: no retry will help.
pub(crate) fn login_failed(
    user: Option<&str>,
    failure: &Failure,
    needs_person: bool,
    failures: u32,
    retry_in_seconds: f64,
) {
    let (reason, error) = (failure.reason, failure.message.as_str());
    if needs_person {
        audit!(
            error,
            "login_failed",
            "could not log in to Dremio",
            user,
            reason,
            error,
            failures,
            retry_in_seconds
        );
    } else {
        audit!(
            warn,
            "login_failed",
            "could not log in to Dremio",
            user,
            reason,
            error,
            failures,
            retry_in_seconds
        );
    }
}

pub(crate) fn token_written(token: &Token) {
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(info, "token_written", "wrote the token file", %token_id, %expires_at);
}

pub(crate) fn token_reused(token: &Token) {
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(
        info, "token_reused", "Dremio accepts the token that was in the file",
        %token_id, %expires_at
    );
}

pub(crate) fn token_invalid(token: &Token) {
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(
        warn, "token_invalid", "Dremio does not accept the token any more",
        %token_id, %expires_at
    );
}

pub(crate) fn token_revoked(token: &Token) {
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(info, "token_revoked", "logged the replaced token out", %token_id, %expires_at);
}
