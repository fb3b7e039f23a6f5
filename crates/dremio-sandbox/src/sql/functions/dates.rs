//! Functions over dates and timestamps.

use rusqlite::types::Value;

use super::{FunctionError, Outcome, Scalar, integer, scalar, text};
use crate::sql::moment::{Moment, Unit};

pub(super) const FUNCTIONS: &[Scalar] = &[
    scalar("dremio_date_part", 2..=2, |a| part(&unit_text(a, 0), moment(a, 1)?)),
    scalar("dremio_year", 1..=1, |a| part("YEAR", moment(a, 0)?)),
    scalar("dremio_quarter", 1..=1, |a| part("QUARTER", moment(a, 0)?)),
    scalar("dremio_month", 1..=1, |a| part("MONTH", moment(a, 0)?)),
    scalar("dremio_week", 1..=1, |a| part("WEEK", moment(a, 0)?)),
    scalar("dremio_day", 1..=1, |a| part("DAY", moment(a, 0)?)),
    scalar("dremio_hour", 1..=1, |a| part("HOUR", moment(a, 0)?)),
    scalar("dremio_minute", 1..=1, |a| part("MINUTE", moment(a, 0)?)),
    scalar("dremio_second", 1..=1, |a| part("SECOND", moment(a, 0)?)),
    scalar("dayofmonth", 1..=1, |a| part("DAY", moment(a, 0)?)),
    scalar("dayofweek", 1..=1, |a| part("DAYOFWEEK", moment(a, 0)?)),
    scalar("dayofyear", 1..=1, |a| part("DAYOFYEAR", moment(a, 0)?)),
    scalar("dremio_date_trunc", 2..=2, |a| moved(moment(a, 1)?.truncated(unit(a, 0)?))),
    scalar("dremio_shift", 3..=3, |a| moved(moment(a, 0)?.shifted(number(a, 1)?, unit(a, 2)?))),
    scalar("dremio_timestampadd", 3..=3, |a| {
        moved(moment(a, 2)?.shifted(number(a, 1)?, unit(a, 0)?))
    }),
    scalar("dremio_timestampdiff", 3..=3, |a| {
        let units = moment(a, 1)?.units_until(moment(a, 2)?, unit(a, 0)?);
        units.map(Value::Integer).ok_or_else(out_of_range)
    }),
    scalar("date_add", 2..=2, |a| moved(moment(a, 0)?.to_date().shifted(number(a, 1)?, Unit::Day))),
    scalar("date_sub", 2..=2, |a| {
        moved(moment(a, 0)?.to_date().shifted(-number(a, 1)?, Unit::Day))
    }),
    scalar("datediff", 2..=2, days_between),
    scalar("date_diff", 2..=2, days_between),
    scalar("last_day", 1..=1, |a| moved(Some(moment(a, 0)?.last_day()))),
    scalar("unix_timestamp", 1..=1, |a| {
        moment(a, 0)?.epoch_seconds().map(Value::Integer).ok_or_else(out_of_range)
    }),
    scalar("to_char", 2..=2, |a| Ok(Value::Text(formatted(moment(a, 0)?, &argument(a, 1))))),
    scalar("to_date", 1..=2, |a| moved(Some(read(a)?.to_date()))),
    scalar("to_timestamp", 1..=2, |a| moved(Some(read(a)?.to_timestamp()))),
];

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

fn argument(arguments: &[Value], index: usize) -> String {
    arguments.get(index).map(text).unwrap_or_default()
}

fn number(arguments: &[Value], index: usize) -> Result<i64, FunctionError> {
    arguments.get(index).map_or(Ok(0), integer)
}

fn unit_text(arguments: &[Value], index: usize) -> String {
    argument(arguments, index).to_uppercase()
}

fn unit(arguments: &[Value], index: usize) -> Result<Unit, FunctionError> {
    let name = unit_text(arguments, index);
    Unit::parse(&name).ok_or_else(|| FunctionError(format!("Unknown time unit '{name}'")))
}

fn moment(arguments: &[Value], index: usize) -> Result<Moment, FunctionError> {
    let text = argument(arguments, index);
    Moment::parse(&text)
        .ok_or_else(|| FunctionError(format!("Invalid timestamp string value \"{text}\"")))
}

fn moved(moment: Option<Moment>) -> Outcome {
    let moment = moment.ok_or_else(out_of_range)?;
    Ok(Value::Text(moment.to_string()))
}

fn days_between(arguments: &[Value]) -> Outcome {
    let (end, start) = (moment(arguments, 0)?.to_date(), moment(arguments, 1)?.to_date());
    start.units_until(end, Unit::Day).map(Value::Integer).ok_or_else(out_of_range)
}

fn out_of_range() -> FunctionError {
    FunctionError("the date is out of range".to_owned())
}

fn part(name: &str, moment: Moment) -> Outcome {
    moment
        .part(name)
        .map(Value::Integer)
        .ok_or_else(|| FunctionError(format!("Unknown time unit '{name}'")))
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

/// TO_DATE and TO_TIMESTAMP: with a format, or the standard form, or seconds since 1970.
fn read(arguments: &[Value]) -> Result<Moment, FunctionError> {
    let whole = argument(arguments, 0);
    let invalid = || FunctionError(format!("Invalid timestamp string value \"{whole}\""));
    let Some(format) = arguments.get(1).map(text) else {
        return match arguments.first() {
            Some(Value::Integer(seconds)) => Moment::parse("1970-01-01T00:00:00")
                .and_then(|epoch| epoch.shifted(*seconds, Unit::Second))
                .ok_or_else(out_of_range),
            _ => Moment::parse(&whole).ok_or_else(invalid),
        };
    };
    let mut fields = [
        ("YYYY", "1970"),
        ("MM", "01"),
        ("DD", "01"),
        ("HH24", "00"),
        ("MI", "00"),
        ("SS", "00"),
        ("FFF", "000"),
    ]
    .map(|(name, default)| (name, default.to_owned()));
    let upper = format.to_ascii_uppercase();
    let (mut pattern, mut rest) = (upper.as_str(), whole.as_str());
    while let Some(first) = pattern.chars().next() {
        let element =
            ELEMENTS.iter().find(|(element, digits)| *digits > 0 && pattern.starts_with(element));
        let Some((element, digits)) = element else {
            let char = rest.chars().next().ok_or_else(invalid)?;
            rest = rest.get(char.len_utf8()..).unwrap_or_default();
            pattern = pattern.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        let value = rest.get(..*digits).ok_or_else(invalid)?;
        let name = if *element == "HH" { "HH24" } else { element };
        if let Some((_, field)) = fields.iter_mut().find(|(field, _)| *field == name) {
            value.clone_into(field);
        }
        rest = rest.get(*digits..).unwrap_or_default();
        pattern = pattern.get(element.len()..).unwrap_or_default();
    }
    let [year, month, day, hour, minute, second, millis] = fields.map(|(_, value)| value);
    Moment::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}.{millis}"))
        .ok_or_else(invalid)
}
