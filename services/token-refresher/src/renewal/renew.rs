//! Obtaining a token, proving it, writing it, and releasing its predecessor.

use dremio_client::ErrorClass;
use secrecy::ExposeSecret;
use token_file::Token;
use tokio::time::Instant;

use super::{Candidate, Failures, HeldToken, Renewal, remember};
use crate::audit::{self, FailedLogin};
use crate::failure::Failure;
use crate::revoker::{self, Replaced};
use crate::schedule::Cause;

impl Renewal {
    /// Logs in. The result is a candidate or a pause.
    pub(super) async fn log_in(&mut self) {
        let credentials = match self.credentials.read().await {
            Ok(credentials) => credentials,
            Err(cause) => {
                self.credentials.remember_useless(None);
                return self.login_failed(
                    None,
                    Failure::new("credentials_unreadable", cause.to_string()),
                    Cause::Credentials,
                );
            }
        };
        let user = credentials.user.expose_secret().to_owned();
        let place = self.place().await;
        let login = match self.shared.client.login(&user, &credentials.password).await {
            Ok(login) => login,
            Err(cause) => {
                let class = cause.class();
                let kind = match class {
                    ErrorClass::RejectedCredentials => Cause::Credentials,
                    ErrorClass::NoUserYet => Cause::NoUser,
                    _ => Cause::Passing,
                };
                let mut failure =
                    Failure::login(cause, &self.credentials.cure(self.shared.in_container));
                if let (ErrorClass::Unreachable, Some(step)) = (class, self.shared.if_unreachable) {
                    failure = failure.with_next_step(step);
                }
                if kind == Cause::Credentials {
                    if let Some(mistake) = self.credentials.likely_mistake(&credentials) {
                        failure = failure.with_next_step(&format!("the likely cause: {mistake}"));
                    }
                    self.credentials.remember_useless(Some(credentials));
                }
                return self.login_failed(Some(&user), failure, kind);
            }
        };
        drop(place);
        self.credentials.forget_useless();
        self.metrics.logged_in();
        let token = Token::new(login.token, login.expires_at);
        audit::login_succeeded(self.account(), &user, &token, login.dremio_version.as_deref());
        let life = token.expires_at().duration_since(self.now().wall);
        if !life.is_positive() {
            // The token would be of no use. It is logged out, or each attempt would leave one
            // behind.
            self.release(token, Instant::now());
            return self.renewal_failed(clock_skew());
        }
        self.candidate = Some(Candidate { token, life });
    }

    fn login_failed(&mut self, user: Option<&str>, failure: Failure, cause: Cause) {
        let (failures, pause) = self.pause(&self.logins, cause);
        audit::login_failed(&FailedLogin {
            account: self.account(),
            user,
            failure: &failure,
            needs_person: cause == Cause::Credentials,
            failures: failures.count,
            retry_in_seconds: pause.as_secs_f64(),
        });
        self.metrics.failed("login", failure.reason);
        self.logins = failures;
        self.dremio = Some(Err(failure));
    }

    /// Makes the first call with the candidate. On success it becomes the held token. If Dremio
    /// does not answer, it stays a candidate and is proven later: another login would only leave
    /// one more token behind.
    pub(super) async fn prove(&mut self) {
        let Some(candidate) = self.candidate.take() else { return };
        if candidate.token.is_expired(self.now().wall) {
            return self.renewal_failed(clock_skew());
        }
        let place = self.place().await;
        let proven = self.shared.client.probe(candidate.token.secret()).await;
        drop(place);
        match proven {
            Ok(()) => self.hold(candidate),
            Err(cause) if cause.class() == ErrorClass::RejectedCredentials => {
                self.renewal_failed(Failure::new(
                    "new_token_rejected",
                    "Dremio rejects the token that it has just issued; is there a proxy in \
                     between that drops the Authorization header?",
                ));
            }
            Err(cause) => {
                self.candidate = Some(candidate);
                self.renewal_failed(Failure::call(cause));
            }
        }
    }

    fn hold(&mut self, candidate: Candidate) {
        self.logins = Failures::default();
        self.checks = Failures::default();
        self.metrics.checked(self.now().wall);
        self.dremio = Some(Ok(()));
        self.known_life = Some(candidate.life);
        self.renewed = true;
        let facts = self.facts(&candidate.token, Some(candidate.life));
        self.replace_held(HeldToken {
            token: candidate.token,
            facts,
            unproven: false,
            confirmed: true,
        });
    }

    /// A login succeeded, but its token is of no use, or not yet.
    fn renewal_failed(&mut self, failure: Failure) {
        let (failures, pause) = self.pause(&self.logins, Cause::Passing);
        let (account, retry_in_seconds) = (self.account_name(), pause.as_secs_f64());
        tracing::warn!(
            account,
            reason = failure.reason,
            error = failure.message,
            retry_in_seconds,
            "the new token cannot be used"
        );
        self.metrics.failed("proof", failure.reason);
        self.logins = failures;
        self.dremio = Some(Err(failure));
    }

    /// Writes the held token into the file. After a failure, the same token is written later.
    pub(super) async fn write(&mut self) {
        let Some(held) = &self.held else { return };
        let token = held.token.clone();
        match self.file.write(token.clone()).await {
            Ok(()) => {
                audit::token_written(self.account(), &token);
                self.metrics.wrote(self.now().wall);
                self.writes = Failures::default();
                (self.read_failure, self.write_failure) = (None, None);
                self.in_file = Some(token);
                self.hand_over_replaced();
            }
            Err(cause) => {
                let failure = cause.failure();
                let (failures, pause) = self.pause(&self.writes, Cause::Passing);
                let (account, retry_in_seconds) = (self.account_name(), pause.as_secs_f64());
                tracing::error!(
                    account,
                    reason = failure.reason,
                    error = failure.message,
                    retry_in_seconds,
                    "could not write the token file"
                );
                self.metrics.failed("write", failure.reason);
                self.writes = failures;
                self.write_failure = Some(failure);
            }
        }
    }

    /// Makes `new` the held token. Its predecessor is kept until `new` is in the file.
    pub(super) fn replace_held(&mut self, new: HeldToken) {
        let Some(old) = self.held.replace(new) else { return };
        remember(&mut self.former, old.token.id());
        if !old.facts.rejected {
            self.superseded.push(old.token);
        }
    }

    /// Releases every token that is not in the file, at once: the account is kept no longer. What
    /// is in the file is logged out when that is removed.
    pub(super) fn release_all(&mut self) {
        let candidate = self.candidate.take().map(|candidate| candidate.token);
        let held = self.held.take().map(|held| held.token);
        let superseded = std::mem::take(&mut self.superseded);
        for token in superseded.into_iter().chain(candidate).chain(held) {
            if self.in_file.as_ref() != Some(&token) {
                self.release(token, Instant::now());
            }
        }
    }

    /// Passes replaced tokens to the revoker: their successor is in the file.
    pub(super) fn hand_over_replaced(&mut self) {
        let now = self.now().wall;
        for token in std::mem::take(&mut self.superseded) {
            if let Some(due) = revoker::due(&token, now, self.shared.revoke_after) {
                self.release(token, due);
            }
        }
    }

    /// Never waits: if the revoker is too far behind, the token is left to expire.
    fn release(&self, token: Token, due: Instant) {
        let (account, token_id) = (self.account.clone(), token.id());
        if self.shared.replaced.try_send(Replaced { account, token, due }).is_err() {
            let account = self.account_name();
            tracing::warn!(account, %token_id, "leaving a replaced token to expire");
        }
    }
}

fn clock_skew() -> Failure {
    Failure::new(
        "clock_skew",
        "a new token has expired already by this machine's clock; set the clock of this machine \
         or of Dremio right",
    )
}
