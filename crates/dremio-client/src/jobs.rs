//! SQL statements as jobs: submit, check, fetch, cancel (contract §4).

use std::fmt;
use std::str::FromStr;

use http::Method;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::exchange::{Call, Credential};
use crate::page::{PAGE_ROWS_MAX, Page, PageLimits, PageStart};
use crate::{DremioClient, Error, RemoteMessage};

/// Largest answer of the other calls: an id, or a job's state with an error message that may repeat
/// the statement.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The id of a job: 8-4-4-4-12 hexadecimal digits, but not a proper UUID.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JobId(Box<str>);

/// The text is not a job id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job id has 36 characters, like 1b0a2c3d-0000-1111-2222-333344445500")]
pub struct JobIdError;

impl JobId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, JobIdError> {
        let group_chars = [8, 4, 4, 4, 12];
        let well_formed = text.split('-').map(str::len).eq(group_chars)
            && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if well_formed { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(JobIdError) }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of a job. States come in about this order, and may be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum JobState {
    /// Legacy.
    NotSubmitted,
    /// Submitted.
    Pending,
    /// Reading the sources' metadata of the tables.
    MetadataRetrieval,
    /// Planning.
    Planning,
    /// Waiting for an engine to start.
    EngineStart,
    /// Waiting in its queue.
    Queued,
    /// Legacy name of [`Queued`](Self::Queued).
    Enqueued,
    /// Distributing the plan.
    ExecutionPlanning,
    /// Starting on the executors.
    Starting,
    /// Running.
    Running,
    /// Done: the results can be fetched.
    Completed,
    /// Asked to stop, but not stopped yet.
    CancellationRequested,
    /// Stopped early.
    Canceled,
    /// Failed: [`JobStatus::error_message`] says why.
    Failed,
    /// Dremio's own name for a state that it does not know.
    InvalidState,
    /// A state that this client does not know. Not terminal: a newer Dremio may have more steps.
    #[serde(other)]
    Unknown,
}

impl JobState {
    /// Whether the job's state is final.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, JobState::Completed | JobState::Canceled | JobState::Failed)
    }
}

/// The status of a job.
#[derive(Clone, Debug)]
pub struct JobStatus {
    /// The state.
    pub state: JobState,
    /// Rows of the result; 0 until known.
    pub row_count: u64,
    /// Why it failed.
    pub error_message: Option<RemoteMessage>,
    /// Why it was cancelled.
    pub cancellation_reason: Option<RemoteMessage>,
    /// When it was submitted.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The result of a request to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The job was asked to stop. It may still complete.
    Requested,
    /// The job does not exist or has ended. Dremio does not say which.
    NotRunning,
}

#[derive(Serialize)]
struct SqlRequest<'a> {
    sql: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    context: &'a [String],
}

#[derive(Deserialize)]
struct SqlAnswer {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobAnswer {
    job_state: JobState,
    #[serde(default)]
    row_count: u64,
    error_message: Option<String>,
    cancellation_reason: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
}

impl DremioClient {
    /// Submits one statement and returns its job (`POST /api/v3/sql`). `context` is the path in
    /// which unqualified names are looked up, and may be empty.
    ///
    /// Dremio accepts any text: a statement that is wrong or not allowed becomes a job that fails.
    /// Every call is its own session.
    ///
    /// # Errors
    /// After a transient error the job may have started: repeat only statements that may run twice.
    pub async fn submit_sql(
        &self,
        token: &SecretString,
        sql: &str,
        context: &[String],
    ) -> Result<JobId, Error> {
        const OPERATION: &str = "SQL submission";
        let bad = |problem| Error::BadAnswer { operation: OPERATION, problem };
        let body = serde_json::to_vec(&SqlRequest { sql, context })
            .map_err(|_| bad("the request could not be written"))?;
        let call = Call {
            method: Method::POST,
            body: Some(body),
            ..call(OPERATION, token, "/api/v3/sql")
        };
        let answer: SqlAnswer = self.transport.exchange(call).await?.json("no job id in it")?;
        answer.id.parse().map_err(|_| bad("the job id is malformed"))
    }

    /// The status of a job (`GET /api/v3/job/{id}`).
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown job, or one older than Dremio keeps (30 days).
    pub async fn job(&self, token: &SecretString, job: &JobId) -> Result<JobStatus, Error> {
        let path = format!("/api/v3/job/{job}");
        let answer: JobAnswer = self
            .transport
            .exchange(call("job status", token, &path))
            .await?
            .json("no job state in it")?;
        // Dremio writes "" for no message.
        let message = |text: Option<String>| text.as_deref().and_then(RemoteMessage::new);
        // Times are for display: an invalid one must not lose the state.
        let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
        Ok(JobStatus {
            state: answer.job_state,
            row_count: answer.row_count,
            error_message: message(answer.error_message),
            cancellation_reason: message(answer.cancellation_reason),
            started_at: time(answer.started_at),
            ended_at: time(answer.ended_at),
        })
    }

    /// Up to `limit` rows (at most [`PAGE_ROWS_MAX`]; more is cut to that) of a completed job, from
    /// row `offset` on, counted from 0 (`GET /api/v3/job/{id}/results`). An offset past the end
    /// gives no rows. Pages can be fetched in any order and repeatedly.
    ///
    /// Dremio does not cut cells: 500 rows may be many megabytes. A page is read up to `bytes_max`;
    /// its complete rows are returned, possibly none, and [`Page::is_cut`] is set if there was
    /// more.
    ///
    /// # Errors
    /// [`Error::Refused`] while the job has not completed, and after Dremio has deleted the results
    /// (after a day, by default). [`Error::TooLarge`] if not even the number of rows and the
    /// columns fit into `bytes_max`.
    pub async fn results(
        &self,
        token: &SecretString,
        job: &JobId,
        offset: u64,
        limit: u32,
        bytes_max: usize,
    ) -> Result<Page, Error> {
        self.page(token, job, offset, limit, bytes_max, None).await
    }

    /// As [`DremioClient::results`], with the start of each cell only: at most
    /// `limits.cell_chars_max` characters as they stand in JSON. A text is shortened; of a list, a
    /// struct or a map that is too long, the start of its JSON stands there as a text. What is not
    /// kept takes no memory.
    ///
    /// # Errors
    /// Those of [`DremioClient::results`].
    pub async fn shortened_results(
        &self,
        token: &SecretString,
        job: &JobId,
        offset: u64,
        limits: PageLimits,
    ) -> Result<Page, Error> {
        let PageLimits { rows_max, cell_chars_max, bytes_max } = limits;
        self.page(token, job, offset, rows_max, bytes_max, Some(cell_chars_max)).await
    }

    async fn page(
        &self,
        token: &SecretString,
        job: &JobId,
        offset: u64,
        limit: u32,
        bytes_max: usize,
        cell_chars_max: Option<usize>,
    ) -> Result<Page, Error> {
        const OPERATION: &str = "job results";
        let limit = limit.min(PAGE_ROWS_MAX);
        let path = format!("/api/v3/job/{job}/results?offset={offset}&limit={limit}");
        let call =
            Call { answer_bytes_max: bytes_max, is_bulk: true, ..call(OPERATION, token, &path) };
        let answer = self.transport.exchange_start(call, cell_chars_max).await?;
        if !answer.is_cut() {
            return answer.json("no rows and schema in it");
        }
        let mut start = PageStart::default();
        answer.json_start(&mut start)?;
        start.page().ok_or(Error::TooLarge { operation: OPERATION, limit_bytes: bytes_max })
    }

    /// Asks Dremio to stop a job (`POST /api/v3/job/{id}/cancel`).
    ///
    /// # Errors
    /// Never [`Error::NotFound`]: that is [`CancelOutcome::NotRunning`]. May be repeated.
    pub async fn cancel(&self, token: &SecretString, job: &JobId) -> Result<CancelOutcome, Error> {
        let path = format!("/api/v3/job/{job}/cancel");
        let call = Call { method: Method::POST, ..call("job cancellation", token, &path) };
        match self.transport.exchange(call).await {
            Ok(answer) => answer.no_content().map(|()| CancelOutcome::Requested),
            Err(Error::NotFound { .. }) => Ok(CancelOutcome::NotRunning),
            Err(cause) => Err(cause),
        }
    }
}

fn call<'a>(operation: &'static str, token: &'a SecretString, path_and_query: &'a str) -> Call<'a> {
    Call {
        operation,
        method: Method::GET,
        path_and_query,
        credential: Some(Credential::Bearer(token)),
        body: None,
        answer_bytes_max: ANSWER_BYTES_MAX,
        is_bulk: false,
        keeps_message: true,
    }
}

#[cfg(test)]
mod tests;
