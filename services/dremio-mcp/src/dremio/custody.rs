//! Jobs that end with the call that wants them: submitted in the background, because only the
//! answer says which job it is, and cancelled at Dremio when no call waits for them any more. A
//! stop gives the calls under way a little time.

use std::time::Duration;

use dremio_client::JobId;
use token_file::AccountName;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{DremioCaller, DremioError};
use crate::audit::CallAudit;
use crate::policy::JobPlace;
use crate::telemetry;

/// How long the cancellation of one job is tried, a replacement of its token included. A guess;
/// no call waits for it.
const CANCEL_MAX: Duration = Duration::from_secs(15);

/// How long a stop waits for submissions and cancellations: Dremio may be away.
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// Looks after the jobs of calls that may be given up. Cheap to clone; all clones share what is
/// under way.
#[derive(Clone, Debug)]
pub(crate) struct JobCustody {
    dremio: DremioCaller,
    under_way: TaskTracker,
}

/// A job that a call wants. Dropping this cancels it at Dremio, unless it is over.
#[derive(Debug)]
pub(crate) struct HeldJob {
    custody: JobCustody,
    id: JobId,
    runtime: Handle,
    is_over: bool,
    /// Its place among those that its client may have.
    place: Option<JobPlace>,
    /// Kept until the cancellation is under way, so that a stop sees no gap between the two.
    _counted: TaskTrackerToken,
}

impl JobCustody {
    pub(crate) fn new(dremio: DremioCaller) -> Self {
        Self { dremio, under_way: TaskTracker::new() }
    }

    /// The same, for jobs that are seen to with another account.
    pub(crate) fn at(&self, dremio: DremioCaller) -> Self {
        Self { dremio, under_way: self.under_way.clone() }
    }

    /// The same, for jobs of the user of this account.
    pub(crate) fn of(&self, account: Option<&AccountName>) -> Self {
        self.at(self.dremio.of(account))
    }

    /// The Dremio at which the jobs are.
    pub(crate) fn dremio(&self) -> &DremioCaller {
        &self.dremio
    }

    /// Runs a submission to its end, also when the caller goes away in the middle: that would leave
    /// a job behind whose id is not known. A [`HeldJob`] in an answer that no call takes is
    /// cancelled by being dropped. What remains is a job whose id was lost with the connection:
    /// that one runs to its end.
    ///
    /// It is a part of the current call. Nothing comes back when it panicked, or its runtime is
    /// gone.
    pub(crate) async fn submit<A: Send + 'static>(
        &self,
        submission: impl Future<Output = A> + Send + 'static,
    ) -> Option<A> {
        let submission = CallAudit::within(CallAudit::current(), submission);
        self.under_way.spawn(telemetry::part("submit").run(submission)).await.ok()
    }

    /// Submits `sql`. A comment behind it says in Dremio's job history for which call, or what for:
    /// `label`; it stands last, so that positions in Dremio's messages are those of the statement.
    /// `holds` is kept until Dremio has answered, `place` until the job is over. Dropping the
    /// future, or the job, cancels it.
    ///
    /// Nothing comes back as of [`JobCustody::submit`].
    ///
    /// # Errors
    /// When the job could not be started.
    pub(crate) async fn submit_sql(
        &self,
        sql: &str,
        label: &str,
        place: Option<JobPlace>,
        holds: impl Send + 'static,
    ) -> Option<Result<HeldJob, DremioError>> {
        let mark = match CallAudit::current() {
            Some(call) => call.job_mark(),
            None => format!("\n/* dremio-mcp: tool={label} */"),
        };
        let (custody, sql) = (self.clone(), format!("{sql}{mark}"));
        self.submit(async move {
            let sql = sql.as_str();
            let submitted = custody.dremio.ask(|client, token| async move {
                client.submit_sql(token.secret(), sql, &[]).await
            });
            let id = submitted.await?;
            CallAudit::note_job(&id);
            drop(holds);
            let mut held = custody.hold(id);
            held.place = place;
            Ok(held)
        })
        .await
    }

    /// Takes a job that was just submitted. Within a runtime only.
    pub(crate) fn hold(&self, id: JobId) -> HeldJob {
        let (custody, counted) = (self.clone(), self.under_way.token());
        HeldJob {
            custody,
            id,
            runtime: Handle::current(),
            is_over: false,
            place: None,
            _counted: counted,
        }
    }

    /// Lets the submissions and cancellations under way finish, for a while. For a stop, when all
    /// jobs were given up.
    pub(crate) async fn finish(&self) {
        self.under_way.close();
        if tokio::time::timeout(STOP_WAIT_MAX, self.under_way.wait()).await.is_err() {
            tracing::warn!(
                calls = self.under_way.len(),
                "stopping without Dremio's answer: a job that nobody waits for may run on"
            );
        }
    }
}

impl HeldJob {
    pub(crate) fn id(&self) -> &JobId {
        &self.id
    }

    /// The job takes this place until it is over.
    pub(crate) fn take_place(&mut self, place: Option<JobPlace>) {
        self.place = place;
    }

    /// Dremio has said that the job is over: there is nothing to cancel.
    pub(crate) fn mark_over(&mut self) {
        self.is_over = true;
        self.place = None;
    }
}

impl Drop for HeldJob {
    /// In the background, because a drop cannot wait.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let cancelling = cancel(self.custody.dremio.clone(), self.id.clone());
        let place = self.place.take();
        let cancelling = async move {
            cancelling.await;
            drop(place);
        };
        self.custody.under_way.spawn_on(cancelling, &self.runtime);
    }
}

async fn cancel(dremio: DremioCaller, job: JobId) {
    let id = &job;
    let cancelled =
        dremio.ask(|client, token| async move { client.cancel(token.secret(), id).await });
    match tokio::time::timeout(CANCEL_MAX, cancelled).await {
        Ok(Ok(outcome)) => {
            tracing::info!(%job, ?outcome, "cancelled a job that nobody waits for");
        }
        Ok(Err(cause)) => {
            tracing::warn!(%job, error = %cause, "could not cancel a job that nobody waits for");
        }
        Err(_) => {
            tracing::warn!(%job, "could not cancel a job that nobody waits for in time");
        }
    }
}
