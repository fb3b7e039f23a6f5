//! Who works next: an engine works on so many calls at a time, and the others wait. Whoever waits
//! is taken key by key, and among the calls of a key client by client, so that a thousand calls of
//! one cost another one permit, not a thousand. And however little the others ask, nobody takes all
//! permits: a key, a client and a batch have limits, and the last permits are for keys that have
//! none.

mod schedule;

use std::pin::pin;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

pub(crate) use self::schedule::{Limits, Requester, TooMany};
use self::schedule::{Schedule, Waiting};
use crate::metrics::Metrics;

/// An engine works on 64 calls at a time: a Python server is concurrent while Dremio works, and
/// beyond this only gains latency. A key that asks for everything leaves permits for two that are
/// as busy, and one for each of eight more.
pub(crate) const CALL_LIMITS: Limits = Limits { total: 64, key: 48, client: 32, batch: 8, last: 8 };

/// Hands out permits. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct FairQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    schedule: Mutex<Schedule<Call>>,
    /// Notified whenever the last permit is given back.
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

/// A permit, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<(FairQueue, Requester)>);

impl FairQueue {
    /// A queue within `limits`, which `metrics` counts, if given.
    pub(crate) fn new(limits: Limits, metrics: Option<Arc<Metrics>>) -> Self {
        let schedule = Mutex::new(Schedule::new(limits));
        Self(Arc::new(Shared { schedule, idle: Notify::new(), metrics }))
    }

    /// A permit for a call of `requester`, first come, first served among its own. Cancel safe.
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
        // The schedule lives as long as `self`, and keeps the sender of whoever waits.
        called.await.map_err(|_| TooMany)
    }

    /// Resolves when no place is taken. Cancel safe.
    pub(crate) async fn idle(&self) {
        loop {
            let mut idle = pin!(self.0.idle.notified());
            // Before the look at the schedule, so that no change is missed after it.
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
            // A call that has just gone hands its permit back here: dropping it would lock the
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
