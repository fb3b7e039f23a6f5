//! Jobs that go on although the call that started them has ended: its client has a handle, and may
//! ask for the result. Each is kept for a while after the last question for it, and then cancelled
//! at Dremio. A client that goes away while it waits wants it no more.
//!
//! A job that is not known here, because it was started by another replica or before a restart, is
//! looked after from the first question on. A stop leaves all of them running: they can be asked
//! for elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dremio_client::JobId;
use service_kit::lifecycle::Shutdown;

use super::asked_jobs::{AskedJobs, Question};
use super::{HeldJob, JobCustody};

/// How long a job runs on after the last question for it. A guess: models ask again at once, and
/// people come back from a short break.
const UNASKED_MAX: Duration = Duration::from_secs(600);

/// How often jobs whose time is over are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// The longest statement that is kept with its job. With all jobs there can be, they take 16 MiB.
const SQL_BYTES_MAX: usize = 16 * 1024;

/// The jobs that clients have handles of and that are not known to be over, each with what it runs,
/// to say what is wrong with that; empty if it is not known here.
#[derive(Debug, Default)]
pub(crate) struct KeptJobs {
    jobs: AskedJobs<Arc<str>>,
    /// Jobs are left running from now on.
    is_stopping: AtomicBool,
}

impl KeptJobs {
    /// Keeps a job whose client has just been given a handle, and the statement that it runs.
    pub(crate) fn keep(&self, held: HeldJob, sql: &str) {
        // A part of a statement would be advised on wrongly.
        let sql = if sql.len() <= SQL_BYTES_MAX { sql } else { "" };
        self.jobs.insert(held, sql.into());
        self.leave_running_if_stopping();
    }

    /// Asks for a job that a handle names; `custody` is that of who asks. Within a runtime only.
    pub(crate) fn question(&self, custody: &JobCustody, id: &JobId) -> Question<'_, Arc<str>> {
        let unknown = || (custody.hold(id.clone()), Arc::default());
        let question = self.jobs.question_or_insert(id, unknown);
        self.leave_running_if_stopping();
        question
    }

    /// Cancels jobs whose time is over until `shutdown` drains; what is left runs on.
    pub(crate) async fn sweep(&self, shutdown: &Shutdown) {
        self.jobs.sweep(shutdown, SWEEP_INTERVAL, UNASKED_MAX).await;
        self.is_stopping.store(true, Ordering::SeqCst);
        self.leave_running_if_stopping();
    }

    #[cfg(test)]
    pub(crate) fn give_up(&self, unasked_max: Duration) {
        self.jobs.give_up(unasked_max);
    }

    /// Called after the flag is set, and after each job that is taken in: one of the two sees both.
    fn leave_running_if_stopping(&self) {
        if !self.is_stopping.load(Ordering::SeqCst) {
            return;
        }
        for mut job in self.jobs.take_all() {
            tracing::info!(job = %job.id(), "a job whose client may ask for it elsewhere runs on");
            job.mark_over();
        }
    }
}
