//! The task that owns the token of one account: it asks the schedule for the next step, does it,
//! and publishes the state.
//!
//! It does one step at a time, so steps never conflict. A token is one of:
//!
//! - *candidate*: fresh from a login, not yet proven by a call;
//! - *held*: the best token there is, in the file or about to be written;
//! - *replaced*: held before and possibly still in use; it goes to the revoker once its successor
//!   is in the file.

mod check;
mod renew;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::DremioClient;
use jiff::SignedDuration;
use service_kit::Clock;
use service_kit::lifecycle::Shutdown;
use token_file::{AccountName, State, Token, TokenId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use crate::conditions::{AccountConditions, Conditions};
use crate::credentials::{CredentialSource, Origin};
use crate::failure::Failure;
use crate::gateway_key::KeyKeeper;
use crate::metrics::{AccountMetrics, Metrics};
use crate::refresh::{self, Outcome};
use crate::revoker::Replaced;
use crate::schedule::{self, Action, Cause, Held, Moment, Pause, Policy, Requested, Situation};
use crate::status::{self, TokenStatus};
use crate::volume::{AccountFile, Volume};

/// How many past tokens are remembered by id, so that none of them is taken for a new one. More
/// than are ever valid at a time; a guess.
const FORMER_MAX: usize = 64;

/// What the accounts share.
pub(crate) struct Shared {
    pub(crate) client: DremioClient,
    pub(crate) volume: Volume,
    pub(crate) clock: Clock,
    /// From 0 (inclusive) to 1 (exclusive).
    pub(crate) random: fn() -> f64,
    pub(crate) metrics: Metrics,
    pub(crate) conditions: Conditions,
    pub(crate) gateway_key: KeyKeeper,
    /// One permit for each call to Dremio at a time.
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) policy: Policy,
    pub(crate) revoke_after: Option<Duration>,
    pub(crate) tls_verified: bool,
    /// What to do next if Dremio does not answer.
    pub(crate) if_unreachable: Option<&'static str>,
    /// Whether this is a container of Docker's, which decides what people can do.
    pub(crate) in_container: bool,
    /// Receives tokens to log out.
    pub(crate) replaced: mpsc::Sender<Replaced>,
}

/// The state of the token file, as a watcher sees it.
pub(crate) type Changes = watch::Receiver<Arc<State>>;

/// What ends a wait of the renewal loop.
pub(crate) struct Wakers {
    pub(crate) requests: mpsc::Receiver<refresh::RefreshRequest>,
    pub(crate) changes: Changes,
}

/// A token with what the schedule needs to know about it.
struct HeldToken {
    token: Token,
    facts: Held,
    /// Read from the file, and not yet accepted by Dremio.
    unproven: bool,
    /// Whether Dremio accepted it at the last check.
    confirmed: bool,
}

/// A token from a login, not proven yet.
struct Candidate {
    token: Token,
    life: SignedDuration,
}

/// Consecutive failures of one kind of step.
#[derive(Default)]
struct Failures {
    count: u32,
    pause: Option<Pause>,
}

/// The renewal loop; see the module.
pub(crate) struct Renewal {
    shared: Arc<Shared>,
    /// Whose token it is; `None` is the single account.
    account: Option<AccountName>,
    file: AccountFile,
    credentials: CredentialSource,
    metrics: AccountMetrics,
    conditions: AccountConditions,
    started: Instant,
    held: Option<HeldToken>,
    candidate: Option<Candidate>,
    /// The last known content of the file.
    in_file: Option<Token>,
    /// Replaced tokens whose successor is not in the file yet.
    superseded: Vec<Token>,
    /// Replaced or rejected tokens, which must not be adopted from the file. The newest is last.
    former: VecDeque<TokenId>,
    /// Tokens that Dremio rejected.
    rejected: VecDeque<TokenId>,
    /// The lifetime of Dremio's tokens, as seen at the last login.
    known_life: Option<SignedDuration>,
    file_changed: bool,
    checked_at: Option<Duration>,
    checks: Failures,
    logins: Failures,
    writes: Failures,
    requested: Requested,
    waiting: Vec<refresh::RefreshRequest>,
    /// Whether the held token is newer than the request.
    renewed: bool,
    /// The result of the last call to Dremio.
    dremio: Option<Result<(), Failure>>,
    read_failure: Option<Failure>,
    write_failure: Option<Failure>,
}

impl Renewal {
    pub(crate) fn new(shared: Arc<Shared>, account: Option<AccountName>, origin: Origin) -> Self {
        Self {
            file: shared.volume.file_of(account.as_ref()),
            credentials: CredentialSource::new(origin),
            metrics: shared.metrics.add(account.as_ref()),
            conditions: shared.conditions.of(account.clone()),
            shared,
            account,
            started: Instant::now(),
            held: None,
            candidate: None,
            in_file: None,
            superseded: Vec::new(),
            former: VecDeque::new(),
            rejected: VecDeque::new(),
            known_life: None,
            file_changed: false,
            checked_at: None,
            checks: Failures::default(),
            logins: Failures::default(),
            writes: Failures::default(),
            requested: Requested::None,
            waiting: Vec::new(),
            renewed: false,
            dremio: None,
            read_failure: None,
            write_failure: None,
        }
    }

    /// Keeps the token fresh until the service stops. The file and the tokens then stay as they
    /// are: others still use them.
    pub(crate) async fn run(&mut self, mut wakers: Wakers, shutdown: Shutdown) {
        let mut changes = Some(wakers.changes);
        let mut requests_from = Instant::now();
        while !shutdown.is_draining() {
            let Some(wait) = self.step().await else { continue };
            if self.requested != Requested::None {
                self.answer(&mut wakers.requests);
                requests_from = Instant::now() + refresh::SPACING;
            }
            tokio::select! {
                () = shutdown.draining() => {}
                () = tokio::time::sleep(wait) => {}
                request = next_request(&mut wakers.requests, requests_from) => {
                    self.waiting.push(request);
                    while let Ok(request) = wakers.requests.try_recv() {
                        self.waiting.push(request);
                    }
                    self.requested = Requested::Asked;
                    self.renewed = false;
                }
                state = next_change(&mut changes) => {
                    // Our own writes are reported as changes, too.
                    self.file_changed = match state.as_deref() {
                        Some(Ok(token)) => {
                            self.held.as_ref().is_none_or(|held| held.token != *token)
                        }
                        _ => true,
                    };
                }
            }
            self.notice_new_credentials().await;
        }
    }

    /// Passes on every token that is not in the file to be logged out: this account is kept no
    /// longer.
    pub(crate) fn end(mut self) {
        self.release_all();
    }

    /// Does everything that is due now, once, and returns the result.
    pub(crate) async fn once(mut self) -> Outcome {
        while self.step().await.is_none() {}
        self.outcome()
    }

    /// Does the next step, or returns how long to wait if there is none.
    async fn step(&mut self) -> Option<Duration> {
        self.metrics.stepped();
        let action = schedule::next(&self.situation(), self.now(), &self.shared.policy);
        match action {
            Action::Look => self.look().await,
            Action::Check => self.check().await,
            Action::LogIn => self.log_in().await,
            Action::Prove => self.prove().await,
            Action::Write => self.write().await,
            Action::Wait(_) => {}
        }
        self.tell();
        match action {
            Action::Wait(wait) => Some(wait),
            _ => None,
        }
    }

    fn account(&self) -> Option<&AccountName> {
        self.account.as_ref()
    }

    /// Waits for a place to call Dremio from, which is free again when this is dropped.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.shared.calls).acquire_owned().await.ok()
    }

    /// For log lines.
    fn account_name(&self) -> Option<&str> {
        self.account().map(AccountName::as_str)
    }

    fn now(&self) -> Moment {
        Moment { wall: self.shared.clock.now(), uptime: self.started.elapsed() }
    }

    fn situation(&self) -> Situation {
        Situation {
            held: self.held.as_ref().map(|held| held.facts),
            in_file: self.is_in_file(),
            candidate: self.candidate.is_some(),
            file_changed: self.file_changed,
            checked_at: self.checked_at,
            check_pause: self.checks.pause,
            login_pause: self.logins.pause,
            write_pause: self.writes.pause,
            requested: self.requested,
            watch_credentials: self.credentials.can_change(),
        }
    }

    /// Answers all waiting requests. A request that came while a new token was on its way was about
    /// the old one.
    fn answer(&mut self, requests: &mut mpsc::Receiver<refresh::RefreshRequest>) {
        self.requested = Requested::None;
        let outcome = self.outcome();
        while self.renewed
            && let Ok(request) = requests.try_recv()
        {
            self.waiting.push(request);
        }
        for request in self.waiting.drain(..) {
            // The requester may have given up.
            let _ = request.send(outcome.clone());
        }
    }

    fn outcome(&self) -> Outcome {
        let now = self.now();
        match self
            .held
            .as_ref()
            .filter(|held| held.confirmed && held.facts.is_good(now) && self.is_in_file())
        {
            Some(held) if self.renewed => Outcome::Renewed(held.token.clone()),
            Some(held) => Outcome::Valid(held.token.clone()),
            None => {
                let failure = self.dremio_failure().or(self.file_failure());
                Outcome::Failed(
                    failure
                        .cloned()
                        .unwrap_or_else(|| Failure::new("no_token", "there is no token yet")),
                )
            }
        }
    }

    fn is_in_file(&self) -> bool {
        self.in_file.is_some()
            && self.in_file.as_ref() == self.held.as_ref().map(|held| &held.token)
    }

    fn dremio_failure(&self) -> Option<&Failure> {
        self.dremio.as_ref().and_then(|result| result.as_ref().err())
    }

    fn file_failure(&self) -> Option<&Failure> {
        self.write_failure.as_ref().or(self.read_failure.as_ref())
    }

    /// Publishes the state.
    fn tell(&self) {
        let now = self.now();
        let usable = self
            .in_file
            .as_ref()
            .filter(|token| !token.is_expired(now.wall) && !self.rejected.contains(&token.id()));
        let held = self.held.as_ref();
        let status = TokenStatus {
            usable: usable.is_some(),
            rejected: held.is_some_and(|held| held.facts.rejected),
            expired: held.is_some_and(|held| held.token.is_expired(now.wall)),
            file: self.file_failure(),
            dremio: self.dremio_failure(),
        };
        // Nothing is known before the first check of the file.
        if self.checked_at.is_some() {
            self.conditions.set("token", status::token_condition(&status));
        }
        if let Some(condition) =
            status::dremio_condition(self.dremio.as_ref(), self.shared.tls_verified)
        {
            self.conditions.set("dremio", condition);
        }
        self.metrics.set_token_expiry(usable.map(Token::expires_at));
    }

    async fn notice_new_credentials(&mut self) {
        let rejected = self.logins.pause.is_some_and(|pause| pause.cause == Cause::Credentials);
        if rejected && self.credentials.have_changed().await {
            let account = self.account_name();
            tracing::info!(account, "the credentials have changed; trying them at once");
            self.logins = Failures::default();
        }
    }

    /// Counts one more failure, and returns the pause that follows.
    fn pause(&self, failures: &Failures, cause: Cause) -> (Failures, Duration) {
        let count = failures.count.saturating_add(1);
        let pause =
            schedule::pause_after(count, cause, (self.shared.random)(), &self.shared.policy);
        let since = self.started.elapsed();
        (
            Failures {
                count,
                pause: Some(Pause { since, until: since.saturating_add(pause), cause }),
            },
            pause,
        )
    }
}

/// Adds `id` to the last few that are remembered.
fn remember(ids: &mut VecDeque<TokenId>, id: TokenId) {
    if ids.contains(&id) {
        return;
    }
    if ids.len() == FORMER_MAX {
        ids.pop_front();
    }
    ids.push_back(id);
}

/// The next request for a check, not before `from`. Pending for good when no more can come.
async fn next_request(
    requests: &mut mpsc::Receiver<refresh::RefreshRequest>,
    from: Instant,
) -> refresh::RefreshRequest {
    tokio::time::sleep_until(from).await;
    match requests.recv().await {
        Some(request) => request,
        None => std::future::pending().await,
    }
}

/// The next change of the file. Pending for good when the watcher is gone.
async fn next_change(changes: &mut Option<Changes>) -> Option<Arc<State>> {
    if let Some(receiver) = changes {
        if receiver.changed().await.is_ok() {
            return Some(Arc::clone(&receiver.borrow_and_update()));
        }
        *changes = None;
    }
    std::future::pending().await
}
