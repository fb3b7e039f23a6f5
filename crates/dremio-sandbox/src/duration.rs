//! Durations with a unit, as people write them: `250ms`, `5s`, `90m`, `30h`, `2d`.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a duration: give a whole number and a unit, as in 250ms, 5s, 10m, 30h or 2d"
)]
pub struct DurationError {
    text: String,
}

/// Reads a whole number with one of the units `ms`, `s`, `m`, `h`, `d`.
///
/// # Errors
/// Anything else, in particular a number without a unit.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError { text: text.to_owned() };
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| error())?;
    let seconds = |unit: u64| number.checked_mul(unit).map(Duration::from_secs);
    let duration = match trimmed.get(digits.len()..).unwrap_or_default() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(60 * 60),
        "d" => seconds(24 * 60 * 60),
        _ => None,
    };
    duration.ok_or_else(error)
}

/// The shortest life of a token that somebody asks for by hand: with less it could expire on its
/// way to the client.
const TOKEN_LIFETIME_MIN: Duration = Duration::from_millis(250);

/// Reads how long tokens live.
///
/// # Errors
/// It is no duration, or it is so short that no login would be of use; the text says which.
pub(crate) fn parse_token_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = parse_duration(text).map_err(|error| error.to_string())?;
    if lifetime < TOKEN_LIFETIME_MIN {
        return Err(format!(
            "tokens that live {text} could not be used: give at least {}ms",
            TOKEN_LIFETIME_MIN.as_millis()
        ));
    }
    Ok(lifetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        let check = |text: &str, expected: Option<u64>| {
            let found = parse_duration(text).ok();
            assert_eq!(found, expected.map(Duration::from_millis), "{text}");
        };
        check("250ms", Some(250));
        check("5s", Some(5_000));
        check(" 10m ", Some(600_000));
        check("30h", Some(108_000_000));
        check("2d", Some(172_800_000));
        check("0s", Some(0));
        check("5", None);
        check("s", None);
        check("-5s", None);
        check("1.5s", None);
        check("5 parsecs", None);
        check("99999999999999999999h", None);
    }

    #[test]
    fn tokens_live_long_enough_to_be_used() {
        let check =
            |text: &str, good: bool| assert_eq!(parse_token_lifetime(text).is_ok(), good, "{text}");
        check("250ms", true);
        check("1s", true);
        check("249ms", false);
        check("0s", false);
        check("soon", false);
    }
}
