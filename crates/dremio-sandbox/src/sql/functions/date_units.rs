//! Functions over dates that have the unit in their name.

use rusqlite::types::Value;

use super::Outcome;
use super::call::Call;
use super::dates::{moved, out_of_range, part, truncated};
use super::row::{Function, Rule, row};
use crate::sql::moment::Unit;

pub(super) const ROWS: &[Function] = &[
    row("ADD_DAYS", "int, date|timestamp", Rule::Same(1), |call| add(call, Unit::Day, 0, 1)),
    row("ADD_DAYS", "date|timestamp, int", Rule::Same(0), |call| add(call, Unit::Day, 1, 0)),
    row("TIMESTAMPADDDAY", "int, date|timestamp", Rule::Same(1), |call| add(call, Unit::Day, 0, 1)),
    row("TIMESTAMPADDDAY", "date|timestamp, int", Rule::Same(0), |call| add(call, Unit::Day, 1, 0)),
    row("TIMESTAMPDIFFDAY", "timestamp, timestamp", Rule::Integer, |call| between(call, Unit::Day)),
    row("ADD_HOURS", "int, timestamp", Rule::Same(1), |call| add(call, Unit::Hour, 0, 1)),
    row("ADD_HOURS", "timestamp, int", Rule::Same(0), |call| add(call, Unit::Hour, 1, 0)),
    row("TIMESTAMPADDHOUR", "int, timestamp", Rule::Same(1), |call| add(call, Unit::Hour, 0, 1)),
    row("TIMESTAMPADDHOUR", "timestamp, int", Rule::Same(0), |call| add(call, Unit::Hour, 1, 0)),
    row("TIMESTAMPDIFFHOUR", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Hour)
    }),
    row("ADD_MINUTES", "int, timestamp", Rule::Same(1), |call| add(call, Unit::Minute, 0, 1)),
    row("ADD_MINUTES", "timestamp, int", Rule::Same(0), |call| add(call, Unit::Minute, 1, 0)),
    row("TIMESTAMPADDMINUTE", "int, timestamp", Rule::Same(1), |call| {
        add(call, Unit::Minute, 0, 1)
    }),
    row("TIMESTAMPADDMINUTE", "timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Minute, 1, 0)
    }),
    row("TIMESTAMPDIFFMINUTE", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Minute)
    }),
    row("ADD_MONTHS", "int, date|timestamp", Rule::Same(1), |call| add(call, Unit::Month, 0, 1)),
    row("ADD_MONTHS", "date|timestamp, int", Rule::Same(0), |call| add(call, Unit::Month, 1, 0)),
    row("TIMESTAMPADDMONTH", "int, date|timestamp", Rule::Same(1), |call| {
        add(call, Unit::Month, 0, 1)
    }),
    row("TIMESTAMPADDMONTH", "date|timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Month, 1, 0)
    }),
    row("TIMESTAMPDIFFMONTH", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Month)
    }),
    row("ADD_QUARTERS", "int, date|timestamp", Rule::Same(1), |call| {
        add(call, Unit::Quarter, 0, 1)
    }),
    row("ADD_QUARTERS", "date|timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Quarter, 1, 0)
    }),
    row("TIMESTAMPADDQUARTER", "int, date|timestamp", Rule::Same(1), |call| {
        add(call, Unit::Quarter, 0, 1)
    }),
    row("TIMESTAMPADDQUARTER", "date|timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Quarter, 1, 0)
    }),
    row("TIMESTAMPDIFFQUARTER", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Quarter)
    }),
    row("ADD_SECONDS", "int, timestamp", Rule::Same(1), |call| add(call, Unit::Second, 0, 1)),
    row("ADD_SECONDS", "timestamp, int", Rule::Same(0), |call| add(call, Unit::Second, 1, 0)),
    row("TIMESTAMPADDSECOND", "int, timestamp", Rule::Same(1), |call| {
        add(call, Unit::Second, 0, 1)
    }),
    row("TIMESTAMPADDSECOND", "timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Second, 1, 0)
    }),
    row("TIMESTAMPDIFFSECOND", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Second)
    }),
    row("ADD_WEEKS", "int, date|timestamp", Rule::Same(1), |call| add(call, Unit::Week, 0, 1)),
    row("ADD_WEEKS", "date|timestamp, int", Rule::Same(0), |call| add(call, Unit::Week, 1, 0)),
    row("TIMESTAMPADDWEEK", "int, date|timestamp", Rule::Same(1), |call| {
        add(call, Unit::Week, 0, 1)
    }),
    row("TIMESTAMPADDWEEK", "date|timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Week, 1, 0)
    }),
    row("TIMESTAMPDIFFWEEK", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Week)
    }),
    row("ADD_YEARS", "int, date|timestamp", Rule::Same(1), |call| add(call, Unit::Year, 0, 1)),
    row("ADD_YEARS", "date|timestamp, int", Rule::Same(0), |call| add(call, Unit::Year, 1, 0)),
    row("TIMESTAMPADDYEAR", "int, date|timestamp", Rule::Same(1), |call| {
        add(call, Unit::Year, 0, 1)
    }),
    row("TIMESTAMPADDYEAR", "date|timestamp, int", Rule::Same(0), |call| {
        add(call, Unit::Year, 1, 0)
    }),
    row("TIMESTAMPDIFFYEAR", "timestamp, timestamp", Rule::Integer, |call| {
        between(call, Unit::Year)
    }),
    row("DATE_TRUNC_CENTURY", "date|timestamp", Rule::Same(0), |call| cut(call, "CENTURY")),
    row("DATE_TRUNC_DAY", "date|timestamp", Rule::Same(0), |call| cut(call, "DAY")),
    row("DATE_TRUNC_DECADE", "date|timestamp", Rule::Same(0), |call| cut(call, "DECADE")),
    row("DATE_TRUNC_HOUR", "date|timestamp", Rule::Same(0), |call| cut(call, "HOUR")),
    row("DATE_TRUNC_MILLENNIUM", "date|timestamp", Rule::Same(0), |call| cut(call, "MILLENNIUM")),
    row("DATE_TRUNC_MINUTE", "date|timestamp", Rule::Same(0), |call| cut(call, "MINUTE")),
    row("DATE_TRUNC_MONTH", "date|timestamp", Rule::Same(0), |call| cut(call, "MONTH")),
    row("DATE_TRUNC_QUARTER", "date|timestamp", Rule::Same(0), |call| cut(call, "QUARTER")),
    row("DATE_TRUNC_SECOND", "date|timestamp", Rule::Same(0), |call| cut(call, "SECOND")),
    row("DATE_TRUNC_WEEK", "date|timestamp", Rule::Same(0), |call| cut(call, "WEEK")),
    row("DATE_TRUNC_YEAR", "date|timestamp", Rule::Same(0), |call| cut(call, "YEAR")),
    row("EXTRACTCENTURY", "date|timestamp", Rule::BigInt, |call| part(call, "CENTURY", 0)),
    row("EXTRACTDAY", "date|timestamp", Rule::BigInt, |call| part(call, "DAY", 0)),
    row("EXTRACTDECADE", "date|timestamp", Rule::BigInt, |call| part(call, "DECADE", 0)),
    row("EXTRACTDOW", "date|timestamp", Rule::BigInt, |call| part(call, "DOW", 0)),
    row("EXTRACTDOY", "date|timestamp", Rule::BigInt, |call| part(call, "DOY", 0)),
    row("EXTRACTEPOCH", "date|timestamp|time", Rule::BigInt, |call| part(call, "EPOCH", 0)),
    row("EXTRACTHOUR", "date|timestamp|time", Rule::BigInt, |call| part(call, "HOUR", 0)),
    row("EXTRACTMILLENNIUM", "date|timestamp", Rule::BigInt, |call| part(call, "MILLENNIUM", 0)),
    row("EXTRACTMINUTE", "date|timestamp|time", Rule::BigInt, |call| part(call, "MINUTE", 0)),
    row("EXTRACTMONTH", "date|timestamp", Rule::BigInt, |call| part(call, "MONTH", 0)),
    row("EXTRACTQUARTER", "date|timestamp", Rule::BigInt, |call| part(call, "QUARTER", 0)),
    row("EXTRACTSECOND", "date|timestamp|time", Rule::BigInt, |call| part(call, "SECOND", 0)),
    row("EXTRACTWEEK", "date|timestamp", Rule::BigInt, |call| part(call, "WEEK", 0)),
    row("EXTRACTYEAR", "date|timestamp", Rule::BigInt, |call| part(call, "YEAR", 0)),
];

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
