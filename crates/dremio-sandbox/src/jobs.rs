//! Jobs: added, observed, cancelled, forgotten (contract §4). What a job does is in `run`.

mod job;
mod slow;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use job::{Job, Pace, ResultsError};
pub use job::{JobRecord, JobState};
pub use slow::SlowQuery;

use crate::{clock, ids};

/// A statement and the user it runs for.
#[derive(Debug, Clone)]
pub(crate) struct Submission {
    pub(crate) sql: String,
    pub(crate) context: Vec<String>,
    pub(crate) user: String,
}

/// Jobs that are not finished: Dremio's `coordinator.alive_queries.limit`.
const LIVE_MAX: usize = 1_000;
/// Jobs kept. Dremio keeps them for 30 days; the oldest finished ones go first here.
const JOBS_MAX: usize = 5_000;
/// Bytes of results kept for all jobs together; the oldest go first, as Dremio's do after a day.
const RESULT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Statements that run at one time. More than cores, so that a slow one does not hold up the quick
/// ones.
const RUNNING_MAX: usize = 16;

/// Why a submission was refused: the only failures that are not in the job.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubmitError {
    #[error(
        "Rejecting query because it exceeded the maximum allowed number of live queries in a \
            single coordinator"
    )]
    TooManyLive,
    #[error("no random bytes for a job id")]
    NoRandomness(#[source] getrandom::Error),
}

#[derive(Debug)]
pub(crate) struct Jobs {
    inner: Mutex<Inner>,
    slots: Semaphore,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Inner {
    duration: Duration,
    slow: Vec<SlowQuery>,
    bare_syntax_errors: bool,
    in_order: VecDeque<Arc<Job>>,
    by_id: HashMap<String, Arc<Job>>,
    /// Set when a statement panicked: a defect that must not pass unnoticed.
    panicked: Option<String>,
}

impl Jobs {
    pub(crate) fn new(duration: Duration, stop: CancellationToken) -> Self {
        Self {
            inner: Mutex::new(Inner {
                duration,
                slow: Vec::new(),
                bare_syntax_errors: false,
                in_order: VecDeque::new(),
                by_id: HashMap::new(),
                panicked: None,
            }),
            slots: Semaphore::new(RUNNING_MAX),
            tasks: TaskTracker::new(),
            stop,
        }
    }

    pub(crate) fn set_duration(&self, duration: Duration) {
        self.lock().duration = duration;
    }

    pub(crate) fn slow_down(&self, query: SlowQuery) {
        self.lock().slow.push(query);
    }

    pub(crate) fn end_slow_queries(&self) {
        self.lock().slow.clear();
    }

    pub(crate) fn set_bare_syntax_errors(&self, bare: bool) {
        self.lock().bare_syntax_errors = bare;
    }

    pub(crate) fn bare_syntax_errors(&self) -> bool {
        self.lock().bare_syntax_errors
    }

    /// Adds a job; its statement runs after [`Jobs::turn`].
    ///
    /// # Errors
    /// There are too many unfinished jobs, or no random bytes for an id.
    pub(crate) fn add(&self, submission: Submission) -> Result<Arc<Job>, SubmitError> {
        let now = clock::now();
        let id = ids::job(now).map_err(SubmitError::NoRandomness)?;
        let mut inner = self.lock();
        let live = inner.in_order.iter().filter(|job| !job.is_finished()).count();
        if live >= LIVE_MAX {
            return Err(SubmitError::TooManyLive);
        }
        let slow = inner.slow.iter().rev().find(|slow| slow.covers(&submission.sql));
        let pace = match slow {
            Some(slow) => Pace { completed: slow.duration, failed: slow.duration },
            None => Pace { completed: inner.duration, failed: Duration::ZERO },
        };
        let job = Arc::new(Job::new(id, submission, now, pace));
        inner.keep(Arc::clone(&job));
        Ok(job)
    }

    /// Runs a task that [`Jobs::shut_down`] waits for; must be called inside a tokio runtime.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits until a statement may run; `None` if the sandbox stops.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            slot = self.slots.acquire() => slot.ok(),
        }
    }

    /// Cancelled when the sandbox stops.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Notes that a statement panicked, for [`Jobs::shut_down`] to say so.
    pub(crate) fn note_panic(&self, error: String) {
        self.lock().panicked = Some(error);
    }

    /// Throws the oldest results away if there are too many.
    pub(crate) fn bound_results(&self) {
        self.lock().bound_results();
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Job>> {
        self.lock().by_id.get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Job>> {
        self.lock().in_order.iter().cloned().collect()
    }

    pub(crate) fn records(&self) -> Vec<JobRecord> {
        self.all().iter().map(|job| job.record()).collect()
    }

    pub(crate) fn expire_results(&self) {
        for job in self.all() {
            job.drop_result();
        }
    }

    /// Waits until every statement has ended; the sandbox's stop interrupts them.
    ///
    /// # Panics
    /// If a statement panicked while it ran.
    pub(crate) async fn shut_down(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        let panicked = self.lock().panicked.take();
        assert!(panicked.is_none(), "a statement panicked: {panicked:?}");
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Inner {
    fn keep(&mut self, job: Arc<Job>) {
        self.by_id.insert(job.id().to_owned(), Arc::clone(&job));
        self.in_order.push_back(job);
        if self.in_order.len() > JOBS_MAX {
            let oldest = self.in_order.iter().position(|job| job.is_finished());
            if let Some(job) = oldest.and_then(|index| self.in_order.remove(index)) {
                self.by_id.remove(job.id());
            }
        }
    }

    fn bound_results(&mut self) {
        let mut bytes = 0_usize;
        for job in self.in_order.iter().rev() {
            bytes = bytes.saturating_add(job.result_bytes());
            if bytes > RESULT_BYTES_MAX {
                job.drop_result();
            }
        }
    }
}
