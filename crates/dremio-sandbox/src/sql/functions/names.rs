//! Which functions Dremio has, and what is said of those that are not here.

use super::argument::Argument;
use crate::catalog::DremioType;
use crate::sql::error::SqlError;

/// The functions of Dremio 25.2 by name, one a line, some of them internal to it.
const NAMES: &str = include_str!("names.txt");

/// Functions that the documentation of Dremio 26 has beyond those.
const NEWER: &[&str] = &[
    "AI_CLASSIFY",
    "AI_COMPLETE",
    "AI_GENERATE",
    "ARRAY",
    "DECRYPT",
    "ENCODE",
    "ENCRYPT",
    "OVERLAPS",
    "ROW",
    "TRY_CONVERT_FROM",
    "UNNEST",
];

/// Whether Dremio has a function of this name, in capitals.
pub(crate) fn exists(name: &str) -> bool {
    NAMES.lines().any(|known| known == name) || NEWER.contains(&name)
}

/// What a call of a function fails with that has no row.
pub(super) fn absent(name: &str, arguments: &[Argument]) -> SqlError {
    if exists(name) {
        return SqlError::unsupported(&format!("The function {name}"));
    }
    let types = arguments.iter().map(|argument| match &argument.ty {
        None => "<NULL>".to_owned(),
        Some(ty) => format!("<{}>", family(ty)),
    });
    SqlError::no_such_function(&format!("{name}({})", types.collect::<Vec<_>>().join(", ")))
}

/// The family of a type as Calcite names it.
fn family(ty: &DremioType) -> &'static str {
    match ty {
        DremioType::Varchar => "CHARACTER",
        DremioType::Varbinary => "BINARY",
        DremioType::List(_) => "ARRAY",
        DremioType::IntervalDay => "INTERVAL_DAY_TIME",
        DremioType::IntervalYear => "INTERVAL_YEAR_MONTH",
        _ if ty.is_numeric() => "NUMERIC",
        _ => ty.name(),
    }
}
