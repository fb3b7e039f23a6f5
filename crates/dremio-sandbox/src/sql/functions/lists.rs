//! Functions over lists. Positions count from 0, and from the end where they are negative.

use rusqlite::types::Value;
use serde_json::Value as Json;

use super::argument::Argument;
use super::call::Call;
use super::families::{self, wider_or_same};
use super::json::{self, compare, is_same, item, items, list};
use super::row::{Function, Rule, row};
use super::texts::size;
use super::{FunctionError, Outcome, boolean, unsupported};
use crate::catalog::DremioType;
use crate::sql::error::SqlError;

/// Items that a list may be made of. A guess that keeps a slip from filling the memory.
const ITEMS_MAX: i64 = 1_000_000;

pub(super) const ROWS: &[Function] = &[
    row("CARDINALITY", "list", Rule::Integer, |call| Ok(size(items(call, 0)?.len()))),
    row("ARRAY_SIZE", "list", Rule::Integer, |call| Ok(size(items(call, 0)?.len()))),
    row("ARRAY_LENGTH", "list", Rule::Integer, |call| Ok(size(items(call, 0)?.len()))),
    row("ARRAY_APPEND", "list, any", Rule::By(with_item::<0, 1>), |call| {
        let mut items = items(call, 0)?;
        items.push(item(call, 1)?);
        list(items)
    })
    .with_nulls(),
    row("ARRAY_PREPEND", "any, list", Rule::By(with_item::<1, 0>), |call| {
        let mut items = items(call, 1)?;
        items.insert(0, item(call, 0)?);
        list(items)
    })
    .with_nulls(),
    row("ARRAY_INSERT", "list, int, any", Rule::By(with_item::<0, 2>), insert).with_nulls(),
    row("ARRAY_CAT", "list, list, list...", Rule::By(common_list), concatenated),
    row("ARRAY_CONCAT", "list, list, list...", Rule::By(common_list), concatenated),
    row("ARRAY_COMPACT", "list", Rule::Same(0), |call| {
        list(items(call, 0)?.into_iter().filter(|item| !item.is_null()).collect())
    }),
    row("ARRAY_CONTAINS", "list, any", Rule::Boolean, |call| {
        let (items, wanted) = (items(call, 0)?, item(call, 1)?);
        let found = items.iter().any(|item| is_same(item, &wanted));
        // Not found among values that are not known is not known.
        Ok(if !found && items.contains(&Json::Null) { Value::Null } else { boolean(found) })
    }),
    row("ARRAY_POSITION", "any, list", Rule::Integer, |call| {
        if call.is_null(1) {
            return Ok(Value::Null);
        }
        let wanted = item(call, 0)?;
        let found = items(call, 1)?.iter().position(|item| is_same(item, &wanted));
        Ok(found.map_or(Value::Null, size))
    })
    .with_nulls(),
    row("ARRAY_REMOVE", "list, any", Rule::Same(0), |call| {
        let unwanted = item(call, 1)?;
        list(items(call, 0)?.into_iter().filter(|item| !is_same(item, &unwanted)).collect())
    }),
    row("ARRAY_REMOVE_AT", "list, int", Rule::Same(0), |call| {
        let mut items = items(call, 0)?;
        if let Some(index) = position(call.integer(1)?, items.len()).filter(|at| *at < items.len())
        {
            items.remove(index);
        }
        list(items)
    }),
    row("ARRAY_SLICE", "list, int, int?", Rule::Same(0), |call| {
        let items = items(call, 0)?;
        let from = position(call.integer(1)?, items.len());
        let to = if call.len() > 2 {
            position(call.integer(2)?, items.len())
        } else {
            Some(items.len())
        };
        let part = from.zip(to).and_then(|(from, to)| items.get(from..to)).unwrap_or_default();
        list(part.to_vec())
    }),
    row("SUBLIST", "list, int, int", Rule::Same(0), sublist),
    row("ARRAY_SORT", "list", Rule::Same(0), |call| {
        let mut items = items(call, 0)?;
        if items.contains(&Json::Null) {
            return Err(unsupported("ARRAY_SORT of a list with NULL in it"));
        }
        items.sort_by(compare);
        list(items)
    }),
    row("ARRAYS_OVERLAP", "list, list", Rule::Boolean, |call| {
        let (one, other) = (items(call, 0)?, items(call, 1)?);
        let found = one
            .iter()
            .any(|item| !item.is_null() && other.iter().any(|wanted| is_same(item, wanted)));
        let nulls = one.contains(&Json::Null) || other.contains(&Json::Null);
        if !found && nulls {
            return Err(unsupported("ARRAYS_OVERLAP of lists with NULL in them"));
        }
        Ok(boolean(found))
    }),
    row("ARRAY_MAX", "list", Rule::By(number_element), |call| extreme(call, true)),
    row("ARRAY_MIN", "list", Rule::By(number_element), |call| extreme(call, false)),
    row("ARRAY_SUM", "list", Rule::By(sum), |call| {
        let items = items(call, 0)?;
        if *call.ty == DremioType::BigInt {
            let sum = items.iter().filter_map(Json::as_i64).try_fold(0_i64, i64::checked_add);
            return sum.map(Value::Integer).ok_or_else(super::arithmetic::overflow);
        }
        Ok(Value::Real(items.iter().filter_map(Json::as_f64).sum()))
    }),
    row("ARRAY_TO_STRING", "list, text", Rule::Varchar, to_text),
    row("LIST_TO_DELIMITED_STRING", "list, text", Rule::Varchar, to_text),
    row("ARRAY_FREQUENCY", "list", Rule::By(frequencies), frequency),
    row("ARRAY_GENERATE_RANGE", "int, int, int?", Rule::By(list_of), range),
];

/// An index from the end is negative; one before the beginning is none.
fn position(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(index).ok()
}

fn element_of(argument: Option<&Argument>) -> Option<DremioType> {
    match argument.and_then(|argument| argument.ty.as_ref()) {
        Some(DremioType::List(element)) => Some((**element).clone()),
        _ => None,
    }
}

fn element(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(element_of(arguments.first()).unwrap_or(DremioType::Integer))
}

fn number_element(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    match element(arguments)? {
        ty
        @ (DremioType::Integer | DremioType::BigInt | DremioType::Double | DremioType::Float) => {
            Ok(ty)
        }
        other => Err(SqlError::unsupported(&format!("This function over a list of <{other}>"))),
    }
}

fn sum(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(match number_element(arguments)? {
        DremioType::Integer | DremioType::BigInt => DremioType::BigInt,
        _ => DremioType::Double,
    })
}

/// The list of all arguments.
pub(super) fn list_of(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(DremioType::List(Box::new(families::widest("ARRAY", arguments)?)))
}

/// The list that an item goes into.
fn with_item<const LIST: usize, const ITEM: usize>(
    arguments: &[Argument],
) -> Result<DremioType, SqlError> {
    let list = element_of(arguments.get(LIST));
    let item = arguments.get(ITEM).and_then(|argument| argument.ty.clone());
    common(list, item).map(|element| DremioType::List(Box::new(element)))
}

fn common_list(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let mut found = None;
    for argument in arguments {
        found = Some(common(found, element_of(Some(argument)))?);
    }
    Ok(DremioType::List(Box::new(found.unwrap_or(DremioType::Integer))))
}

fn common(one: Option<DremioType>, other: Option<DremioType>) -> Result<DremioType, SqlError> {
    match (one, other) {
        (Some(one), Some(other)) => wider_or_same(&one, &other)
            .ok_or_else(|| SqlError::unsupported(&format!("A list of both <{one}> and <{other}>"))),
        (Some(ty), None) | (None, Some(ty)) => Ok(ty),
        (None, None) => Ok(DremioType::Integer),
    }
}

fn insert(call: &Call<'_>) -> Outcome {
    if call.is_null(0) || call.is_null(1) {
        return Ok(Value::Null);
    }
    let mut items = items(call, 0)?;
    let index = call.integer(1)?;
    if index > ITEMS_MAX {
        return Err(unsupported("A list of more than a million items"));
    }
    match position(index, items.len()) {
        Some(index) => {
            // What is between the end and the new item is NULL.
            items.resize(items.len().max(index), Json::Null);
            items.insert(index, item(call, 2)?);
        }
        None => return Err(unsupported("ARRAY_INSERT before the beginning")),
    }
    list(items)
}

fn concatenated(call: &Call<'_>) -> Outcome {
    let mut all = Vec::new();
    for index in 0..call.len() {
        all.extend(items(call, index)?);
    }
    list(all)
}

/// `length` items; here the first one is 1, as in SUBSTRING.
fn sublist(call: &Call<'_>) -> Outcome {
    let items = items(call, 0)?;
    let (start, length) = (call.integer(1)?, call.count(2)?);
    let skip = match start {
        0 => Some(0),
        1.. => usize::try_from(start - 1).ok(),
        _ => position(start, items.len()),
    };
    match skip.filter(|skip| *skip < items.len() && length > 0) {
        Some(skip) => list(items.into_iter().skip(skip).take(length).collect()),
        None => Ok(Value::Null),
    }
}

fn extreme(call: &Call<'_>, greatest: bool) -> Outcome {
    let items = items(call, 0)?;
    if items.contains(&Json::Null) {
        return Ok(Value::Null);
    }
    let order = |one: &&Json, other: &&Json| compare(one, other);
    let found = if greatest { items.iter().max_by(order) } else { items.iter().min_by(order) };
    Ok(found.map_or(Value::Null, |found| json::to_value(found, call.ty)))
}

fn to_text(call: &Call<'_>) -> Outcome {
    let Some(DremioType::List(element)) = call.ty(0) else {
        return Ok(Value::Null);
    };
    if element.is_nested() {
        return Err(unsupported("ARRAY_TO_STRING of a list of lists"));
    }
    let texts = items(call, 0)?.into_iter().map(|item| match item {
        Json::Null => String::new(),
        item => json::text(&item, element),
    });
    Ok(Value::Text(texts.collect::<Vec<_>>().join(&call.text(1))))
}

fn frequencies(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    match element(arguments)? {
        element if element.is_nested() => {
            Err(SqlError::unsupported("ARRAY_FREQUENCY of a list of lists"))
        }
        _ => Ok(DremioType::Map(Box::new(DremioType::Integer))),
    }
}

/// How often each item is there, in the order of the items.
fn frequency(call: &Call<'_>) -> Outcome {
    let Some(DremioType::List(element)) = call.ty(0) else {
        return Ok(Value::Null);
    };
    let mut items = items(call, 0)?;
    items.sort_by(compare);
    let mut counts = serde_json::Map::new();
    for item in items.iter().filter(|item| !item.is_null()) {
        let count = counts.entry(json::text(item, element)).or_insert(Json::from(0));
        *count = Json::from(count.as_i64().unwrap_or(0) + 1);
    }
    Ok(Value::Text(Json::Object(counts).to_string()))
}

/// Whole numbers from the first to before the second argument.
fn range(call: &Call<'_>) -> Outcome {
    let (start, stop) = (call.integer(0)?, call.integer(1)?);
    let step = if call.len() > 2 { call.integer(2)? } else { 1 };
    if call.len() == 2 && start > stop {
        return Ok(Value::Null);
    }
    if step == 0 {
        return Err(FunctionError("Step should be a positive or negative number.".to_owned()));
    }
    if (stop.saturating_sub(start) / step) > ITEMS_MAX {
        return Err(unsupported("A list of more than a million items"));
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while (step > 0 && next < stop) || (step < 0 && next > stop) {
        numbers.push(Json::from(next));
        next = next.checked_add(step).unwrap_or(stop);
    }
    list(numbers)
}
