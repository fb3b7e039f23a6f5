//! Budgets as they stand in the policy file: `rows = "1M/h"`, `jobs = 4`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use toml::Spanned;

/// What a budget is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Rows of results in answers.
    Rows,
    /// Bytes of these rows, as Dremio writes them in JSON.
    Bytes,
    /// Statements that are submitted to Dremio.
    Queries,
    /// Tokens of answers, as far as they can be estimated.
    Tokens,
}

impl Resource {
    pub(super) const ALL: [Self; 4] = [Self::Rows, Self::Bytes, Self::Queries, Self::Tokens];

    /// What it is called in the file, in logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Bytes => "bytes",
            Self::Queries => "queries",
            Self::Tokens => "tokens",
        }
    }
}

/// Something for each resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Each<T>([T; 4]);

impl<T> Each<T> {
    pub(super) fn of(&self, resource: Resource) -> &T {
        let [rows, bytes, queries, tokens] = &self.0;
        match resource {
            Resource::Rows => rows,
            Resource::Bytes => bytes,
            Resource::Queries => queries,
            Resource::Tokens => tokens,
        }
    }

    pub(super) fn of_mut(&mut self, resource: Resource) -> &mut T {
        let [rows, bytes, queries, tokens] = &mut self.0;
        match resource {
            Resource::Rows => rows,
            Resource::Bytes => bytes,
            Resource::Queries => queries,
            Resource::Tokens => tokens,
        }
    }
}

/// The span of time that a budget is for. It begins at the full hour or minute, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Minute,
    Hour,
}

impl Window {
    fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    /// When the window began in which `now` is, in seconds since 1970.
    pub(super) fn start(self, now: Timestamp) -> i64 {
        now.as_second() - now.as_second().rem_euclid(self.seconds())
    }

    /// When the window after the one that began at `start` begins.
    pub(super) fn end(self, start: i64) -> Timestamp {
        Timestamp::from_second(start.saturating_add(self.seconds())).unwrap_or(Timestamp::MAX)
    }
}

/// So much in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) amount: u64,
    pub(crate) window: Window,
}

/// The text is no budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "needs another value: a whole number above 0, perhaps with k, M or G, and /m or /h: \"1M/h\", \
     \"60/m\""
)]
pub(crate) struct BadLimit;

impl FromStr for Limit {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let (amount, window) = text.split_once('/').ok_or(BadLimit)?;
        let window = match window {
            "m" => Window::Minute,
            "h" => Window::Hour,
            _ => return Err(BadLimit),
        };
        let (digits, unit) = match amount.as_bytes().last() {
            Some(b'k' | b'K') => (amount.get(..amount.len() - 1), 1_000),
            Some(b'M') => (amount.get(..amount.len() - 1), 1_000_000),
            Some(b'G') => (amount.get(..amount.len() - 1), 1_000_000_000),
            _ => (Some(amount), 1),
        };
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or(BadLimit)?;
        let amount = number.checked_mul(unit).filter(|amount| *amount > 0).ok_or(BadLimit)?;
        Ok(Self { amount, window })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")]
            .into_iter()
            .find(|(unit, _)| self.amount.is_multiple_of(*unit))
            .map_or((self.amount, ""), |(unit, name)| (self.amount / unit, name));
        let window = if self.window == Window::Hour { "h" } else { "m" };
        write!(f, "{number}{unit}/{window}")
    }
}

/// All budgets of a client; what is not set has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    windows: Each<Option<Limit>>,
    /// Statements that run at Dremio at a time.
    pub(crate) jobs: Option<usize>,
}

impl Limits {
    pub(crate) fn of(&self, resource: Resource) -> Option<Limit> {
        *self.windows.of(resource)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Resource::ALL.iter().filter_map(|resource| {
            self.of(*resource).map(|limit| format!("{} {limit}", resource.name()))
        });
        let jobs = self.jobs.map(|jobs| format!("jobs {jobs}"));
        let all: Vec<String> = named.chain(jobs).collect();
        f.write_str(if all.is_empty() { "no limit" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

/// The member `budget` of a client.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    rows: Option<Spanned<String>>,
    bytes: Option<Spanned<String>>,
    queries: Option<Spanned<String>>,
    tokens: Option<Spanned<String>>,
    jobs: Option<Spanned<i64>>,
}

impl Table {
    /// The budgets.
    ///
    /// # Errors
    /// Where the first wrong one is, in bytes, and what is wrong with it.
    pub(super) fn read(&self) -> Result<Limits, (usize, String)> {
        let mut limits = Limits::default();
        let texts = [&self.rows, &self.bytes, &self.queries, &self.tokens];
        for (resource, text) in Resource::ALL.into_iter().zip(texts) {
            let Some(text) = text else { continue };
            let limit = text.get_ref().parse().map_err(|cause: BadLimit| {
                (text.span().start, format!("`{}` {cause}", resource.name()))
            })?;
            *limits.windows.of_mut(resource) = Some(limit);
        }
        if let Some(jobs) = &self.jobs {
            let number = usize::try_from(*jobs.get_ref()).ok().filter(|jobs| *jobs > 0);
            let wrong = "`jobs` is no number of queries; write a whole number above 0".to_owned();
            limits.jobs = Some(number.ok_or((jobs.span().start, wrong))?);
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::{BadLimit, Limit, Window};

    #[test]
    fn budgets_are_read_and_written_alike() {
        for (text, amount, window, written) in [
            ("1M/h", 1_000_000, Window::Hour, "1M/h"),
            ("200M/h", 200_000_000, Window::Hour, "200M/h"),
            ("60/m", 60, Window::Minute, "60/m"),
            ("1500k/h", 1_500_000, Window::Hour, "1500k/h"),
            ("2G/m", 2_000_000_000, Window::Minute, "2G/m"),
            ("1K/m", 1_000, Window::Minute, "1k/m"),
        ] {
            let limit: Limit = text.parse().unwrap();
            assert_eq!((limit.amount, limit.window), (amount, window), "{text}");
            assert_eq!(limit.to_string(), written);
        }
        for text in [
            "",
            "1",
            "/h",
            "k/h",
            "0/h",
            "-1/h",
            "+1/h",
            "1.5M/h",
            "1M/d",
            "1M / h",
            "1 M/h",
            "1T/h",
            "99999999999G/h",
            "1M/h ",
            "1MM/h",
            "é/h",
        ] {
            assert_eq!(text.parse::<Limit>(), Err(BadLimit), "{text}");
        }
    }
}
