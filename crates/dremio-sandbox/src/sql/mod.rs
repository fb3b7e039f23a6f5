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
mod query;
mod result;
mod rewrite;
mod scope;
mod select;
mod statement;
mod token;
mod typing;
mod words;

pub(crate) use direct::{describe, explain, show_create, show_schemas, show_tables, use_schema};
pub(crate) use engine::{Engine, Interrupted, create_table, insert};
pub(crate) use error::SqlError;
pub(crate) use query::{Environment, Query};
pub(crate) use result::{ResultSet, Table};
pub(crate) use statement::{Statement, parse};
pub(crate) use token::{Kind, Token, quote_name, tokenize};

#[cfg(test)]
mod tests;
