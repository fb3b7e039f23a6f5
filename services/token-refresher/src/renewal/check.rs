//! Checks: compares the file with the held token, and asks Dremio whether it accepts that.

use dremio_client::ErrorClass;
use jiff::SignedDuration;
use token_file::Token;

use super::{HeldToken, Renewal, remember};
use crate::audit;
use crate::failure::Failure;
use crate::schedule::{Cause, Held, Requested, renew_at};

/// Dremio's verdict on a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Rejected,
    /// No verdict.
    Unknown,
}

impl Renewal {
    /// Checks the file, then asks Dremio about the held token.
    pub(super) async fn check(&mut self) {
        if self.requested == Requested::Asked {
            self.requested = Requested::Checked;
        }
        self.shared.gateway_key.see_to_it().await;
        // Set again if Dremio does not answer. If there is no token to ask about, the next check
        // comes after the interval.
        self.checks.pause = None;
        let asked = self.look_and_ask().await;
        let now = self.now();
        // The token found in the file was accepted and is now held, or Dremio does not answer
        // anyway.
        let settled = matches!(asked, Some(Verdict::Accepted | Verdict::Unknown));
        if let Some(held) = self.held.as_ref().filter(|held| held.facts.is_good(now) && !settled) {
            let token = held.token.clone();
            let verdict = self.ask(&token).await;
            self.take_note(verdict);
        }
        self.checked_at = Some(self.now().uptime);
    }

    /// Checks the file. Whatever is wrong with it, the held token is written into it next, if that
    /// is good. Another good token in it, from another refresher or an earlier run, is adopted.
    pub(super) async fn look(&mut self) {
        self.look_and_ask().await;
    }

    /// Reports Dremio's verdict on the token in the file, if there is one.
    async fn look_and_ask(&mut self) -> Option<Verdict> {
        self.file_changed = false;
        match self.file.read().await {
            Ok(token) => {
                self.read_failure = None;
                self.in_file = Some(token.clone());
                if self.is_in_file() { None } else { self.consider(token).await }
            }
            Err(cause) => {
                let failure = cause.failure();
                if self.in_file.take().is_some() {
                    tracing::warn!(
                        account = self.account_name(),
                        reason = failure.reason,
                        error = failure.message,
                        "the token file is not as it was written"
                    );
                    self.metrics.failed("read", failure.reason);
                }
                self.read_failure = Some(failure);
                None
            }
        }
    }

    /// Decides about a token in the file that is not the held one.
    async fn consider(&mut self, token: Token) -> Option<Verdict> {
        let now = self.now();
        let known_bad = self.former.contains(&token.id()) || token.is_expired(now.wall);
        let facts = self.facts(&token, self.known_life);
        let ours_is_better = self.held.as_ref().is_some_and(|held| held.facts.is_good(now))
            && now.wall >= facts.renew_at;
        if known_bad || ours_is_better {
            return None;
        }
        let verdict = self.ask(&token).await;
        match verdict {
            Verdict::Accepted => self.adopt(token, facts, true),
            // A token that may be good is better than none.
            Verdict::Unknown if self.held.is_none() => self.adopt(token, facts, false),
            Verdict::Unknown => {}
            Verdict::Rejected => {
                audit::token_invalid(self.account(), &token);
                self.reject(&token);
            }
        }
        Some(verdict)
    }

    fn adopt(&mut self, token: Token, facts: Held, confirmed: bool) {
        if confirmed {
            audit::token_reused(self.account(), &token);
        }
        self.replace_held(HeldToken { token, facts, unproven: !confirmed, confirmed });
        self.hand_over_replaced();
    }

    /// Asks Dremio about `token`, and records Dremio's state.
    async fn ask(&mut self, token: &Token) -> Verdict {
        let place = self.place().await;
        let error = self.shared.client.probe(token.secret()).await.err();
        drop(place);
        match error {
            Some(error) if error.class() != ErrorClass::RejectedCredentials => {
                let cause = if error.class() == ErrorClass::NoUserYet {
                    Cause::NoUser
                } else {
                    Cause::Passing
                };
                let failure = Failure::call(error);
                let (failures, pause) = self.pause(&self.checks, cause);
                self.checks = failures;
                self.metrics.failed("check", failure.reason);
                let (account, retry_in_seconds) = (self.account_name(), pause.as_secs_f64());
                tracing::warn!(
                    account,
                    reason = failure.reason,
                    error = failure.message,
                    retry_in_seconds,
                    "could not check the token"
                );
                self.dremio = Some(Err(failure));
                Verdict::Unknown
            }
            answered => {
                self.checks = super::Failures::default();
                self.metrics.checked(self.now().wall);
                // Credentials that were rejected at a login stay a failure while old tokens are
                // accepted.
                if self.logins.pause.is_none_or(|pause| pause.cause != Cause::Credentials) {
                    self.dremio = Some(Ok(()));
                }
                if answered.is_none() { Verdict::Accepted } else { Verdict::Rejected }
            }
        }
    }

    /// Records Dremio's verdict on the held token.
    fn take_note(&mut self, verdict: Verdict) {
        let Some(held) = &mut self.held else { return };
        held.confirmed = verdict == Verdict::Accepted;
        match verdict {
            Verdict::Accepted if held.unproven => {
                held.unproven = false;
                let token = held.token.clone();
                audit::token_reused(self.account(), &token);
            }
            Verdict::Rejected => {
                held.facts.rejected = true;
                let token = held.token.clone();
                audit::token_invalid(self.account(), &token);
                self.reject(&token);
            }
            Verdict::Accepted | Verdict::Unknown => {}
        }
    }

    fn reject(&mut self, token: &Token) {
        remember(&mut self.former, token.id());
        remember(&mut self.rejected, token.id());
    }

    /// What the schedule needs to know about a token that is now held.
    pub(super) fn facts(&self, token: &Token, whole_life: Option<SignedDuration>) -> Held {
        let expires_at = token.expires_at();
        Held {
            expires_at,
            renew_at: renew_at(expires_at, whole_life, &self.shared.policy),
            since: self.now().uptime,
            rejected: false,
        }
    }
}
