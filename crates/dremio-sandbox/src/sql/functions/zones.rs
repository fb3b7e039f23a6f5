//! Time zones.

use jiff::tz::{Offset, TimeZone};

use super::call::Call;
use super::dates::{moved, out_of_range};
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome};
use crate::sql::moment::Moment;

/// The abbreviations that Dremio knows, with the offset that each stands for, one a line.
const ABBREVIATIONS: &str = include_str!("zones.txt");

pub(super) const ROWS: &[Function] = &[
    row("CONVERT_TIMEZONE", "text, timestamp", Rule::Timestamp, |call| {
        converted(call, &TimeZone::UTC, &zone(&call.text(0))?, 1)
    }),
    row("CONVERT_TIMEZONE", "text, text, timestamp", Rule::Timestamp, |call| {
        converted(call, &zone(&call.text(0))?, &zone(&call.text(1))?, 2)
    }),
];

fn converted(call: &Call<'_>, from: &TimeZone, to: &TimeZone, index: usize) -> Outcome {
    let moment = call.moment(index)?.to_timestamp();
    let zoned = moment.at.to_zoned(from.clone()).map_err(|_| out_of_range())?;
    moved(Some(Moment { at: zoned.with_time_zone(to.clone()).datetime(), ..moment }))
}

/// An abbreviation, an offset like `+02:00`, or a name like `Europe/Berlin`.
fn zone(name: &str) -> Result<TimeZone, FunctionError> {
    let zone = match abbreviated(name).or_else(|| offset(name)) {
        Some(offset) => Some(offset.to_time_zone()),
        None => TimeZone::get(name).ok(),
    };
    zone.ok_or_else(|| FunctionError(format!("Unknown time-zone ID: {name}")))
}

/// The offset of an abbreviation like `PST`.
pub(super) fn abbreviated(name: &str) -> Option<Offset> {
    let mut known = ABBREVIATIONS.lines().filter_map(|line| line.split_once(' '));
    known
        .find(|(abbreviation, _)| abbreviation.eq_ignore_ascii_case(name))
        .and_then(|known| offset(known.1))
}

/// `+02:00`, `-5`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let in_range = (0..=18).contains(&hours) && (0..60).contains(&minutes);
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok().filter(|_| in_range)
}
