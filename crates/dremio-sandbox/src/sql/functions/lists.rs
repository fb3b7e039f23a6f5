//! Functions over lists, maps and structs. Their values are JSON text.

use serde_json::Value as Json;

use super::row::{Call, Function, Rule, row};
use super::texts::size;
use super::{FunctionError, boolean};

pub(super) const ROWS: &[Function] = &[
    row("CARDINALITY", "list|map", Rule::Integer, |call| Ok(size(count(&json(call, 0)?)))),
    row("ARRAY_SIZE", "list", Rule::Integer, |call| Ok(size(count(&json(call, 0)?)))),
    row("ARRAY_LENGTH", "list", Rule::Integer, |call| Ok(size(count(&json(call, 0)?)))),
    row("ARRAY_CONTAINS", "list, any", Rule::Boolean, |call| {
        let wanted = call.text(1);
        let list = json(call, 0)?;
        let found = list.as_array().into_iter().flatten().any(|item| match item {
            Json::String(item) => *item == wanted,
            Json::Number(item) => item.to_string() == wanted,
            _ => false,
        });
        Ok(boolean(found))
    }),
];

fn json(call: &Call<'_>, index: usize) -> Result<Json, FunctionError> {
    let text = call.text(index);
    serde_json::from_str(&text).map_err(|_| FunctionError(format!("no JSON: {text}")))
}

fn count(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        _ => 0,
    }
}
