//! Which call works next. An engine works on a limited number of calls at a time; the others wait.
//! Keys take turns, and within a key its clients, so that a thousand calls of one key cost another
//! one permit, not a thousand. No key, client or batch can use all permits, even if others are
//! quiet: each has a limit, and the last permits are for keys that have none.

mod schedule;

use std::pin::pin;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

pub(crate) use self::schedule::{Limits, Requester, TooMany};
use self::schedule::{Schedule, Waiting};
use crate::audit::CallAudit;
use crate::metrics::Metrics;
use crate::telemetry;

/// An engine works on 64 calls at a time: a Python server works concurrently while Dremio does, and
/// more would only increase latency. One busy key leaves permits for a second one, and one for each
/// of eight more.
pub(crate) const CALL_LIMITS: Limits = Limits { total: 64, key: 48, client: 32, batch: 8, last: 8 };

/// Hands out permits. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct FairQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    schedule: Mutex<Schedule<Call>>,
    /// Notified whenever the last permit is returned.
    idle: Notify,
    metrics: Option<Arc<Metrics>>,
}

/// A call that waits for its permit.
#[derive(Debug)]
struct Call(oneshot::Sender<Permit>);

impl Waiting for Call {
    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// A permit, returned when dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<(FairQueue, Requester)>);

impl FairQueue {
    /// A queue within `limits`, counted by `metrics` if given.
    pub(crate) fn new(limits: Limits, metrics: Option<Arc<Metrics>>) -> Self {
        let schedule = Mutex::new(Schedule::new(limits));
        Self(Arc::new(Shared { schedule, idle: Notify::new(), metrics }))
    }

    /// A permit for a call of `requester`, in turn. Cancel safe.
    ///
    /// # Errors
    /// When too many calls of this client wait already.
    pub(crate) async fn take(&self, requester: Requester) -> Result<Permit, TooMany> {
        let called = {
            let mut schedule = self.lock();
            if schedule.take(&requester) {
                self.count(&schedule);
                return Ok(self.permit(requester));
            }
            let (call, called) = oneshot::channel();
            schedule.wait(requester, Call(call))?;
            called
        };
        let _counted = self.0.metrics.as_deref().map(Metrics::call_waiting);
        let _waiting = telemetry::part("queue");
        let since = Instant::now();
        // The schedule lives as long as `self` and keeps the senders of the waiting calls.
        let permit = called.await.map_err(|_| TooMany);
        CallAudit::note_queue(since.elapsed());
        permit
    }

    /// Resolves when no permit is in use. Cancel safe.
    pub(crate) async fn idle(&self) {
        loop {
            let mut idle = pin!(self.0.idle.notified());
            // Before looking at the schedule, so that no later change is missed.
            idle.as_mut().enable();
            if self.lock().held() == 0 {
                return;
            }
            idle.await;
        }
    }

    fn permit(&self, requester: Requester) -> Permit {
        Permit(Some((self.clone(), requester)))
    }

    fn give_back(&self, requester: &Requester) {
        let mut schedule = self.lock();
        schedule.give_back(requester);
        while let Some((requester, Call(call))) = schedule.next() {
            // If the call has just left, its permit comes back here: dropping it would lock the
            // schedule again.
            if let Err(mut unused) = call.send(self.permit(requester))
                && let Some((_, requester)) = unused.0.take()
            {
                schedule.give_back(&requester);
            }
        }
        self.count(&schedule);
        if schedule.held() == 0 {
            self.0.idle.notify_waiters();
        }
    }

    fn count(&self, schedule: &Schedule<Call>) {
        if let Some(metrics) = &self.0.metrics {
            metrics.places_held(schedule.held());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Schedule<Call>> {
        self.0.schedule.lock()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((queue, requester)) = self.0.take() {
            queue.give_back(&requester);
        }
    }
}

#[cfg(test)]
mod tests;
