//! The sessions of legacy clients in memory, in limited number. A session belongs to the key that
//! opened it, costs almost nothing, and is dropped when idle but never while a call runs. One that
//! was dropped, or opened by another process, is resumed by its id alone (see `id`), until the id
//! expires or its client has ended it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use service_kit::lifecycle::Shutdown;

use super::audit;
use super::id::{AGE_MAX, Claims, Opening, Serial, SessionIds, Unknown};
use super::legacy_session::Session;
use crate::metrics::Metrics;
use crate::principal::Principal;

/// Interval between two searches for idle sessions.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Sessions that their clients have ended, which must not be resumed. Beyond it the oldest are
/// dropped: their ids then work once more, only for the same key. A few MiB.
const ENDED_MAX: usize = 100_000;

/// Limits for the number of sessions and their idle time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionLimits {
    pub(crate) total_max: usize,
    pub(crate) per_principal_max: usize,
    pub(crate) idle_max: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        // Guesses with room: a person has a handful of clients, each with one session. A session
        // takes 1 KiB, and its unread notifications.
        Self { total_max: 10_000, per_principal_max: 2_000, idle_max: Duration::from_secs(60 * 60) }
    }
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct SessionTable {
    limits: SessionLimits,
    ids: SessionIds,
    sessions: Mutex<Sessions>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Sessions {
    open: HashMap<String, Arc<Session>>,
    ended: Ended,
}

/// What was ended, and until when to remember it; oldest first.
#[derive(Debug, Default)]
struct Ended {
    serials: HashSet<Serial>,
    in_order: VecDeque<(Serial, Timestamp)>,
}

impl Ended {
    fn add(&mut self, claims: &Claims) {
        if self.serials.insert(claims.serial) {
            self.in_order.push_back((claims.serial, claims.issued + AGE_MAX));
        }
        if self.in_order.len() > ENDED_MAX
            && let Some((oldest, _)) = self.in_order.pop_front()
        {
            self.serials.remove(&oldest);
        }
    }

    /// Drops entries that are too old to be resumed anyway.
    fn forget(&mut self, now: Timestamp) {
        self.in_order.retain(|(serial, until)| *until > now || !self.serials.remove(serial));
    }
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("there are too many sessions")]
    Full,
    #[error("no random numbers")]
    Random(#[from] getrandom::Error),
}

/// Why there is no session for an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FindError {
    /// There is none, and there will be none.
    Unknown(Unknown),
    /// The id is valid, but the table is full now.
    Full,
}

/// A session that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) session: Arc<Session>,
    /// Whether it was resumed now and was not in memory before.
    pub(super) is_new_here: bool,
}

impl SessionTable {
    pub(crate) fn new(limits: SessionLimits, ids: SessionIds, metrics: Arc<Metrics>) -> Self {
        Self { limits, ids, sessions: Mutex::default(), metrics }
    }

    /// Opens a session for `principal`. Over the limit of one principal, its longest idle session
    /// is dropped.
    ///
    /// # Errors
    /// When all sessions of a full table are in use.
    pub(super) fn open(
        &self,
        principal: &Principal,
        opening: Opening,
    ) -> Result<Arc<Session>, OpenError> {
        let (id, claims) = self.ids.issue(principal, opening)?;
        self.place(&mut self.lock(), Session::new(id, claims, principal, false))
            .ok_or(OpenError::Full)
    }

    /// The session `id`, if it belongs to `principal`: from memory, or resumed from the id.
    ///
    /// When the id is not valid, or the table is full; see [`FindError`].
    pub(super) fn find(&self, id: &str, principal: &Principal) -> Result<Found, FindError> {
        let mut sessions = self.lock();
        match sessions.open.get(id) {
            Some(session) if session.principal() != principal => {
                return Err(FindError::Unknown(Unknown::Foreign));
            }
            Some(session) if !session.is_ended() && !self.ids.is_too_old(&session.claims) => {
                session.touch();
                return Ok(Found { session: Arc::clone(session), is_new_here: false });
            }
            // Its key was withdrawn and is back, or the id has expired.
            Some(session) => {
                session.end();
                drop(sessions.open.remove(id));
            }
            None => {}
        }
        let claims = self.ids.read(id, principal).map_err(FindError::Unknown)?;
        if sessions.ended.serials.contains(&claims.serial) {
            return Err(FindError::Unknown(Unknown::Ended));
        }
        let session = Session::new(id.to_owned(), claims, principal, true);
        let session = self.place(&mut sessions, session).ok_or(FindError::Full)?;
        self.metrics.session_resumed();
        Ok(Found { session, is_new_here: true })
    }

    /// Ends the session `id` for good, if it belongs to `principal`: its calls are cancelled and
    /// its streams end. Returns the content of its id.
    ///
    /// # Errors
    /// Why there is nothing to end.
    pub(super) fn close(&self, id: &str, principal: &Principal) -> Result<Claims, Unknown> {
        let mut sessions = self.lock();
        let claims = match sessions.open.get(id) {
            Some(session) if session.principal() != principal => return Err(Unknown::Foreign),
            Some(session) => session.claims,
            // It may live in another replica, which does not learn that it has ended.
            None => self.ids.read(id, principal)?,
        };
        if sessions.ended.serials.contains(&claims.serial) {
            return Err(Unknown::Ended);
        }
        sessions.ended.add(&claims);
        if let Some(session) = sessions.open.remove(id) {
            session.end();
        }
        self.metrics.sessions_open(sessions.open.len());
        Ok(claims)
    }

    /// Puts a session into the table; `None` if all sessions of a full table are in use.
    fn place(&self, sessions: &mut Sessions, session: Session) -> Option<Arc<Session>> {
        let open = &mut sessions.open;
        let own = || open.values().filter(|other| other.principal() == session.principal());
        if own().count() >= self.limits.per_principal_max || open.len() >= self.limits.total_max {
            let idle = own().filter_map(|other| Some((other.idle_since()?, other)));
            let oldest = idle.min_by_key(|(since, _)| *since).map(|(_, other)| other.id.clone())?;
            if let Some(evicted) = open.remove(&oldest) {
                evicted.end();
            }
        }
        let session = Arc::new(session);
        open.insert(session.id.clone(), Arc::clone(&session));
        self.metrics.sessions_open(open.len());
        Some(session)
    }

    /// Drops idle sessions until `shutdown` drains.
    pub(crate) async fn sweep(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL.min(self.limits.idle_max)) => {}
                () = shutdown.draining() => return,
            }
            let mut sessions = self.lock();
            sessions.ended.forget(self.ids.now());
            let idle_max = self.limits.idle_max;
            sessions.open.retain(|_, session| {
                session.forget_stale_streams();
                let is_idle = session.idle_since().is_some_and(|since| since.elapsed() >= idle_max);
                let keep = !is_idle && !session.is_ended();
                if !keep {
                    if session.is_ended() {
                        audit::withdrawn(session.principal(), session.claims.serial);
                    }
                    session.end();
                }
                keep
            });
            self.metrics.sessions_open(sessions.open.len());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock()
    }
}

#[cfg(test)]
mod tests;
