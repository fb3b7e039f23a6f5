//! Lists, maps and structs as values: SQLite holds them as JSON text.

use rusqlite::types::Value;
use serde_json::{Map, Value as Json};

use super::call::Call;
use super::families::wider_or_same;
use super::{FunctionError, Outcome, unsupported};
use crate::catalog::DremioType;
use crate::sql::cell::double_text;
use crate::sql::decimal::Decimal;

/// The list, map or struct that an argument is.
pub(super) fn argument(call: &Call<'_>, index: usize) -> Result<Json, FunctionError> {
    parse(&call.text(index))
}

pub(super) fn parse(text: &str) -> Result<Json, FunctionError> {
    serde_json::from_str(text).map_err(|_| FunctionError(format!("Error parsing JSON: {text}")))
}

/// The items of a list.
pub(super) fn items(call: &Call<'_>, index: usize) -> Result<Vec<Json>, FunctionError> {
    match argument(call, index)? {
        Json::Array(items) => Ok(items),
        other => Err(FunctionError(format!("Expected argument to be an ARRAY: {other}"))),
    }
}

/// The entries of a map.
pub(super) fn entries(call: &Call<'_>, index: usize) -> Result<Map<String, Json>, FunctionError> {
    match argument(call, index)? {
        Json::Object(entries) => Ok(entries),
        other => Err(FunctionError(format!("Expected argument to be a MAP: {other}"))),
    }
}

pub(super) fn list(items: Vec<Json>) -> Outcome {
    Ok(Value::Text(Json::Array(items).to_string()))
}

/// An argument as an item of a list.
pub(super) fn item(call: &Call<'_>, index: usize) -> Result<Json, FunctionError> {
    to_json(call.value(index), call.ty(index))
}

pub(super) fn to_json(value: &Value, ty: Option<&DremioType>) -> Result<Json, FunctionError> {
    Ok(match (value, ty) {
        (Value::Null, _) => Json::Null,
        (Value::Integer(number), Some(DremioType::Boolean)) => Json::Bool(*number != 0),
        (Value::Integer(number), _) => Json::from(*number),
        (Value::Real(number), _) => Json::from(*number),
        (Value::Text(text), Some(ty)) if ty.is_nested() => parse(text)?,
        (Value::Text(_), Some(DremioType::Decimal { .. })) => {
            return Err(unsupported("A decimal with more than 15 significant digits in a list"));
        }
        (Value::Text(text), _) => Json::from(text.as_str()),
        (Value::Blob(_), _) => return Err(unsupported("VARBINARY in a list")),
    })
}

/// An item of a list, or a member, as a value of its own.
pub(super) fn to_value(json: &Json, ty: &DremioType) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Integer(i64::from(*flag)),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) if *ty != DremioType::Double => Value::Integer(number),
            (_, Some(number)) => Value::Real(number),
            _ => Value::Text(number.to_string()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Text(json.to_string()),
    }
}

/// Whether two items are one: `1` and `1.0` are.
pub(super) fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => {
            let decimal = |number: &serde_json::Number| Decimal::parse(&number.to_string());
            match (decimal(one), decimal(other)) {
                (Some(one), Some(other)) => {
                    one.compare(other).is_some_and(std::cmp::Ordering::is_eq)
                }
                _ => one == other,
            }
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

/// The order of two items of one type; NULL is the last.
pub(super) fn compare(one: &Json, other: &Json) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    match (one, other) {
        (Json::Null, Json::Null) => Ordering::Equal,
        (Json::Null, _) => Ordering::Greater,
        (_, Json::Null) => Ordering::Less,
        (Json::Number(one), Json::Number(other)) => {
            let real = |number: &serde_json::Number| number.as_f64().unwrap_or(0.0);
            match (one.as_i64(), other.as_i64()) {
                (Some(one), Some(other)) => one.cmp(&other),
                _ => real(one).total_cmp(&real(other)),
            }
        }
        (Json::Bool(one), Json::Bool(other)) => one.cmp(other),
        (Json::String(one), Json::String(other)) => one.cmp(other),
        _ => one.to_string().cmp(&other.to_string()),
    }
}

/// An item as text, numbers spelt as Dremio does.
pub(super) fn text(json: &Json, ty: &DremioType) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Number(number) if matches!(ty, DremioType::Double | DremioType::Float) => {
            number.as_f64().map_or_else(|| number.to_string(), double_text)
        }
        _ => json.to_string(),
    }
}

/// The type that a JSON value has as Dremio reads it; `None` for NULL, which has none.
///
/// # Errors
/// Items of one list that have no common type.
pub(super) fn type_of(json: &Json) -> Result<Option<DremioType>, FunctionError> {
    Ok(Some(match json {
        Json::Null => return Ok(None),
        Json::Bool(_) => DremioType::Boolean,
        Json::Number(number) if number.is_i64() => DremioType::BigInt,
        Json::Number(_) => DremioType::Double,
        Json::String(_) => DremioType::Varchar,
        Json::Array(items) => {
            let mut element: Option<DremioType> = None;
            for ty in items.iter().filter_map(|item| type_of(item).transpose()) {
                let ty = ty?;
                element = Some(match element {
                    None => ty,
                    Some(known) => wider_or_same(&known, &ty)
                        .ok_or_else(|| unsupported("JSON with a list of different types"))?,
                });
            }
            DremioType::List(Box::new(element.unwrap_or(DremioType::Integer)))
        }
        Json::Object(members) => {
            let mut types = Vec::new();
            for (name, member) in members {
                if let Some(ty) = type_of(member)? {
                    types.push((name.clone(), ty));
                }
            }
            DremioType::Struct(types)
        }
    }))
}
