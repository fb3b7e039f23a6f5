//! Dremio SQL over SQLite: a text goes in, a result or Dremio's words for what is wrong with it
//! come out.
//!
//! `token` → `statement` (what is it?) → `scope` (which tables?) → `rewrite` (SQLite's words), with
//! `expression` for operators and `calls` for functions → `grouping` (what SQLite would let pass) →
//! `engine` (run, read-only) → `query` (names and types of the columns) → `result` (JSON text).

mod brackets;
mod calls;
mod cell;
mod decimal;
mod direct;
mod engine;
mod error;
mod expression;
mod functions;
mod grouping;
mod moment;
mod options;
mod query;
mod result;
mod rewrite;
mod scope;
mod select;
mod statement;
mod token;
mod types;
mod typing;
mod words;

pub(crate) use direct::numeric;
pub(crate) use engine::{Engine, Interrupted, create_table, insert};
pub(crate) use error::SqlError;
pub(crate) use options::{OptionValue, Options};
pub(crate) use query::{Environment, Query};
pub(crate) use result::ResultSet;
pub(crate) use token::{quote_name, tokenize};
pub(crate) use types::{Column, DremioType, columns};

use result::Table;
use statement::Statement;

use crate::data::system;
use crate::instance::Instance;

/// A statement and for whom it runs.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) sql: String,
    pub(crate) context: Vec<String>,
    pub(crate) user: String,
}

/// Runs one statement to its end. Blocks; looks at `interrupted` all the time.
pub(crate) fn execute(
    instance: &Instance,
    request: &Request,
    interrupted: Interrupted,
) -> Result<ResultSet, SqlError> {
    let table = table_for(instance, request, interrupted)?;
    Ok(ResultSet::new(&table))
}

fn table_for(
    instance: &Instance,
    request: &Request,
    interrupted: Interrupted,
) -> Result<Table, SqlError> {
    let namespace = instance.catalog.namespace();
    let at = Environment { namespace: &namespace, context: &request.context, user: &request.user };
    let database = instance.catalog.database();
    match statement::parse(&request.sql)? {
        Statement::Query(tokens) => {
            let query = Query::prepare(&request.sql, &tokens, at)?;
            if let Some(broken) =
                query.datasets().iter().find(|dataset| system::always_fails(dataset))
            {
                return Err(SqlError::failed(format!(
                    "Failure while reading system table {}",
                    broken.path.join(".")
                )));
            }
            query.run(database, &|dataset| system::rows(instance, &namespace, dataset), interrupted)
        }
        Statement::Explain(tokens) => direct::explain(&request.sql, &tokens, at, database),
        Statement::Describe { table, column } => direct::describe(at, &table, column.as_deref()),
        Statement::ShowSchemas { like } => Ok(direct::show_schemas(at, like.as_deref())),
        Statement::ShowTables { within, like } => {
            direct::show_tables(at, within.as_deref(), like.as_deref())
        }
        Statement::ShowViews { within } => {
            let source = within.unwrap_or_default().join(".");
            Err(SqlError::failed(format!("Source {source} does not support show views.")))
        }
        Statement::ShowFunctions => Ok(Table::texts("FUNCTION_NAME", [])),
        Statement::ShowCreate { path, view } => direct::show_create(at, &path, view),
        Statement::Use(path) => direct::use_schema(at, &path),
        Statement::SetSession { name } => Ok(Table::command(format!("{name} updated."))),
        Statement::SetSystem { name, value } => {
            instance.options.set(&name, value.as_ref(), &instance.tokens)?;
            Ok(Table::command(format!("{name} updated.")))
        }
        Statement::Refused(message) => Err(SqlError::Failed(message)),
    }
}

#[cfg(test)]
mod tests;
