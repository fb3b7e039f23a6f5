//! Values as Dremio has them over the five kinds that SQLite has: numbers, moments and spans, the
//! rules of their types, and how rows become JSON text.

pub(crate) mod cell;
pub(crate) mod decimal;
mod interval;
pub(crate) mod moment;
mod result;
pub(crate) mod typing;

pub(crate) use interval::Interval;
pub(crate) use result::{ResultSet, Table};
