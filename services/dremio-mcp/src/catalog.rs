//! What Dremio has: tables and views with their columns, read once from INFORMATION_SCHEMA and kept
//! in memory.
//!
//! - `questions`: fixed SQL as a job, and its rows
//! - `load`: reads a [`Snapshot`], and `contents` makes it ready for questions
//! - `words`, `index`, `search`: finds tables by the words of a question
//! - `nearest`: finds what a wrong name may have meant
//! - `references`, `lineage`: what views are made of
//! - `entity`, `notes`: one catalog object, its tags and its wiki
//!
//! A snapshot is read when it is first asked for, once for all who ask meanwhile. One that is older
//! than [`FRESH`] is still given, while the next is read in the background.

mod contents;
mod entity;
mod index;
mod lineage;
mod load;
mod nearest;
mod notes;
mod questions;
mod references;
mod search;
mod words;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use service_kit::runtime::aside;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use self::contents::Contents;
use self::entity::Children;
pub(crate) use self::entity::{Child, Entity};
pub(crate) use self::lineage::Lineage;
#[cfg(test)]
pub(crate) use self::lineage::{Edge, Node};
pub(crate) use self::nearest::nearest;
use self::notes::KnownTables;
pub(crate) use self::notes::Notes;
pub(crate) use self::questions::QuestionError;
pub(crate) use self::search::Hit;
use crate::dremio::{DremioError, JobCustody};
use crate::guard::Statement;
use crate::policy::{Identity, JobPlace, TopNames};

/// How old a snapshot may be before the next one is read. A table made a moment ago is found by its
/// path in any case, because that is asked of Dremio itself.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// What Dremio's catalog holds, as far as it was read, or a part of that. Parts share their tables.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    tables: Vec<Arc<Table>>,
}

impl Snapshot {
    pub(crate) fn tables(&self) -> impl ExactSizeIterator<Item = &Table> {
        self.tables.iter().map(|table| &**table)
    }
}

impl FromIterator<Table> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Table>>(tables: I) -> Self {
        Self { tables: tables.into_iter().map(Arc::new).collect() }
    }
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

/// A column. Its type is written as in a query: `VARCHAR`, `DECIMAL(10,2)`. Both texts are shared
/// with the columns that have the same: most tables have a `VARCHAR`, and many an `id`.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: Arc<str>,
    pub(crate) data_type: Arc<str>,
}

/// The catalog of one Dremio, as a whole or as one caller sees it.
#[derive(Debug)]
pub(crate) struct Catalog {
    jobs: JobCustody,
    shared: Arc<Shared>,
    /// Who sees it, if not all of it is to be seen.
    caller: Option<Arc<Identity>>,
}

/// What was read, once for all callers.
#[derive(Debug)]
struct Shared {
    /// Whether the job history may be asked for what people use.
    job_history: bool,
    /// Where the names of spaces and sources go.
    tops: TopNames,
    read: watch::Sender<Read>,
    /// The reading under way. It ends with the catalog.
    reading: Mutex<Option<AbortOnDropHandle<()>>>,
    known: KnownTables,
}

/// What was read so far.
#[derive(Clone, Debug, Default)]
struct Read {
    latest: Option<(Arc<Contents>, Instant)>,
    /// How many attempts have ended, and how the last one failed, if it did.
    attempts: u64,
    failure: Option<Arc<QuestionError>>,
}

impl Catalog {
    /// The catalog of the Dremio at which these jobs are. Nothing is asked yet.
    pub(crate) fn new(jobs: JobCustody, job_history: bool, tops: TopNames) -> Self {
        let shared = Shared {
            job_history,
            tops,
            read: watch::Sender::new(Read::default()),
            reading: Mutex::new(None),
            known: KnownTables::default(),
        };
        Self { jobs, shared: Arc::new(shared), caller: None }
    }

    /// The catalog as `caller` sees it, who asks Dremio with `jobs`. Within a runtime only.
    pub(crate) fn of(&self, caller: &Arc<Identity>, jobs: JobCustody) -> Self {
        let caller = caller.schemas().is_some().then(|| Arc::clone(caller));
        let catalog = Self { jobs, shared: Arc::clone(&self.shared), caller };
        if catalog.caller.is_some() && self.shared.read.borrow().latest.is_none() {
            // Which names are those of spaces and sources is known sooner.
            catalog.start_reading();
        }
        catalog
    }

    /// Whether the caller sees what is at `path`.
    fn shows<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let schemas = self.caller.as_ref().and_then(|caller| caller.schemas());
        schemas.is_none_or(|schemas| schemas.allow(path))
    }

    /// Whether the caller sees that there is something at `path`, because it may see something
    /// below.
    fn shows_way<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let schemas = self.caller.as_ref().and_then(|caller| caller.schemas());
        schemas.is_none_or(|schemas| schemas.allow(path) || schemas.lie_below(path))
    }

    /// What Dremio has. Waits no longer than `patience` for the first reading, which goes on.
    pub(crate) async fn snapshot(&self, patience: Duration) -> Option<Arc<Snapshot>> {
        let contents = tokio::time::timeout(patience, self.contents()).await.ok()?.ok()?;
        if self.caller.is_none() {
            return Some(Arc::clone(&contents.snapshot));
        }
        let tables = contents.snapshot.tables.iter().filter(|table| self.shows(&table.path));
        Some(Arc::new(Snapshot { tables: aside(|| tables.cloned().collect()) }))
    }

    /// The object at `path`, asked of Dremio.
    ///
    /// # Errors
    /// As for [`dremio_client::DremioClient::catalog_by_path`].
    pub(crate) async fn entity(&self, path: &[String]) -> Result<Entity, DremioError> {
        let hidden =
            || dremio_client::Error::NotFound { operation: "catalog lookup", message: None };
        if !self.shows_way(path) {
            return Err(hidden().into());
        }
        let asked = self
            .jobs
            .dremio()
            .ask(|client, token| async move { client.catalog_by_path(token.secret(), path).await });
        let mut entity: Entity = read(&asked.await?, "not a catalog object")?;
        if !self.shows_way(&entity.path()) {
            return Err(hidden().into());
        }
        entity.children.retain(|child| self.shows_way(&child.path));
        Ok(entity)
    }

    /// What stands on the top level: spaces, sources, and the home of who asks.
    ///
    /// # Errors
    /// When Dremio cannot be asked.
    pub(crate) async fn top(&self) -> Result<Vec<Child>, DremioError> {
        let asked = self
            .jobs
            .dremio()
            .ask(|client, token| async move { client.catalog_top(token.secret()).await });
        let mut top = read::<Children>(&asked.await?, "not a list of catalog objects")?.data;
        top.retain(|child| self.shows_way(&child.path));
        Ok(top)
    }

    /// Tags and wiki of an object.
    pub(crate) async fn notes(&self, entity: &Entity) -> Notes {
        if !self.shows(&entity.path()) {
            return Notes::default();
        }
        Notes::of(self.jobs.dremio(), entity).await
    }

    /// The first rows of a statement that the guard has read, at most `rows_max` of the 500 that
    /// Dremio gives at a time. `label` names who asks; `place`
    /// is that of the job. Dropping the future cancels the job.
    ///
    /// # Errors
    /// See [`QuestionError`].
    pub(crate) async fn page(
        &self,
        statement: &Statement,
        label: &str,
        place: Option<JobPlace>,
        rows_max: u32,
    ) -> Result<dremio_client::Page, QuestionError> {
        questions::page(&self.jobs, statement, label, place, rows_max).await
    }

    /// What Dremio's own search finds; nothing if it cannot be asked.
    async fn search_of_dremio(&self, text: &str) -> Vec<Child> {
        if text.is_empty() {
            return Vec::new();
        }
        let asked = self
            .jobs
            .dremio()
            .ask(|client, token| async move { client.catalog_search(token.secret(), text).await });
        let found = match asked.await {
            Ok(found) => read::<Children>(&found, "not a list of catalog objects"),
            Err(cause) => Err(cause),
        };
        let found = found
            .inspect_err(|cause| tracing::debug!(error = %cause, "Dremio's search is of no help"));
        let mut found = found.map(|found| found.data).unwrap_or_default();
        found.retain(|child| self.shows(&child.path));
        found
    }

    /// What was read, as long as it takes.
    ///
    /// # Errors
    /// When there is nothing, and it cannot be read.
    async fn contents(&self) -> Result<Arc<Contents>, Arc<QuestionError>> {
        let mut read = self.shared.read.subscribe();
        let before = read.borrow_and_update().clone();
        if before.latest.as_ref().is_none_or(|(_, at)| at.elapsed() >= FRESH) {
            self.start_reading();
        }
        if let Some((contents, _)) = before.latest {
            return Ok(contents);
        }
        let done = read.wait_for(|now| now.attempts > before.attempts).await;
        let Read { latest, failure, .. } = done.map(|read| read.clone()).unwrap_or_default();
        match latest {
            Some((contents, _)) => Ok(contents),
            None => Err(failure.unwrap_or_else(|| Arc::new(QuestionError::Stopped))),
        }
    }

    /// Gives up the reading under way, and its job at Dremio. Who waits for it hears so.
    pub(crate) fn stop(&self) {
        self.shared.reading.lock().take();
        self.shared.read.send_modify(|read| {
            read.attempts += 1;
            read.failure = Some(Arc::new(QuestionError::Stopped));
        });
    }

    /// Starts a reading, unless one is under way.
    fn start_reading(&self) {
        let mut reading = self.shared.reading.lock();
        if reading.as_ref().is_some_and(|reading| !reading.is_finished()) {
            return;
        }
        let Shared { job_history, tops, read, .. } = &*self.shared;
        let (jobs, job_history) = (self.jobs.clone(), *job_history);
        let (tops, read) = (tops.clone(), read.clone());
        let task = tokio::spawn(async move {
            let outcome = load::contents(&jobs, job_history).await;
            if let Err(cause) = &outcome {
                tracing::warn!(error = %cause, "Dremio's catalog could not be read");
            }
            if let Ok(contents) = &outcome {
                let tables = contents.snapshot.tables();
                tops.set(tables.filter_map(|table| table.path.first().map(String::as_str)));
            }
            let mut replaced = None;
            read.send_modify(|read| {
                read.attempts += 1;
                match outcome {
                    Ok(contents) => {
                        replaced = read.latest.replace((Arc::new(contents), Instant::now()));
                        read.failure = None;
                    }
                    Err(cause) => read.failure = Some(Arc::new(cause)),
                }
            });
            aside(|| drop(replaced));
        });
        *reading = Some(AbortOnDropHandle::new(task));
    }
}

fn read<T: serde::de::DeserializeOwned>(
    text: &serde_json::value::RawValue,
    problem: &'static str,
) -> Result<T, DremioError> {
    let bad = |_| dremio_client::Error::BadAnswer { operation: "catalog lookup", problem };
    Ok(serde_json::from_str(text.get()).map_err(bad)?)
}

/// `parts` as SQL wants them: each in double quotes, joined by dots.
pub(crate) fn quoted<S: AsRef<str>>(parts: &[S]) -> String {
    let quoted: Vec<String> =
        parts.iter().map(|part| format!("\"{}\"", part.as_ref().replace('"', "\"\""))).collect();
    quoted.join(".")
}
