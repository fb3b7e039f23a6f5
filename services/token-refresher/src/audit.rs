//! The record of what happens to tokens: log lines with `target: "audit"` and a stable `event`.
//!
//! All of them are here, so that it is easy to verify that a token appears only with its id and
//! expiry. `account` is the account's name; the single account has none, and its lines no such
//! field.

use token_file::{AccountName, Token};

use crate::failure::Failure;

macro_rules! audit {
    ($level:ident, $event:literal, $message:literal $(, $($field:tt)*)?) => {
        tracing::$level!(target: "audit", event = $event $(, $($field)*)?, $message)
    };
}

pub(crate) fn login_succeeded(
    account: Option<&AccountName>,
    user: &str,
    token: &Token,
    dremio_version: Option<&str>,
) {
    let account = account.map(AccountName::as_str);
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(
        info, "login_succeeded", "logged in to Dremio",
        account, user, %token_id, %expires_at, dremio_version
    );
}

/// A login that failed.
pub(crate) struct FailedLogin<'a> {
    pub(crate) account: Option<&'a AccountName>,
    pub(crate) user: Option<&'a str>,
    pub(crate) failure: &'a Failure,
    /// No retry will help.
    pub(crate) needs_person: bool,
    pub(crate) failures: u32,
    pub(crate) retry_in_seconds: f64,
}

pub(crate) fn login_failed(login: &FailedLogin<'_>) {
    let &FailedLogin { user, failures, retry_in_seconds, .. } = login;
    let account = login.account.map(AccountName::as_str);
    let (reason, error) = (login.failure.reason, login.failure.message.as_str());
    macro_rules! failed {
        ($level:ident) => {
            audit!(
                $level,
                "login_failed",
                "could not log in to Dremio",
                account,
                user,
                reason,
                error,
                failures,
                retry_in_seconds
            )
        };
    }
    if login.needs_person { failed!(error) } else { failed!(warn) }
}

pub(crate) fn token_written(account: Option<&AccountName>, token: &Token) {
    let account = account.map(AccountName::as_str);
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(info, "token_written", "wrote the token file", account, %token_id, %expires_at);
}

pub(crate) fn token_reused(account: Option<&AccountName>, token: &Token) {
    let account = account.map(AccountName::as_str);
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(
        info, "token_reused", "Dremio accepts the token that was in the file",
        account, %token_id, %expires_at
    );
}

pub(crate) fn token_invalid(account: Option<&AccountName>, token: &Token) {
    let account = account.map(AccountName::as_str);
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(
        warn, "token_invalid", "Dremio does not accept the token any more",
        account, %token_id, %expires_at
    );
}

pub(crate) fn token_revoked(account: Option<&AccountName>, token: &Token) {
    let account = account.map(AccountName::as_str);
    let (token_id, expires_at) = (token.id(), token.expires_at());
    audit!(info, "token_revoked", "logged the token out", account, %token_id, %expires_at);
}

pub(crate) fn account_added(account: &AccountName) {
    audit!(info, "account_added", "keeping a token for this account", account = account.as_str());
}

pub(crate) fn account_removed(account: &AccountName) {
    audit!(
        info,
        "account_removed",
        "this account is kept no longer; its tokens are logged out",
        account = account.as_str()
    );
}

/// The token of an account that is kept no longer.
pub(crate) fn token_file_removed(account: Option<&AccountName>, token: Option<&Token>) {
    let account = account.map(AccountName::as_str);
    let token_id = token.map(|token| token.id().to_string());
    audit!(
        info,
        "token_file_removed",
        "removed the token file of an account that is kept no longer",
        account,
        token_id
    );
}
