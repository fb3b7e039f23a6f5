//! What a job does: its statement is read, and answered by a query, a command, or the instance.
//!
//! The one place that knows both the instance and its SQL.

mod system_tables;

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Dataset, Rows};
use crate::commands::{self, Statement};
use crate::data::generated;
use crate::engine::{self, Interrupted};
use crate::instance::Instance;
use crate::jobs::{Job, Submission, SubmitError};
use crate::sql::{Environment, Query, SqlError};
use crate::values::{ResultSet, Table};

/// Longer than any statement on the demo data takes.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);

/// All that Dremio says of a syntax error before version 25.
const BARE_SYNTAX_ERROR: &str = "Failure parsing the query.";

/// Adds a job, runs its statement in the background, and returns its id; must be called
/// inside a tokio runtime.
///
/// # Errors
/// The job could not be added; everything else is in the job.
pub(crate) fn submit(
    instance: &Arc<Instance>,
    submission: Submission,
) -> Result<String, SubmitError> {
    let job = instance.jobs.add(submission)?;
    let id = job.id().to_owned();
    instance.jobs.spawn(run(Arc::clone(instance), job));
    Ok(id)
}

async fn run(instance: Arc<Instance>, job: Arc<Job>) {
    let jobs = &instance.jobs;
    let turn = jobs.turn().await;
    if turn.is_none() || !job.start() {
        job.finish(Err(SqlError::Interrupted));
        return;
    }
    let statement = {
        let (instance, job) = (Arc::clone(&instance), Arc::clone(&job));
        let stop = jobs.stop().clone();
        tokio::task::spawn_blocking(move || {
            let watched = Arc::clone(&job);
            let interrupted = move || {
                stop.is_cancelled() || watched.is_cancelled() || watched.has_run_for(RUN_TIME_MAX)
            };
            match table_for(&instance, &job, Arc::new(interrupted)) {
                Ok(table) => Ok(ResultSet::new(&table)),
                Err(SqlError::Syntax(_)) if instance.jobs.bare_syntax_errors() => {
                    Err(SqlError::failed(BARE_SYNTAX_ERROR))
                }
                Err(cause) => Err(cause),
            }
        })
    };
    match statement.await {
        Ok(outcome) => job.finish(outcome),
        Err(cause) => {
            tracing::error!(job = job.id(), error = %cause, "statement panicked");
            jobs.note_panic(cause.to_string());
            job.finish(Err(SqlError::failed("Unexpected error occurred.")));
        }
    }
    jobs.bound_results();
}

/// Runs one statement to its end. Blocks; looks at `interrupted` all the time.
fn table_for(instance: &Instance, job: &Job, interrupted: Interrupted) -> Result<Table, SqlError> {
    let submission = job.submission();
    let namespace = instance.catalog.namespace();
    let at =
        Environment { namespace: &namespace, context: &submission.context, user: &submission.user };
    let database = instance.catalog.database();
    match commands::parse(&submission.sql)? {
        Statement::Query(tokens) => {
            let query = Query::prepare(&submission.sql, &tokens, at)?;
            // The forms of `JobsServiceUtil`: whole paths, and last names.
            let queried = query.queried.iter().map(|dataset| dataset.path.join("."));
            let scanned = query.scanned.iter().map(|dataset| dataset.name().to_owned());
            job.note_datasets(queried.collect(), scanned.collect());
            if let Some(broken) =
                query.scanned.iter().find(|dataset| system_tables::always_fails(dataset))
            {
                return Err(SqlError::failed(format!(
                    "Failure while reading system table {}",
                    broken.path.join(".")
                )));
            }
            let rows = |dataset: &Dataset| match dataset.rows {
                Rows::System => system_tables::rows(instance, &namespace, dataset),
                _ => generated::rows(dataset),
            };
            engine::run(&query, database, &rows, interrupted)
        }
        Statement::Explain(tokens) => Ok(Query::prepare(&submission.sql, &tokens, at)?.plan()),
        Statement::Describe { table, column } => commands::describe(at, &table, column.as_deref()),
        Statement::ShowSchemas { like } => Ok(commands::show_schemas(at, like.as_deref())),
        Statement::ShowTables { within, like } => {
            commands::show_tables(at, within.as_deref(), like.as_deref())
        }
        Statement::ShowViews { within } => {
            let source = within.unwrap_or_default().join(".");
            Err(SqlError::failed(format!("Source {source} does not support show views.")))
        }
        Statement::ShowFunctions => {
            let mut names: Vec<String> =
                namespace.functions().map(|(entity, _)| entity.name().to_owned()).collect();
            names.sort_unstable();
            Ok(Table::texts("FUNCTION_NAME", names))
        }
        Statement::ShowCreate { path, view } => commands::show_create(at, &path, view),
        Statement::Use(path) => commands::use_schema(at, &path),
        Statement::SetSession { name } => Ok(Table::command(format!("{name} updated."))),
        Statement::SetSystem { name, value } => {
            instance.options.set(&name, value.as_ref(), &instance.tokens)?;
            Ok(Table::command(format!("{name} updated.")))
        }
        Statement::Refused(message) => Err(SqlError::Failed(message)),
    }
}
