//! Formats of dates and times, in TO_CHAR, TO_DATE, TO_TIME and TO_TIMESTAMP.
//!
//! A format is a row of elements like `YYYY`, without regard to case, of the characters `*-/,.;:`
//! and blanks, and of text in double quotes. What reading and printing do with an element is what
//! Dremio's engine does, which is Joda-Time.

use jiff::civil::{Date, DateTime, Time};
use rusqlite::types::Value;

use super::call::Call;
use super::dates::{moved, time};
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, boolean, unsupported, zones};
use crate::sql::moment::Moment;

pub(super) const ROWS: &[Function] = &[
    row("TO_CHAR", "date|timestamp|time, text", Rule::Varchar, |call| {
        Ok(Value::Text(print(&elements(&call.text(1))?, call.moment(0)?)?))
    }),
    row("TO_DATE", "text, text, int?", Rule::Date, |call| or_null(call, date)),
    row("TO_TIMESTAMP", "text, text, int?", Rule::Timestamp, |call| or_null(call, timestamp)),
    row("TO_TIME", "text, text, int?", Rule::Time, |call| or_null(call, time)),
    row("IS_DATE", "text, text", Rule::Boolean, is_readable).with_nulls(),
    row("IS_TIMESTAMP", "text, text", Rule::Boolean, is_readable).with_nulls(),
    row("IS_TIME", "text, text", Rule::Boolean, is_readable).with_nulls(),
    row("UNIX_TIMESTAMP", "text, text?", Rule::BigInt, |call| {
        let format = if call.len() > 1 { call.text(1) } else { "YYYY-MM-DD HH24:MI:SS".to_owned() };
        let text = call.text(0);
        let at = read(&elements(&format)?, &text, call.now)?.ok_or_else(|| unreadable(&text))?;
        let seconds = Moment { at, is_date: false }.epoch_seconds();
        seconds.map(Value::Integer).ok_or_else(|| unreadable(&text))
    }),
];

/// The elements of a format, longer ones before those that they begin with.
const NAMES: [&str; 24] = [
    "TZH:TZM", "MONTH", "YYYY", "HH12", "HH24", "DAY", "DDD", "MON", "FFF", "TZD", "TZO", "AD",
    "BC", "AM", "PM", "CC", "WW", "DY", "YY", "MM", "DD", "HH", "MI", "SS",
];
/// Elements of one or two letters that others begin with.
const SHORT: [&str; 3] = ["FF", "F", "D"];

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

#[derive(Debug, Clone, PartialEq)]
enum Element {
    /// One of the names, in capitals.
    Field(&'static str),
    Text(String),
}

fn elements(format: &str) -> Result<Vec<Element>, FunctionError> {
    let mut found = Vec::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let column = format.len() - rest.len();
        let failed = || {
            FunctionError(format!(
                "Failure parsing the formatting string at column {column} of: {format}"
            ))
        };
        let starts = |name: &&&str| {
            rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let length = if let Some(name) = NAMES.iter().chain(&SHORT).find(starts) {
            found.push(Element::Field(name));
            name.len()
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').ok_or_else(failed)?;
            found.push(Element::Text(quoted.get(..end).unwrap_or_default().to_owned()));
            end + 2
        } else if "*-/,.;: ".contains(first) {
            found.push(Element::Text(first.to_string()));
            1
        } else {
            return Err(failed());
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(found)
}

fn print(elements: &[Element], moment: Moment) -> Result<String, FunctionError> {
    let (date, time) = (moment.at.date(), moment.at.time());
    let name = |names: &[&str], index: i8, len: usize| -> String {
        let name = usize::try_from(index).ok().and_then(|index| names.get(index));
        name.map(|name| name.chars().take(len).collect()).unwrap_or_default()
    };
    let weekday = date.weekday().to_sunday_zero_offset();
    let mut out = String::new();
    for element in elements {
        let field = match element {
            Element::Text(text) => {
                out.push_str(text);
                continue;
            }
            Element::Field(field) => *field,
        };
        out.push_str(&match field {
            "YYYY" => format!("{:04}", date.year()),
            "YY" => format!("{:02}", date.year() % 100),
            "CC" => (date.year() / 100).to_string(),
            "MM" => format!("{:02}", date.month()),
            "MON" => name(&MONTHS, date.month() - 1, 3),
            "MONTH" => name(&MONTHS, date.month() - 1, 9),
            "WW" => format!("{:02}", date.iso_week_date().week()),
            "DD" => format!("{:02}", date.day()),
            "DDD" => format!("{:03}", date.day_of_year()),
            "D" => (weekday + 1).to_string(),
            "DY" => name(&DAYS, weekday, 3),
            "DAY" => name(&DAYS, weekday, 9),
            "HH24" => format!("{:02}", time.hour()),
            "HH" | "HH12" => format!("{:02}", (time.hour() + 11) % 12 + 1),
            "AM" | "PM" => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            "MI" => format!("{:02}", time.minute()),
            "SS" => format!("{:02}", time.second()),
            "F" => (time.millisecond() / 100).to_string(),
            "FF" => format!("{:02}", time.millisecond() / 10),
            "FFF" => format!("{:03}", time.millisecond()),
            "AD" | "BC" => "AD".to_owned(),
            "TZD" => "UTC".to_owned(),
            "TZO" | "TZH:TZM" => "+00:00".to_owned(),
            _ => return Err(unsupported(&format!("{field} in TO_CHAR"))),
        });
    }
    Ok(out)
}

/// What was read so far, with the values that stand for what is not there.
struct Fields {
    this_year: i32,
    year: i16,
    month: i8,
    day: i8,
    day_of_year: Option<i16>,
    hour: i8,
    /// From 0 to 11.
    half_hour: Option<i8>,
    afternoon: bool,
    minute: i8,
    second: i8,
    millisecond: i16,
    offset_seconds: i32,
}

/// The time that a text of this format means; `None` if it has another format.
///
/// # Errors
/// An element that this stand-in prints but does not read.
fn read(elements: &[Element], text: &str, now: &str) -> Result<Option<DateTime>, FunctionError> {
    let this_year = Moment::parse(now).map_or(1970, |now| i32::from(now.at.year()));
    let mut fields = Fields {
        this_year,
        year: 1970,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        half_hour: None,
        afternoon: false,
        minute: 0,
        second: 0,
        millisecond: 0,
        offset_seconds: 0,
    };
    let mut rest = text;
    for (index, element) in elements.iter().enumerate() {
        let before_number = matches!(elements.get(index + 1), Some(Element::Field(_)));
        let after = match element {
            Element::Text(text) => rest.strip_prefix(text.as_str()),
            Element::Field(field) => fields.take(field, rest, before_number)?,
        };
        let Some(after) = after else { return Ok(None) };
        rest = after;
    }
    Ok(if rest.is_empty() { fields.time() } else { None })
}

impl Fields {
    /// Reads one element; returns what is after it.
    fn take<'t>(
        &mut self,
        field: &str,
        text: &'t str,
        before_number: bool,
    ) -> Result<Option<&'t str>, FunctionError> {
        match field {
            "MON" | "MONTH" => return Ok(self.month_name(text)),
            "AM" | "PM" => return Ok(self.half(text)),
            "TZO" | "TZH:TZM" => return Ok(self.zone(text)),
            "TZD" => {
                let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
                let (name, after) = text.split_at(letters);
                let offset = zones::abbreviated(name);
                self.offset_seconds = offset.map_or(0, jiff::tz::Offset::seconds);
                return Ok(offset.map(|_| after));
            }
            _ => {}
        }
        let digits_max = match field {
            "YYYY" if before_number => 4,
            "YYYY" => 9,
            "DDD" | "FFF" => 3,
            "YY" | "MM" | "DD" | "HH" | "HH12" | "HH24" | "MI" | "SS" | "FF" => 2,
            "F" => 1,
            _ => return Err(unsupported(&format!("{field} in the format of a text to be read"))),
        };
        let end = text.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
        let (digits, after) = text.split_at(end);
        let Ok(number) = digits.parse::<i32>() else { return Ok(None) };
        Ok(self.set(field, digits.len(), number).map(|()| after))
    }

    fn set(&mut self, field: &str, digits: usize, number: i32) -> Option<()> {
        let short = |range: std::ops::RangeInclusive<i32>| {
            i8::try_from(number).ok().filter(|_| range.contains(&number))
        };
        match field {
            // Of two digits: the year from 49 years ahead of 30 years ago back to 50 before it.
            "YY" if digits == 2 => {
                self.year = i16::try_from(two_digit_year(number, self.this_year)).ok()?;
            }
            "YYYY" | "YY" => self.year = i16::try_from(number).ok()?,
            "MM" => self.month = short(1..=12)?,
            "DD" => self.day = short(1..=31)?,
            "DDD" => self.day_of_year = Some(i16::try_from(number).ok()?),
            "HH24" => self.hour = short(0..=23)?,
            "HH" | "HH12" => self.half_hour = Some(short(1..=12)? % 12),
            "MI" => self.minute = short(0..=59)?,
            "SS" => self.second = short(0..=59)?,
            _ => {
                let scale = 10_i32.checked_pow(u32::try_from(3 - digits).ok()?)?;
                self.millisecond = i16::try_from(number * scale).ok()?;
            }
        }
        Some(())
    }

    /// The name of a month or its first three letters, in one case or capitalised.
    fn month_name<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let forms = |name: &str| [name.to_owned(), name.to_lowercase(), name.to_uppercase()];
        let found = MONTHS.iter().zip(1_i8..).find_map(|(name, number)| {
            let short = name.get(..3).unwrap_or(name);
            let mut spelt = forms(name).into_iter().chain(forms(short));
            spelt.find(|form| text.starts_with(form.as_str())).map(|form| (number, form.len()))
        });
        let (number, length) = found?;
        self.month = number;
        text.get(length..)
    }

    fn half<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let (half, after) = text.split_at_checked(2)?;
        self.afternoon = match half.to_uppercase().as_str() {
            "AM" => false,
            "PM" => true,
            _ => return None,
        };
        Some(after)
    }

    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let length = if text.get(3..4) == Some(":") { 6 } else { 3 };
        let (offset, after) = text.split_at_checked(length)?;
        self.offset_seconds = zones::offset(offset)?.seconds();
        Some(after)
    }

    fn time(&self) -> Option<DateTime> {
        let date = match self.day_of_year {
            Some(day) => Date::new(self.year, 1, 1).ok()?.with().day_of_year(day).build().ok()?,
            None => Date::new(self.year, self.month, self.day).ok()?,
        };
        let hour = match self.half_hour {
            Some(hour) => hour + if self.afternoon { 12 } else { 0 },
            None => self.hour,
        };
        let nanoseconds = i32::from(self.millisecond) * 1_000_000;
        let time = Time::new(hour, self.minute, self.second, nanoseconds).ok()?;
        let offset = jiff::SignedDuration::from_secs(i64::from(self.offset_seconds));
        date.to_datetime(time).checked_sub(offset).ok()
    }
}

/// The year with these last two digits that is next to 30 years ago.
fn two_digit_year(digits: i32, this_year: i32) -> i32 {
    let low = this_year - 30 - 50;
    let year = low - low.rem_euclid(100) + digits;
    if year < low { year + 100 } else { year }
}

fn unreadable(text: &str) -> FunctionError {
    FunctionError(format!("Input text cannot be formatted to date: {text}"))
}

/// The third argument is 1 for NULL instead of an error.
fn or_null(call: &Call<'_>, outcome: fn(Moment) -> Outcome) -> Outcome {
    let text = call.text(0);
    match read(&elements(&call.text(1))?, &text, call.now)? {
        Some(at) => outcome(Moment { at, is_date: false }),
        None if call.len() > 2 && call.integer(2)? == 1 => Ok(Value::Null),
        None => Err(unreadable(&text)),
    }
}

fn date(moment: Moment) -> Outcome {
    moved(Some(moment.to_date()))
}

fn timestamp(moment: Moment) -> Outcome {
    moved(Some(moment))
}

fn is_readable(call: &Call<'_>) -> Outcome {
    if call.is_null(0) || call.is_null(1) {
        return Ok(boolean(false));
    }
    Ok(boolean(read(&elements(&call.text(1))?, &call.text(0), call.now)?.is_some()))
}
