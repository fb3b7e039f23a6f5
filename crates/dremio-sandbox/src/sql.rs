//! Dremio SQL for SQLite: a text goes in, SQLite's text for it or Dremio's words for what is wrong
//! with it come out. What runs it is in `engine`.
//!
//! `parse` (text to syntax tree) → `bind` (names, types, and what is not here) → `check` (what
//! SQLite would let pass) → `lower` (SQLite's words). `tree` is what `bind` makes.

mod bind;
mod check;
mod convert;
mod error;
pub(crate) mod functions;
mod lower;
mod parse;
mod query;
mod tree;

pub(crate) use bind::Environment;
pub(crate) use error::SqlError;
pub(crate) use parse::{
    Kind, Token, encountered, is_reserved, lexical, quote_name, tokenize, too_deep, unexpected_end,
};
pub(crate) use query::Query;

use crate::values::{cell, decimal, moment, typing};

#[cfg(test)]
mod tests;
