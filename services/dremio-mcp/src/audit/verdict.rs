//! What has become of a call: a word, and for most of them which one of its kind.

use std::fmt;

/// See the module. `Display` writes `ok`, `denied:rule`, `budget:which`, `cancelled:by`,
/// `error:class`, `timed_out` or `crashed`. Nothing in it comes from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    /// Refused by this rule of the guard or the policy, or as no proper call.
    Denied(&'static str),
    /// Refused because this budget of the policy is used up.
    Budget(&'static str),
    /// Ended before its answer; by what.
    Cancelled(&'static str),
    /// Failed, with this class.
    Error(&'static str),
    TimedOut,
    /// The process that worked on it has ended.
    Crashed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Denied(rule) => write!(f, "denied:{rule}"),
            Self::Budget(budget) => write!(f, "budget:{budget}"),
            Self::Cancelled(by) => write!(f, "cancelled:{by}"),
            Self::Error(class) => write!(f, "error:{class}"),
            Self::TimedOut => f.write_str("timed_out"),
            Self::Crashed => f.write_str("crashed"),
        }
    }
}
