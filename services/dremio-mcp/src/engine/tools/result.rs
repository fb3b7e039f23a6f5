//! The answer about a job, for both engines: its rows as soon as it is done, or a handle to ask on
//! with when the call has waited long enough.

use std::sync::Arc;

use dremio_client::{JobId, JobState, JobStatus, RemoteMessage};
use service_kit::runtime::aside;
use tokio::time::Instant;

use super::failure::Failure;
use super::progress::Progress;
use super::wanted::Wanted;
use super::{ToolRoom, job, rows};
use crate::answer::{self, Format};
use crate::audit::CallAudit;
use crate::coach;
use crate::dremio::{DremioError, HeldJob};
use crate::telemetry;

/// The answer about a job that this call has started with `sql`. Dropping the future cancels the
/// job; one that takes too long is kept for its client.
///
/// # Errors
/// When the job did not complete, or its rows cannot be had.
pub(in crate::engine) async fn of_job(
    room: &ToolRoom,
    mut held: HeldJob,
    sql: &str,
    wanted: Wanted,
    progress: &mut Progress<'_>,
) -> Result<String, Failure> {
    let Some(status) = ended(room, held.id(), progress).await?? else {
        let text = still_running(room, progress, held.id(), wanted.format);
        room.kept_jobs.keep(held, sql);
        return Ok(text);
    };
    held.mark_over();
    completed(room, &status, sql).await?;
    let rows = rows::write(room, held.id(), wanted, sql, progress);
    telemetry::part("results").run(rows).await
}

/// How a job ended, or `None` if it runs on when the call has waited long enough.
///
/// # Errors
/// When a budget of the caller ends before.
async fn ended(
    room: &ToolRoom,
    id: &JobId,
    progress: &mut Progress<'_>,
) -> Result<Result<Option<JobStatus>, DremioError>, Failure> {
    let deadline = Instant::now() + room.answers.query_wait;
    tokio::select! {
        ended = job::end(room.jobs.dremio(), id, progress, deadline) => Ok(ended),
        over = room.budgets_end() => Err(over),
    }
}

/// The answer about a job that the caller has a handle of. Dropping the future while the job runs
/// cancels it, unless others wait for it, too.
///
/// # Errors
/// Those of [`of_job`]. When Dremio cannot be asked, the job stays kept.
pub(in crate::engine) async fn of_kept_job(
    room: &ToolRoom,
    id: &JobId,
    wanted: Wanted,
    progress: &mut Progress<'_>,
) -> Result<String, Failure> {
    CallAudit::note_job(id);
    let question = room.kept_jobs.question(&room.jobs, id);
    let sql = Arc::clone(question.note());
    // Given up, the question cancels the job.
    room.check_budgets()?;
    let status = match ended(room, id, progress).await? {
        Ok(Some(status)) => {
            question.mark_over();
            status
        }
        Ok(None) => {
            question.runs_on();
            return Ok(still_running(room, progress, id, wanted.format));
        }
        Err(DremioError::Dremio(dremio_client::Error::NotFound { .. })) => {
            question.mark_over();
            return Err(Failure::new("Dremio does not know this query any more", rows::RUN_AGAIN));
        }
        Err(cause) => {
            question.runs_on();
            return Err(cause.into());
        }
    };
    completed(room, &status, &sql).await?;
    let rows = rows::write(room, id, wanted, &sql, progress);
    telemetry::part("results").run(rows).await
}

/// What a client reads whose query takes longer than its call.
pub(in crate::engine) fn still_running(
    room: &ToolRoom,
    progress: &Progress<'_>,
    id: &JobId,
    format: Format,
) -> String {
    let handle = room.handles.issue(progress.principal(), &progress.caller().rights(), id);
    progress.set_shown(&handle, 0);
    answer::still_running(format, progress.seconds(), &handle)
}

/// Whether the job has rows.
async fn completed(room: &ToolRoom, status: &JobStatus, sql: &str) -> Result<(), Failure> {
    match status.state {
        JobState::Completed => Ok(()),
        JobState::Failed => Err(failed(room, sql, status.error_message.as_ref()).await),
        _ => Err(cancelled(status.cancellation_reason.as_ref())),
    }
}

async fn failed(room: &ToolRoom, sql: &str, said: Option<&RemoteMessage>) -> Failure {
    let Some(said) = said.map(RemoteMessage::as_str) else {
        return Failure::new(
            "the query failed, and Dremio does not say why",
            "Try it again; if it fails again, the operator of Dremio can look.",
        )
        .of_class("query_failed");
    };
    // A Dremio in trouble is not asked for its catalog, too.
    if let Some(advice) = coach::not_the_querys_fault(said) {
        return Failure::from(advice).permitted(&room.gate);
    }
    let catalog = room.catalog.snapshot(coach::PATIENCE).await;
    let advice = aside(|| coach::advise(sql, said, catalog.as_deref()));
    Failure::from(advice).permitted(&room.gate)
}

fn cancelled(reason: Option<&RemoteMessage>) -> Failure {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Failure::new(
        format!("the query was cancelled at Dremio{reason}"),
        "Somebody or some limit stopped it there. Ask for less, or try it again.",
    )
    .of_class("cancelled_at_dremio")
}
