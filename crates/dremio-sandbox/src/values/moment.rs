//! Dates and timestamps as text: how SQLite stores them, how Dremio computes with them.
//!
//! A date is `2024-01-31`, a timestamp `2024-01-31 13:45:01.123`, both UTC; as text they compare in
//! order of time.

use std::fmt;

use jiff::Span;
use jiff::ToSpan as _;
use jiff::civil::{DateTime, Time, Weekday};

use super::cell::with_millis;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// From a name in capitals, singular or plural, with or without `SQL_TSI_`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.strip_prefix("SQL_TSI_").unwrap_or(name);
        Some(match name.strip_suffix('S').unwrap_or(name) {
            "SECOND" => Self::Second,
            "MINUTE" => Self::Minute,
            "HOUR" => Self::Hour,
            "DAY" => Self::Day,
            "WEEK" => Self::Week,
            "MONTH" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" => Self::Year,
            _ => return None,
        })
    }

    fn span(self, amount: i64) -> Option<Span> {
        match self {
            Self::Second => Span::new().try_seconds(amount),
            Self::Minute => Span::new().try_minutes(amount),
            Self::Hour => Span::new().try_hours(amount),
            Self::Day => Span::new().try_days(amount),
            Self::Week => Span::new().try_weeks(amount),
            Self::Month => Span::new().try_months(amount),
            Self::Quarter => Span::new().try_months(amount.checked_mul(3)?),
            Self::Year => Span::new().try_years(amount),
        }
        .ok()
    }
}

/// A point on the calendar; a date if it has no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: DateTime,
    pub(crate) is_date: bool,
}

impl Moment {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('Z');
        let text = text.replacen(' ', "T", 1);
        let is_date = !text.contains('T');
        let at = text.parse().ok()?;
        Some(Self { at, is_date })
    }

    pub(crate) fn to_date(self) -> Self {
        Self { at: self.at.date().to_datetime(Time::midnight()), is_date: true }
    }

    pub(crate) fn to_timestamp(self) -> Self {
        Self { is_date: false, ..self }
    }

    /// Moved by some units; a date that is moved by hours becomes a timestamp.
    pub(crate) fn shifted(self, amount: i64, unit: Unit) -> Option<Self> {
        let fine = matches!(unit, Unit::Second | Unit::Minute | Unit::Hour);
        Some(Self {
            at: self.at.checked_add(unit.span(amount)?).ok()?,
            is_date: self.is_date && !fine,
        })
    }

    /// The beginning of the unit that it lies in; weeks begin on Monday.
    pub(crate) fn truncated(self, unit: Unit) -> Option<Self> {
        let date = self.at.date();
        let time = self.at.time();
        let day = |date: jiff::civil::Date| date.to_datetime(Time::midnight());
        let clock =
            |hour, minute, second| Some(date.to_datetime(Time::new(hour, minute, second, 0).ok()?));
        let at = match unit {
            Unit::Second => clock(time.hour(), time.minute(), time.second())?,
            Unit::Minute => clock(time.hour(), time.minute(), 0)?,
            Unit::Hour => clock(time.hour(), 0, 0)?,
            Unit::Day => day(date),
            Unit::Week => {
                let since_monday = date.weekday().since(Weekday::Monday);
                day(date.checked_sub(i64::from(since_monday).days()).ok()?)
            }
            Unit::Month => day(date.first_of_month()),
            Unit::Quarter => {
                let months = i64::from((date.month() - 1) % 3);
                day(date.first_of_month().checked_sub(months.months()).ok()?)
            }
            Unit::Year => day(date.first_of_year()),
        };
        Some(Self { at, ..self })
    }

    /// EXTRACT of a field by its name in capitals.
    pub(crate) fn part(self, name: &str) -> Option<i64> {
        let date = self.at.date();
        let time = self.at.time();
        Some(match name {
            "YEAR" => i64::from(date.year()),
            "QUARTER" => i64::from((date.month() + 2) / 3),
            "MONTH" => i64::from(date.month()),
            "WEEK" => i64::from(date.iso_week_date().week()),
            "DAY" | "DAYOFMONTH" => i64::from(date.day()),
            "DOW" | "DAYOFWEEK" => i64::from(date.weekday().to_sunday_one_offset()),
            "DOY" | "DAYOFYEAR" => i64::from(date.day_of_year()),
            "HOUR" => i64::from(time.hour()),
            "MINUTE" => i64::from(time.minute()),
            "SECOND" => i64::from(time.second()),
            "EPOCH" => self.epoch_seconds()?,
            "DECADE" => i64::from(date.year()) / 10,
            "CENTURY" => (i64::from(date.year()) - 1).div_euclid(100) + 1,
            "MILLENNIUM" => (i64::from(date.year()) - 1).div_euclid(1_000) + 1,
            _ => return None,
        })
    }

    pub(crate) fn last_day(self) -> Self {
        Self { at: self.at.date().last_of_month().to_datetime(Time::midnight()), is_date: true }
    }

    /// Whole units from `self` to `other`, towards zero.
    pub(crate) fn units_until(self, other: Self, unit: Unit) -> Option<i64> {
        let seconds = other.epoch_seconds()? - self.epoch_seconds()?;
        let months = || {
            let (start, end, sign) =
                if seconds >= 0 { (self, other, 1) } else { (other, self, -1) };
            let months =
                |moment: Self| i64::from(moment.at.year()) * 12 + i64::from(moment.at.month());
            let whole = months(end) - months(start);
            let date = end.at.date();
            // From the 31st of January to the last of February is a month, too.
            let complete = match date.day().cmp(&start.at.day()) {
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Less => date == date.last_of_month(),
                std::cmp::Ordering::Equal => end.at.time() >= start.at.time(),
            };
            sign * (whole - i64::from(!complete))
        };
        Some(match unit {
            Unit::Second => seconds,
            Unit::Minute => seconds / 60,
            Unit::Hour => seconds / 3_600,
            Unit::Day => seconds / 86_400,
            Unit::Week => seconds / (7 * 86_400),
            Unit::Month => months(),
            Unit::Quarter => months() / 3,
            Unit::Year => months() / 12,
        })
    }

    pub(crate) fn epoch_seconds(self) -> Option<i64> {
        let utc = self.at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(utc.timestamp().as_second())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.at.date(), self.at.time());
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())?;
        if self.is_date {
            return Ok(());
        }
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(f, " {hour:02}:{minute:02}:{second:02}.{:03}", time.millisecond())
    }
}

/// The stored form of `DATE '…'`, `TIME '…'` and `TIMESTAMP '…'`.
pub(crate) fn literal(kind: &str, text: &str) -> Option<String> {
    if kind.eq_ignore_ascii_case("TIME") {
        let _: Time = text.trim().parse().ok()?;
        return Some(with_millis(text.trim(), 8));
    }
    let moment = Moment::parse(text)?;
    Some(if kind.eq_ignore_ascii_case("DATE") {
        moment.to_date().to_string()
    } else {
        moment.to_timestamp().to_string()
    })
}
