//! Types and casts as other systems write them.

use std::ops::Range;

use super::reading::{Finding, Reading};
use crate::guard::Kind;

/// Types of other systems, and Dremio's.
const TYPES: [(&str, &str); 42] = [
    ("STRING", "VARCHAR"),
    ("TEXT", "VARCHAR"),
    ("NVARCHAR", "VARCHAR"),
    ("NVARCHAR2", "VARCHAR"),
    ("VARCHAR2", "VARCHAR"),
    ("LONGTEXT", "VARCHAR"),
    ("MEDIUMTEXT", "VARCHAR"),
    ("NTEXT", "VARCHAR"),
    ("BPCHAR", "VARCHAR"),
    ("CITEXT", "VARCHAR"),
    ("UUID", "VARCHAR"),
    ("JSON", "VARCHAR"),
    ("VARIANT", "VARCHAR"),
    ("INT64", "BIGINT"),
    ("INT8", "BIGINT"),
    ("LONG", "BIGINT"),
    ("SIGNED", "BIGINT"),
    ("UNSIGNED", "BIGINT"),
    ("HUGEINT", "BIGINT"),
    ("UBIGINT", "BIGINT"),
    ("INT32", "INTEGER"),
    ("INT4", "INTEGER"),
    ("INT2", "INTEGER"),
    ("INT16", "INTEGER"),
    ("MEDIUMINT", "INTEGER"),
    ("SMALLINT", "INTEGER"),
    ("TINYINT", "INTEGER"),
    ("BYTEINT", "INTEGER"),
    ("FLOAT64", "DOUBLE"),
    ("FLOAT8", "DOUBLE"),
    ("FLOAT32", "FLOAT"),
    ("FLOAT4", "FLOAT"),
    ("NUMBER", "DECIMAL(38, 2)"),
    ("MONEY", "DECIMAL(18, 2)"),
    ("BIGNUMERIC", "DECIMAL(38, 10)"),
    ("DATETIME", "TIMESTAMP"),
    ("DATETIME2", "TIMESTAMP"),
    ("SMALLDATETIME", "TIMESTAMP"),
    ("TIMESTAMPTZ", "TIMESTAMP"),
    ("TIMESTAMP_NTZ", "TIMESTAMP"),
    ("BOOL", "BOOLEAN"),
    ("BYTES", "VARBINARY"),
];

/// Dremio's name of a type of another system.
fn dremios(name: &str) -> Option<&'static str> {
    TYPES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, ours)| *ours)
}

/// The type that begins there, as Dremio writes it, and where it ends.
fn type_at(reading: &Reading<'_>, at: usize) -> Option<(String, usize)> {
    let name = reading.name(at)?;
    let end = if reading.is_symbol(at + 1, "(") { reading.partner(at + 1)? + 1 } else { at + 1 };
    let is_of_max = reading.is(at + 2, "MAX") && end > at + 1;
    let ours = dremios(&name);
    let written = match ours {
        Some(ours) if end == at + 1 || !ours.contains('(') && (is_of_max || ours != "VARCHAR") => {
            ours.to_owned()
        }
        Some(ours) => {
            format!("{}{}", ours.split('(').next().unwrap_or(ours), reading.text(at + 1..end))
        }
        None if is_of_max => name.to_ascii_uppercase(),
        None => format!("{}{}", name.to_ascii_uppercase(), reading.text(at + 1..end)),
    };
    Some((written, end))
}

/// `value::type`.
pub(super) fn double_colon(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_symbol(*at, ":") && reading.touches_next(*at) && reading.is_symbol(at + 1, ":")
    })?;
    let start = reading.operand_before(at)?;
    let (ty, _) = type_at(reading, at + 2)?;
    Some((
        at,
        format!("Dremio has no :: operator: write CAST({} AS {ty}).", reading.text(start..at)),
    ))
}

/// `CAST(x, type)` and `CONVERT(type, x)`.
pub(super) fn cast_with_comma(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let is_cast = reading.is(at, "CAST");
        if !(is_cast || reading.is(at, "CONVERT")) || !reading.is_symbol(at + 1, "(") {
            return None;
        }
        let arguments = reading.arguments(at + 1);
        let [first, second, ..] = arguments.as_slice() else { return None };
        let (value, ty) =
            if is_cast || !is_type(reading, first) { (first, second) } else { (second, first) };
        let (ty, _) = type_at(reading, ty.start)?;
        Some((at, format!("Write CAST({} AS {ty}).", reading.text(value.clone()))))
    })
}

fn is_type(reading: &Reading<'_>, argument: &Range<usize>) -> bool {
    reading.name(argument.start).is_some_and(|name| is_name(&name))
}

/// Whether this is the name of a type, of Dremio's or of another system's.
pub(super) fn is_name(name: &str) -> bool {
    const OURS: [&str; 14] = [
        "VARCHAR",
        "CHAR",
        "INT",
        "INTEGER",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
        "NUMERIC",
        "DATE",
        "TIME",
        "TIMESTAMP",
        "BOOLEAN",
        "VARBINARY",
    ];
    dremios(name).is_some() || OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

/// `TRY_CAST(x AS type)`.
pub(super) fn try_cast(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_any(*at, &["TRY_CAST", "SAFE_CAST"]) && reading.is_symbol(at + 1, "(")
    })?;
    let close = reading.partner(at + 1)?;
    let as_at = (at + 2..close).rev().find(|at| reading.is(*at, "AS"))?;
    let (ty, _) = type_at(reading, as_at + 1)?;
    let (name, value) = (reading.token(at)?.text, reading.text(at + 2..as_at));
    Some((
        at,
        format!(
            "Dremio has no {name}: write CAST({value} AS {ty}), and keep out what does not fit: \
             CASE WHEN REGEXP_LIKE({value}, '^-?[0-9]+$') THEN CAST({value} AS {ty}) END."
        ),
    ))
}

/// A type that Dremio does not have, in a CAST.
pub(super) fn foreign(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let is_cast = reading.is(at, "AS")
            && reading
                .call_around(at)
                .is_some_and(|call| reading.is_any(call, &["CAST", "TRY_CAST", "SAFE_CAST"]));
        let name = reading.name(at + 1).filter(|_| is_cast)?;
        let is_of_max = reading.is_symbol(at + 2, "(") && reading.is(at + 3, "MAX");
        (dremios(&name).is_some() || is_of_max)
            .then(|| in_cast(reading, at))
            .flatten()
            .map(|fix| (at + 1, fix))
    })
}

/// The CAST whose AS stands there, as Dremio has it.
fn in_cast(reading: &Reading<'_>, at: usize) -> Option<String> {
    let open = reading.enclosing(at)?;
    let (ty, _) = type_at(reading, at + 1)?;
    let name = reading.name(at + 1)?;
    Some(format!(
        "Dremio has no type {}: write CAST({} AS {ty}).",
        name.to_ascii_uppercase(),
        reading.text(open + 1..at)
    ))
}

/// What to do about a type that Dremio does not know.
pub(super) fn unknown(reading: &Reading<'_>, name: &str) -> Option<String> {
    if let Some((_, fix)) = foreign(reading).or_else(|| double_colon(reading)) {
        return Some(fix);
    }
    let is_type = reading.indexes().any(|at| {
        reading.is(at, "AS")
            && reading.name(at + 1).is_some_and(|ty| ty.eq_ignore_ascii_case(name))
            && reading.enclosing(at).is_some()
    });
    match dremios(name) {
        Some(ours) => Some(format!("Dremio calls this type {ours}.")),
        None if is_type => Some(
            "Dremio's types are BOOLEAN, INTEGER, BIGINT, FLOAT, DOUBLE, \
                                 DECIMAL(p, s), VARCHAR, VARBINARY, DATE, TIME, \
                                 TIMESTAMP."
                .to_owned(),
        ),
        None => None,
    }
}

/// The first CAST to a type of numbers or times: its value and its type.
pub(super) fn first_cast(reading: &Reading<'_>) -> Option<(String, String)> {
    reading.indexes().find_map(|at| {
        if !reading.is(at, "CAST") || !reading.is_symbol(at + 1, "(") {
            return None;
        }
        let close = reading.partner(at + 1)?;
        let as_at = (at + 2..close).rev().find(|at| reading.is(*at, "AS"))?;
        let (ty, _) = type_at(reading, as_at + 1)?;
        (reading.kind(as_at + 1) == Some(Kind::Word)).then(|| (reading.text(at + 2..as_at), ty))
    })
}
