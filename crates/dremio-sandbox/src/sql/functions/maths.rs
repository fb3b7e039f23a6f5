//! Functions over numbers: what SQLite has only as a compile-time option.

use rusqlite::types::Value;

use super::{FunctionError, Outcome, Scalar, integer, real, scalar};

pub(super) const FUNCTIONS: &[Scalar] = &[
    scalar("ceil", 1..=1, |a| whole(a, f64::ceil)),
    scalar("ceiling", 1..=1, |a| whole(a, f64::ceil)),
    scalar("floor", 1..=1, |a| whole(a, f64::floor)),
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
        [Value::Integer(_), Value::Integer(0)] => Err(FunctionError("divide by zero".to_owned())),
        [Value::Integer(left), Value::Integer(right)] => Ok(Value::Integer(left.wrapping_rem(*right))),
        [left, right] => Ok(Value::Real(real(left)? % real(right)?)),
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
    let places = arguments.get(1).map_or(Ok(0), integer)?;
    let factor = 10_f64.powi(i32::try_from(places.clamp(-30, 30)).unwrap_or(0));
    match arguments.first() {
        Some(number @ Value::Integer(_)) if places >= 0 => Ok(number.clone()),
        Some(number) => Ok(Value::Real((real(number)? * factor).trunc() / factor)),
        None => Ok(Value::Null),
    }
}
