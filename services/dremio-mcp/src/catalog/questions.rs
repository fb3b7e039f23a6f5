//! Statements of our own, as jobs: submitted, awaited, read page by page. Those of [`ask`] are
//! fixed texts; those of [`page`] have names from outside in them, so the guard has read them.

use std::sync::Arc;
use std::time::Duration;

use dremio_client::{Error, JobId, JobState, PAGE_ROWS_MAX, Page};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::dremio::{DremioError, JobCustody};
use crate::guard::Statement;
use crate::policy::JobPlace;

/// How long one statement may take, its rows included.
const QUESTION_MAX: Duration = Duration::from_secs(120);

/// What is read of one page. Rows here are short: some hundred bytes.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Pages that are fetched at a time. Stored results do not change, so their order is free
/// (contract §4.3); more would crowd out what agents ask.
const PAGES_AT_ONCE: usize = 4;

/// Why a statement of ours has no rows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuestionError {
    /// Dremio could not be asked.
    #[error(transparent)]
    Dremio(#[from] Arc<DremioError>),
    /// Its job did not complete.
    #[error("{0}")]
    Job(String),
    /// It took too long.
    #[error("Dremio took more than {} s for a query of ours", QUESTION_MAX.as_secs())]
    TooSlow,
    /// What came is not what was asked for.
    #[error("Dremio's answer to a query of ours cannot be read")]
    BadAnswer,
    /// The gateway stops.
    #[error("the gateway stops")]
    Stopped,
}

impl From<DremioError> for QuestionError {
    fn from(cause: DremioError) -> Self {
        Self::Dremio(Arc::new(cause))
    }
}

/// Gives each of the first `rows_max` rows of `sql` to `take`, in their order. Returns how many
/// there are in all. Dropping the future cancels the job.
///
/// # Errors
/// See [`QuestionError`].
pub(super) async fn ask<R: DeserializeOwned + Send>(
    jobs: &JobCustody,
    sql: &str,
    rows_max: u64,
    take: impl FnMut(R) + Send,
) -> Result<u64, QuestionError> {
    tokio::time::timeout(QUESTION_MAX, answer(jobs, sql, rows_max, take))
        .await
        .unwrap_or(Err(QuestionError::TooSlow))
}

async fn answer<R: DeserializeOwned + Send>(
    jobs: &JobCustody,
    sql: &str,
    rows_max: u64,
    mut take: impl FnMut(R) + Send,
) -> Result<u64, QuestionError> {
    let job = run(jobs, sql, "catalog", None).await?;
    let total = job.rows;
    let (rows, page_rows) = (total.min(rows_max), u64::from(PAGE_ROWS_MAX));
    let id = &job.id;
    let pages = (0..rows.div_ceil(page_rows)).map(|page| {
        let offset = page * page_rows;
        page_of(jobs, id, offset, page_rows.min(rows - offset))
    });
    let mut pages = stream::iter(pages).buffered(PAGES_AT_ONCE);
    while let Some(page) = pages.try_next().await? {
        for row in page {
            take(row);
        }
    }
    Ok(total)
}

/// The first rows of `statement`, as many as fit into a page.
///
/// # Errors
/// See [`QuestionError`].
pub(super) async fn page(
    jobs: &JobCustody,
    statement: &Statement,
    label: &str,
    place: Option<JobPlace>,
    rows_max: u32,
) -> Result<Page, QuestionError> {
    let asked = async {
        let job = run(jobs, statement.as_str(), label, place).await?;
        let id = &job.id;
        let page = jobs.dremio().read(|client, token| async move {
            client.results(token.secret(), id, 0, rows_max, PAGE_BYTES_MAX).await
        });
        Ok(page.await?)
    };
    tokio::time::timeout(QUESTION_MAX, asked).await.unwrap_or(Err(QuestionError::TooSlow))
}

/// A job that has completed.
struct Completed {
    id: JobId,
    rows: u64,
}

/// Runs `sql`. `label` says in Dremio's job history who asks; the job has `place`.
async fn run(
    jobs: &JobCustody,
    sql: &str,
    label: &str,
    place: Option<JobPlace>,
) -> Result<Completed, QuestionError> {
    let mut job = jobs.submit_sql(sql, label, place, ()).await.ok_or(QuestionError::Stopped)??;
    let deadline = Instant::now() + QUESTION_MAX;
    let status = jobs.dremio().job_end(job.id(), deadline, |_| {}).await?;
    job.mark_over();
    if status.state == JobState::Completed {
        return Ok(Completed { id: job.id().clone(), rows: status.row_count });
    }
    let said = status.error_message.or(status.cancellation_reason);
    let said = said.map_or_else(|| "Dremio does not say why".to_owned(), |it| it.to_string());
    Err(QuestionError::Job(said))
}

/// `count` rows from `offset` on. A page that is too large is fetched in smaller ones; a row that
/// is too large by itself is left out.
async fn page_of<R: DeserializeOwned>(
    jobs: &JobCustody,
    job: &JobId,
    offset: u64,
    count: u64,
) -> Result<Vec<R>, QuestionError> {
    let (mut rows, end) = (Vec::new(), offset + count);
    let (mut at, mut limit) = (offset, PAGE_ROWS_MAX);
    while at < end {
        let wanted = limit.min(u32::try_from(end - at).unwrap_or(PAGE_ROWS_MAX));
        let page = jobs.dremio().read(|client, token| async move {
            client.results(token.secret(), job, at, wanted, PAGE_BYTES_MAX).await
        });
        match page.await {
            Ok(page) if page.rows.is_empty() && !page.is_cut => {
                return Err(QuestionError::BadAnswer);
            }
            Ok(page) if !page.rows.is_empty() => {
                at += page.rows.len() as u64;
                for row in &page.rows {
                    rows.push(read(row)?);
                }
            }
            Ok(_) | Err(DremioError::Dremio(Error::TooLarge { .. })) if wanted == 1 => at += 1,
            Ok(_) | Err(DremioError::Dremio(Error::TooLarge { .. })) => limit = (wanted / 8).max(1),
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(rows)
}

fn read<R: DeserializeOwned>(row: &RawValue) -> Result<R, QuestionError> {
    serde_json::from_str(row.get()).map_err(|_| QuestionError::BadAnswer)
}
