//! Jobs that are asked for until they are over: by clients with a handle, or by the child. A job
//! that is not asked for any more is cancelled at Dremio.

use std::collections::HashMap;
use std::time::Duration;

use dremio_client::JobId;
use parking_lot::Mutex;
use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;

use super::HeldJob;

/// Jobs kept at a time. Beyond, the one that was asked for longest ago is cancelled; Dremio itself
/// takes a thousand at a time (contract §4.1).
const JOBS_MAX: usize = 1000;

/// The jobs, each with a note of type `N`.
#[derive(Debug)]
pub(crate) struct AskedJobs<N> {
    jobs: Mutex<HashMap<JobId, AskedJob<N>>>,
}

/// Taken out of the table and dropped, it is cancelled.
#[derive(Debug)]
struct AskedJob<N> {
    held: HeldJob,
    note: N,
    last: Instant,
    waiting: usize,
}

/// A question for a job that waits for its answer. Dropping it gives the job up, unless others wait
/// for it, too.
#[derive(Debug)]
pub(crate) struct Question<'j, N> {
    jobs: &'j AskedJobs<N>,
    id: JobId,
    note: N,
    is_answered: bool,
}

impl<N> Default for AskedJobs<N> {
    fn default() -> Self {
        Self { jobs: Mutex::default() }
    }
}

impl<N: Clone> AskedJobs<N> {
    /// Takes in a job that has just started.
    pub(crate) fn insert(&self, held: HeldJob, note: N) {
        let id = held.id().clone();
        self.question_or_insert(&id, || (held, note)).runs_on();
    }

    /// A question for a job, if it is known.
    pub(crate) fn question(&self, id: &JobId) -> Option<Question<'_, N>> {
        self.jobs.lock().get_mut(id).map(|job| job.question(self))
    }

    /// A question for a job; one that is not known is taken in.
    pub(crate) fn question_or_insert(
        &self,
        id: &JobId,
        job: impl FnOnce() -> (HeldJob, N),
    ) -> Question<'_, N> {
        let mut jobs = self.jobs.lock();
        let mut given_up = None;
        if jobs.len() >= JOBS_MAX && !jobs.contains_key(id) {
            let resting = jobs.iter().filter(|(_, job)| job.waiting == 0);
            let oldest = resting.min_by_key(|(_, job)| job.last).map(|(id, _)| id.clone());
            given_up = oldest.and_then(|id| jobs.remove(&id));
        }
        let new = || {
            let (held, note) = job();
            AskedJob { held, note, last: Instant::now(), waiting: 0 }
        };
        let question = jobs.entry(id.clone()).or_insert_with(new).question(self);
        drop(jobs);
        drop(given_up);
        question
    }
}

impl<N> AskedJobs<N> {
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.lock().is_empty()
    }

    /// All jobs, also those that calls wait for.
    pub(crate) fn take_all(&self) -> Vec<HeldJob> {
        self.jobs.lock().drain().map(|(_, job)| job.held).collect()
    }

    /// Cancels jobs whose last question was longer ago than `unasked_max`.
    pub(crate) fn give_up(&self, unasked_max: Duration) {
        let is_given_up = |_: &JobId, job: &mut AskedJob<N>| {
            job.waiting == 0 && job.last.elapsed() >= unasked_max
        };
        let given_up: Vec<_> = self.jobs.lock().extract_if(is_given_up).collect();
        drop(given_up);
    }

    /// Does that every `interval`, until `shutdown` drains.
    pub(crate) async fn sweep(
        &self,
        shutdown: &Shutdown,
        interval: Duration,
        unasked_max: Duration,
    ) {
        while tokio::time::timeout(interval, shutdown.draining()).await.is_err() {
            self.give_up(unasked_max);
        }
    }

    /// One question less: the job, if no call waits for it now and it is not to run on.
    fn asked(&self, id: &JobId, runs_on: bool) -> Option<AskedJob<N>> {
        let mut jobs = self.jobs.lock();
        let job = jobs.get_mut(id)?;
        job.waiting = job.waiting.saturating_sub(1);
        job.last = Instant::now();
        let is_given_up = job.waiting == 0 && !runs_on;
        if is_given_up { jobs.remove(id) } else { None }
    }
}

impl<N: Clone> AskedJob<N> {
    fn question<'j>(&mut self, jobs: &'j AskedJobs<N>) -> Question<'j, N> {
        self.waiting += 1;
        let (id, note) = (self.held.id().clone(), self.note.clone());
        Question { jobs, id, note, is_answered: false }
    }
}

impl<N> Question<'_, N> {
    /// What was noted of the job.
    pub(crate) fn note(&self) -> &N {
        &self.note
    }

    /// The job runs on, and who asked knows: it stays kept.
    pub(crate) fn runs_on(mut self) {
        self.is_answered = true;
        drop(self.jobs.asked(&self.id, true));
    }

    /// The job is over, or gone.
    pub(crate) fn mark_over(mut self) {
        self.is_answered = true;
        if let Some(mut job) = self.jobs.jobs.lock().remove(&self.id) {
            job.held.mark_over();
        }
    }
}

impl<N> Drop for Question<'_, N> {
    fn drop(&mut self) {
        if !self.is_answered {
            drop(self.jobs.asked(&self.id, false));
        }
    }
}
