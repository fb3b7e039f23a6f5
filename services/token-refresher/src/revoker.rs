//! Logs replaced tokens of all accounts out after a delay in which their users can switch, and
//! those of accounts that are kept no longer.
//!
//! Best effort: a token that cannot be logged out expires by itself, so it is left alone after a
//! few attempts and when the process ends.

use std::collections::VecDeque;
use std::time::Duration;

use dremio_client::{DremioClient, Logout};
use service_kit::Clock;
use service_kit::lifecycle::Shutdown;
use token_file::{AccountName, Token};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::account_folder::ACCOUNTS_MAX;
use crate::audit;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::schedule::{Cause, Policy, pause_after};

/// How many replaced tokens may wait. With the default settings there is one a day for each
/// account.
pub(crate) const WAITING_MAX: usize = 2 * ACCOUNTS_MAX;

/// Attempts for one token. With the default back-off they take about a quarter of an hour.
const ATTEMPTS_MAX: u32 = 10;

/// A token that is no longer needed after `due`.
pub(crate) struct Replaced {
    pub(crate) account: Option<AccountName>,
    pub(crate) token: Token,
    pub(crate) due: Instant,
}

/// The task. It ends when the service stops; waiting tokens are then left alone.
pub(crate) struct Revoker {
    pub(crate) client: DremioClient,
    pub(crate) clock: Clock,
    pub(crate) policy: Policy,
    pub(crate) random: fn() -> f64,
    pub(crate) metrics: Metrics,
    pub(crate) replaced: mpsc::Receiver<Replaced>,
}

impl Revoker {
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut waiting: VecDeque<(Replaced, u32)> = VecDeque::new();
        loop {
            let next = (0..waiting.len())
                .min_by_key(|&index| waiting.get(index).map(|(replaced, _)| replaced.due));
            let due = next.and_then(|index| waiting.get(index)).map(|(replaced, _)| replaced.due);
            tokio::select! {
                () = shutdown.draining() => return,
                Some(replaced) = self.replaced.recv() => waiting.push_back((replaced, 0)),
                () = until(due) => {
                    let replaced = next.and_then(|index| waiting.remove(index));
                    let Some((replaced, failures)) = replaced else { continue };
                    // A logout under way is finished: half of one would leave the token valid.
                    if let Some(again) = self.revoke(replaced, failures).await {
                        waiting.push_back(again);
                    }
                }
            }
        }
    }

    /// Logs one token out. Returns it with a later due time if another attempt may help.
    async fn revoke(&self, replaced: Replaced, failures: u32) -> Option<(Replaced, u32)> {
        let (account, token) = (replaced.account.as_ref(), &replaced.token);
        let metrics = self.metrics.of(account);
        // The first attempt ignores the expiry: a token that is expired only by a wrong clock must
        // be logged out, too.
        if failures > 0 && token.is_expired(self.clock.now()) {
            return None;
        }
        let failure = match self.client.logout(token.secret()).await {
            Ok(Logout::Proven) => {
                metrics.revoked();
                audit::token_revoked(account, token);
                return None;
            }
            Ok(Logout::StillAccepted) => {
                Failure::new("still_accepted", "Dremio still accepted the token after its logout")
            }
            Err(cause) => Failure::call(cause),
        };
        metrics.failed("logout", failure.reason);
        let account = account.map(AccountName::as_str);
        let (token_id, failures) = (token.id(), failures.saturating_add(1));
        if failures >= ATTEMPTS_MAX {
            tracing::warn!(
                account, %token_id, expires_at = %token.expires_at(), error = failure.message,
                "leaving a replaced token to expire"
            );
            return None;
        }
        let pause = pause_after(failures, Cause::Passing, (self.random)(), &self.policy);
        let retry_in_seconds = pause.as_secs_f64();
        tracing::debug!(
            account, %token_id, error = failure.message, retry_in_seconds,
            "could not log a replaced token out"
        );
        Some((Replaced { due: Instant::now() + pause, ..replaced }, failures))
    }
}

/// Waits until then; without a time, for good.
pub(crate) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// When a token that is replaced now is logged out; `None` if it will have expired by then.
pub(crate) fn due(token: &Token, now: jiff::Timestamp, grace: Option<Duration>) -> Option<Instant> {
    let grace = grace?;
    let end_of_grace = now.checked_add(grace).ok()?;
    (!token.is_expired(end_of_grace)).then(|| Instant::now() + grace)
}
