//! A query from its tokens to its text for SQLite: parsed, bound, checked, written down.

use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use super::bind::{Binder, Environment};
use super::error::SqlError;
use super::parse::{self, Token};
use super::{lower, tree};
use crate::catalog::{Column, Dataset};
use crate::values::Table;

/// Trees are walked by recursion: this is enough for the deepest that `parse` lets through, in a
/// build without optimisation. Only what is used of it is ever there.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// A query that is ready for SQLite.
#[derive(Debug)]
pub(crate) struct Query {
    /// The text for SQLite.
    pub(crate) text: String,
    pub(crate) columns: Vec<Column>,
    /// The datasets that it names, each once.
    pub(crate) queried: Vec<Arc<Dataset>>,
    /// The tables that it reads, also those behind views, each once.
    pub(crate) scanned: Vec<Arc<Dataset>>,
}

impl Query {
    /// # Errors
    /// Everything that is wrong with the text and shows without running it.
    pub(crate) fn prepare(
        sql: &str,
        tokens: &[Token],
        at: Environment<'_>,
    ) -> Result<Self, SqlError> {
        std::thread::scope(|scope| {
            let prepare = std::thread::Builder::new()
                .name("planner".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || prepare(sql, tokens, at));
            match prepare.map(ScopedJoinHandle::join) {
                Ok(Ok(prepared)) => prepared,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => Err(SqlError::failed("Unexpected error occurred.")),
            }
        })
    }

    /// A plan as EXPLAIN shows one: what is read, without how.
    pub(crate) fn plan(&self) -> Table {
        let mut plan = String::from("00-00    Screen\n00-01      Project");
        for (number, dataset) in self.scanned.iter().enumerate() {
            let path = dataset.path.join(", ");
            plan.push_str(&format!("\n00-{:02}        TableScan(table=[{path}])", number + 2));
        }
        Table::texts("text", [plan])
    }
}

fn prepare(sql: &str, tokens: &[Token], at: Environment<'_>) -> Result<Query, SqlError> {
    let (parsed, versions) = parse::query(sql, tokens)?;
    let mut binder = Binder::new(at, versions);
    let bound: tree::Query = binder.statement(&parsed)?;
    let Binder { queried, scanned, .. } = binder;
    Ok(Query { text: lower::query(&bound), columns: bound.columns, queried, scanned })
}
