//! Functions over numbers.

use rusqlite::types::Value;

use super::argument::Argument;
use super::arithmetic::{division_by_zero, overflow};
use super::call::Call;
use super::families::{self, combined};
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, real};
use crate::catalog::DremioType;
use crate::sql::decimal::Decimal;
use crate::sql::error::SqlError;

pub(super) const ROWS: &[Function] = &[
    row("ABS", "number", Rule::Same(0), |call| match call.value(0) {
        Value::Integer(number) => number.checked_abs().map(Value::Integer).ok_or_else(overflow),
        _ => match call.decimal(0) {
            Ok(number) if is_decimal(call) && number.is_negative() => {
                Ok(number.negated().to_value())
            }
            Ok(number) if is_decimal(call) => Ok(number.to_value()),
            _ => unary(call, f64::abs),
        },
    }),
    row("SIGN", "number", Rule::Same(0), |call| {
        let number = call.real(0)?;
        Ok(Value::Integer(i64::from(number > 0.0) - i64::from(number < 0.0)))
    }),
    row("CEIL", "number", Rule::By(whole_type), |call| whole(call, f64::ceil, 1)),
    row("CEILING", "number", Rule::By(whole_type), |call| whole(call, f64::ceil, 1)),
    row("FLOOR", "number", Rule::By(whole_type), |call| whole(call, f64::floor, -1)),
    row("ROUND", "number, int?", Rule::By(rounded), |call| to_places(call, Decimal::rescaled)),
    row("TRUNC", "number, int?", Rule::By(truncated), |call| to_places(call, Decimal::truncated)),
    row("TRUNCATE", "number, int?", Rule::By(truncated), |call| {
        to_places(call, Decimal::truncated)
    }),
    row("SQRT", "number", Rule::Double, |call| unary(call, f64::sqrt)),
    row("CBRT", "number", Rule::Double, |call| unary(call, f64::cbrt)),
    row("EXP", "number", Rule::Double, |call| unary(call, f64::exp)),
    // Of 0 and less it is NULL, and not what Java makes of it.
    row("LN", "number", Rule::Double, |call| {
        let number = call.real(0)?;
        Ok(if number > 0.0 { Value::Real(number.ln()) } else { Value::Null })
    }),
    row("LOG", "number", Rule::Double, |call| unary(call, f64::ln)),
    row("LOG", "number, number", Rule::Double, |call| {
        Ok(Value::Real(call.real(1)?.ln() / call.real(0)?.ln()))
    }),
    row("LOG2", "number", Rule::Double, |call| unary(call, f64::log2)),
    row("LOG10", "number", Rule::Double, |call| unary(call, f64::log10)),
    row("POWER", "number, number", Rule::Double, power),
    row("POW", "number, number", Rule::Double, power),
    row("PI", "", Rule::Double, |_| Ok(Value::Real(std::f64::consts::PI))),
    row("E", "", Rule::Double, |_| Ok(Value::Real(std::f64::consts::E))),
    row("DEGREES", "number", Rule::Double, |call| unary(call, f64::to_degrees)),
    row("RADIANS", "number", Rule::Double, |call| unary(call, f64::to_radians)),
    row("SIN", "number", Rule::Double, |call| unary(call, f64::sin)),
    row("COS", "number", Rule::Double, |call| unary(call, f64::cos)),
    row("TAN", "number", Rule::Double, |call| unary(call, f64::tan)),
    row("SINH", "number", Rule::Double, |call| unary(call, f64::sinh)),
    row("COSH", "number", Rule::Double, |call| unary(call, f64::cosh)),
    row("TANH", "number", Rule::Double, |call| unary(call, f64::tanh)),
    row("ASIN", "number", Rule::Double, |call| unary(call, f64::asin)),
    row("ACOS", "number", Rule::Double, |call| unary(call, f64::acos)),
    row("ATAN", "number", Rule::Double, |call| unary(call, f64::atan)),
    row("ATAN2", "number, number", Rule::Double, |call| {
        Ok(Value::Real(call.real(0)?.atan2(call.real(1)?)))
    }),
    row("MOD", "number, number", Rule::By(remainder), modulo),
    row("PMOD", "int|double, int|double", Rule::Widest, positive_modulo),
    row("DIV", "int, int", Rule::Widest, |call| match (call.integer(0)?, call.integer(1)?) {
        (_, 0) => Err(division_by_zero()),
        (left, right) => left.checked_div(right).map(Value::Integer).ok_or_else(overflow),
    }),
    row("DIV", "double, double", Rule::Widest, |call| match (call.real(0)?, call.real(1)?) {
        (_, 0.0) => Err(division_by_zero()),
        (left, right) => Ok(Value::Real((left / right).trunc())),
    }),
    row("POSITIVE", "int|double", Rule::Same(0), |call| Ok(call.value(0).clone())),
    row("NEGATIVE", "int|double", Rule::Same(0), |call| match call.value(0) {
        Value::Integer(number) => number.checked_neg().map(Value::Integer).ok_or_else(overflow),
        _ => unary(call, |number| -number),
    }),
    row("FACTORIAL", "int", Rule::BigInt, |call| {
        let number = call.integer(0)?;
        match number {
            0..=20 => Ok(Value::Integer((1..=number).product())),
            21.. => Err(FunctionError("Numbers greater than 20 cause overflow!".to_owned())),
            _ => Err(FunctionError("Factorial of negative number not exist!".to_owned())),
        }
    }),
    row("RAND", "", Rule::Double, random).volatile(),
    row("RANDOM", "", Rule::Double, random).volatile(),
];

fn unary(call: &Call<'_>, run: fn(f64) -> f64) -> Outcome {
    Ok(Value::Real(run(call.real(0)?)))
}

fn power(call: &Call<'_>) -> Outcome {
    Ok(Value::Real(call.real(0)?.powf(call.real(1)?)))
}

/// A number from 0 to 1 of 53 random bits.
fn random(_: &Call<'_>) -> Outcome {
    let bits =
        getrandom::u64().map_err(|cause| FunctionError(format!("no random number: {cause}")))?;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    let fraction = (bits >> 11) as f64;
    Ok(Value::Real(fraction * 2_f64.powi(-53)))
}

fn is_decimal(call: &Call<'_>) -> bool {
    matches!(call.ty, DremioType::Decimal { .. })
}

fn whole_type(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(match families::first(arguments) {
        DremioType::Decimal { precision, .. } => DremioType::decimal(precision, 0),
        other => other,
    })
}

/// Integers are whole already and keep all their digits, and so do decimals: one is added if
/// cutting the fraction off went the wrong way.
fn whole(call: &Call<'_>, run: fn(f64) -> f64, step: i64) -> Outcome {
    match call.value(0) {
        number @ Value::Integer(_) => Ok(number.clone()),
        _ if is_decimal(call) => {
            let number = call.decimal(0)?;
            let cut = number.truncated(0).ok_or_else(overflow)?;
            let rest = number.plus(cut.negated()).ok_or_else(overflow)?;
            let wrong = !rest.is_zero() && rest.is_negative() == (step < 0);
            let step = Decimal::from_value(&Value::Integer(if wrong { step } else { 0 }));
            step.and_then(|step| cut.plus(step)).map(Decimal::to_value).ok_or_else(overflow)
        }
        _ => unary(call, run),
    }
}

fn rounded(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(to_scale(arguments, 1))
}

fn truncated(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    Ok(to_scale(arguments, 0))
}

/// A decimal of as many places as a literal says; rounding may need one more digit in front.
fn to_scale(arguments: &[Argument], carry: u8) -> DremioType {
    let places = match arguments.get(1) {
        None => Some(0),
        Some(places) => places.literal_integer(),
    };
    match (families::first(arguments), places) {
        (DremioType::Decimal { precision, scale }, Some(places)) => {
            let places = u8::try_from(places.max(0)).unwrap_or(u8::MAX).min(scale);
            let carry = if places < scale { carry } else { 0 };
            DremioType::decimal((precision - (scale - places) + carry).max(1), places)
        }
        (ty, _) => ty,
    }
}

/// The first argument with as many decimal places as the second says; fewer than none are tens,
/// hundreds and so on.
fn to_places(call: &Call<'_>, cut: fn(Decimal, u32) -> Option<Decimal>) -> Outcome {
    let places = if call.len() > 1 { call.integer(1)? } else { 0 }.clamp(-30, 30);
    let value = call.value(0);
    let Some(number) = Decimal::from_value(value) else {
        // Beyond 38 digits there are no decimal places.
        return Ok(value.clone());
    };
    let cut = match u32::try_from(places) {
        Ok(_) if matches!(value, Value::Integer(_)) => return Ok(value.clone()),
        Ok(places) => cut(number, places),
        Err(_) => {
            let tens = Decimal::parse(&format!("1e{}", -places));
            let shifted = tens.and_then(|tens| {
                number.times(Decimal::parse(&format!("1e{places}"))?).zip(Some(tens))
            });
            shifted.and_then(|(number, tens)| cut(number, 0)?.times(tens))
        }
    };
    Ok(match (cut, value) {
        (Some(number), Value::Integer(_)) => {
            number.to_integer().map_or(Value::Null, Value::Integer)
        }
        (Some(number), _) => number.to_value(),
        (None, _) => value.clone(),
    })
}

/// The rest of a division has the type of the operator `%`; of whole numbers it is no longer than
/// the divisor.
fn remainder(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let whole = |ty: &DremioType| matches!(ty, DremioType::Integer | DremioType::BigInt);
    match arguments {
        [Argument { ty: Some(left), .. }, Argument { ty: Some(right), .. }]
            if whole(left) && whole(right) =>
        {
            Ok(right.clone())
        }
        _ => combined("MOD", "%", arguments),
    }
}

fn modulo(call: &Call<'_>) -> Outcome {
    match (call.value(0), call.value(1)) {
        // Dremio gives the dividend, and no error.
        (left @ Value::Integer(_), Value::Integer(0)) => Ok(left.clone()),
        (Value::Integer(left), Value::Integer(right)) => {
            Ok(Value::Integer(left.wrapping_rem(*right)))
        }
        (left, right) => {
            if real(right)? == 0.0 {
                return Err(division_by_zero());
            }
            match (Decimal::from_value(left), Decimal::from_value(right)) {
                (Some(left), Some(right)) if is_decimal(call) => {
                    Ok(left.modulo(right).map_or(Value::Null, Decimal::to_value))
                }
                _ => Ok(Value::Real(real(left)? % real(right)?)),
            }
        }
    }
}

/// The rest of a division, with the divisor added where it, or the rest, is negative.
fn positive_modulo(call: &Call<'_>) -> Outcome {
    match (call.value(0), call.value(1)) {
        (_, Value::Integer(0)) => Err(division_by_zero()),
        (Value::Integer(left), Value::Integer(right)) => {
            let rest = left.wrapping_rem(*right);
            Ok(Value::Integer(if rest < 0 || *right < 0 { rest + right } else { rest }))
        }
        (left, right) => {
            let (left, right) = (real(left)?, real(right)?);
            if right == 0.0 {
                return Err(division_by_zero());
            }
            let rest = left % right;
            Ok(Value::Real(if rest < 0.0 || right < 0.0 { rest + right } else { rest }))
        }
    }
}
