//! `+ - * / %`, comparisons and sums by Dremio's types instead of SQLite's, which would make a
//! number of everything.

use std::cmp::Ordering;

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::Value;

use super::{FunctionError, Outcome, Scalar, boolean, integer, real, scalar, text, unsupported};
use crate::catalog::DremioType;
use crate::sql::decimal::Decimal;

/// Aggregates whose second argument is the type of the result.
pub(super) const AGGREGATES: &[&str] = &["dremio_sum", "dremio_avg"];

pub(super) const FUNCTIONS: &[Scalar] = &[
    scalar("dremio_arith", 4..=4, |a| match a {
        [operator, left, right, ty] => {
            arithmetic(&text(operator), left, right, DremioType::parse(&text(ty)).as_ref())
        }
        _ => Ok(Value::Null),
    }),
    scalar("dremio_negate", 1..=1, |a| match a {
        [Value::Integer(number)] => number.checked_neg().map(Value::Integer).ok_or_else(overflow),
        [Value::Real(number)] => Ok(Value::Real(-number)),
        [number] => Decimal::from_value(number)
            .map(|number| number.negated().to_value())
            .ok_or_else(|| no_operand("-", number)),
        _ => Ok(Value::Null),
    }),
    scalar("dremio_compare", 3..=3, |a| match a {
        [operator, left, right] => {
            let order = compare(left, right)?;
            let wanted = text(operator);
            Ok(boolean(match wanted.as_str() {
                "=" => order.is_eq(),
                "<" => order.is_lt(),
                ">" => order.is_gt(),
                "<=" => order.is_le(),
                ">=" => order.is_ge(),
                _ => order.is_ne(),
            }))
        }
        _ => Ok(Value::Null),
    }),
    // A decimal whose value SQLite may compare and sort.
    scalar("dremio_narrow", 1..=1, |a| match a {
        [number @ Value::Text(digits)] => {
            match Decimal::from_value(number).map(Decimal::to_value) {
                Some(real @ Value::Real(_)) => Ok(real),
                _ => Err(unsupported(&format!(
                    "This use of {digits}, a decimal with more than 15 significant digits,"
                ))),
            }
        }
        [other] => Ok(other.clone()),
        _ => Ok(Value::Null),
    }),
    scalar("dremio_sort_key", 2..=2, |a| match a {
        [number, scale] => {
            let scale = u32::try_from(integer(scale)?).unwrap_or(0);
            Decimal::from_value(number)
                .and_then(|number| number.sort_key(scale))
                .ok_or_else(overflow)
        }
        _ => Ok(Value::Null),
    }),
    scalar("dremio_decimal_text", 2..=2, |a| match a {
        [number, scale] => {
            let scale = u32::try_from(integer(scale)?).unwrap_or(0);
            let decimal = Decimal::from_value(number)
                .and_then(|number| number.rescaled(scale))
                .ok_or_else(overflow)?;
            Ok(Value::Text(decimal.to_string()))
        }
        _ => Ok(Value::Null),
    }),
    scalar("dremio_boolean_text", 1..=1, |a| {
        Ok(Value::Text(if a == [Value::Integer(0)] { "false" } else { "true" }.to_owned()))
    }),
];

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for arity in [1, 2] {
        connection.create_window_function(
            "dremio_sum",
            arity,
            flags,
            Summing { average: false },
        )?;
        connection.create_window_function("dremio_avg", arity, flags, Summing { average: true })?;
    }
    Ok(())
}

pub(super) fn division_by_zero() -> FunctionError {
    FunctionError("divide by zero".to_owned())
}

pub(super) fn overflow() -> FunctionError {
    FunctionError("NUMERIC_OVERFLOW: the result is out of range of its type".to_owned())
}

fn no_operand(operator: &str, value: &Value) -> FunctionError {
    unsupported(&format!("'{operator}' on the value '{}', which is no number,", text(value)))
}

fn arithmetic(operator: &str, left: &Value, right: &Value, ty: Option<&DremioType>) -> Outcome {
    match (ty, left, right) {
        (Some(DremioType::Decimal { precision, scale }), _, _) => {
            let read =
                |value| Decimal::from_value(value).ok_or_else(|| no_operand(operator, value));
            decimal(operator, read(left)?, read(right)?, *precision, *scale)
        }
        (Some(DremioType::Double | DremioType::Float), _, _)
        | (_, Value::Real(_), _)
        | (_, _, Value::Real(_)) => {
            if let Some(value) = [left, right]
                .into_iter()
                .find(|value| matches!(value, Value::Text(_) | Value::Blob(_)))
            {
                return Err(no_operand(operator, value));
            }
            double(operator, real(left)?, real(right)?)
        }
        (_, Value::Integer(left), Value::Integer(right)) => {
            let number = whole(operator, *left, *right)?;
            if ty == Some(&DremioType::Integer) && i32::try_from(number).is_err() {
                return Err(overflow());
            }
            Ok(Value::Integer(number))
        }
        (_, Value::Integer(_), value) | (_, value, _) => Err(no_operand(operator, value)),
    }
}

fn whole(operator: &str, left: i64, right: i64) -> Result<i64, FunctionError> {
    let number = match operator {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        // As MOD, which is the same.
        "%" if right == 0 => Some(left),
        _ if right == 0 => return Err(division_by_zero()),
        "/" => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    number.ok_or_else(overflow)
}

fn double(operator: &str, left: f64, right: f64) -> Outcome {
    Ok(Value::Real(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        _ if right == 0.0 => return Err(division_by_zero()),
        "/" => left / right,
        _ => left % right,
    }))
}

fn decimal(operator: &str, left: Decimal, right: Decimal, precision: u8, scale: u8) -> Outcome {
    let places = u32::from(scale);
    let number = match operator {
        "+" => left.plus(right),
        "-" => left.plus(right.negated()),
        "*" => left.times(right),
        _ if right.is_zero() => return Err(division_by_zero()),
        "/" => left.over(right, places),
        _ => left.modulo(right),
    };
    let number = number
        .and_then(|number| number.rescaled(places))
        .filter(|number| number.fits(precision, scale));
    number.map(Decimal::to_value).ok_or_else(overflow)
}

/// The order of two values; a number and a text have one only if the text is a number.
pub(super) fn compare(left: &Value, right: &Value) -> Result<Ordering, FunctionError> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => return Ok(left.cmp(right)),
        (Value::Real(left), Value::Real(right)) => return Ok(left.total_cmp(right)),
        (Value::Blob(left), Value::Blob(right)) => return Ok(left.cmp(right)),
        (Value::Text(one), Value::Text(other)) => {
            // Two long decimals, or two texts: of other types these are not told apart, so only
            // what is clearly text is compared.
            return match (Decimal::from_value(left), Decimal::from_value(right)) {
                (Some(left), Some(right)) => left.compare(right).ok_or_else(overflow),
                _ => Ok(one.cmp(other)),
            };
        }
        _ => {}
    }
    match (Decimal::from_value(left), Decimal::from_value(right)) {
        (Some(left), Some(right)) => left.compare(right).ok_or_else(overflow),
        _ => {
            let (left, right) = (real(left)?, real(right)?);
            Ok(left.total_cmp(&right))
        }
    }
}

/// SUM and AVG.
struct Summing {
    average: bool,
}

#[derive(Default)]
struct Total {
    count: i64,
    kind: Kind,
}

#[derive(Default)]
enum Kind {
    #[default]
    Nothing,
    Whole(i128),
    Exact(Decimal, u8, u8),
    /// The sum, and what its rounding lost so far.
    Double(f64, f64),
}

impl Summing {
    fn add(context: &Context<'_>, total: &mut Total, forward: bool) -> Result<(), FunctionError> {
        let argument =
            |index| context.get::<Value>(index).map_err(|cause| FunctionError(cause.to_string()));
        let value = argument(0)?;
        if value == Value::Null {
            return Ok(());
        }
        total.count += if forward { 1 } else { -1 };
        if matches!(total.kind, Kind::Nothing) {
            let ty = if context.len() > 1 { DremioType::parse(&text(&argument(1)?)) } else { None };
            total.kind = match (ty, &value) {
                (Some(DremioType::Decimal { precision, scale }), _) => {
                    let zero = Decimal::from_value(&Value::Integer(0)).ok_or_else(overflow)?;
                    Kind::Exact(zero, precision, scale)
                }
                (_, Value::Integer(_)) => Kind::Whole(0),
                _ => Kind::Double(0.0, 0.0),
            };
        }
        match (&mut total.kind, &value) {
            (Kind::Whole(sum), Value::Integer(number)) => {
                let number = i128::from(*number);
                *sum += if forward { number } else { -number };
            }
            (Kind::Exact(sum, _, _), value) => {
                let number = Decimal::from_value(value).ok_or_else(|| no_operand("SUM", value))?;
                *sum = sum
                    .plus(if forward { number } else { number.negated() })
                    .ok_or_else(overflow)?;
            }
            (_, value @ (Value::Text(_) | Value::Blob(_))) => return Err(no_operand("SUM", value)),
            (kind, value) => {
                let (sum, lost) = match kind {
                    Kind::Double(sum, lost) => (*sum, *lost),
                    Kind::Whole(sum) => (real(&Value::Text(sum.to_string()))?, 0.0),
                    Kind::Nothing | Kind::Exact(..) => (0.0, 0.0),
                };
                let number = if forward { real(value)? } else { -real(value)? };
                let next = sum + number;
                let error = if sum.abs() >= number.abs() {
                    (sum - next) + number
                } else {
                    (number - next) + sum
                };
                *kind = Kind::Double(next, if next.is_finite() { lost + error } else { 0.0 });
            }
        }
        Ok(())
    }

    fn result(&self, total: &Total) -> Outcome {
        if total.count == 0 {
            return Ok(Value::Null);
        }
        let count = real(&Value::Integer(total.count))?;
        match (&total.kind, self.average) {
            (Kind::Nothing, _) => Ok(Value::Null),
            (Kind::Whole(sum), false) => {
                i64::try_from(*sum).map(Value::Integer).map_err(|_| overflow())
            }
            (Kind::Whole(sum), true) => {
                Ok(Value::Real(real(&Value::Text(sum.to_string()))? / count))
            }
            (Kind::Exact(sum, precision, scale), average) => {
                let number =
                    Decimal::from_value(&Value::Integer(if average { total.count } else { 1 }));
                let quotient = number.and_then(|number| sum.over(number, u32::from(*scale)));
                quotient
                    .filter(|quotient| quotient.fits(*precision, *scale))
                    .map(Decimal::to_value)
                    .ok_or_else(overflow)
            }
            (Kind::Double(sum, lost), average) => {
                let sum = sum + lost;
                let number = if average { sum / count } else { sum };
                if number.is_nan() { Err(super::not_a_number()) } else { Ok(Value::Real(number)) }
            }
        }
    }
}

fn outward(error: FunctionError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}

impl Aggregate<Total, Value> for Summing {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        Self::add(context, total, true).map_err(outward)
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> rusqlite::Result<Value> {
        total.map_or(Ok(Value::Null), |total| self.result(&total)).map_err(outward)
    }
}

impl WindowAggregate<Total, Value> for Summing {
    fn value(&self, total: Option<&mut Total>) -> rusqlite::Result<Value> {
        total.map_or(Ok(Value::Null), |total| self.result(total)).map_err(outward)
    }

    fn inverse(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        Self::add(context, total, false).map_err(outward)
    }
}
