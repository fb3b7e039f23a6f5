//! Functions over maps and structs.

use rusqlite::types::Value;
use serde_json::{Map, Value as Json};

use super::argument::Argument;
use super::call::Call;
use super::families;
use super::json::{entries, item, list};
use super::row::{Function, Rule, row};
use super::texts::size;
use super::{Outcome, unsupported};
use crate::catalog::DremioType;
use crate::sql::error::SqlError;

pub(super) const ROWS: &[Function] = &[
    row("MAP_CONSTRUCT", "any...", Rule::By(map_of), construct).with_nulls(),
    row("CARDINALITY", "map", Rule::Integer, |call| Ok(size(entries(call, 0)?.len()))),
    row("SIZE", "map", Rule::Integer, |call| Ok(size(entries(call, 0)?.len()))),
    row("MAP_KEYS", "map", Rule::By(|_| Ok(DremioType::List(Box::new(DremioType::Varchar)))), {
        |call| list(entries(call, 0)?.keys().map(|key| Json::from(key.as_str())).collect())
    }),
    row("MAP_VALUES", "map", Rule::By(values_of), |call| {
        list(entries(call, 0)?.into_iter().map(|(_, value)| value).collect())
    }),
];

fn value_type(argument: Option<&Argument>) -> DremioType {
    match argument.and_then(|argument| argument.ty.as_ref()) {
        Some(DremioType::Map(value)) => (**value).clone(),
        _ => DremioType::Integer,
    }
}

fn values_of(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(DremioType::List(Box::new(value_type(arguments.first()))))
}

/// A map of keys and values by turns.
fn map_of(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let (keys, values): (Vec<_>, Vec<_>) =
        arguments.iter().cloned().enumerate().partition(|(index, _)| index % 2 == 0);
    if keys.len() != values.len() {
        return Err(SqlError::failed("Map requires an even number of arguments"));
    }
    if keys.iter().any(|(_, key)| key.ty.as_ref().is_some_and(|ty| *ty != DremioType::Varchar)) {
        return Err(SqlError::unsupported("A MAP whose keys are no VARCHAR"));
    }
    let values: Vec<Argument> = values.into_iter().map(|(_, value)| value).collect();
    Ok(DremioType::Map(Box::new(families::widest("MAP", &values)?)))
}

fn construct(call: &Call<'_>) -> Outcome {
    let mut map = Map::new();
    for index in (0..call.len()).step_by(2) {
        if call.is_null(index) {
            return Err(unsupported("A MAP with NULL as a key"));
        }
        map.insert(call.text(index), item(call, index + 1)?);
    }
    Ok(Value::Text(Json::Object(map).to_string()))
}
