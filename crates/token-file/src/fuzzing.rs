//! What must be true of any content of the token file, however hostile: for `fuzz/`, which makes
//! contents, and for the test, which replays those that are kept in `fuzz/seeds`.

use secrecy::ExposeSecret;
use serde_json::Value;

/// A token that is read is the one that another reader finds in the same place, and fits into a
/// header.
pub fn token_file(content: &[u8]) {
    let Ok(token) = crate::read::parse(content) else { return };
    assert!(token.is_sendable());
    // A number in another member that is too large for a double is JSON, and not for this reader.
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
