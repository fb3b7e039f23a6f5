//! Functions over dates, times and timestamps.

use rusqlite::types::Value;

use super::argument::Argument;
use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, Scalar, boolean, integer, scalar, text};
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
    row("YEARWEEK", "date|timestamp", Rule::BigInt, |call| part(call, "WEEK", 0)),
    row("DAY", "date|timestamp", Rule::BigInt, |call| part(call, "DAY", 0)),
    row("DAYOFMONTH", "date|timestamp", Rule::BigInt, |call| part(call, "DAY", 0)),
    row("DAYOFWEEK", "date|timestamp", Rule::BigInt, |call| part(call, "DAYOFWEEK", 0)),
    row("DAYOFYEAR", "date|timestamp", Rule::BigInt, |call| part(call, "DAYOFYEAR", 0)),
    row("HOUR", "date|timestamp|time", Rule::BigInt, |call| part(call, "HOUR", 0)),
    row("MINUTE", "date|timestamp|time", Rule::BigInt, |call| part(call, "MINUTE", 0)),
    row("SECOND", "date|timestamp|time", Rule::BigInt, |call| part(call, "SECOND", 0)),
    row("DATE_TRUNC", "text, date|timestamp", Rule::Same(1), |call| {
        moved(truncated(call.moment(1)?, &unit_name(call))?)
    }),
    row("TIMESTAMPADD", "text, int, date|timestamp", Rule::By(added), |call| {
        moved(call.moment(2)?.shifted(call.integer(1)?, unit(call, 0)?))
    }),
    row("TIMESTAMPDIFF", "text, timestamp, timestamp", Rule::Integer, |call| {
        let units = call.moment(1)?.units_until(call.moment(2)?, unit(call, 0)?);
        units.map(Value::Integer).ok_or_else(out_of_range)
    }),
    row("DATE_ADD", "date|timestamp, int", Rule::Same(0), |call| add_days(call, call.integer(1)?)),
    row("DATE_ADD", "int, date|timestamp", Rule::Same(1), |call| {
        moved(call.moment(1)?.shifted(call.integer(0)?, Unit::Day))
    }),
    row("DATE_SUB", "date|timestamp, int", Rule::Same(0), |call| add_days(call, -call.integer(1)?)),
    row("DATE_DIFF", "date|timestamp, int", Rule::Same(0), |call| {
        add_days(call, -call.integer(1)?)
    }),
    row("DATEDIFF", "date|timestamp, date|timestamp", Rule::Integer, |call| {
        let (end, start) = (call.moment(0)?.to_date(), call.moment(1)?.to_date());
        start.units_until(end, Unit::Day).map(Value::Integer).ok_or_else(out_of_range)
    }),
    row("LAST_DAY", "date|timestamp", Rule::Date, |call| moved(Some(call.moment(0)?.last_day()))),
    row("UNIX_TIMESTAMP", "", Rule::BigInt, |call| {
        let now = Moment::parse(call.now).and_then(Moment::epoch_seconds);
        now.map(Value::Integer).ok_or_else(out_of_range)
    }),
    row("MONTHS_BETWEEN", "date|timestamp, date|timestamp", Rule::Double, months_between),
    row("NEXT_DAY", "date|timestamp, text", Rule::Date, next_day),
    row("DATETYPE", "int, int, int", Rule::Date, |call| {
        let (year, month, day) = (call.integer(0)?, call.integer(1)?, call.integer(2)?);
        let text = format!("{year:04}-{month:02}-{day:02}");
        let date = Moment::parse(&text).ok_or_else(|| {
            FunctionError(format!(
                "Unable to convert year={year} month={month} day={day} into a date"
            ))
        })?;
        moved(Some(date))
    }),
    row("ISDATE", "text", Rule::Boolean, |call| {
        Ok(boolean(!call.is_null(0) && is_date(&call.text(0))))
    })
    .with_nulls(),
    row("NOW", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("STATEMENT_TIMESTAMP", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("TRANSACTION_TIMESTAMP", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("CURRENT_TIMESTAMP", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("CURRENT_TIMESTAMP_UTC", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("LOCALTIMESTAMP", "", Rule::Timestamp, |call| Ok(Value::Text(call.now.to_owned()))),
    row("CURRENT_DATE", "", Rule::Date, |call| Ok(part_of_now(call, 0..10))),
    row("CURRENT_DATE_UTC", "", Rule::Date, |call| Ok(part_of_now(call, 0..10))),
    row("CURRENT_TIME", "", Rule::Time, |call| Ok(part_of_now(call, 11..23))),
    row("CURRENT_TIME_UTC", "", Rule::Time, |call| Ok(part_of_now(call, 11..23))),
    row("LOCALTIME", "", Rule::Time, |call| Ok(part_of_now(call, 11..23))),
    row("TO_TIME", "int", Rule::Time, |call| {
        from_epoch(call)?.map_or_else(|| Err(out_of_range()), time)
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

pub(super) fn out_of_range() -> FunctionError {
    FunctionError("the date is out of range".to_owned())
}

pub(super) fn moved(moment: Option<Moment>) -> Outcome {
    let moment = moment.ok_or_else(out_of_range)?;
    Ok(Value::Text(moment.to_string()))
}

/// The time of day of a timestamp.
pub(super) fn time(moment: Moment) -> Outcome {
    Ok(Value::Text(moment.to_timestamp().to_string().get(11..).unwrap_or_default().to_owned()))
}

fn add_days(call: &Call<'_>, days: i64) -> Outcome {
    moved(call.moment(0)?.shifted(days, Unit::Day))
}

pub(super) fn part(call: &Call<'_>, name: &str, index: usize) -> Outcome {
    call.moment(index)?
        .part(name)
        .map(Value::Integer)
        .ok_or_else(|| FunctionError(format!("Unknown time unit '{name}'")))
}

/// The beginning of a unit; centuries and millennia begin with the year 1.
pub(super) fn truncated(moment: Moment, unit: &str) -> Result<Option<Moment>, FunctionError> {
    let year = i64::from(moment.at.year());
    let first = match unit {
        "DECADE" => year.div_euclid(10) * 10,
        "CENTURY" => (year - 1).div_euclid(100) * 100 + 1,
        "MILLENNIUM" => (year - 1).div_euclid(1_000) * 1_000 + 1,
        _ => {
            let unit = Unit::parse(unit)
                .ok_or_else(|| FunctionError(format!("Unknown time unit '{unit}'")))?;
            return Ok(moment.truncated(unit));
        }
    };
    let start = moment.truncated(Unit::Year);
    Ok(start.and_then(|start| start.shifted(first - year, Unit::Year)))
}

fn part_of_now(call: &Call<'_>, range: std::ops::Range<usize>) -> Value {
    Value::Text(call.now.get(range).unwrap_or_default().to_owned())
}

/// Whole months between equal days of the month, or between last days; else a day is 1/31 month.
#[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
fn months_between(call: &Call<'_>) -> Outcome {
    let (end, start) = (call.moment(0)?.at, call.moment(1)?.at);
    let count = |at: jiff::civil::DateTime| i64::from(at.year()) * 12 + i64::from(at.month());
    let months = (count(end) - count(start)) as f64;
    let is_last = |at: jiff::civil::DateTime| at.date().last_of_month() == at.date();
    if end.day() == start.day() || is_last(end) && is_last(start) {
        return Ok(Value::Real(months));
    }
    let seconds = |at: jiff::civil::DateTime| {
        i64::from(at.hour()) * 3_600 + i64::from(at.minute()) * 60 + i64::from(at.second())
    };
    let days = f64::from(end.day() - start.day()) / 31.0;
    let hours = (seconds(end) - seconds(start)) as f64 / 3_600.0;
    Ok(Value::Real(months + days + hours / (24.0 * 31.0)))
}

/// The first day after a date whose name contains a text.
fn next_day(call: &Call<'_>) -> Outcome {
    const DAYS: [&str; 7] =
        ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];
    let (moment, name) = (call.moment(0)?.to_date(), call.text(1));
    let found = DAYS.iter().zip(0_i64..).find(|(day, _)| !name.is_empty() && day.contains(&name));
    let (_, wanted) = found.ok_or_else(|| {
        FunctionError(format!("NEXT_DAY: '{name}' is not a recognized day of the week"))
    })?;
    let today = i64::from(moment.at.date().weekday().to_sunday_zero_offset());
    moved(moment.shifted((wanted - today - 1).rem_euclid(7) + 1, Unit::Day))
}

/// Whether a text begins with year, month and day, with any character between them.
fn is_date(text: &str) -> bool {
    let mut fields = text.splitn(4, |char: char| !char.is_ascii_digit());
    let mut field = || fields.next().unwrap_or_default();
    let (year, month, day) = (field(), field(), field());
    let number = |digits: &str| digits.parse::<i16>().unwrap_or(0);
    let short = |digits: &str| i8::try_from(number(digits)).unwrap_or(0);
    let first = number(year);
    let year = match first {
        0..70 if year.len() < 4 => first + 2_000,
        70..100 if year.len() < 4 => first + 1_900,
        _ => first,
    };
    jiff::civil::Date::new(year, short(month), short(day)).is_ok()
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
