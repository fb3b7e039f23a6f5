//! Jobs that go on although the call that started them has ended: its client has a handle, and may
//! ask for the result. Each is kept for a while after the last question for it, and then cancelled
//! at Dremio. A client that goes away while it waits wants it no more.
//!
//! A job that is not known here, because it was started by another replica or before a restart, is
//! looked after from the first question on. A stop leaves all of them running: they can be asked
//! for elsewhere.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::JobId;
use parking_lot::Mutex;
use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;

use super::{HeldJob, JobCustody};

/// How long a job runs on after the last question for it. A guess: models ask again at once, and
/// people come back from a short break.
const UNASKED_MAX: Duration = Duration::from_secs(600);

/// How often jobs whose time is over are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Jobs kept at a time. Beyond, the one that was asked for longest ago is cancelled; Dremio itself
/// takes a thousand at a time (contract §4.1).
const JOBS_MAX: usize = 1000;

/// The longest statement that is kept with its job. With all jobs there can be, they take 16 MiB.
const SQL_BYTES_MAX: usize = 16 * 1024;

/// The jobs that clients have handles of and that are not known to be over.
#[derive(Debug, Default)]
pub(crate) struct KeptJobs {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    jobs: HashMap<JobId, Job>,
    /// Jobs are left running from now on.
    is_stopping: bool,
}

/// Taken out of the table and dropped, it is cancelled.
#[derive(Debug)]
struct Job {
    held: HeldJob,
    /// What it runs, to say what is wrong with that; empty if it is not known here.
    sql: Arc<str>,
    last: Instant,
    waiting: usize,
}

/// A question for a job that waits for its answer. Dropping it gives the job up, unless others wait
/// for it, too.
#[derive(Debug)]
pub(crate) struct Question<'k> {
    kept: &'k KeptJobs,
    id: &'k JobId,
    sql: Arc<str>,
    is_answered: bool,
}

impl KeptJobs {
    /// Keeps a job whose client has just been given a handle, and the statement that it runs.
    pub(crate) fn keep(&self, held: HeldJob, sql: &str) {
        // A part of a statement would be advised on wrongly.
        let sql = if sql.len() <= SQL_BYTES_MAX { sql } else { "" };
        let job = Job { held, sql: sql.into(), last: Instant::now(), waiting: 0 };
        let _given_up = self.kept.lock().insert(job);
    }

    /// Asks for a job that a handle names; `custody` is that of who asks. Within a runtime only.
    pub(crate) fn question<'k>(&'k self, custody: &JobCustody, id: &'k JobId) -> Question<'k> {
        let mut kept = self.kept.lock();
        let (mut given_up, mut sql) = (None, Arc::default());
        if let Some(job) = kept.jobs.get_mut(id) {
            job.waiting += 1;
            sql = Arc::clone(&job.sql);
        } else {
            let (held, sql) = (custody.hold(id.clone()), Arc::clone(&sql));
            given_up = kept.insert(Job { held, sql, last: Instant::now(), waiting: 1 });
        }
        drop(kept);
        drop(given_up);
        Question { kept: self, id, sql, is_answered: false }
    }

    /// Cancels jobs whose time is over until `shutdown` drains; what is left runs on.
    pub(crate) async fn sweep(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL) => self.give_up(UNASKED_MAX),
                () = shutdown.draining() => return self.leave_running(),
            }
        }
    }

    /// Cancels jobs whose last question was too long ago.
    pub(crate) fn give_up(&self, unasked_max: Duration) {
        let is_given_up =
            |_: &JobId, job: &mut Job| job.waiting == 0 && job.last.elapsed() >= unasked_max;
        let given_up: Vec<_> = self.kept.lock().jobs.extract_if(is_given_up).collect();
        drop(given_up);
    }

    fn leave_running(&self) {
        let mut kept = self.kept.lock();
        kept.is_stopping = true;
        let jobs: Vec<_> = kept.jobs.drain().collect();
        drop(kept);
        for (id, mut job) in jobs {
            tracing::info!(job = %id, "a job whose client may ask for it elsewhere runs on");
            job.held.mark_over();
        }
    }

    /// One question less: the job, if no call waits for it now and it is not to run on.
    fn asked(&self, id: &JobId, runs_on: bool) -> Option<Job> {
        let mut kept = self.kept.lock();
        let job = kept.jobs.get_mut(id)?;
        job.waiting = job.waiting.saturating_sub(1);
        job.last = Instant::now();
        let is_given_up = job.waiting == 0 && !runs_on;
        if is_given_up { kept.jobs.remove(id) } else { None }
    }
}

impl Kept {
    /// Takes `job` in, and gives the one that makes room for it.
    fn insert(&mut self, mut job: Job) -> Option<Job> {
        if self.is_stopping {
            job.held.mark_over();
            return None;
        }
        let mut given_up = None;
        if self.jobs.len() >= JOBS_MAX {
            let resting = self.jobs.iter().filter(|(_, job)| job.waiting == 0);
            let oldest = resting.min_by_key(|(_, job)| job.last).map(|(id, _)| id.clone());
            given_up = oldest.and_then(|id| self.jobs.remove(&id));
        }
        self.jobs.insert(job.held.id().clone(), job);
        given_up
    }
}

impl Question<'_> {
    /// The statement that the job runs, where it was started here and is no longer than what is
    /// kept; else empty.
    pub(crate) fn sql(&self) -> Arc<str> {
        Arc::clone(&self.sql)
    }

    /// The job runs on, and its client knows: it stays kept.
    pub(crate) fn runs_on(mut self) {
        self.is_answered = true;
        drop(self.kept.asked(self.id, true));
    }

    /// The job is over, or gone.
    pub(crate) fn mark_over(mut self) {
        self.is_answered = true;
        if let Some(mut job) = self.kept.kept.lock().jobs.remove(self.id) {
            job.held.mark_over();
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            drop(self.kept.asked(self.id, false));
        }
    }
}
