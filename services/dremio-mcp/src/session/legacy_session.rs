//! One legacy client: its session, its calls and streams under way, and the streams that it can
//! resume.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::id::Claims;
use super::replay::Replay;
use crate::engine::{LogLevel, Notifications};
use crate::principal::Principal;

/// Streams of one session that can be resumed. A guess: clients have a few calls under way at a
/// time.
const REPLAYS_MAX: usize = 16;

/// How much is kept of the stream of a call, and of the stream outside of calls.
const CALL_BYTES_MAX: usize = 1024 * 1024;
const NEWS_BYTES_MAX: usize = 64 * 1024;

/// One legacy client.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) claims: Claims,
    /// Whether it was resumed by its id: earlier unread messages and its subscriptions are lost.
    pub(super) is_resumed: bool,
    principal: Principal,
    activity: Mutex<Activity>,
    /// What waits for it outside of its calls, and the stream on which it reads that, from the
    /// first `GET` on.
    notifications: Arc<Notifications>,
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
    /// The least severe log messages that the client asked for; none before it asks.
    log_level: Option<LogLevel>,
    /// Cancels calls under way, by the raw id that the client gave them.
    cancel: HashMap<String, (u64, CancellationToken)>,
    /// Streams that the client can resume, oldest first.
    replays: VecDeque<Arc<Replay>>,
}

/// Marks a call or stream as under way, until dropped.
#[derive(Debug)]
pub(super) struct Running {
    session: Arc<Session>,
    id: Option<String>,
    /// The number of this call or stream in the session.
    number: u64,
    cancelled: CancellationToken,
}

impl Session {
    pub(super) fn new(id: String, claims: Claims, principal: &Principal, is_resumed: bool) -> Self {
        let activity = Activity {
            last: Instant::now(),
            running: 0,
            begun: 0,
            replays: VecDeque::new(),
            log_level: claims.opening.log_level,
            cancel: HashMap::new(),
        };
        Self {
            id,
            claims,
            is_resumed,
            principal: principal.clone(),
            activity: Mutex::new(activity),
            notifications: Arc::default(),
            news: OnceLock::new(),
            closed: principal.withdrawn().child_token(),
        }
    }

    pub(super) fn protocol_version(&self) -> &'static str {
        self.claims.opening.protocol_version
    }

    /// Begins a call with the client's raw `id`, or a stream without one.
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

    /// Cancels the call with the client's raw `id`, if it runs.
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

    /// The principal that opened it.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(super) fn notifications(&self) -> Arc<Notifications> {
        Arc::clone(&self.notifications)
    }

    /// The stream outside of calls, which lives as long as the session. `start` gets it if it is
    /// opened now.
    pub(super) fn open_news(
        &self,
        start: impl FnOnce(Arc<Replay>),
    ) -> Result<Arc<Replay>, getrandom::Error> {
        let replay = Replay::of_news(NEWS_BYTES_MAX)?;
        let news = self.news.get_or_init(|| {
            start(Arc::clone(&replay));
            replay
        });
        Ok(Arc::clone(news))
    }

    /// Gives the client an event id for resuming, if its revision knows that ("SHOULD immediately
    /// send an SSE event consisting of an event ID and an empty data field"; older clients would
    /// take the empty data for a message).
    pub(super) fn prime(&self, replay: &Replay) {
        if self.protocol_version() == "2025-11-25" {
            replay.push(String::new().into());
        }
    }

    /// Notes a sign of life of its client.
    pub(super) fn touch(&self) {
        self.activity().last = Instant::now();
    }

    /// Ends it: its calls are cancelled, its streams end.
    pub(super) fn end(&self) {
        self.closed.cancel();
    }

    /// Whether it has ended, or its key is withdrawn.
    pub(super) fn is_ended(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Drops the streams that were not resumed in time.
    pub(super) fn forget_stale_streams(&self) {
        self.activity().replays.retain(|replay| !replay.is_stale());
    }

    /// Resolves when the session has ended, or its key is withdrawn. Cancel safe.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// The stream of the call with this raw id, which the client can resume later.
    pub(super) fn open_replay(&self, request_id: &str) -> Option<Arc<Replay>> {
        let replay = Replay::of_call(request_id, CALL_BYTES_MAX).ok()?;
        self.prime(&replay);
        let mut activity = self.activity();
        activity.replays.retain(|replay| !replay.is_stale());
        if activity.replays.len() >= REPLAYS_MAX {
            activity.replays.pop_front();
        }
        activity.replays.push_back(Arc::clone(&replay));
        Some(replay)
    }

    /// The stream with the event `last_event_id`, and the event's number in it.
    pub(super) fn find_replay(&self, last_event_id: &str) -> Option<(Arc<Replay>, u64)> {
        let activity = self.activity();
        let streams = self.news.get().into_iter().chain(&activity.replays);
        streams
            .into_iter()
            .find_map(|replay| Some((Arc::clone(replay), replay.number_of(last_event_id)?)))
    }

    pub(super) fn idle_since(&self) -> Option<Instant> {
        let activity = self.activity();
        (activity.running == 0).then_some(activity.last)
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock()
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
        // If a client reused the id while the first call ran, the entry belongs to another call.
        if let Some(id) = &self.id
            && activity.cancel.get(id).is_some_and(|(number, _)| *number == self.number)
        {
            activity.cancel.remove(id);
        }
    }
}
