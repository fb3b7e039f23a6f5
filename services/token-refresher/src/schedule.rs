//! What to do next, and how long to wait: a pure function of situation, time and policy.
//!
//! There are two clocks. Expiry follows the wall clock, because Dremio states it as a time of day;
//! pauses and intervals follow uptime, which cannot be set. The wall clock may jump (a suspended
//! laptop, a corrected clock), so no wait is longer than [`WAIT_MAX`]: then everything is decided
//! again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use service_kit::settings::renewed_before;

/// Longest wait, and so the longest time until a jump of the wall clock is noticed.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// Shortest wait: keeps rounding between the clocks from causing a busy loop.
const WAIT_MIN: Duration = Duration::from_millis(10);

/// A new token is not renewed before this, however short its lifetime. Dremio's shortest lifetime
/// is a minute, so less means a wrong clock, which must not cause a flood of logins.
const RENEWAL_SPACING_MIN: Duration = Duration::from_secs(1);

/// Longest pause while Dremio has no user: a person is probably just creating one.
const NO_USER_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The configured intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often the token is checked (`TOKEN_CHECK_INTERVAL`).
    pub check_interval: Duration,
    /// How long before its expiry a token is renewed (`TOKEN_REFRESH_BEFORE`).
    pub refresh_before: Duration,
    /// Shortest pause after a failure (`RETRY_INITIAL`).
    pub retry_initial: Duration,
    /// Longest pause after a failure (`RETRY_MAX`).
    pub retry_max: Duration,
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time of day.
    pub wall: Timestamp,
    /// Time since the start; it never goes back.
    pub uptime: Duration,
}

/// What the schedule knows about the held token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// When Dremio stops accepting it.
    pub expires_at: Timestamp,
    /// When it is renewed, see [`renew_at`].
    pub renew_at: Timestamp,
    /// Uptime when it became the held token.
    pub since: Duration,
    /// Whether Dremio rejected it.
    pub rejected: bool,
}

impl Held {
    /// Whether it may still be used.
    #[must_use]
    pub fn is_good(&self, now: Moment) -> bool {
        !self.rejected && now.wall < self.expires_at
    }

    fn is_due_for_renewal(&self, now: Moment) -> bool {
        let asked_for = !self.is_good(now) || now.wall >= self.renew_at;
        let spaced = self.rejected || now.uptime >= self.since.saturating_add(RENEWAL_SPACING_MIN);
        asked_for && spaced
    }
}

/// Why a step is not retried at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It may work later by itself; a request shortens the pause.
    Passing,
    /// Dremio rejected the credentials, or they could not be read. Only other credentials help, so
    /// a request does not shorten this pause; a change of the credentials ends it.
    Credentials,
    /// Dremio has no user yet.
    NoUser,
}

/// A pause after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Uptime of the failure.
    pub since: Duration,
    /// Uptime of the next attempt.
    pub until: Duration,
    /// What failed.
    pub cause: Cause,
}

impl Pause {
    fn is_over(&self, now: Moment, requested: Requested, policy: &Policy) -> bool {
        let shortened = requested != Requested::None && self.cause != Cause::Credentials;
        let end = if shortened {
            self.until.min(self.since.saturating_add(policy.retry_initial))
        } else {
            self.until
        };
        now.uptime >= end
    }
}

/// Whether an immediate check was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requested {
    /// No request.
    None,
    /// Requested, and nothing done yet.
    Asked,
    /// The check is done; its consequences are under way.
    Checked,
}

/// Everything that the next step depends on, apart from the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The best token there is.
    pub held: Option<Held>,
    /// Whether the file holds exactly that token.
    pub in_file: bool,
    /// Whether there is a newer token that is not proven yet.
    pub candidate: bool,
    /// Whether the file has changed since it was last checked.
    pub file_changed: bool,
    /// Uptime of the last check, whatever its result.
    pub checked_at: Option<Duration>,
    /// The pause after a check without an answer from Dremio.
    pub check_pause: Option<Pause>,
    /// The pause after a failed login or proof.
    pub login_pause: Option<Pause>,
    /// The pause after a failed write.
    pub write_pause: Option<Pause>,
    /// Whether a request waits for an answer.
    pub requested: Requested,
    /// Whether the credentials can change because they are in files. While they are rejected, the
    /// files are compared regularly.
    pub watch_credentials: bool,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Compare the file with the held token.
    Look,
    /// Compare the file, and ask Dremio whether the token is still accepted.
    Check,
    /// Obtain a new token.
    LogIn,
    /// Make the first call with the new token.
    Prove,
    /// Write the held token into the file.
    Write,
    /// Wait for this long, unless something happens.
    Wait(Duration),
}

/// How often rejected credentials are compared with their files.
const CREDENTIALS_INTERVAL: Duration = Duration::from_secs(1);

/// Decides the next step. It never returns [`Action::Wait`] while something is due, and never a
/// step whose pause is not over.
#[must_use]
pub fn next(situation: &Situation, now: Moment, policy: &Policy) -> Action {
    let over = |pause: Option<Pause>| {
        pause.is_none_or(|pause| pause.is_over(now, situation.requested, policy))
    };
    if situation.checked_at.is_none() || situation.requested == Requested::Asked {
        return Action::Check;
    }
    if situation.file_changed {
        return Action::Look;
    }
    // A good token that is not in the file is written before a better one is fetched. While that
    // fails, no other token is fetched until it is due for renewal.
    if !situation.in_file
        && situation.held.is_some_and(|held| held.is_good(now))
        && over(situation.write_pause)
    {
        return Action::Write;
    }
    if over(situation.login_pause) {
        if situation.candidate {
            return Action::Prove;
        }
        if situation.held.is_none_or(|held| held.is_due_for_renewal(now)) {
            return Action::LogIn;
        }
    }
    if check_due_at(situation, policy).is_some_and(|due| now.uptime >= due) {
        return Action::Check;
    }
    Action::Wait(wait(situation, now, policy))
}

/// When a token is renewed, by the wall clock; [`renewed_before`] has the rule. `whole_life` is the
/// time from issue to expiry, if known.
#[must_use]
pub fn renew_at(
    expires_at: Timestamp,
    whole_life: Option<SignedDuration>,
    policy: &Policy,
) -> Timestamp {
    let before = SignedDuration::try_from(policy.refresh_before).unwrap_or(SignedDuration::MAX);
    expires_at.checked_sub(renewed_before(before, whole_life)).unwrap_or(Timestamp::MIN)
}

/// The pause after the `failures`th failure in a row (counted from 1), as an exponential back-off
/// with full jitter between [`Policy::retry_initial`] and [`Policy::retry_max`]. `random` is from 0
/// (inclusive) to 1 (exclusive).
#[must_use]
pub fn pause_after(failures: u32, cause: Cause, random: f64, policy: &Policy) -> Duration {
    let ceiling = match cause {
        // No jitter: this is the only client with this wrong password.
        Cause::Credentials => return policy.retry_max,
        Cause::NoUser => policy.retry_max.min(NO_USER_PAUSE_MAX),
        Cause::Passing => policy.retry_max,
    };
    let grown =
        2_u32.checked_pow(failures).and_then(|factor| policy.retry_initial.checked_mul(factor));
    let ceiling = grown.unwrap_or(ceiling).min(ceiling);
    let span = ceiling.saturating_sub(policy.retry_initial);
    policy.retry_initial.min(ceiling) + span.mul_f64(random.clamp(0.0, 1.0))
}

/// Uptime of the next check. A check without an answer is repeated after its pause, not after the
/// interval.
fn check_due_at(situation: &Situation, policy: &Policy) -> Option<Duration> {
    let regular = situation.checked_at?.saturating_add(policy.check_interval);
    Some(situation.check_pause.map_or(regular, |pause| pause.until))
}

fn wait(situation: &Situation, now: Moment, policy: &Policy) -> Duration {
    let on_uptime = |moment: Duration| moment.saturating_sub(now.uptime);
    let on_wall = |moment: Timestamp| {
        Duration::try_from(moment.duration_since(now.wall)).unwrap_or(Duration::ZERO)
    };
    let ahead = |rest: &Duration| !rest.is_zero();

    let pauses = [situation.check_pause, situation.login_pause, situation.write_pause];
    let pauses = pauses.into_iter().flatten().map(|pause| on_uptime(pause.until)).filter(ahead);
    let token = situation.held.into_iter().flat_map(|held| {
        [
            on_wall(held.renew_at),
            on_wall(held.expires_at),
            on_uptime(held.since.saturating_add(RENEWAL_SPACING_MIN)),
        ]
    });
    let check = check_due_at(situation, policy).map(on_uptime);
    let rejected = situation.login_pause.is_some_and(|pause| pause.cause == Cause::Credentials);
    let credentials = (rejected && situation.watch_credentials).then_some(CREDENTIALS_INTERVAL);
    let nearest = pauses.chain(token.filter(ahead)).chain(check).chain(credentials).min();
    nearest.unwrap_or(WAIT_MAX).clamp(WAIT_MIN, WAIT_MAX)
}

#[cfg(test)]
mod tests;
