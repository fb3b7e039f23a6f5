//! The sessions of legacy clients. A session belongs to the key that opened it, costs almost nothing, is
//! forgotten when idle but never while a call runs, and there are only so many.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::replay::Replay;
use crate::door::Principal;
use crate::engine::{LogLevel, Mailbox};
use crate::metrics::Metrics;
use crate::random;

/// How often idle sessions are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Streams of one session that can be read on. A guess: clients have a few calls under way at a time.
const REPLAYS_MAX: usize = 16;

/// What is kept of the stream of a call, and of the stream of what belongs to no call.
const CALL_BYTES_MAX: usize = 1024 * 1024;
const NEWS_BYTES_MAX: usize = 64 * 1024;

/// How many sessions there may be, and how long one may rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionLimits {
    pub(crate) total_max: usize,
    pub(crate) per_principal_max: usize,
    pub(crate) idle_max: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        // Guesses with room: a person has a handful of clients, each with one session. A session takes 1 KiB, and what it has not been told yet.
        Self { total_max: 10_000, per_principal_max: 2_000, idle_max: Duration::from_secs(60 * 60) }
    }
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct SessionTable {
    limits: SessionLimits,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    metrics: Arc<Metrics>,
}

/// One legacy client.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) protocol_version: &'static str,
    principal: Principal,
    activity: Mutex<Activity>,
    /// What it is to be told outside of its calls, and the stream on which it reads that, from the first `GET` on.
    mailbox: Arc<Mailbox>,
    news: OnceLock<Arc<Replay>>,
    closed: CancellationToken,
}

#[derive(Debug)]
struct Activity {
    last: Instant,
    /// Calls and streams under way; while there are any, the session is not idle.
    running: usize,
    /// Calls and streams so far.
    begun: u64,
    /// The least severe log messages that the client asked for. Before it asks, it gets none.
    log_level: Option<LogLevel>,
    /// How to cancel the calls under way, by the raw id that the client gave them.
    cancel: HashMap<String, (u64, CancellationToken)>,
    /// Streams that the client can read on, oldest first.
    replays: VecDeque<Arc<Replay>>,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("there are too many sessions")]
    Full,
    #[error("no random numbers")]
    Random(#[from] getrandom::Error),
}

impl SessionTable {
    pub(crate) fn new(limits: SessionLimits, metrics: Arc<Metrics>) -> Self {
        Self { limits, sessions: Mutex::default(), metrics }
    }

    /// Opens a session for `principal`. Over the limit of one principal, its longest idle session makes room.
    ///
    /// # Errors
    /// When every place is taken by a session that is in use.
    pub(super) fn open(&self, principal: &Principal, protocol_version: &'static str) -> Result<Arc<Session>, OpenError> {
        let session = Arc::new(Session {
            id: random::hex_256()?,
            protocol_version,
            principal: principal.clone(),
            activity: Mutex::new(Activity {
                last: Instant::now(),
                running: 0,
                begun: 0,
                replays: VecDeque::new(),
                log_level: None,
                cancel: HashMap::new(),
            }),
            mailbox: Arc::default(),
            news: OnceLock::new(),
            closed: principal.withdrawn().child_token(),
        });
        let mut sessions = self.lock();
        let own = sessions.values().filter(|other| other.principal == *principal).count();
        if own >= self.limits.per_principal_max || sessions.len() >= self.limits.total_max {
            let idle =
                sessions.values().filter(|other| other.principal == *principal).filter_map(|other| Some((other.idle_since()?, other)));
            let oldest = idle.min_by_key(|(since, _)| *since).map(|(_, other)| other.id.clone()).ok_or(OpenError::Full)?;
            if let Some(evicted) = sessions.remove(&oldest) {
                evicted.closed.cancel();
            }
        }
        sessions.insert(session.id.clone(), Arc::clone(&session));
        self.metrics.sessions_open(sessions.len());
        Ok(session)
    }

    /// The session `id`, if `principal` opened it.
    pub(super) fn find(&self, id: &str, principal: &Principal) -> Option<Arc<Session>> {
        let is_own = |session: &&Arc<Session>| session.principal == *principal && !session.closed.is_cancelled();
        let session = self.lock().get(id).filter(is_own).cloned()?;
        session.activity().last = Instant::now();
        Some(session)
    }

    /// Ends the session `id`, if `principal` opened it; its calls are cancelled and its streams end.
    pub(super) fn close(&self, id: &str, principal: &Principal) -> bool {
        let mut sessions = self.lock();
        if sessions.get(id).is_none_or(|session| session.principal != *principal) {
            return false;
        }
        if let Some(session) = sessions.remove(id) {
            session.closed.cancel();
        }
        self.metrics.sessions_open(sessions.len());
        true
    }

    /// Forgets idle sessions until `shutdown` drains.
    pub(crate) async fn sweep(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL.min(self.limits.idle_max)) => {}
                () = shutdown.draining() => return,
            }
            let mut sessions = self.lock();
            let idle_max = self.limits.idle_max;
            sessions.retain(|_, session| {
                session.activity().replays.retain(|replay| !replay.is_stale());
                let is_idle = session.idle_since().is_some_and(|since| since.elapsed() >= idle_max);
                let keep = !is_idle && !session.closed.is_cancelled();
                if !keep {
                    session.closed.cancel();
                }
                keep
            });
            self.metrics.sessions_open(sessions.len());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks a call or stream as under way; dropping it says that it is over.
#[derive(Debug)]
pub(super) struct Running {
    session: Arc<Session>,
    id: Option<String>,
    /// Which of the session's calls and streams it is.
    number: u64,
    cancelled: CancellationToken,
}

impl Session {
    /// A call under the client's raw `id`, or a stream without one.
    pub(super) fn begin(self: &Arc<Self>, id: Option<&str>) -> Running {
        let cancelled = self.closed.child_token();
        let mut activity = self.activity();
        activity.running += 1;
        activity.begun += 1;
        let number = activity.begun;
        if let Some(id) = id {
            activity.cancel.insert(id.to_owned(), (number, cancelled.clone()));
        }
        drop(activity);
        Running { session: Arc::clone(self), id: id.map(str::to_owned), number, cancelled }
    }

    /// Cancels the call that the client knows by the raw `id`, if it runs.
    pub(super) fn cancel(&self, id: &str) {
        if let Some((_, call)) = self.activity().cancel.get(id) {
            call.cancel();
        }
    }

    pub(super) fn set_log_level(&self, level: LogLevel) {
        self.activity().log_level = Some(level);
    }

    pub(super) fn log_level(&self) -> Option<LogLevel> {
        self.activity().log_level
    }

    /// Whose it is.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(super) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// The stream of what belongs to no call, which lives as long as the session. `start` gets it if it is opened now.
    pub(super) fn open_news(&self, start: impl FnOnce(Arc<Replay>)) -> Result<Arc<Replay>, getrandom::Error> {
        let replay = Replay::new(NEWS_BYTES_MAX)?;
        let news = self.news.get_or_init(|| {
            start(Arc::clone(&replay));
            replay
        });
        Ok(Arc::clone(news))
    }

    /// Gives the client an id to come back with, if its revision knows that ("SHOULD immediately send an SSE event consisting of an event
    /// ID and an empty data field"; older clients take the empty data for a message).
    pub(super) fn prime(&self, replay: &Replay) {
        if self.protocol_version == "2025-11-25" {
            replay.push(String::new().into());
        }
    }

    /// Resolves when the session has ended, or its key is withdrawn. Cancel safe.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// A stream of a call that this client can read on later.
    pub(super) fn open_replay(&self) -> Option<Arc<Replay>> {
        let replay = Replay::new(CALL_BYTES_MAX).ok()?;
        self.prime(&replay);
        let mut activity = self.activity();
        activity.replays.retain(|replay| !replay.is_stale());
        if activity.replays.len() >= REPLAYS_MAX {
            activity.replays.pop_front();
        }
        activity.replays.push_back(Arc::clone(&replay));
        Some(replay)
    }

    /// The stream that has the event `last_event_id`, and the event's number in it.
    pub(super) fn find_replay(&self, last_event_id: &str) -> Option<(Arc<Replay>, u64)> {
        let activity = self.activity();
        let streams = self.news.get().into_iter().chain(&activity.replays);
        streams.into_iter().find_map(|replay| Some((Arc::clone(replay), replay.number_of(last_event_id)?)))
    }

    fn idle_since(&self) -> Option<Instant> {
        let activity = self.activity();
        (activity.running == 0).then_some(activity.last)
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// Resolves when the client cancels the call or its session ends. Cancel safe.
    pub(super) async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut activity = self.session.activity();
        activity.running = activity.running.saturating_sub(1);
        activity.last = Instant::now();
        // A client that uses an id twice at once has put another call there.
        if let Some(id) = &self.id
            && activity.cancel.get(id).is_some_and(|(number, _)| *number == self.number)
        {
            activity.cancel.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use prometheus_client::registry::Registry;
    use service_kit::lifecycle::Shutdown;

    use super::{OpenError, Principal, SessionLimits, SessionTable};
    use crate::door::KeyRing;
    use crate::metrics::Metrics;

    fn table(total_max: usize, per_principal_max: usize, idle_max: Duration) -> SessionTable {
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        SessionTable::new(SessionLimits { total_max, per_principal_max, idle_max }, metrics)
    }

    fn two() -> (Principal, Principal) {
        let ring = KeyRing::load(service_kit::SecretSource::Inline("aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb".into())).unwrap();
        (ring.find(b"aaaaaaaaaaaaaaaa").unwrap(), ring.find(b"bbbbbbbbbbbbbbbb").unwrap())
    }

    #[test]
    fn a_session_belongs_to_the_key_that_opened_it() {
        let (table, (ada, bob)) = (table(9, 9, Duration::MAX), two());
        let session = table.open(&ada, "2025-11-25").unwrap();
        assert!(table.find(&session.id, &ada).is_some());
        assert!(table.find(&session.id, &bob).is_none());
        assert!(!table.close(&session.id, &bob));
        assert!(table.close(&session.id, &ada));
        assert!(table.find(&session.id, &ada).is_none());
    }

    #[test]
    fn the_longest_idle_session_of_the_same_key_makes_room() {
        let (table, (ada, bob)) = (table(3, 2, Duration::MAX), two());
        let other = table.open(&bob, "2025-11-25").unwrap();
        let first = table.open(&ada, "2025-11-25").unwrap();
        let second = table.open(&ada, "2025-11-25").unwrap();
        let _busy = first.begin(Some("1"));
        table.open(&ada, "2025-11-25").unwrap();
        assert!(table.find(&first.id, &ada).is_some(), "it was busy");
        assert!(table.find(&second.id, &ada).is_none(), "it was idle");
        assert!(table.find(&other.id, &bob).is_some(), "it is somebody else's");
    }

    #[test]
    fn busy_sessions_are_not_evicted() {
        let (table, (ada, _)) = (table(1, 1, Duration::MAX), two());
        let only = table.open(&ada, "2025-11-25").unwrap();
        let _busy = only.begin(None);
        assert!(matches!(table.open(&ada, "2025-11-25"), Err(OpenError::Full)));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_sessions_end_and_running_calls_keep_theirs() {
        let (table, (ada, _)) = (table(9, 9, Duration::from_secs(60)), two());
        let (idle, busy) = (table.open(&ada, "2025-11-25").unwrap(), table.open(&ada, "2025-11-25").unwrap());
        let running = busy.begin(Some("1"));
        let shutdown = Shutdown::new();
        let _ended = tokio::time::timeout(Duration::from_secs(300), table.sweep(&shutdown)).await;
        assert!(table.find(&idle.id, &ada).is_none());
        assert!(table.find(&busy.id, &ada).is_some());
        drop(running);
        let _ended = tokio::time::timeout(Duration::from_secs(300), table.sweep(&shutdown)).await;
        assert!(table.find(&busy.id, &ada).is_none());
    }
}
