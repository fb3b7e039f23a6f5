//! Intervals, and dates that are moved by them.
//!
//! The value of an interval is the text that Dremio writes: `+090 11:35:23.000` of INTERVAL DAY TO
//! SECOND, which is a number of milliseconds, and `-001-06` of INTERVAL YEAR TO MONTH, a number of
//! months.

use jiff::ToSpan as _;
use rusqlite::types::Value;

use super::call::Call;
use super::dates::{moved, out_of_range};
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome};
use crate::catalog::DremioType;
use crate::sql::moment::Moment;

const DAY_MILLIS: i64 = 86_400_000;

pub(super) const ROWS: &[Function] = &[
    row("DATE_ADD", "date|timestamp, days|months", Rule::Timestamp, |call| shifted(call, 1)),
    row("DATE_SUB", "date|timestamp, days|months", Rule::Timestamp, |call| shifted(call, -1)),
    row("DATE_DIFF", "date|timestamp, days|months", Rule::Timestamp, |call| shifted(call, -1)),
    row("DATE_ADD", "time, days", Rule::Time, |call| around_the_clock(call, 1)),
    row("DATE_SUB", "time, days", Rule::Time, |call| around_the_clock(call, -1)),
    row("DATE_DIFF", "time, days", Rule::Time, |call| around_the_clock(call, -1)),
    row(
        "DATE_DIFF",
        "date|timestamp, date|timestamp",
        Rule::By(|_| Ok(DremioType::IntervalDay)),
        {
            |call| {
                let millis = millis(call.moment(0)?)? - millis(call.moment(1)?)?;
                Ok(Value::Text(shown(millis, call.ty)))
            }
        },
    ),
    row("EXTRACT", "text, days|months", Rule::BigInt, part),
    row("DATE_PART", "text, days|months", Rule::BigInt, part),
];

/// A date or timestamp, moved by an interval forwards or backwards.
fn shifted(call: &Call<'_>, direction: i64) -> Outcome {
    let moment = call.moment(0)?.to_timestamp();
    let amount = amount(call, 1)?.checked_mul(direction).ok_or_else(out_of_range)?;
    let at = if call.ty(1) == Some(&DremioType::IntervalYear) {
        jiff::Span::new().try_months(amount).and_then(|months| moment.at.checked_add(months))
    } else {
        moment.at.checked_add(jiff::SignedDuration::from_millis(amount))
    };
    moved(at.ok().map(|at| Moment { at, ..moment }))
}

/// A time of day, moved by an interval; after midnight it begins again.
fn around_the_clock(call: &Call<'_>, direction: i64) -> Outcome {
    let time = call.moment(0)?.at.time();
    let amount = (amount(call, 1)? % DAY_MILLIS) * direction;
    let moved = time.wrapping_add(amount.milliseconds());
    Ok(Value::Text(moved.strftime("%H:%M:%S%.3f").to_string()))
}

fn millis(moment: Moment) -> Result<i64, FunctionError> {
    let seconds = moment.epoch_seconds().ok_or_else(out_of_range)?;
    Ok(seconds * 1_000 + i64::from(moment.at.time().millisecond()))
}

/// EXTRACT of a part of an interval.
fn part(call: &Call<'_>) -> Outcome {
    let (unit, amount) = (call.text(0).to_uppercase(), amount(call, 1)?);
    let months = call.ty(1) == Some(&DremioType::IntervalYear);
    let part = match (unit.as_str(), months) {
        ("YEAR", true) => amount / 12,
        ("MONTH", true) => amount % 12,
        ("DAY", false) => amount / DAY_MILLIS,
        ("HOUR", false) => amount % DAY_MILLIS / 3_600_000,
        ("MINUTE", false) => amount % 3_600_000 / 60_000,
        ("SECOND", false) => amount % 60_000 / 1_000,
        _ => {
            return Err(super::unsupported(&format!("EXTRACT of {unit} from an interval")));
        }
    };
    Ok(Value::Integer(part))
}

/// The milliseconds or months of an interval.
fn amount(call: &Call<'_>, index: usize) -> Result<i64, FunctionError> {
    let text = call.text(index);
    read(&text).ok_or_else(|| FunctionError(format!("Invalid interval '{text}'")))
}

fn read(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at_checked(1)?;
    let numbers = digits.split(['-', ' ', ':', '.']).map(|number| number.parse::<i64>().ok());
    let numbers: Vec<i64> = numbers.collect::<Option<_>>()?;
    let amount = match numbers.as_slice() {
        [years, months] => years * 12 + months,
        [days, hours, minutes, seconds, millis] => {
            ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1_000 + millis
        }
        _ => return None,
    };
    Some(if sign == "-" { -amount } else { amount })
}

/// The text of an interval.
fn shown(amount: i64, ty: &DremioType) -> String {
    let (sign, size) = (if amount < 0 { '-' } else { '+' }, amount.unsigned_abs());
    if *ty == DremioType::IntervalYear {
        return format!("{sign}{:03}-{:02}", size / 12, size % 12);
    }
    let (days, rest) = (size / 86_400_000, size % 86_400_000);
    let (hours, minutes) = (rest / 3_600_000, rest % 3_600_000 / 60_000);
    let (seconds, millis) = (rest % 60_000 / 1_000, rest % 1_000);
    format!("{sign}{days:03} {hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}
