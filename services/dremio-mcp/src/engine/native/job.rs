//! One statement as a Dremio job: submitted, awaited, and cancelled at Dremio when nobody waits for
//! it any more.

use std::time::Duration;

use dremio_client::{JobId, JobState, JobStatus, RemoteMessage};
use tokio::runtime::Handle;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::calls::{AskError, Dremio};
use super::failure::{Failure, TELL_OPERATOR, broken_view};
use super::progress::{Holds, Progress};
use crate::dremio::Pauses;
use crate::guard::Statement;

/// How long the cancellation of an abandoned job is tried, a replacement of its token included. A
/// guess; nobody waits for it.
const CANCEL_MAX: Duration = Duration::from_secs(15);

/// Runs `statement` and returns its job when it has completed. Dropping the future cancels the job
/// at Dremio, also while it is being submitted. `label` names the caller in Dremio's job history;
/// it stands last, so that positions in Dremio's messages are those of the statement.
///
/// # Errors
/// When the job could not be started or watched, or did not complete.
pub(super) async fn run(
    dremio: &Dremio,
    label: &str,
    statement: &Statement,
    progress: &mut Progress<'_>,
) -> Result<JobId, Failure> {
    let mut job = RunningJob::submit(
        dremio,
        format!("{}\n/* dremio-mcp: tool={label} */", statement.as_str()),
        progress.holds(),
    )
    .await?;
    let status = job.end(progress).await?;
    match status.state {
        JobState::Completed => Ok(job.id.clone()),
        JobState::Failed => Err(failed(status.error_message.as_ref())),
        _ => Err(cancelled(status.cancellation_reason.as_ref())),
    }
}

/// A job that somebody waits for.
#[derive(Debug)]
struct RunningJob {
    dremio: Dremio,
    id: JobId,
    runtime: Handle,
    /// Whether Dremio said that it is over.
    is_over: bool,
    /// Kept until its cancellation is under way, so that a stop sees no gap between the two.
    _counted: TaskTrackerToken,
}

impl RunningJob {
    /// Submits `sql` in a task of its own: a caller that goes away in the middle would leave a job
    /// behind whose id nobody knows. The task ends within the time limits of its calls, and the
    /// job that it then returns to nobody is cancelled by being dropped. What remains is a job
    /// whose id was lost with the connection: that one runs to its end. Meanwhile the task has what
    /// the call `holds`: statements of calls that were given up take room like any other.
    async fn submit(dremio: &Dremio, sql: String, holds: Holds) -> Result<Self, Failure> {
        let dremio = dremio.clone();
        let runtime = Handle::current();
        let counted = dremio.background().token();
        let submission = dremio.background().clone().spawn(async move {
            let sql = sql.as_str();
            let id =
                dremio
                    .ask(|client, token| async move {
                        client.submit_sql(token.secret(), sql, &[]).await
                    })
                    .await?;
            drop(holds);
            Ok::<_, AskError>(Self { dremio, id, runtime, is_over: false, _counted: counted })
        });
        let submitted = submission
            .await
            .map_err(|_| Failure::new("the query was not submitted", "Try it again."))?;
        Ok(submitted?)
    }

    /// Waits for the end of the job, however it ends.
    async fn end(&mut self, progress: &mut Progress<'_>) -> Result<JobStatus, AskError> {
        let mut pauses = Pauses::new();
        loop {
            let id = &self.id;
            let status = self
                .dremio
                .read(|client, token| async move { client.job(token.secret(), id).await })
                .await?;
            if status.state.is_terminal() {
                self.is_over = true;
                return Ok(status);
            }
            progress.report(state_name(status.state));
            tokio::time::sleep(pauses.next()).await;
        }
    }
}

impl Drop for RunningJob {
    /// Nobody waits any more: spares Dremio the rest of the work. In the background, because a drop
    /// cannot wait.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (dremio, id) = (self.dremio.clone(), self.id.clone());
        let cancelling = async move {
            let id = &id;
            let cancellation =
                dremio.ask(|client, token| async move { client.cancel(token.secret(), id).await });
            match tokio::time::timeout(CANCEL_MAX, cancellation).await {
                Ok(Ok(outcome)) => {
                    tracing::debug!(job = %id, ?outcome, "cancelled the job of an abandoned call");
                }
                Ok(Err(cause)) => {
                    tracing::warn!(job = %id, error = %cause, "could not cancel the job of an abandoned call");
                }
                Err(_) => {
                    tracing::warn!(job = %id, "could not cancel the job of an abandoned call in time");
                }
            }
        };
        self.dremio.background().spawn_on(cancelling, &self.runtime);
    }
}

/// The state as Dremio's own pages call it.
fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Pending | JobState::NotSubmitted => "PENDING",
        JobState::MetadataRetrieval => "METADATA_RETRIEVAL",
        JobState::Planning => "PLANNING",
        JobState::EngineStart => "ENGINE_START",
        JobState::Queued | JobState::Enqueued => "QUEUED",
        JobState::ExecutionPlanning => "EXECUTION_PLANNING",
        JobState::Starting => "STARTING",
        JobState::CancellationRequested => "CANCELLATION_REQUESTED",
        _ => "RUNNING",
    }
}

fn failed(said: Option<&RemoteMessage>) -> Failure {
    let Some(said) = said.map(RemoteMessage::as_str) else {
        return Failure::new(
            "the query failed, and Dremio does not say why",
            "Try it again; if it fails again, the operator of Dremio can look.",
        );
    };
    broken_view(said).unwrap_or_else(|| Failure::new(said, hint(said)))
}

fn cancelled(reason: Option<&RemoteMessage>) -> Failure {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Failure::new(
        format!("the query was cancelled at Dremio{reason}"),
        "Somebody or some limit stopped it there. Ask for less, or try it again.",
    )
}

/// What usually helps against a failure that Dremio describes like this.
fn hint(said: &str) -> &'static str {
    let said = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if said.contains("not found") {
        "Look names up in INFORMATION_SCHEMA.\"TABLES\" and INFORMATION_SCHEMA.\"COLUMNS\", and write each part of a path in its own \
         double quotes."
    } else if says(&[
        "memory limit",
        "out of memory",
        "out_of_memory",
        "outofmemory",
        "heap monitor",
        "failed to spill",
        "no space left",
    ]) {
        "Nothing is wrong with the SQL: Dremio has not enough memory for it. Ask for less (filter early, fewer columns, fewer groups, no \
         ORDER BY over everything), or try it again later; the operator of Dremio can give it more."
    } else if says(&[
        "lost connectivity",
        "nodes lost",
        "connection reset",
        "connection refused",
        "no executor",
        "executors available",
    ]) {
        "Nothing is wrong with the query: Dremio lost one of its nodes, or has none to run it. Try it again in a minute; if it fails again, \
         this needs the operator of Dremio."
    } else if says(&["queue resources", "queue is full", "waiting in queue", "too many queries"]) {
        "Nothing is wrong with the query: Dremio is busy. Try it again in a minute."
    } else if says(&[
        "system error",
        "internal error",
        "nullpointerexception",
        "is currently unavailable",
    ]) {
        TELL_OPERATOR
    } else if said.contains("parsing") || said.contains("encountered") || said.contains("syntax") {
        "Check the syntax. Names that are reserved words, like \"date\", \"count\", \"value\" or \"user\", need double quotes; strings \
         need single quotes."
    } else {
        "Correct the query and try again."
    }
}

#[cfg(test)]
mod tests {
    use dremio_client::RemoteMessage;

    use super::{failed, hint};

    #[test]
    fn hints_fit_what_dremio_says() {
        let check = |said: &str, start: &str| assert!(hint(said).starts_with(start), "{said}");
        check(
            "Object 'orderz' not found within 'Sales'. Please check that it exists in the selected context.",
            "Look names up",
        );
        check("Column 'x' not found in any table", "Look names up");
        check("Failure parsing the query.", "Check the syntax");
        check("Encountered \"date\" at line 1, column 8.", "Check the syntax");
        check("Object 'out of memory' not found within 'queue resources'", "Look names up");
        check("Division by zero", "Correct the query");
        let fine = "Nothing is wrong with the";
        check(
            "Query was cancelled because it exceeded the memory limits set by the administrator.",
            fine,
        );
        check(
            "One or more nodes lost connectivity during query.  Identified nodes were [10.0.0.5:45678].",
            fine,
        );
        check(
            "Unable to acquire queue resources for query within timeout.  Timeout for SMALL queue was set at 300 seconds.",
            fine,
        );
        check("SYSTEM ERROR: NullPointerException", fine);
        check("The source [lake] is currently unavailable. Metadata is not accessible", fine);
    }

    #[test]
    fn a_broken_view_is_named_and_its_owner_must_mend_it() {
        let said = "Error while expanding view Sales.v_orders. Column 'amount' not found in any table. Verify the view's SQL definition.";
        let failure = failed(RemoteMessage::new(said).as_ref()).to_json();
        assert!(
            failure.contains("The view Sales.v_orders is broken")
                && failure.contains("Column 'amount' not found"),
            "{failure}"
        );
        assert!(!failure.contains("Look names up"), "{failure}");
    }
}
