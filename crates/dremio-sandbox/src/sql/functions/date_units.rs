//! Functions over dates that have the unit in their name.

use rusqlite::types::Value;

use super::Outcome;
use super::call::Call;
use super::dates::{moved, out_of_range, part, truncated};
use super::row::{Function, Rule, row};
use crate::sql::moment::Unit;

/// The rows of units: `ADD_…S` and `TIMESTAMPADD…` with the amount on either side,
/// `TIMESTAMPDIFF…`, `DATE_TRUNC_…` and `EXTRACT…`.
macro_rules! rows {
    (
        shifts: [$($unit:ident $name:literal $plural:literal $moves:literal,)*]
        differences: [$($between:ident $difference:literal,)*]
        cuts: [$($cut:literal)*]
        parts: [$($part:literal $of:literal,)*]
    ) => {
        &[
            $(
                row($plural, concat!("int, ", $moves), Rule::Same(1), |call| {
                    add(call, Unit::$unit, 0, 1)
                }),
                row($plural, concat!($moves, ", int"), Rule::Same(0), |call| {
                    add(call, Unit::$unit, 1, 0)
                }),
                row($name, concat!("int, ", $moves), Rule::Same(1), |call| {
                    add(call, Unit::$unit, 0, 1)
                }),
                row($name, concat!($moves, ", int"), Rule::Same(0), |call| {
                    add(call, Unit::$unit, 1, 0)
                }),
            )*
            $(row($difference, "timestamp, timestamp", Rule::Integer, |call| {
                between(call, Unit::$between)
            }),)*
            $(row(concat!("DATE_TRUNC_", $cut), "date|timestamp", Rule::Same(0), |call| {
                cut(call, $cut)
            }),)*
            $(row(concat!("EXTRACT", $part), $of, Rule::BigInt, |call| part(call, $part, 0)),)*
        ]
    };
}

pub(super) const ROWS: &[Function] = rows! {
    shifts: [
        Day "TIMESTAMPADDDAY" "ADD_DAYS" "date|timestamp",
        Hour "TIMESTAMPADDHOUR" "ADD_HOURS" "timestamp",
        Minute "TIMESTAMPADDMINUTE" "ADD_MINUTES" "timestamp",
        Month "TIMESTAMPADDMONTH" "ADD_MONTHS" "date|timestamp",
        Quarter "TIMESTAMPADDQUARTER" "ADD_QUARTERS" "date|timestamp",
        Second "TIMESTAMPADDSECOND" "ADD_SECONDS" "timestamp",
        Week "TIMESTAMPADDWEEK" "ADD_WEEKS" "date|timestamp",
        Year "TIMESTAMPADDYEAR" "ADD_YEARS" "date|timestamp",
    ]
    differences: [
        Day "TIMESTAMPDIFFDAY",
        Hour "TIMESTAMPDIFFHOUR",
        Minute "TIMESTAMPDIFFMINUTE",
        Month "TIMESTAMPDIFFMONTH",
        Quarter "TIMESTAMPDIFFQUARTER",
        Second "TIMESTAMPDIFFSECOND",
        Week "TIMESTAMPDIFFWEEK",
        Year "TIMESTAMPDIFFYEAR",
    ]
    cuts: [
        "CENTURY" "DAY" "DECADE" "HOUR" "MILLENNIUM" "MINUTE" "MONTH" "QUARTER" "SECOND" "WEEK"
        "YEAR"
    ]
    parts: [
        "CENTURY" "date|timestamp",
        "DAY" "date|timestamp",
        "DECADE" "date|timestamp",
        "DOW" "date|timestamp",
        "DOY" "date|timestamp",
        "EPOCH" "date|timestamp|time",
        "HOUR" "date|timestamp|time",
        "MILLENNIUM" "date|timestamp",
        "MINUTE" "date|timestamp|time",
        "MONTH" "date|timestamp",
        "QUARTER" "date|timestamp",
        "SECOND" "date|timestamp|time",
        "WEEK" "date|timestamp",
        "YEAR" "date|timestamp",
    ]
};

fn add(call: &Call<'_>, unit: Unit, amount: usize, moment: usize) -> Outcome {
    moved(call.moment(moment)?.shifted(call.integer(amount)?, unit))
}

fn between(call: &Call<'_>, unit: Unit) -> Outcome {
    let units = call.moment(0)?.units_until(call.moment(1)?, unit);
    units.map(Value::Integer).ok_or_else(out_of_range)
}

fn cut(call: &Call<'_>, unit: &str) -> Outcome {
    moved(truncated(call.moment(0)?, unit)?)
}
