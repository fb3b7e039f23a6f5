//! Statements that are no queries: what a text is, and the answers that need nothing but the
//! catalog.

mod direct;
mod statement;

pub(crate) use direct::{describe, show_create, show_schemas, show_tables, use_schema};
pub(crate) use statement::{Statement, parse};
