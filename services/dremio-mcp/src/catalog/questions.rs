//! Fixed statements of our own, as jobs: submitted, awaited, read page by page. They are not what
//! an agent wrote, so the guard is not asked; whatever comes from outside stands in them as a
//! literal.

use std::sync::Arc;
use std::time::Duration;

use dremio_client::{Error, JobId, JobState, PAGE_ROWS_MAX};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::dremio::{DremioError, HeldJob, JobCustody, Pauses};

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
    #[error("Dremio did not run a query of ours: {0}")]
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

/// The first `rows_max` rows of `sql`, in their order. Dropping the future cancels the job.
///
/// # Errors
/// See [`QuestionError`].
pub(super) async fn ask<R: DeserializeOwned + Send>(
    jobs: &JobCustody,
    sql: &str,
    rows_max: u64,
) -> Result<Vec<R>, QuestionError> {
    tokio::time::timeout(QUESTION_MAX, answer(jobs, sql, rows_max))
        .await
        .unwrap_or(Err(QuestionError::TooSlow))
}

async fn answer<R: DeserializeOwned + Send>(
    jobs: &JobCustody,
    sql: &str,
    rows_max: u64,
) -> Result<Vec<R>, QuestionError> {
    let mut job = submit(jobs, sql).await?;
    let rows = end(jobs, job.id()).await;
    job.mark_over();
    let rows = rows?.min(rows_max);
    let page_rows = u64::from(PAGE_ROWS_MAX);
    let id = job.id();
    let pages = (0..rows.div_ceil(page_rows)).map(|page| {
        let offset = page * page_rows;
        let count = page_rows.min(rows - offset);
        page_of(jobs, id, offset, count)
    });
    let pages: Vec<Vec<R>> = stream::iter(pages).buffered(PAGES_AT_ONCE).try_collect().await?;
    Ok(pages.into_iter().flatten().collect())
}

async fn submit(jobs: &JobCustody, sql: &str) -> Result<HeldJob, QuestionError> {
    let (custody, sql) = (jobs.clone(), format!("{sql}\n/* dremio-mcp: catalog */"));
    let submission = async move {
        let sql = sql.as_str();
        let submitted = custody
            .dremio()
            .ask(|client, token| async move { client.submit_sql(token.secret(), sql, &[]).await });
        Ok::<_, DremioError>(custody.hold(submitted.await?))
    };
    Ok(jobs.submit(submission).await.ok_or(QuestionError::Stopped)??)
}

/// Waits until the job has completed. Returns how many rows it has.
async fn end(jobs: &JobCustody, id: &JobId) -> Result<u64, QuestionError> {
    let pauses = Pauses::new();
    loop {
        let status =
            jobs.dremio().read(|client, token| async move { client.job(token.secret(), id).await });
        let status = status.await?;
        match status.state {
            JobState::Completed => return Ok(status.row_count),
            state if state.is_terminal() => {
                let said = status.error_message.or(status.cancellation_reason);
                let said = said.map_or_else(|| "no reason given".to_owned(), |it| it.to_string());
                return Err(QuestionError::Job(said));
            }
            _ => tokio::time::sleep(pauses.next()).await,
        }
    }
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
