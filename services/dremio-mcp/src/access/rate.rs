//! How many messages one key may send: a steady rate with a burst, so that a runaway loop costs
//! only its owner. Each request counts as one when it arrives; if it carries or asks for more, the
//! rest is counted before the work begins.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::principal::Principal;

/// Requests per second, minute or hour, such as `600/m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    requests: NonZeroU32,
    per: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a rate; write for example 10/s, 600/m, 5000/h, or off");
        let (requests, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(wrong()),
        };
        Ok(Self {
            requests: requests.parse().map_err(|_| wrong())?,
            per: Duration::from_secs(seconds),
        })
    }
}

/// `MCP_RATE_LIMIT`: a rate, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateSetting(Option<Rate>);

impl RateSetting {
    /// The rate, if there is a limit.
    pub(crate) fn limit(self) -> Option<Rate> {
        self.0
    }
}

impl FromStr for RateSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self(None)),
            rate => rate.parse().map(|rate| Self(Some(rate))),
        }
    }
}

/// Why a key may not send this many messages now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// It may after this time.
    Now(Duration),
    /// It never may: the limit does not allow that many at once.
    AtOnce,
}

/// Counts messages by key.
pub(crate) struct RateLimit(DefaultKeyedRateLimiter<Principal>);

impl RateLimit {
    /// At most `rate.requests` at once, and the same number in each period after that.
    pub(crate) fn new(rate: Rate) -> Self {
        // The shortest interval, one second over 2^32 requests, would round down to zero.
        let interval = (rate.per / rate.requests.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(rate.requests))
            .allow_burst(rate.requests);
        Self(RateLimiter::keyed(quota))
    }

    /// Counts one request of `principal`.
    ///
    /// # Errors
    /// How long to wait, when it is one too many.
    pub(crate) fn count(&self, principal: &Principal) -> Result<(), Duration> {
        // Keys come from the key ring, so the table has at most one entry for each key ever valid.
        self.0
            .check_key(principal)
            .map_err(|over| over.wait_time_from(DefaultClock::default().now()))
    }

    /// Counts `more` messages of a request that has already counted as one: all of them, or none.
    ///
    /// # Errors
    /// When they are too many.
    pub(crate) fn count_more(&self, principal: &Principal, more: usize) -> Result<(), TooMany> {
        let Some(more) = u32::try_from(more).map_err(|_| TooMany::AtOnce).map(NonZeroU32::new)?
        else {
            return Ok(());
        };
        match self.0.check_key_n(principal, more) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(over)) => Err(TooMany::Now(over.wait_time_from(DefaultClock::default().now()))),
            Err(_) => Err(TooMany::AtOnce),
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimit")
    }
}

#[cfg(test)]
mod tests {
    use super::{Rate, RateLimit, RateSetting, TooMany};
    use crate::principal::Principal;

    #[test]
    fn rates_are_parsed() {
        for good in ["1/s", "600/m", "4294967295/h"] {
            assert!(good.parse::<Rate>().is_ok(), "{good}");
        }
        for bad in ["", "600", "0/m", "-1/s", "1/d", "many/s", "1 / s"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_can_be_switched_off() {
        assert_eq!("off".parse(), Ok(RateSetting(None)));
        assert_eq!("60/m".parse(), Ok(RateSetting("60/m".parse().ok())));
        for bad in ["", "OFF", "none", "0", "0/s"] {
            assert!(bad.parse::<RateSetting>().is_err(), "{bad}");
        }
    }

    #[test]
    fn all_messages_of_a_request_count_or_none() {
        let limit = RateLimit::new("4/h".parse().unwrap());
        let ada = Principal::anyone();
        assert!(limit.count(&ada).is_ok());
        assert_eq!(limit.count_more(&ada, 0), Ok(()));
        assert_eq!(limit.count_more(&ada, 5), Err(TooMany::AtOnce));
        assert!(matches!(limit.count_more(&ada, 4), Err(TooMany::Now(wait)) if wait.as_secs() > 0));
        assert_eq!(limit.count_more(&ada, 3), Ok(()), "a refusal has cost nothing");
        assert!(limit.count(&ada).is_err());
    }

    #[test]
    fn after_a_burst_there_is_a_wait() {
        let limit = RateLimit::new("3/h".parse().unwrap());
        let ada = Principal::anyone();
        assert!((0..3).all(|_| limit.count(&ada).is_ok()));
        let wait = limit.count(&ada).unwrap_err();
        assert!(wait.as_secs() > 1000 && wait.as_secs() <= 1200, "{wait:?}");
        // The highest rate does not divide by zero.
        assert!(RateLimit::new("4294967295/s".parse().unwrap()).count(&ada).is_ok());
    }
}
