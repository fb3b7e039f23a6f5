//! The text of an answer for a model: as many rows as a budget of tokens allows, as CSV or JSON,
//! and what stands below them. It knows neither Dremio's calls nor MCP.
//!
//! - `tokens`: what a text costs
//! - `config`: what an operator decides
//! - `column`: the columns of a result and their types
//! - `cell`: one value as text, cut where it is too long
//! - `sheet`: rows in either format, up to the budget
//! - `footer`: what the last line says

mod cell;
mod column;
mod config;
mod footer;
mod sheet;
mod tokens;

pub(crate) use self::cell::CELL_CHARS_MAX;
pub(crate) use self::column::columns;
pub use self::config::{AnswerConfig, Format};
pub use self::footer::ADVICE;
pub(crate) use self::footer::{Place, still_running};
pub(crate) use self::sheet::Sheet;
pub(crate) use self::tokens::estimate;
