//! Functions over dates, times and timestamps.

use rusqlite::types::Value;

use super::row::{Argument, Call, Function, Rule, row};
use super::{FunctionError, Outcome, Scalar, integer, scalar, text};
use crate::catalog::DremioType;
use crate::sql::error::SqlError;
use crate::sql::moment::{Moment, Unit};

pub(super) const ROWS: &[Function] = &[
    row("EXTRACT", "text, date|timestamp|time", Rule::BigInt, |call| {
        part(call, &unit_name(call), 1)
    }),
    row("DATE_PART", "text, date|timestamp|time", Rule::BigInt, |call| {
        part(call, &unit_name(call), 1)
    }),
    row("YEAR", "date|timestamp", Rule::BigInt, |call| part(call, "YEAR", 0)),
    row("QUARTER", "date|timestamp", Rule::BigInt, |call| part(call, "QUARTER", 0)),
    row("MONTH", "date|timestamp", Rule::BigInt, |call| part(call, "MONTH", 0)),
    row("WEEK", "date|timestamp", Rule::BigInt, |call| part(call, "WEEK", 0)),
    row("WEEKOFYEAR", "date|timestamp", Rule::BigInt, |call| part(call, "WEEK", 0)),
    row("DAY", "date|timestamp", Rule::BigInt, |call| part(call, "DAY", 0)),
    row("DAYOFMONTH", "date|timestamp", Rule::BigInt, |call| part(call, "DAY", 0)),
    row("DAYOFWEEK", "date|timestamp", Rule::BigInt, |call| part(call, "DAYOFWEEK", 0)),
    row("DAYOFYEAR", "date|timestamp", Rule::BigInt, |call| part(call, "DAYOFYEAR", 0)),
    row("HOUR", "date|timestamp|time", Rule::BigInt, |call| part(call, "HOUR", 0)),
    row("MINUTE", "date|timestamp|time", Rule::BigInt, |call| part(call, "MINUTE", 0)),
    row("SECOND", "date|timestamp|time", Rule::BigInt, |call| part(call, "SECOND", 0)),
    row("DATE_TRUNC", "text, date|timestamp", Rule::Same(1), |call| {
        moved(call.moment(1)?.truncated(unit(call, 0)?))
    }),
    row("TIMESTAMPADD", "text, int, date|timestamp", Rule::By(added), |call| {
        moved(call.moment(2)?.shifted(call.integer(1)?, unit(call, 0)?))
    }),
    row("TIMESTAMPDIFF", "text, timestamp, timestamp", Rule::Integer, |call| {
        let units = call.moment(1)?.units_until(call.moment(2)?, unit(call, 0)?);
        units.map(Value::Integer).ok_or_else(out_of_range)
    }),
    row("DATE_ADD", "date|timestamp, int", Rule::Same(0), |call| add_days(call, call.integer(1)?)),
    row("DATE_SUB", "date|timestamp, int", Rule::Same(0), |call| add_days(call, -call.integer(1)?)),
    row("DATE_DIFF", "date|timestamp, int", Rule::Same(0), |call| {
        add_days(call, -call.integer(1)?)
    }),
    row("DATEDIFF", "date|timestamp, date|timestamp", Rule::Integer, |call| {
        let (end, start) = (call.moment(0)?.to_date(), call.moment(1)?.to_date());
        start.units_until(end, Unit::Day).map(Value::Integer).ok_or_else(out_of_range)
    }),
    row("LAST_DAY", "date|timestamp", Rule::Date, |call| moved(Some(call.moment(0)?.last_day()))),
    row("UNIX_TIMESTAMP", "timestamp", Rule::BigInt, |call| {
        call.moment(0)?.epoch_seconds().map(Value::Integer).ok_or_else(out_of_range)
    }),
    row("NOW", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("LOCALTIME", "", Rule::Time, |call| {
        Ok(Value::Text(call.now.get(11..).unwrap_or_default().to_owned()))
    }),
    row("TO_CHAR", "date|timestamp, text", Rule::Varchar, |call| {
        Ok(Value::Text(formatted(call.moment(0)?, &call.text(1))))
    }),
    row("TO_DATE", "timestamp", Rule::Date, |call| moved(Some(read(call)?.to_date()))),
    row("TO_DATE", "number", Rule::Date, |call| moved(from_epoch(call)?.map(Moment::to_date))),
    row("TO_TIMESTAMP", "number", Rule::Timestamp, |call| {
        moved(from_epoch(call)?.map(Moment::to_timestamp))
    }),
    row("TO_DATE", "text", Rule::Date, |call| moved(Some(read(call)?.to_date()))),
    row("TO_TIMESTAMP", "timestamp", Rule::Timestamp, |call| {
        moved(Some(read(call)?.to_timestamp()))
    }),
    row("TO_TIMESTAMP", "text", Rule::Timestamp, |call| moved(Some(read(call)?.to_timestamp()))),
];

pub(super) const OPERATORS: &[Scalar] = &[scalar("dremio_shift", 3..=3, |a| match a {
    [moment, amount, unit] => {
        let text = text(moment);
        let moment = Moment::parse(&text).ok_or_else(|| invalid(&text))?;
        let unit = Unit::parse(&super::text(unit)).ok_or_else(|| invalid(&text))?;
        moved(moment.shifted(integer(amount)?, unit))
    }
    _ => Ok(Value::Null),
})];

/// The elements of Dremio's date formats, longer ones first, with the number of digits to read.
const ELEMENTS: [(&str, usize); 13] = [
    ("MONTH", 0),
    ("HH24", 2),
    ("YYYY", 4),
    ("FFF", 3),
    ("DDD", 3),
    ("MON", 0),
    ("DAY", 0),
    ("HH", 2),
    ("MI", 2),
    ("MM", 2),
    ("DD", 2),
    ("SS", 2),
    ("DY", 0),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn unit_name(call: &Call<'_>) -> String {
    call.text(0).to_uppercase()
}

fn unit(call: &Call<'_>, index: usize) -> Result<Unit, FunctionError> {
    let name = call.text(index).to_uppercase();
    Unit::parse(&name).ok_or_else(|| FunctionError(format!("Unknown time unit '{name}'")))
}

fn invalid(text: &str) -> FunctionError {
    FunctionError(format!("Invalid timestamp string value \"{text}\""))
}

fn out_of_range() -> FunctionError {
    FunctionError("the date is out of range".to_owned())
}

fn moved(moment: Option<Moment>) -> Outcome {
    let moment = moment.ok_or_else(out_of_range)?;
    Ok(Value::Text(moment.to_string()))
}

fn add_days(call: &Call<'_>, days: i64) -> Outcome {
    moved(call.moment(0)?.shifted(days, Unit::Day))
}

fn part(call: &Call<'_>, name: &str, index: usize) -> Outcome {
    call.moment(index)?
        .part(name)
        .map(Value::Integer)
        .ok_or_else(|| FunctionError(format!("Unknown time unit '{name}'")))
}

/// A date that is moved by hours becomes a timestamp.
fn added(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let ty = arguments.get(2).and_then(|argument| argument.ty.clone());
    let unit = arguments.first().and_then(Argument::literal_text);
    let unit = unit.and_then(|unit| Unit::parse(&unit.to_uppercase()));
    let fine = matches!(unit, Some(Unit::Second | Unit::Minute | Unit::Hour));
    Ok(match ty {
        Some(DremioType::Date) if !fine => DremioType::Date,
        _ => DremioType::Timestamp,
    })
}

/// TO_CHAR: format elements are replaced, everything else stays.
fn formatted(moment: Moment, format: &str) -> String {
    let (date, time) = (moment.at.date(), moment.at.time());
    let name = |names: &[&'static str], index: i8, len: usize| -> String {
        let name = usize::try_from(index).ok().and_then(|index| names.get(index));
        name.map(|name| name.chars().take(len).collect()).unwrap_or_default()
    };
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let upper = rest.to_ascii_uppercase();
        let Some((element, _)) = ELEMENTS.iter().find(|(element, _)| upper.starts_with(element))
        else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        out.push_str(&match *element {
            "YYYY" => format!("{:04}", date.year()),
            "MM" => format!("{:02}", date.month()),
            "DD" => format!("{:02}", date.day()),
            "DDD" => format!("{:03}", date.day_of_year()),
            "HH24" => format!("{:02}", time.hour()),
            "HH" => format!("{:02}", (time.hour() + 11) % 12 + 1),
            "MI" => format!("{:02}", time.minute()),
            "SS" => format!("{:02}", time.second()),
            "FFF" => format!("{:03}", time.millisecond()),
            "MONTH" => name(&MONTHS, date.month() - 1, 9),
            "MON" => name(&MONTHS, date.month() - 1, 3),
            "DAY" => name(&DAYS, date.weekday().to_sunday_zero_offset(), 9),
            _ => name(&DAYS, date.weekday().to_sunday_zero_offset(), 3),
        });
        rest = rest.get(element.len()..).unwrap_or_default();
    }
    out
}

/// A number of seconds since 1970; what is less than a millisecond is cut off.
fn from_epoch(call: &Call<'_>) -> Result<Option<Moment>, FunctionError> {
    let millis = (call.real(0)? * 1_000.0).trunc();
    Ok(Moment::parse("1970-01-01 00:00:00").and_then(|epoch| {
        let at = epoch.at.checked_add(jiff::SignedDuration::try_from_secs_f64(millis / 1e3).ok()?);
        Some(Moment { at: at.ok()?, ..epoch })
    }))
}

/// The standard form of a date or timestamp.
fn read(call: &Call<'_>) -> Result<Moment, FunctionError> {
    let text = call.text(0);
    Moment::parse(&text).ok_or_else(|| invalid(&text))
}
