//! How long tokens live, as people write it.

use std::time::Duration;

use service_kit::parse_duration;

/// The shortest lifetime that can be set: a shorter one could end before the client has the token.
const TOKEN_LIFETIME_MIN: Duration = Duration::from_millis(250);

/// Reads how long tokens live.
///
/// # Errors
/// It is no duration, or it is so short that no login would be of use; the text says which.
pub fn parse_token_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = parse_duration(text.trim())?;
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
    fn short_token_lifetimes_are_refused() {
        let check =
            |text: &str, good: bool| assert_eq!(parse_token_lifetime(text).is_ok(), good, "{text}");
        check("250ms", true);
        check("1s", true);
        check("249ms", false);
        check("0s", false);
        check("soon", false);
    }
}
