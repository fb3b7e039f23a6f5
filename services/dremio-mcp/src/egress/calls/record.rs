//! A call as the egress proxy has it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use dremio_client::JobId;
use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::Waits;
use crate::audit::CallAudit;
use crate::dremio::HeldJob;
use crate::egress::Activity;
use crate::policy::{Identity, Refusal};
use crate::telemetry::Span;

/// Who calls, and what the child has done for the call.
pub(in crate::egress) struct CallRecord {
    /// SHA-256 of the ticket.
    pub(super) digest: [u8; 32],
    /// `None` for what the child does of its own accord.
    identity: Option<Arc<Identity>>,
    waits: Waits,
    /// What is written down of the call, if it is a client's.
    audit: Option<Arc<CallAudit>>,
    /// The span of its child, of which what the child does is a part.
    pub(super) span: OnceLock<Span>,
    activity: Activity,
    ended: CancellationToken,
    /// The jobs that the child has submitted for a client's call.
    jobs: Mutex<Vec<JobId>>,
    state: Mutex<State>,
}

/// What is known of the query of a call.
pub(super) enum State {
    /// The child has not submitted it yet.
    Awaited,
    /// The guard has refused it.
    Refused(Refusal),
    /// Its job, for the gateway.
    OfGateway(Box<HeldJob>),
    /// The gateway has taken the job.
    Taken(JobId),
    /// The call has ended.
    Ended,
}

impl CallRecord {
    /// Of the call that the current task works for, if it works for one.
    pub(super) fn new(digest: [u8; 32], identity: Option<Arc<Identity>>, waits: Waits) -> Self {
        Self {
            digest,
            identity,
            waits,
            audit: CallAudit::current(),
            span: OnceLock::new(),
            activity: Activity::none(),
            ended: CancellationToken::new(),
            jobs: Mutex::default(),
            state: Mutex::new(State::Awaited),
        }
    }

    /// Whose call it is; `None` for what the child does of its own accord.
    pub(in crate::egress) fn identity(&self) -> Option<&Arc<Identity>> {
        self.identity.as_ref()
    }

    /// Does `work` as a part of the call, so that it is written down and traced there.
    pub(in crate::egress) async fn scope<W: Future>(&self, work: W) -> W::Output {
        let span = self.span.get().cloned().unwrap_or_default();
        CallAudit::within(self.audit.clone(), span.run(work)).await
    }

    pub(in crate::egress) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Resolves when the call has ended.
    pub(in crate::egress) fn ended(&self) -> WaitForCancellationFuture<'_> {
        self.ended.cancelled()
    }

    pub(super) fn end(&self) {
        self.ended.cancel();
        let state = std::mem::replace(&mut *self.lock(), State::Ended);
        drop(state);
    }

    /// Whether the child may ask about this job: a client's call has no business with another's.
    /// Over stdio it asks about all of them in its own name.
    pub(in crate::egress) fn may_ask_about(&self, job: &str) -> bool {
        self.identity.is_none() || self.jobs.lock().iter().any(|own| own.as_str() == job)
    }

    pub(in crate::egress) fn note_refusal(&self, refusal: &Refusal) {
        let mut state = self.lock();
        if matches!(*state, State::Awaited) {
            *state = State::Refused(refusal.clone());
        }
    }

    /// Gives the call the job of its query. It comes back if the child waits for it; if the call
    /// has ended, it is cancelled.
    pub(in crate::egress) fn start(&self, job: HeldJob) -> Option<HeldJob> {
        if self.identity.is_some() {
            self.jobs.lock().push(job.id().clone());
        }
        let mut state = self.lock();
        let (before, job) = match (&*state, self.waits) {
            (State::Ended, _) => (State::OfGateway(Box::new(job)), None),
            (_, Waits::Gateway) => {
                let new = State::OfGateway(Box::new(job));
                (std::mem::replace(&mut *state, new), None)
            }
            (_, Waits::Child) => (State::Awaited, Some(job)),
        };
        drop(state);
        drop(before);
        job
    }

    pub(super) fn gateway_waits_for(&self, id: &str) -> bool {
        match &*self.lock() {
            State::OfGateway(job) => job.id().as_str() == id,
            State::Taken(job) => job.as_str() == id,
            _ => false,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    #[cfg(test)]
    pub(super) fn waits(&self) -> Waits {
        self.waits
    }
}

impl fmt::Debug for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRecord").field("identity", &self.identity).finish_non_exhaustive()
    }
}
