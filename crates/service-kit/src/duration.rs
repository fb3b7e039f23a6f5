//! Durations as people write them.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Parses `90s`, `5m`, `1h30m`, `2d` (of 24 hours), `0`.
///
/// # Errors
/// What is wrong, as a sentence fragment with an example.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{text}` has no unit; write for example {text}s or {text}m"));
    }
    let wrong = || format!("`{text}` is not a duration; write for example 90s, 5m or 6h");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| format!("`{text}` is negative"))
}

#[cfg(test)]
mod tests {
    use super::{Duration, parse_duration};

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("6h", 21_600),
            ("1h30m", 5_400),
            ("2d", 172_800),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for (text, problem) in [
            ("5", "`5` has no unit; write for example 5s or 5m"),
            ("-5m", "`-5m` is negative"),
            ("", "`` is not a duration; write for example 90s, 5m or 6h"),
            ("soon", "`soon` is not a duration; write for example 90s, 5m or 6h"),
            ("5 parsecs", "`5 parsecs` is not a duration; write for example 90s, 5m or 6h"),
            ("1 month", "`1 month` is not a duration; write for example 90s, 5m or 6h"),
        ] {
            assert_eq!(parse_duration(text).as_ref().map_err(String::as_str), Err(problem));
        }
        assert!(parse_duration("99999999999999999999h").is_err());
    }
}
