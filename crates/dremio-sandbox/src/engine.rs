//! One SQLite connection per statement: opened on the shared demo data, filled with the system
//! tables that the statement names, then locked down.
//!
//! The demo data is one byte string per process that every connection reads in place, read-only and
//! without locks. After [`Engine::lock_down`] the authorizer lets through SELECT, READ and known
//! functions and nothing else: no ATTACH, no PRAGMA, no write, no extension.

use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::catalog::{Column, Dataset, Rows};
use crate::clock;
use crate::sql::{self, Query, SqlError, functions, quote_name};
use crate::values::Table;

/// Virtual-machine steps between two looks at whether to stop: well under a millisecond.
const STEPS_PER_CHECK: i32 = 2_000;
/// The longest text or blob that a statement may make.
const VALUE_BYTES_MAX: i32 = 32 * 1024 * 1024;
/// What one result may hold; Dremio has no such limit (contract §4.3), this process has.
const RESULT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Asked now and then while a statement runs.
pub(crate) type Interrupted = Arc<dyn Fn() -> bool + Send + Sync>;

/// Runs a query on the demo data; `made_rows` fills the tables whose rows are not stored.
///
/// # Errors
/// What the query fails with; a result that is too large.
pub(crate) fn run(
    query: &Query,
    database: &'static [u8],
    made_rows: &dyn Fn(&Dataset) -> Vec<Vec<Value>>,
    interrupted: Interrupted,
) -> Result<Table, SqlError> {
    let now = clock::sql_timestamp(clock::now());
    let mut engine = Engine::open(Some(database), &now)?;
    for dataset in &query.scanned {
        if !matches!(dataset.rows, Rows::Stored) {
            engine.add_table(&dataset.table, &dataset.columns, &made_rows(dataset))?;
        }
    }
    engine.lock_down(interrupted)?;
    let rows = engine.query(&query.text)?;
    Ok(Table { columns: query.columns.clone(), rows })
}

#[derive(Debug)]
pub(crate) struct Engine {
    connection: Connection,
}

impl Engine {
    /// A connection with our functions; on `database` if there is one, else empty.
    pub(crate) fn open(database: Option<&'static [u8]>, now: &str) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_in_memory_with_flags(flags)?;
        if let Some(database) = database {
            connection.deserialize_bytes("main", database)?;
        }
        // Sorting must not need a file: the image has no writable folder.
        connection.execute_batch("PRAGMA temp_store = MEMORY")?;
        // "x" is a name, never a string.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        functions::register(&connection, now)?;
        Ok(Self { connection })
    }

    /// The connection itself, for building the demo data.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Adds a system table for the time of this connection.
    fn add_table(
        &self,
        name: &str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute_batch(&create_table("TEMP TABLE", name, columns))?;
        insert(&transaction, name, columns.len(), rows)?;
        transaction.commit()
    }

    /// From here on, the connection only answers questions.
    fn lock_down(&mut self, interrupted: Interrupted) -> rusqlite::Result<()> {
        self.connection.progress_handler(STEPS_PER_CHECK, Some(move || interrupted()))?;
        self.connection.authorizer(Some(authorize))
    }

    /// Prepares a statement, runs it, and returns its rows.
    ///
    /// # Errors
    /// What the statement fails with; more rows than a result may have.
    fn query(&self, sql: &str) -> Result<Vec<Vec<Value>>, SqlError> {
        let mut statement = self.connection.prepare(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut collected = Vec::new();
        let mut bytes = 0_usize;
        while let Some(row) = rows.next()? {
            let row = (0..width)
                .map(|index| row.get::<_, Value>(index))
                .collect::<rusqlite::Result<Vec<Value>>>()?;
            bytes = bytes.saturating_add(row.iter().map(value_bytes).sum());
            if bytes > RESULT_BYTES_MAX {
                return Err(SqlError::failed(format!(
                    "The result is larger than the {} MB that this stand-in for Dremio keeps.",
                    RESULT_BYTES_MAX / (1024 * 1024)
                )));
            }
            collected.push(row);
        }
        Ok(collected)
    }
}

pub(crate) fn create_table(what: &str, name: &str, columns: &[Column]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", quote_name(&column.name), column.ty.declaration()))
        .collect();
    format!("CREATE {what} {} ({})", quote_name(name), columns.join(", "))
}

pub(crate) fn insert(
    connection: &Connection,
    name: &str,
    width: usize,
    rows: &[Vec<Value>],
) -> rusqlite::Result<()> {
    let places = vec!["?"; width].join(", ");
    let mut statement =
        connection.prepare(&format!("INSERT INTO {} VALUES ({places})", quote_name(name)))?;
    for row in rows {
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Integer(_) | Value::Real(_) => 8,
        Value::Text(text) => text.len() + 8,
        Value::Blob(bytes) => bytes.len() + 8,
    }
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select | AuthAction::Recursive => true,
        AuthAction::Read { table_name, .. } => {
            !table_name.to_ascii_lowercase().starts_with("sqlite_")
        }
        AuthAction::Function { function_name } => functions::is_allowed(function_name),
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

impl From<rusqlite::Error> for SqlError {
    /// What SQLite found wrong with a text that we wrote: an error of one of our
    /// functions, a limit, or something that is not here.
    fn from(error: rusqlite::Error) -> Self {
        let message = match error {
            rusqlite::Error::SqlInputError { msg, .. } => msg,
            rusqlite::Error::SqliteFailure(cause, message) => {
                if cause.code == ErrorCode::OperationInterrupted {
                    return Self::Interrupted;
                }
                message.unwrap_or_default()
            }
            rusqlite::Error::UserFunctionError(cause) => cause.to_string(),
            other => other.to_string(),
        };
        if let Some((_, own)) = message.split_once(functions::OWN) {
            return Self::failed(own);
        }
        if message == "integer overflow" {
            return Self::failed("NUMERIC_OVERFLOW: the result is out of range of its type");
        }
        let limits = ["Expression tree is too large", "parser stack overflow", "too many terms in"];
        if limits.iter().any(|limit| message.contains(limit)) {
            return sql::too_deep();
        }
        tracing::debug!(message, "refused by the engine");
        Self::unsupported("This statement")
    }
}
