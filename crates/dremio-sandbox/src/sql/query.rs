//! A query from its tokens to its result: parsed, bound, checked, written down, run.

use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use rusqlite::types::Value;

use super::bind::{Binder, Environment};
use super::engine::{Engine, Interrupted};
use super::error::SqlError;
use super::parse::{self, Token};
use super::{lower, tree};
use crate::catalog::{Column, Dataset, Rows};
use crate::clock;
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
    /// What it reads, each once.
    pub(crate) datasets: Vec<Arc<Dataset>>,
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

    /// Runs it on the demo data; `made_rows` fills the tables whose rows are not stored.
    pub(crate) fn run(
        &self,
        database: &'static [u8],
        made_rows: &dyn Fn(&Dataset) -> Vec<Vec<Value>>,
        interrupted: Interrupted,
    ) -> Result<Table, SqlError> {
        let now = clock::sql_timestamp(clock::now());
        let mut engine = Engine::open(Some(database), &now)?;
        for dataset in &self.datasets {
            if !matches!(dataset.rows, Rows::Stored) {
                engine.add_table(&dataset.table, &dataset.columns, &made_rows(dataset))?;
            }
        }
        engine.lock_down(interrupted)?;
        let rows = engine.query(&self.text)?;
        Ok(Table { columns: self.columns.clone(), rows })
    }

    /// A plan as EXPLAIN shows one: what is read, without how.
    pub(crate) fn plan(&self) -> Table {
        let mut plan = String::from("00-00    Screen\n00-01      Project");
        for (number, dataset) in self.datasets.iter().enumerate() {
            let path = dataset.path.join(", ");
            plan.push_str(&format!("\n00-{:02}        TableScan(table=[{path}])", number + 2));
        }
        Table::texts("text", [plan])
    }
}

fn prepare(sql: &str, tokens: &[Token], at: Environment<'_>) -> Result<Query, SqlError> {
    let parsed = parse::query(sql, tokens)?;
    let mut binder = Binder::new(at);
    let bound: tree::Query = binder.statement(&parsed)?;
    let text = lower::query(&bound);
    Ok(Query { text, columns: bound.columns, datasets: binder.datasets })
}
