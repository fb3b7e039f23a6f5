//! What Dremio has: tables and views with their columns, read once from INFORMATION_SCHEMA and kept
//! in memory.
//!
//! - `questions`: fixed SQL as a job, and its rows
//! - `load`: reads a [`Snapshot`]
//!
//! A snapshot is read when it is first asked for, once for all who ask meanwhile. One that is older
//! than [`FRESH`] is still given, while the next is read in the background.

mod load;
mod questions;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::questions::QuestionError;
use crate::dremio::JobCustody;

/// How old a snapshot may be before the next one is read. A table made a moment ago is found by its
/// path in any case, because that is asked of Dremio itself.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// What Dremio's catalog holds, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) tables: Vec<Table>,
}

/// A table or view with its columns, in their order.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) columns: Vec<Column>,
}

/// What a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    View,
    System,
}

/// A column. Its type is written as in a query: `VARCHAR`, `DECIMAL(10,2)`.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) data_type: String,
}

/// The catalog of one Dremio.
#[derive(Debug)]
pub(crate) struct Catalog {
    jobs: JobCustody,
    read: watch::Sender<Read>,
    /// The reading under way. It ends with the catalog.
    reading: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// What was read so far.
#[derive(Clone, Debug, Default)]
struct Read {
    latest: Option<(Arc<Snapshot>, Instant)>,
    /// How many attempts have ended, and how the last one failed, if it did.
    attempts: u64,
    failure: Option<Arc<QuestionError>>,
}

impl Catalog {
    /// The catalog of the Dremio at which these jobs are. Nothing is asked yet.
    pub(crate) fn new(jobs: JobCustody) -> Self {
        Self { jobs, read: watch::Sender::new(Read::default()), reading: Mutex::new(None) }
    }

    /// What Dremio has. Waits no longer than `patience` for the first reading, which goes on.
    pub(crate) async fn snapshot(&self, patience: Duration) -> Option<Arc<Snapshot>> {
        tokio::time::timeout(patience, self.latest()).await.ok()?.ok()
    }

    /// As [`Catalog::snapshot`], as long as it takes.
    ///
    /// # Errors
    /// When there is none, and it cannot be read.
    pub(crate) async fn latest(&self) -> Result<Arc<Snapshot>, Arc<QuestionError>> {
        let mut read = self.read.subscribe();
        let before = read.borrow_and_update().clone();
        let is_fresh = |at: Instant| at.elapsed() < FRESH;
        if !before.latest.as_ref().is_some_and(|(_, at)| is_fresh(*at)) {
            self.start_reading();
        }
        if let Some((snapshot, _)) = before.latest {
            return Ok(snapshot);
        }
        let done = read.wait_for(|now| now.attempts > before.attempts).await;
        let Read { latest, failure, .. } = done.map(|read| read.clone()).unwrap_or_default();
        match (latest, failure) {
            (Some((snapshot, _)), _) => Ok(snapshot),
            (None, failure) => Err(failure.unwrap_or_else(|| Arc::new(QuestionError::Stopped))),
        }
    }

    /// Starts a reading, unless one is under way.
    fn start_reading(&self) {
        let mut reading = self.reading.lock();
        if reading.as_ref().is_some_and(|reading| !reading.is_finished()) {
            return;
        }
        let (jobs, read) = (self.jobs.clone(), self.read.clone());
        let task = tokio::spawn(async move {
            let outcome = load::snapshot(&jobs).await;
            if let Err(cause) = &outcome {
                tracing::warn!(error = %cause, "Dremio's catalog could not be read");
            }
            read.send_modify(|read| {
                read.attempts += 1;
                match outcome {
                    Ok(snapshot) => {
                        (read.latest, read.failure) =
                            (Some((Arc::new(snapshot), Instant::now())), None);
                    }
                    Err(cause) => read.failure = Some(Arc::new(cause)),
                }
            });
        });
        *reading = Some(AbortOnDropHandle::new(task));
    }
}

/// `parts` as SQL wants them: each in double quotes, joined by dots.
pub(crate) fn quoted<S: AsRef<str>>(parts: &[S]) -> String {
    let quoted: Vec<String> =
        parts.iter().map(|part| format!("\"{}\"", part.as_ref().replace('"', "\"\""))).collect();
    quoted.join(".")
}
