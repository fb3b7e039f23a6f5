//! Which types an argument may have, and what it is converted to.
//!
//! A row lists its arguments like `text, int, text?`: families, `|` between families of which one
//! has to fit, `?` after an argument that may be missing, `...` after the last one if it may be
//! repeated.

use super::argument::Argument;
use crate::catalog::DremioType;
use crate::sql::error::SqlError;
use crate::sql::typing::{combine, wider};

/// The families of a call's arguments; `None` if there are too many or too few.
pub(super) fn of(takes: &'static str, count: usize) -> Option<Vec<&'static str>> {
    let mut families: Vec<&'static str> = Vec::new();
    let mut required = 0;
    let mut repeated = None;
    for argument in takes.split(", ").filter(|argument| !argument.is_empty()) {
        if let Some(family) = argument.strip_suffix("...") {
            repeated = Some(family);
        } else if let Some(family) = argument.strip_suffix('?') {
            families.push(family);
        } else {
            families.push(argument);
            required = families.len();
        }
    }
    if let Some(family) = repeated {
        families.resize(count.max(families.len()), family);
    }
    families.truncate(count);
    (count >= required && count == families.len()).then_some(families)
}

/// What fitting costs, and the type that the argument is converted to; `None` if it does not fit.
/// NULL without a type fits everywhere.
pub(super) fn fit(
    alternatives: &str,
    given: Option<&DremioType>,
) -> Option<(u32, Option<DremioType>)> {
    let Some(given) = given else {
        return Some((0, None));
    };
    let fits = alternatives.split('|').filter_map(|family| fit_one(family, given));
    fits.min_by_key(|(cost, _)| *cost).map(|(cost, ty)| (cost, Some(ty)))
}

fn fit_one(family: &str, given: &DremioType) -> Option<(u32, DremioType)> {
    use DremioType::{
        BigInt, Boolean, Date, Decimal, Double, Float, Integer, IntervalDay, IntervalYear, List,
        Map, Struct, Time, Timestamp, Varbinary, Varchar,
    };
    let exact = || Some((0, given.clone()));
    let as_is = |cost: u32| Some((cost, given.clone()));
    match (family, given) {
        ("primitive", List(_) | Struct(_) | Map(_)) => None,
        ("any" | "primitive", _) => as_is(1),
        ("text" | "varchar", Varchar)
        | ("bytes", Varbinary)
        | ("bool", Boolean)
        | ("int", Integer | BigInt)
        | ("integer", Integer)
        | ("decimal", Decimal { .. })
        | ("double", Double | Float)
        | ("date", Date)
        | ("time", Time)
        | ("timestamp", Timestamp)
        | ("days", IntervalDay)
        | ("months", IntervalYear)
        | ("list", List(_))
        | ("map", Map(_))
        | ("struct", Struct(_)) => exact(),
        ("number", _) if given.is_numeric() => exact(),
        ("text", Boolean | Date | Time | Timestamp) => Some((4, Varchar)),
        ("text", _) if given.is_numeric() => Some((4, Varchar)),
        // A literal like '2024-01-31' where a date is wanted.
        ("date", Varchar) => Some((2, Date)),
        ("timestamp", Date) => Some((2, Timestamp)),
        ("timestamp", Varchar) => Some((3, Timestamp)),
        ("bool", Integer | BigInt) => Some((2, Boolean)),
        _ => None,
    }
}

/// The least type that both go into, or the one that both are.
pub(super) fn wider_or_same(left: &DremioType, right: &DremioType) -> Option<DremioType> {
    match (left, right) {
        _ if left == right => Some(left.clone()),
        (DremioType::List(left), DremioType::List(right)) => {
            Some(DremioType::List(Box::new(wider_or_same(left, right)?)))
        }
        _ => wider(left, right),
    }
}

/// The least type that all arguments go into that are not NULL.
pub(super) fn widest(name: &str, arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let mut found: Option<DremioType> = None;
    for ty in arguments.iter().filter_map(|argument| argument.ty.as_ref()) {
        found = Some(match found {
            None => ty.clone(),
            Some(known) => wider_or_same(&known, ty).ok_or_else(|| {
                SqlError::failed(format!(
                    "Cannot apply '{name}' to arguments of type '{name}(<{known}>, <{ty}>)' (not \
                     supported by this stand-in for Dremio; CAST them)."
                ))
            })?,
        });
    }
    Ok(found.unwrap_or(DremioType::Integer))
}

/// The type of the first argument; NULL without a type is an INTEGER.
pub(super) fn first(arguments: &[Argument]) -> DremioType {
    arguments.first().and_then(|argument| argument.ty.clone()).unwrap_or(DremioType::Integer)
}

/// The type of an operator between two numbers.
pub(super) fn combined(
    name: &str,
    operator: &str,
    arguments: &[Argument],
) -> Result<DremioType, SqlError> {
    match arguments {
        [Argument { ty: Some(left), .. }, Argument { ty: Some(right), .. }] => {
            combine(left, operator, right)
                .ok_or_else(|| SqlError::unsupported(&format!("{name} of <{left}> and <{right}>")))
        }
        _ => widest(name, arguments),
    }
}
