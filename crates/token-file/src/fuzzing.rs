//! What holds for any content of the token file, however hostile: used by `fuzz/`, which generates
//! contents, and by the test, which replays those in `fuzz/seeds`.

use secrecy::ExposeSecret;
use serde_json::Value;

/// A token that is read is the one that another JSON parser finds in the same place, and fits into
/// a header.
pub fn token_file(content: &[u8]) {
    let Ok(token) = crate::read::parse(content) else { return };
    assert!(token.is_sendable());
    // A number too large for a double in another member is JSON, but `Value` rejects it.
    if let Ok(value) = serde_json::from_slice::<Value>(content) {
        let secret = value.get("token").and_then(Value::as_str);
        assert!(
            secret == Some(token.secret().expose_secret()),
            "another reader sees another token"
        );
    }
}

#[cfg(test)]
mod tests;
