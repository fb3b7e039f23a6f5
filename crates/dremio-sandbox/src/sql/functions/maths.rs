//! Functions over numbers: what SQLite has only as a compile-time option.

use rusqlite::types::Value;

use super::arithmetic::{division_by_zero, overflow};
use super::{Outcome, Scalar, integer, real, scalar};
use crate::sql::decimal::Decimal;

pub(super) const FUNCTIONS: &[Scalar] = &[
    scalar("abs", 1..=1, |a| match a {
        [Value::Integer(number)] => number.checked_abs().map(Value::Integer).ok_or_else(overflow),
        _ => unary(a, f64::abs),
    }),
    scalar("sign", 1..=1, |a| {
        let number = a.first().map_or(Ok(0.0), real)?;
        Ok(Value::Integer(i64::from(number > 0.0) - i64::from(number < 0.0)))
    }),
    scalar("ceil", 1..=1, |a| whole(a, f64::ceil)),
    scalar("ceiling", 1..=1, |a| whole(a, f64::ceil)),
    scalar("floor", 1..=1, |a| whole(a, f64::floor)),
    scalar("round", 1..=2, |a| to_places(a, Decimal::rescaled)),
    scalar("trunc", 1..=2, truncate),
    scalar("truncate", 1..=2, truncate),
    scalar("sqrt", 1..=1, |a| unary(a, f64::sqrt)),
    scalar("exp", 1..=1, |a| unary(a, f64::exp)),
    scalar("ln", 1..=1, |a| unary(a, f64::ln)),
    scalar("log", 1..=2, |a| match a {
        // LOG(base, x)
        [base, x] => Ok(Value::Real(real(x)?.log(real(base)?))),
        _ => unary(a, f64::ln),
    }),
    scalar("log10", 1..=1, |a| unary(a, f64::log10)),
    scalar("power", 2..=2, power),
    scalar("pow", 2..=2, power),
    scalar("pi", 0..=0, |_| Ok(Value::Real(std::f64::consts::PI))),
    scalar("mod", 2..=2, |a| match a {
        [Value::Integer(_), Value::Integer(0)] => Err(division_by_zero()),
        [Value::Integer(left), Value::Integer(right)] => {
            Ok(Value::Integer(left.wrapping_rem(*right)))
        }
        [left, right] => {
            if real(right)? == 0.0 {
                return Err(division_by_zero());
            }
            match (Decimal::from_value(left), Decimal::from_value(right)) {
                (Some(left), Some(right)) => {
                    Ok(left.modulo(right).map_or(Value::Null, Decimal::to_value))
                }
                _ => Ok(Value::Real(real(left)? % real(right)?)),
            }
        }
        _ => Ok(Value::Null),
    }),
];

fn unary(arguments: &[Value], run: fn(f64) -> f64) -> Outcome {
    let number = arguments.first().map_or(Ok(0.0), real)?;
    Ok(Value::Real(run(number)))
}

fn power(arguments: &[Value]) -> Outcome {
    match arguments {
        [base, exponent] => Ok(Value::Real(real(base)?.powf(real(exponent)?))),
        _ => Ok(Value::Null),
    }
}

/// Integers are whole already and keep all their digits.
fn whole(arguments: &[Value], run: fn(f64) -> f64) -> Outcome {
    match arguments.first() {
        Some(number @ Value::Integer(_)) => Ok(number.clone()),
        _ => unary(arguments, run),
    }
}

fn truncate(arguments: &[Value]) -> Outcome {
    to_places(arguments, Decimal::truncated)
}

/// The first argument with as many decimal places as the second says; fewer than none are tens,
/// hundreds and so on.
fn to_places(arguments: &[Value], cut: fn(Decimal, u32) -> Option<Decimal>) -> Outcome {
    let places = arguments.get(1).map_or(Ok(0), integer)?.clamp(-30, 30);
    let Some(value) = arguments.first() else {
        return Ok(Value::Null);
    };
    if matches!(value, Value::Text(_) | Value::Blob(_)) {
        real(value)?;
    }
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
