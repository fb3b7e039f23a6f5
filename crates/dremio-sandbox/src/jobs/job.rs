//! One job: what is known about it, and the state that a look at it shows.
//!
//! A job is never driven through its states by a timer: they follow from the time that has passed,
//! whenever it is read. A job with a duration goes through all of them, one without has the two
//! or three that its real execution has.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};

use super::Submission;
use crate::clock;
use crate::sql::SqlError;
use crate::values::ResultSet;

/// The states that the stand-in shows, of Dremio's fifteen (contract §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Dremio's names, explained there")]
pub enum JobState {
    Pending,
    MetadataRetrieval,
    Planning,
    Queued,
    ExecutionPlanning,
    Starting,
    Running,
    Completed,
    Canceled,
    Failed,
}

impl JobState {
    /// As in `jobState`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::MetadataRetrieval => "METADATA_RETRIEVAL",
            Self::Planning => "PLANNING",
            Self::Queued => "QUEUED",
            Self::ExecutionPlanning => "EXECUTION_PLANNING",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Canceled => "CANCELED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether the job has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Canceled | Self::Failed)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A job as a test sees it.
#[derive(Debug, Clone)]
pub struct JobRecord {
    /// Its id.
    pub id: String,
    /// The text that was submitted.
    pub sql: String,
    /// The default schema path that was submitted with it.
    pub context: Vec<String>,
    /// Who submitted it.
    pub user: String,
    /// Its state now.
    pub state: JobState,
    /// Whether it was cancelled by a request.
    pub cancel_requested: bool,
    /// How often its state was asked for over HTTP (results calls ask too).
    pub polls: u32,
    /// Rows of its result, 0 until it is completed.
    pub row_count: usize,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What a look at a job shows.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) state: JobState,
    pub(crate) row_count: usize,
    pub(crate) error: Option<String>,
    pub(crate) cancellation_reason: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// The datasets that the text names; empty until they are known.
    pub(crate) queried: Vec<String>,
    /// The tables that it reads; empty until the job has ended.
    pub(crate) scanned: Vec<String>,
}

/// Why a completed job has no rows to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultsError {
    /// They were thrown away.
    Expired,
    /// There never were any.
    None,
}

/// How long a job takes at least.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Until it is COMPLETED.
    pub(crate) completed: Duration,
    /// Until it is FAILED.
    pub(crate) failed: Duration,
}

#[derive(Debug)]
pub(crate) struct Job {
    id: String,
    submission: Submission,
    submitted_at: Timestamp,
    submitted: Instant,
    pace: Pace,
    cancelled: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    started: Option<Timestamp>,
    cancelled_by: Option<String>,
    queried: Vec<String>,
    scanned: Vec<String>,
    outcome: Option<(Timestamp, Outcome)>,
    polls: u32,
}

#[derive(Debug)]
enum Outcome {
    Done { row_count: usize, result: Option<Arc<ResultSet>> },
    Failed(String),
    Canceled(String),
}

impl Job {
    pub(crate) fn new(id: String, submission: Submission, now: Timestamp, pace: Pace) -> Self {
        Self {
            id,
            submission,
            submitted_at: now,
            submitted: Instant::now(),
            pace,
            cancelled: AtomicBool::new(false),
            inner: Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn submission(&self) -> &Submission {
        &self.submission
    }

    pub(crate) fn submitted_at(&self) -> Timestamp {
        self.submitted_at
    }

    /// Its statement begins to run; `false` if it was cancelled before.
    pub(crate) fn start(&self) -> bool {
        self.lock().started = Some(clock::now());
        !self.is_cancelled()
    }

    /// What its text queries and reads is known.
    pub(crate) fn note_datasets(&self, queried: Vec<String>, scanned: Vec<String>) {
        let mut inner = self.lock();
        (inner.queried, inner.scanned) = (queried, scanned);
    }

    /// Its statement has ended.
    pub(crate) fn finish(&self, outcome: Result<ResultSet, SqlError>) {
        let mut inner = self.lock();
        if inner.outcome.is_some() {
            return;
        }
        let outcome = match (outcome, &inner.cancelled_by) {
            // Dremio may still complete a cancelled job; here the cancellation always wins, so that
            // tests are deterministic.
            (_, Some(user)) => Outcome::Canceled(format!("Query cancelled by user '{user}'")),
            (Ok(result), None) => {
                Outcome::Done { row_count: result.row_count(), result: Some(Arc::new(result)) }
            }
            (Err(SqlError::Failed(message) | SqlError::Syntax(message)), None) => {
                Outcome::Failed(message)
            }
            (Err(SqlError::Interrupted), None) => Outcome::Canceled(
                "Query was cancelled because it exceeded the time limits set by the administrator."
                    .to_owned(),
            ),
        };
        inner.outcome = Some((clock::now(), outcome));
    }

    /// Cancels it; `false` if it has ended already.
    pub(crate) fn cancel(&self, user: &str) -> bool {
        let mut inner = self.lock();
        if self.state(&inner).is_terminal() {
            return false;
        }
        self.cancelled.store(true, Ordering::Release);
        inner.cancelled_by = Some(user.to_owned());
        if inner.outcome.is_some() {
            // Its statement is done and it only waits for its time to pass.
            let reason = format!("Query cancelled by user '{user}'");
            inner.outcome = Some((clock::now(), Outcome::Canceled(reason)));
        }
        true
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn has_run_for(&self, limit: Duration) -> bool {
        // Not behind the lock: this is asked thousands of times a second.
        self.submitted.elapsed() > limit
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state(&self.lock()).is_terminal()
    }

    /// What a caller sees now; counted.
    pub(crate) fn observe(&self) -> View {
        let mut inner = self.lock();
        inner.polls = inner.polls.saturating_add(1);
        self.view(&inner)
    }

    /// The same without being counted.
    pub(crate) fn peek(&self) -> View {
        self.view(&self.lock())
    }

    /// A page of the result of a completed job.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> Result<String, ResultsError> {
        let result = match &self.lock().outcome {
            Some((_, Outcome::Done { result, .. })) => {
                result.clone().ok_or(ResultsError::Expired)?
            }
            _ => return Err(ResultsError::None),
        };
        Ok(result.page(offset, limit))
    }

    pub(crate) fn result_bytes(&self) -> usize {
        match &self.lock().outcome {
            Some((_, Outcome::Done { result: Some(result), .. })) => result.bytes(),
            _ => 0,
        }
    }

    pub(crate) fn drop_result(&self) {
        if let Some((_, Outcome::Done { result, .. })) = &mut self.lock().outcome {
            *result = None;
        }
    }

    pub(crate) fn record(&self) -> JobRecord {
        let inner = self.lock();
        let view = self.view(&inner);
        JobRecord {
            id: self.id.clone(),
            sql: self.submission.sql.clone(),
            context: self.submission.context.clone(),
            user: self.submission.user.clone(),
            state: view.state,
            cancel_requested: inner.cancelled_by.is_some(),
            polls: inner.polls,
            row_count: view.row_count,
            error: view.error,
            submitted_at: self.submitted_at,
            finished_at: view.finished_at,
        }
    }

    fn view(&self, inner: &Inner) -> View {
        let state = self.state(inner);
        let outcome = inner.outcome.as_ref().filter(|_| state.is_terminal());
        let finished_at = outcome.map(|(at, outcome)| match outcome {
            Outcome::Done { .. } => (*at).max(self.earliest_end(self.pace.completed)),
            Outcome::Failed(_) => (*at).max(self.earliest_end(self.pace.failed)),
            Outcome::Canceled(_) => *at,
        });
        View {
            state,
            row_count: match outcome {
                Some((_, Outcome::Done { row_count, .. })) => *row_count,
                _ => 0,
            },
            error: match outcome {
                Some((_, Outcome::Failed(message))) => Some(message.clone()),
                _ => None,
            },
            cancellation_reason: match outcome {
                Some((_, Outcome::Canceled(reason))) => Some(reason.clone()),
                _ => None,
            },
            started_at: inner.started.filter(|_| state >= JobState::Queued),
            finished_at,
            queried: inner.queried.clone(),
            scanned: outcome.map_or_else(Vec::new, |_| inner.scanned.clone()),
        }
    }

    fn state(&self, inner: &Inner) -> JobState {
        let elapsed = self.submitted.elapsed();
        match &inner.outcome {
            Some((_, Outcome::Failed(_))) if elapsed >= self.pace.failed => {
                return JobState::Failed;
            }
            Some((_, Outcome::Canceled(_))) => return JobState::Canceled,
            Some((_, Outcome::Done { .. })) if elapsed >= self.pace.completed => {
                return JobState::Completed;
            }
            _ => {}
        }
        let duration = self.pace.completed;
        if elapsed < duration {
            let tenths = elapsed.as_nanos().saturating_mul(10) / duration.as_nanos().max(1);
            return match tenths {
                0 => JobState::Pending,
                1 => JobState::MetadataRetrieval,
                2 => JobState::Planning,
                3 => JobState::Queued,
                4 => JobState::ExecutionPlanning,
                5 => JobState::Starting,
                _ => JobState::Running,
            };
        }
        if inner.started.is_some() { JobState::Running } else { JobState::Pending }
    }

    fn earliest_end(&self, duration: Duration) -> Timestamp {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        self.submitted_at.checked_add(duration).unwrap_or(Timestamp::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}
