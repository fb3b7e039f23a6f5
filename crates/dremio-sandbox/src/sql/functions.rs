//! Dremio's functions for SQLite, and the list of what may be called at all.
//!
//! Dremio's functions are rows of tables, see [`row`]; [`Scalar`] is for what a rewriting produces.

mod aggregates;
mod argument;
mod arithmetic;
mod bits;
mod bytes;
mod call;
mod cast;
mod conditions;
mod conversions;
mod date_formats;
mod date_units;
mod dates;
mod families;
mod gathering;
mod geography;
mod hashes;
mod intervals;
mod json;
mod likes;
mod lists;
mod maps;
mod masks;
mod maths;
mod names;
mod number_formats;
mod regexps;
mod row;
mod texts;
mod words;
mod zones;

use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;

pub(crate) use aggregates::{aggregate, ranking};
pub(crate) use argument::Argument;
pub(crate) use names::exists;
use row::Function;
pub(crate) use row::{Bound, bind};

/// What the errors of our functions begin with on their way through SQLite, which tells them from
/// SQLite's own.
pub(crate) const OWN: char = '\u{1}';

/// Why a call fails; the text becomes the job's error.
#[derive(Debug, thiserror::Error)]
#[error("{OWN}{0}")]
pub(crate) struct FunctionError(pub(crate) String);

type Outcome = Result<Value, FunctionError>;

/// The SQLite function that computes all calls of [`Bound::sql`], and the one for those that have
/// another result each time.
const CALL: &str = "dremio_call";
const VOLATILE_CALL: &str = "dremio_call_volatile";

/// A function for a rewriting, which Dremio does not have.
struct Scalar {
    name: &'static str,
    arity: RangeInclusive<i32>,
    /// Whether it sees NULL arguments; for the others a NULL makes the result NULL.
    takes_nulls: bool,
    run: fn(&[Value]) -> Outcome,
}

const fn scalar(
    name: &'static str,
    arity: RangeInclusive<i32>,
    run: fn(&[Value]) -> Outcome,
) -> Scalar {
    Scalar { name, arity, takes_nulls: false, run }
}

/// SQLite's own functions that Dremio has too, or that a rewriting produces.
const BUILT_IN: &[&str] = &[
    "avg",
    "coalesce",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "dense_rank",
    "first_value",
    "group_concat",
    "hex",
    "ifnull",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_object",
    "lag",
    "last_value",
    "lead",
    "length",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "rank",
    "replace",
    "row_number",
    "rtrim",
    "sum",
    "trim",
];

/// Makes the functions known to a connection. `now` is the time that CURRENT_TIMESTAMP stands for.
pub(crate) fn register(connection: &Connection, now: &str) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for function in all() {
        let (run, takes_nulls) = (function.run, function.takes_nulls);
        for arity in function.arity.clone() {
            connection.create_scalar_function(function.name, arity, flags, move |context| {
                let arguments = (0..context.len())
                    .map(|index| context.get::<Value>(index))
                    .collect::<rusqlite::Result<Vec<Value>>>()?;
                if !takes_nulls && arguments.contains(&Value::Null) {
                    return Ok(Value::Null);
                }
                representable(run(&arguments))
            })?;
        }
    }
    for (name, flags) in [(CALL, flags), (VOLATILE_CALL, FunctionFlags::SQLITE_UTF8)] {
        let now = now.to_owned();
        connection.create_scalar_function(name, -1, flags, move |context| {
            // Read once for each place in a statement, not for each row.
            let bound: Arc<Bound> = context.get_or_create_aux(0, |signature| {
                let bound = signature.as_str().ok().and_then(Bound::parse);
                bound.ok_or_else(|| FunctionError("a call without a function".to_owned()))
            })?;
            let arguments = (1..context.len())
                .map(|index| context.get::<Value>(index))
                .collect::<rusqlite::Result<Vec<Value>>>()?;
            representable(bound.run(arguments, &now))
        })?;
    }
    let now = now.to_owned();
    connection.create_scalar_function("dremio_now", 0, flags, move |_| Ok(now.clone()))?;
    arithmetic::register(connection)?;
    gathering::register(connection)?;
    aggregates::register(connection)
}

/// SQLite would make NULL of what is not a number.
fn representable(outcome: Outcome) -> rusqlite::Result<Value> {
    match outcome {
        Ok(Value::Real(number)) if number.is_nan() => Err(not_a_number()),
        outcome => outcome,
    }
    .map_err(|cause| rusqlite::Error::UserFunctionError(Box::new(cause)))
}

/// Whether a statement may call the function; others do not exist as far as Dremio is concerned.
pub(crate) fn is_allowed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    BUILT_IN.contains(&name.as_str())
        || [CALL, VOLATILE_CALL, "dremio_now"].contains(&name.as_str())
        || arithmetic::AGGREGATES.contains(&name.as_str())
        || aggregates::NAMES.contains(&name.as_str())
        || gathering::NAMES.contains(&name.as_str())
        || all().any(|function| function.name == name)
}

/// `name ILIKE pattern`.
pub(crate) fn ilike(pattern: &str, name: &str) -> bool {
    likes::like(pattern, name, None, true)
}

fn all() -> impl Iterator<Item = &'static Scalar> {
    likes::OPERATORS
        .iter()
        .chain(dates::OPERATORS)
        .chain(cast::OPERATORS)
        .chain(arithmetic::FUNCTIONS)
}

/// All functions of Dremio that are here.
fn rows() -> impl Iterator<Item = &'static Function> {
    [
        texts::ROWS,
        words::ROWS,
        likes::ROWS,
        regexps::ROWS,
        masks::ROWS,
        maths::ROWS,
        number_formats::ROWS,
        bits::ROWS,
        bytes::ROWS,
        hashes::ROWS,
        conversions::ROWS,
        conversions::NUMBERS,
        dates::ROWS,
        date_units::ROWS,
        date_formats::ROWS,
        intervals::ROWS,
        zones::ROWS,
        conditions::ROWS,
        lists::ROWS,
        maps::ROWS,
        geography::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// A value as text, numbers spelt as Dremio does.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => super::cell::double_text(*number),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn integer(value: &Value) -> Result<i64, FunctionError> {
    match value {
        Value::Integer(number) => Ok(*number),
        Value::Real(number) => cast::to_integer(*number),
        Value::Text(digits) => digits.trim().parse().map_err(|_| no_number(digits)),
        Value::Null | Value::Blob(_) => Err(no_number(&text(value))),
    }
}

fn real(value: &Value) -> Result<f64, FunctionError> {
    match value {
        // Doubles have fewer digits than BIGINT: that is what Dremio's conversion does too.
        #[expect(clippy::cast_precision_loss, reason = "the conversion that is asked for")]
        Value::Integer(number) => Ok(*number as f64),
        Value::Real(number) => Ok(*number),
        Value::Text(digits) => digits.trim().parse().map_err(|_| no_number(digits)),
        Value::Null | Value::Blob(_) => Err(no_number(&text(value))),
    }
}

fn no_number(text: &str) -> FunctionError {
    FunctionError(format!("For input string: \"{text}\""))
}

/// Ordinary in Dremio, and not done here.
fn unsupported(what: &str) -> FunctionError {
    FunctionError(format!("{what} is not supported by this stand-in for Dremio."))
}

fn not_a_number() -> FunctionError {
    FunctionError("The value NaN is not supported by this stand-in for Dremio.".to_owned())
}

fn boolean(flag: bool) -> Value {
    Value::Integer(i64::from(flag))
}

#[cfg(test)]
mod tests;
