//! Identity, expiry and redaction of a token.

use super::*;

fn token(secret: &str, expires_at: &str) -> Token {
    Token::new(SecretString::from(secret), expires_at.parse().unwrap())
}

#[test]
fn id_is_the_start_of_the_sha_256() {
    // `printf %s abc | sha256sum`
    assert_eq!(token("abc", "2025-06-26T12:00:00Z").id().to_string(), "ba7816bf");
}

#[test]
fn debug_shows_the_id_only() {
    let shown = format!("{:?}", token("abc-very-secret", "2025-06-26T12:00:00Z"));
    assert!(!shown.contains("abc-very-secret"), "{shown}");
    assert!(shown.contains("2025-06-26T12:00:00Z"), "{shown}");
}

#[test]
fn expiry_is_inclusive_and_cut_to_seconds() {
    let token = token("abc", "2025-06-26T12:00:00.999Z");
    assert_eq!(token.expires_at().to_string(), "2025-06-26T12:00:00Z");
    assert!(!token.is_expired("2025-06-26T11:59:59.999Z".parse().unwrap()));
    assert!(token.is_expired("2025-06-26T12:00:00Z".parse().unwrap()));
}

#[test]
fn sendable_is_visible_ascii_within_the_limit() {
    let check = |secret: &str, expected: bool| {
        assert_eq!(token(secret, "2025-06-26T12:00:00Z").is_sendable(), expected, "{secret:?}");
    };
    check("7k2m0q5c1v9t3bsa8h6e4dlnrp", true);
    check("eyJh.bGci-_=+/~", true);
    check("", false);
    check("with space", false);
    check("line\nbreak", false);
    check("tökén", false);
    check("nul\0", false);
    check(&"a".repeat(TOKEN_BYTES_MAX), true);
    check(&"a".repeat(TOKEN_BYTES_MAX + 1), false);
}
