//! Dremio SQL over SQLite: a text goes in, a result or Dremio's words for what is wrong with it
//! come out.
//!
//! `parse` (text to syntax tree) → `bind` (names, types, and what is not here) → `check` (what SQLite
//! would let pass) → `lower` (SQLite's words) → `engine` (run, read-only). `tree` is what `bind` makes.

mod bind;
mod check;
mod convert;
mod engine;
mod error;
mod functions;
mod lower;
mod parse;
mod query;
mod tree;

pub(crate) use bind::{Environment, resolve};
pub(crate) use engine::{Engine, Interrupted, create_table, insert};
pub(crate) use error::SqlError;
pub(crate) use functions::ilike;
pub(crate) use parse::{
    Kind, Token, encountered, is_reserved, lexical, quote_name, tokenize, unexpected_end,
};
pub(crate) use query::Query;

use crate::values::{cell, decimal, moment, typing};

#[cfg(test)]
mod tests;
