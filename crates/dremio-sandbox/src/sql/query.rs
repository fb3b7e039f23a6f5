//! A query from its tokens to its result: names resolved, text rewritten, run, and its columns
//! named and typed.

use rusqlite::types::Value;

use super::brackets::Brackets;
use super::engine::{Engine, Interrupted, QueryError, RawColumn};
use super::error::SqlError;
use super::grouping;
use super::result::Table;
use super::rewrite::Rewriter;
use super::scope::Scope;
use super::select;
use super::token::Token;
use super::typing::Typing;
use crate::catalog::{Column, DremioType};
use crate::catalog::{Dataset, Namespace, Origin};
use crate::clock;

/// Where a query runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) context: &'a [String],
    pub(crate) user: &'a str,
}

/// A query that is ready for SQLite.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    sql: &'a str,
    tokens: &'a [Token],
    brackets: Brackets,
    scope: Scope,
    /// The text for SQLite.
    pub(crate) rewritten: String,
}

impl<'a> Query<'a> {
    /// # Errors
    /// Everything that is wrong with the text and shows without running it, except what only SQLite
    /// finds.
    pub(crate) fn prepare(
        sql: &'a str,
        tokens: &'a [Token],
        at: Environment<'_>,
    ) -> Result<Self, SqlError> {
        let brackets = Brackets::pair(sql, tokens)?;
        let mut scope = Scope::of(sql, tokens, &brackets, at.namespace, at.context)?;
        add_computed_columns(tokens, &brackets, &mut scope);
        let rewriter = Rewriter { sql, tokens, brackets: &brackets, scope: &scope, user: at.user };
        let rewritten = rewriter.range(0, tokens.len())?;
        grouping::check(tokens, &brackets, &scope)?;
        Ok(Self { sql, tokens, brackets, scope, rewritten })
    }

    pub(crate) fn datasets(&self) -> Vec<&Dataset> {
        self.scope.datasets().map(AsRef::as_ref).collect()
    }

    /// Runs it on the demo data; `system_rows` fills the system tables that it names.
    pub(crate) fn run(
        &self,
        database: &'static [u8],
        system_rows: &dyn Fn(&Dataset) -> Vec<Vec<Value>>,
        interrupted: Interrupted,
    ) -> Result<Table, SqlError> {
        let failed = |error: &rusqlite::Error| self.failed(error);
        let mut engine = Engine::open(Some(database), &clock::sql_timestamp(clock::now()))
            .map_err(|error| failed(&error))?;
        let mut added: Vec<&str> = Vec::new();
        for dataset in self.datasets() {
            if matches!(dataset.origin, Origin::System) && !added.contains(&dataset.table.as_str())
            {
                engine
                    .add_table(&dataset.table, &dataset.columns, &system_rows(dataset))
                    .map_err(|error| failed(&error))?;
                added.push(&dataset.table);
            }
        }
        engine.lock_down(interrupted).map_err(|error| failed(&error))?;
        let (raw, rows) = engine.query(&self.rewritten).map_err(|error| match error {
            QueryError::Sqlite(error) => failed(&error),
            QueryError::TooLarge => QueryError::too_large(),
        })?;
        Ok(Table { columns: self.columns(&raw, &rows), rows })
    }

    /// The result's columns: Dremio's names, and types from the first source that knows.
    pub(crate) fn columns(&self, raw: &[RawColumn], rows: &[Vec<Value>]) -> Vec<Column> {
        let typing = Typing { tokens: self.tokens, brackets: &self.brackets, scope: &self.scope };
        let items = select::outermost(self.tokens, &self.brackets)
            .map(|select| select::items(self.tokens, &self.brackets, select))
            .unwrap_or_default();
        let star = items.iter().position(|item| item.is_star(self.tokens));
        let mut columns: Vec<Column> = Vec::with_capacity(raw.len());
        for (index, raw_column) in raw.iter().enumerate() {
            let item = match star {
                Some(star) if index >= star => {
                    let from_end = raw.len() - index;
                    let after_star = items.len() - star - 1;
                    (from_end <= after_star)
                        .then(|| items.len() - from_end)
                        .and_then(|at| items.get(at))
                }
                _ => items.get(index),
            };
            let starred = star.is_some_and(|star| index >= star) && item.is_none();
            let name = match item {
                Some(item) => item.name(self.tokens).unwrap_or_else(|| format!("EXPR${index}")),
                None if starred => raw_column.name.clone(),
                None => format!("EXPR${index}"),
            };
            let ty = raw_column
                .ty
                .clone()
                .or_else(|| item.and_then(|item| typing.of(item.start, item.end)))
                .or_else(|| self.scope.column(None, &raw_column.name).filter(|_| starred).cloned())
                .unwrap_or_else(|| infer(rows, index));
            columns.push(Column::new(unique(&columns, name), ty));
        }
        columns
    }

    pub(crate) fn failed(&self, error: &rusqlite::Error) -> SqlError {
        SqlError::from_sqlite(self.sql, self.tokens, &self.scope.aliases(), error)
    }
}

/// Types of the columns that subqueries compute, innermost first.
fn add_computed_columns(tokens: &[Token], brackets: &Brackets, scope: &mut Scope) {
    let outermost = select::outermost(tokens, brackets);
    let mut depth = 0_usize;
    let mut inner: Vec<(usize, usize)> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if token.is_word("SELECT") && Some(index) != outermost {
            inner.push((depth, index));
        }
    }
    inner.sort_by_key(|(depth, index)| (std::cmp::Reverse(*depth), *index));
    for (_, select) in inner {
        for item in select::items(tokens, brackets, select) {
            let typing = Typing { tokens, brackets, scope };
            let ty = typing.of(item.start, item.end);
            if let (Some(alias), Some(ty)) = (&item.alias, ty) {
                scope.set_column(alias, ty);
            }
        }
    }
}

/// What the values of a column look like: the last resort.
fn infer(rows: &[Vec<Value>], index: usize) -> DremioType {
    let mut found: Option<DremioType> = None;
    for value in rows.iter().filter_map(|row| row.get(index)) {
        let ty = match value {
            Value::Null => continue,
            Value::Integer(_) => DremioType::BigInt,
            Value::Real(_) => DremioType::Double,
            Value::Text(text) => text_type(text),
            Value::Blob(_) => DremioType::Varbinary,
        };
        found = Some(match found {
            None => ty,
            Some(known) if known == ty => ty,
            Some(DremioType::BigInt | DremioType::Double) if ty.is_numeric() => DremioType::Double,
            Some(_) => return DremioType::Varchar,
        });
    }
    found.unwrap_or(DremioType::Varchar)
}

fn text_type(text: &str) -> DremioType {
    let shape: String =
        text.chars().map(|char| if char.is_ascii_digit() { '9' } else { char }).collect();
    match shape.as_str() {
        "9999-99-99" => DremioType::Date,
        "9999-99-99 99:99:99.999" => DremioType::Timestamp,
        _ => DremioType::Varchar,
    }
}

/// `a`, then `a0`, `a1`, as Dremio's planner makes names unique (contract §4.5).
fn unique(columns: &[Column], name: String) -> String {
    let taken = |name: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    if !taken(&name) {
        return name;
    }
    (0..=columns.len())
        .map(|number| format!("{name}{number}"))
        .find(|candidate| !taken(candidate))
        .unwrap_or(name)
}
