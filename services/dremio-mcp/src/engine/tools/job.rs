//! One statement as a Dremio job: submitted, awaited, and cancelled at Dremio when nobody waits for
//! it any more.

use dremio_client::{JobId, JobState, JobStatus, RemoteMessage};

use super::failure::Failure;
use super::progress::{Holds, Progress};
use crate::coach;
use crate::dremio::{DremioCaller, DremioError, HeldJob, JobCustody, Pauses};
use crate::guard::Statement;

/// Runs `statement` and returns its job when it has completed. Dropping the future cancels the job
/// at Dremio, also while it is being submitted. `label` names the caller in Dremio's job history;
/// it stands last, so that positions in Dremio's messages are those of the statement.
///
/// # Errors
/// When the job could not be started or watched, or did not complete.
pub(super) async fn run(
    jobs: &JobCustody,
    label: &str,
    statement: &Statement,
    progress: &mut Progress<'_>,
) -> Result<JobId, Failure> {
    let sql = format!("{}\n/* dremio-mcp: tool={label} */", statement.as_str());
    let mut job = submit(jobs, sql, progress.holds()).await?;
    let status = end(jobs.dremio(), job.id(), progress).await?;
    job.mark_over();
    match status.state {
        JobState::Completed => Ok(job.id().clone()),
        JobState::Failed => Err(failed(statement.as_str(), status.error_message.as_ref())),
        _ => Err(cancelled(status.cancellation_reason.as_ref())),
    }
}

/// Submits `sql`. Meanwhile the submission has what the call `holds`: statements of calls that were
/// given up take room like any other.
async fn submit(jobs: &JobCustody, sql: String, holds: Holds) -> Result<HeldJob, Failure> {
    let custody = jobs.clone();
    let submission = async move {
        let sql = sql.as_str();
        let submitted = custody
            .dremio()
            .ask(|client, token| async move { client.submit_sql(token.secret(), sql, &[]).await });
        let id = submitted.await?;
        drop(holds);
        Ok::<_, DremioError>(custody.hold(id))
    };
    let submitted = jobs.submit(submission).await;
    Ok(submitted.ok_or_else(|| Failure::new("the query was not submitted", "Try it again."))??)
}

/// Waits for the end of a job, however it ends.
async fn end(
    dremio: &DremioCaller,
    id: &JobId,
    progress: &mut Progress<'_>,
) -> Result<JobStatus, DremioError> {
    let mut pauses = Pauses::new();
    loop {
        let status =
            dremio.read(|client, token| async move { client.job(token.secret(), id).await });
        let status = status.await?;
        if status.state.is_terminal() {
            return Ok(status);
        }
        progress.report(state_name(status.state));
        tokio::time::sleep(pauses.next()).await;
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

fn failed(sql: &str, said: Option<&RemoteMessage>) -> Failure {
    let Some(said) = said.map(RemoteMessage::as_str) else {
        return Failure::new(
            "the query failed, and Dremio does not say why",
            "Try it again; if it fails again, the operator of Dremio can look.",
        );
    };
    coach::advise(sql, said, None).into()
}

fn cancelled(reason: Option<&RemoteMessage>) -> Failure {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Failure::new(
        format!("the query was cancelled at Dremio{reason}"),
        "Somebody or some limit stopped it there. Ask for less, or try it again.",
    )
}

#[cfg(test)]
mod tests {
    use dremio_client::RemoteMessage;

    use super::failed;

    #[test]
    fn a_broken_view_is_named_and_its_owner_must_mend_it() {
        let said = "Error while expanding view Sales.v_orders. Column 'amount' not found in any \
                    table. Verify the view's SQL definition.";
        let failure = failed("SELECT 1", RemoteMessage::new(said).as_ref()).to_json();
        assert!(
            failure.contains("The view Sales.v_orders is broken")
                && failure.contains("Column 'amount' not found"),
            "{failure}"
        );
        assert!(!failure.contains("Look names up"), "{failure}");
    }
}
