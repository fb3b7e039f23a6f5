//! Spans of time: `INTERVAL '7' DAY`, `INTERVAL '1-2' YEAR TO MONTH`.

use std::fmt;

use crate::catalog::DremioType;

const DAY_MILLIS: i64 = 86_400_000;
/// Units of a literal of several ones, in their order.
const UNITS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];

/// A span of months, or of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    months: i64,
    millis: i64,
    of_months: bool,
    /// Whether it is counted in something finer than days, which makes a TIMESTAMP of a DATE.
    pub(crate) is_fine: bool,
}

impl Interval {
    /// `count` of a unit, by its name in capitals, singular or plural.
    pub(crate) fn of(count: i64, unit: &str) -> Option<Self> {
        let (months, millis) = match unit.strip_suffix('S').unwrap_or(unit) {
            "YEAR" => (12, 0),
            "QUARTER" => (3, 0),
            "MONTH" => (1, 0),
            "WEEK" => (0, 7 * DAY_MILLIS),
            "DAY" => (0, DAY_MILLIS),
            "HOUR" => (0, 3_600_000),
            "MINUTE" => (0, 60_000),
            "SECOND" => (0, 1_000),
            _ => return None,
        };
        Some(Self {
            months: count.checked_mul(months)?,
            millis: count.checked_mul(millis)?,
            of_months: months > 0,
            is_fine: months == 0 && millis < DAY_MILLIS,
        })
    }

    /// The text of a literal and its units, `to` if there are several: `1 02:03:04` from `DAY` to
    /// `SECOND`. `None` if it is not written as whole numbers of them.
    pub(crate) fn read(text: &str, from: &str, to: Option<&str>) -> Option<Self> {
        let unsigned = text.trim().trim_start_matches(['-', '+']);
        let place = |wanted: &str| UNITS.iter().position(|unit| *unit == wanted);
        let units = match to {
            None => vec![from],
            Some(to) => UNITS.get(place(from)?..=place(to)?)?.to_vec(),
        };
        let numbers: Vec<&str> = unsigned.split([' ', ':', '-']).collect();
        let mixed = units.contains(&"MONTH") && units.contains(&"DAY");
        if numbers.len() != units.len() || mixed {
            return None;
        }
        let mut parts = numbers.iter().zip(units);
        let (number, unit) = parts.next()?;
        let mut sum = Self::of(number.parse().ok()?, unit)?;
        for (number, unit) in parts {
            let part = Self::of(number.parse().ok()?, unit)?;
            sum.months = sum.months.checked_add(part.months)?;
            sum.millis = sum.millis.checked_add(part.millis)?;
            sum.is_fine |= part.is_fine;
        }
        Some(if text.trim().starts_with('-') { sum.negated() } else { sum })
    }

    pub(crate) fn negated(self) -> Self {
        Self { months: -self.months, millis: -self.millis, ..self }
    }

    pub(crate) fn ty(self) -> DremioType {
        if self.of_months { DremioType::IntervalYear } else { DremioType::IntervalDay }
    }

    /// How many of which unit it is.
    pub(crate) fn amount(self) -> (i64, &'static str) {
        match (self.of_months, self.is_fine) {
            (true, _) => (self.months, "MONTH"),
            (false, true) => (self.millis / 1_000, "SECOND"),
            (false, false) => (self.millis / DAY_MILLIS, "DAY"),
        }
    }
}

impl fmt::Display for Interval {
    /// As INTERVAL columns are stored: `+001 02:03:04.000`, `+001-02`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.months < 0 || self.millis < 0 { '-' } else { '+' };
        let (months, seconds) = (self.months.unsigned_abs(), self.millis.unsigned_abs() / 1_000);
        if self.of_months {
            return write!(f, "{sign}{:03}-{:02}", months / 12, months % 12);
        }
        let (days, clock) = (seconds / 86_400, seconds % 86_400);
        let (hours, minutes) = (clock / 3_600, clock / 60 % 60);
        write!(f, "{sign}{days:03} {hours:02}:{minutes:02}:{:02}.000", clock % 60)
    }
}
