//! Functions that choose among their arguments, and questions about one value.

use rusqlite::types::Value;

use super::call::Call;
use super::row::{Function, Rule, native, row};
use super::{Outcome, boolean, unsupported};
use crate::catalog::DremioType;
use crate::sql::decimal::Decimal;

pub(super) const ROWS: &[Function] = &[
    native("COALESCE", "any, any...", Rule::Widest, "coalesce"),
    native("NVL", "any, any", Rule::Widest, "coalesce"),
    row("GREATEST", "primitive, primitive...", Rule::Widest, |call| extreme(call, true)),
    row("LEAST", "primitive, primitive...", Rule::Widest, |call| extreme(call, false)),
    row("NULLIF", "primitive, primitive", Rule::Same(0), |call| {
        let known = !call.is_null(0) && !call.is_null(1);
        let equal = known && super::arithmetic::compare(call.value(0), call.value(1))?.is_eq();
        Ok(if equal { Value::Null } else { call.value(0).clone() })
    })
    .with_nulls(),
    row("ISNULL", "any", Rule::Boolean, |call| Ok(boolean(call.is_null(0)))).with_nulls(),
    row("ISNOTNULL", "any", Rule::Boolean, |call| Ok(boolean(!call.is_null(0)))).with_nulls(),
    row("ISTRUE", "bool|number", Rule::Boolean, |call| Ok(boolean(truth(call) == Some(true))))
        .with_nulls(),
    row("ISFALSE", "bool|number", Rule::Boolean, |call| Ok(boolean(truth(call) == Some(false))))
        .with_nulls(),
    row("ISNOTTRUE", "bool|number", Rule::Boolean, |call| Ok(boolean(truth(call) != Some(true))))
        .with_nulls(),
    row("ISNOTFALSE", "bool|number", Rule::Boolean, |call| Ok(boolean(truth(call) != Some(false))))
        .with_nulls(),
    row("BOOLEANAND", "bool, bool", Rule::Boolean, |call| {
        Ok(boolean(call.boolean(0) && call.boolean(1)))
    }),
    row("BOOLEANOR", "bool, bool", Rule::Boolean, |call| {
        Ok(boolean(call.boolean(0) || call.boolean(1)))
    }),
    row("ISNUMERIC", "text", Rule::Boolean, |call| {
        Ok(boolean(!call.is_null(0) && is_number(&call.text(0))))
    })
    .with_nulls(),
    row("ISNUMERIC", "number", Rule::Boolean, |call| Ok(boolean(!call.is_null(0)))).with_nulls(),
    row("TYPEOF", "any", Rule::Varchar, |call| {
        Ok(Value::Text(call.ty(0).map_or("NULL", type_name).to_owned()))
    })
    .with_nulls(),
    // Everyone is a member of PUBLIC.
    row("IS_MEMBER", "varchar, bool?", Rule::Boolean, |call| {
        match call.text(0).to_uppercase().as_str() {
            "PUBLIC" => Ok(boolean(true)),
            "ADMIN" => Err(unsupported("IS_MEMBER of ADMIN")),
            _ => Ok(boolean(false)),
        }
    }),
    row("IDENTITY", "any", Rule::Same(0), |call| Ok(call.value(0).clone())),
];

/// Whether a value is true or false; NULL is neither.
fn truth(call: &Call<'_>) -> Option<bool> {
    match call.value(0) {
        Value::Null => None,
        Value::Integer(number) => Some(*number != 0),
        value => Decimal::from_value(value).map(|number| !number.is_zero()),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && fraction.is_none_or(all_digits)
}

fn extreme(call: &Call<'_>, greatest: bool) -> Outcome {
    let mut best = call.value(0);
    for index in 1..call.len() {
        let order = super::arithmetic::compare(call.value(index), best)?;
        if (greatest && order.is_gt()) || (!greatest && order.is_lt()) {
            best = call.value(index);
        }
    }
    Ok(best.clone())
}

/// The names of types in Dremio's engine.
fn type_name(ty: &DremioType) -> &'static str {
    match ty {
        DremioType::Boolean => "BIT",
        DremioType::Integer => "INT",
        DremioType::Float => "FLOAT4",
        DremioType::Double => "FLOAT8",
        DremioType::IntervalDay => "INTERVALDAY",
        DremioType::IntervalYear => "INTERVALYEAR",
        _ => ty.name(),
    }
}
