//! The one place that reads the wall clock, and the text forms that Dremio gives to moments.
//!
//! Token lifetimes and job times are real time here: the clients under test look at their own
//! clocks, and a stand-in with a clock of its own would test an agreement that does not exist in
//! production.

use jiff::{Timestamp, tz::TimeZone};

#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in runs on real time; this is its only reading"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// `2025-01-02T03:04:05.678Z`, as in job replies and catalog entities (contract §4.2, §5).
pub(crate) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `2025-01-02 03:04:05.678`, the TIMESTAMP cell form (contract §4.5).
pub(crate) fn sql_timestamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}
