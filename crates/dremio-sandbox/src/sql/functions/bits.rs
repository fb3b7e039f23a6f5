//! Functions over the bits of whole numbers, 32 of an INTEGER and 64 of a BIGINT.

use rusqlite::types::Value;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome};
use crate::catalog::DremioType;

pub(super) const ROWS: &[Function] = &[
    row("BITWISE_AND", "int, int", Rule::Widest, |call| pair(call, |left, right| left & right)),
    row("BITWISE_OR", "int, int", Rule::Widest, |call| pair(call, |left, right| left | right)),
    row("BITWISE_XOR", "int, int", Rule::Widest, |call| pair(call, |left, right| left ^ right)),
    row("XOR", "int, int", Rule::Widest, |call| pair(call, |left, right| left ^ right)),
    row("BITWISE_NOT", "int", Rule::Same(0), |call| Ok(Value::Integer(!call.integer(0)?))),
    row("LSHIFT", "int, int", Rule::Widest, left),
    row("SHIFTLEFT", "int, int", Rule::Widest, left),
    row("RSHIFT", "int, int", Rule::Widest, right),
    row("SHIFTRIGHT", "int, int", Rule::Widest, right),
    row("RSHIFTUNSIGNED", "int, int", Rule::Widest, right_unsigned),
    row("SHIFTRIGHTUNSIGNED", "int, int", Rule::Widest, right_unsigned),
    row("BIN", "int", Rule::Varchar, |call| {
        Ok(Value::Text(match short(call, 0, call.ty(0))? {
            Some(number) => format!("{number:b}"),
            None => format!("{:b}", call.integer(0)?),
        }))
    }),
];

fn pair(call: &Call<'_>, run: fn(i64, i64) -> i64) -> Outcome {
    Ok(Value::Integer(run(call.integer(0)?, call.integer(1)?)))
}

/// The number, if its type is INTEGER.
fn short(
    call: &Call<'_>,
    index: usize,
    ty: Option<&DremioType>,
) -> Result<Option<i32>, FunctionError> {
    let number = call.integer(index)?;
    Ok(i32::try_from(number).ok().filter(|_| ty == Some(&DremioType::Integer)))
}

/// As in Java, only the last 5 bits of a distance count for an INTEGER, and 6 for a BIGINT.
fn distance(call: &Call<'_>) -> Result<u32, FunctionError> {
    Ok(u32::try_from(call.integer(1)? & 63).unwrap_or(0))
}

fn left(call: &Call<'_>) -> Outcome {
    let by = distance(call)?;
    Ok(Value::Integer(match short(call, 0, Some(call.ty))? {
        Some(number) => i64::from(number.wrapping_shl(by)),
        None => call.integer(0)?.wrapping_shl(by),
    }))
}

fn right(call: &Call<'_>) -> Outcome {
    let by = distance(call)?;
    Ok(Value::Integer(match short(call, 0, Some(call.ty))? {
        Some(number) => i64::from(number.wrapping_shr(by)),
        None => call.integer(0)?.wrapping_shr(by),
    }))
}

fn right_unsigned(call: &Call<'_>) -> Outcome {
    let by = distance(call)?;
    Ok(Value::Integer(match short(call, 0, Some(call.ty))? {
        Some(number) => i64::from(number.cast_unsigned().wrapping_shr(by).cast_signed()),
        None => call.integer(0)?.cast_unsigned().wrapping_shr(by).cast_signed(),
    }))
}
