//! Columns that are compared with values of another type.

use super::date_of;
use crate::catalog::{Column, Snapshot, Table};
use crate::coach::names::{self, is_number, literal};
use crate::coach::reading::Reading;
use crate::guard::{Kind, Token};

const COMPARISONS: [&str; 7] = ["=", "<>", "!=", "<", ">", "<=", ">="];

/// What to do about the first column that is compared with a value of another type.
pub(super) fn mismatch(reading: &Reading<'_>, catalog: Option<&Snapshot>) -> Option<String> {
    let relations = reading.relations();
    let tables = relations.iter().filter_map(|relation| names::table(catalog, &relation.path));
    let tables: Vec<&Table> = tables.collect();
    reading.indexes().find_map(|at| {
        let is_comparison = COMPARISONS.iter().any(|symbol| reading.is_symbol(at, symbol));
        let before = at.checked_sub(1).filter(|_| is_comparison || reading.is(at, "IN"))?;
        let name = reading.name(before)?;
        let column = tables.iter().find_map(|table| names::column(table, &name))?;
        let value = if reading.is_symbol(at + 1, "(") { at + 2 } else { at + 1 };
        instead(&name, column, reading.token(value)?)
    })
}

/// What to compare `column` with instead of `value`, if that is of another type.
fn instead(name: &str, column: &Column, value: &Token<'_>) -> Option<String> {
    let ty = column.data_type.to_ascii_uppercase();
    let bare = value.text.trim_matches('\'');
    let right = match value.kind {
        Kind::Text if is_number(column) => match bare.parse::<f64>() {
            Ok(_) => format!("{bare}, without quotes"),
            Err(_) => format!("a number; {} is text", value.text),
        },
        Kind::Text if ty.starts_with("DATE") => {
            let day = date_of(bare).unwrap_or_else(|| "2024-01-31".to_owned());
            format!("a date, written YYYY-MM-DD: DATE '{day}'")
        }
        Kind::Text if ty.starts_with("TIMESTAMP") => {
            "a timestamp: TIMESTAMP '2024-01-31 00:00:00'".to_owned()
        }
        Kind::Text if ty.starts_with("BOOL") => "TRUE or FALSE, without quotes".to_owned(),
        Kind::Number if ty.contains("CHAR") => literal(value.text),
        Kind::Number if ty.starts_with("BOOL") => "TRUE or FALSE".to_owned(),
        Kind::Number if ty.starts_with("DATE") || ty.starts_with("TIMESTAMP") => format!(
            "a date, DATE '2024-01-31'; for a year write EXTRACT(YEAR FROM {name}) = {}",
            value.text
        ),
        _ => return None,
    };
    Some(format!("{name} is {ty}: compare it with {right}."))
}
