//! One statement as a Dremio job: submitted, and awaited for a while.

use std::fmt;

use dremio_client::{JobId, JobState, JobStatus, Page};
use parking_lot::Mutex;
use service_kit::wording::counted;
use tokio::time::Instant;

use super::ToolRoom;
use super::failure::Failure;
use super::progress::Progress;
use crate::dremio::{DremioCaller, DremioError, HeldJob, JobCustody};
use crate::guard::Statement;
use crate::policy::JobPlace;

/// Submits `statement`, as [`JobCustody::submit_sql`]. Meanwhile the submission has what the call
/// holds: statements of calls that were given up take room like any other. The job has `place`.
///
/// # Errors
/// When the job could not be started.
pub(super) async fn submit(
    jobs: &JobCustody,
    label: &str,
    statement: &Statement,
    place: Option<JobPlace>,
    progress: &mut Progress<'_>,
) -> Result<HeldJob, Failure> {
    let submission = jobs.submit_sql(statement.as_str(), label, place, progress.holds());
    let submitted = progress.during("SUBMITTING", submission).await;
    Ok(submitted.ok_or_else(|| Failure::new("the query was not submitted", "Try it again."))??)
}

/// Waits for the end of a job, however it ends; nothing if it still runs at the `deadline`.
pub(super) async fn end(
    dremio: &DremioCaller,
    id: &JobId,
    progress: &mut Progress<'_>,
    deadline: Instant,
) -> Result<Option<JobStatus>, DremioError> {
    let seen = Seen(Mutex::new((JobState::Pending, 0)));
    let note = |status: &JobStatus| *seen.0.lock() = (status.state, status.row_count);
    let status = progress.during(&seen, dremio.job_end(id, deadline, note)).await?;
    Ok(status.state.is_terminal().then_some(status))
}

/// The first rows of a query of our own about a table, or why there are none. The guard reads it,
/// as any, and the caller's budgets pay for it.
pub(super) async fn first_rows(
    room: &ToolRoom,
    label: &str,
    sql: &str,
    rows_max: u32,
    doing: &str,
    progress: &mut Progress<'_>,
) -> Result<Page, String> {
    let statement = room.gate.check(sql).map_err(|refusal| refusal.to_string())?;
    let place = room.begin_query().map_err(|over| over.sentence())?;
    let asked = room.catalog.page(&statement, label, place, rows_max);
    let page = progress.during(doing, asked).await.map_err(|cause| cause.to_string())?;
    for row in &page.rows {
        room.spend_row(row).map_err(|over| over.sentence())?;
    }
    Ok(page)
}

/// How far a job is: its state and how many rows it has, when it was last asked for.
struct Seen(Mutex<(JobState, u64)>);

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, rows) = *self.0.lock();
        f.write_str(state_name(state))?;
        if rows > 0 { write!(f, ", {} so far", counted(rows, "row")) } else { Ok(()) }
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
