//! The key in an `Authorization` header.

/// The credentials of `Bearer <credentials>`; the scheme is case-insensitive (RFC 9110 §11.1).
///
/// # Errors
/// What is wrong, for the person who configured the client.
pub(super) fn credentials(value: &[u8]) -> Result<&[u8], &'static str> {
    let value = value.trim_ascii();
    let (scheme, rest) =
        value.split_at(value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len()));
    let rest = rest.trim_ascii();
    let is_bearer =
        |word: &[u8]| word.eq_ignore_ascii_case(b"bearer") || word.eq_ignore_ascii_case(b"bearer:");
    if scheme.eq_ignore_ascii_case(b"basic") {
        return Err("This server takes a key, not a user name and password: send `Authorization: \
                    Bearer <key>` instead of Basic.");
    }
    if scheme.is_empty() || (is_bearer(scheme) && rest.is_empty()) {
        return Err("The Authorization header holds no key: send `Authorization: Bearer <key>`. \
                    Is a variable empty in your client?");
    }
    if rest.is_empty() {
        return Err("The Authorization header lacks the word Bearer: send `Authorization: Bearer \
                    <key>`, with a space between the two.");
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err("This server takes a key as `Authorization: Bearer <key>`, and no other kind \
                    of authorization.");
    }
    if rest.split(u8::is_ascii_whitespace).next().is_some_and(is_bearer) {
        return Err("The Authorization header has the word Bearer twice: send `Authorization: \
                    Bearer <key>`.");
    }
    if rest.starts_with(b"${") || rest.starts_with(b"{{") {
        return Err("The Authorization header has the name of a variable in place of a key: your \
                    client has not replaced it.");
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::credentials;

    #[test]
    fn bearer_credentials() {
        for (value, expected) in [
            ("Bearer abc", Ok("abc")),
            ("bearer abc", Ok("abc")),
            ("BEARER   abc ", Ok("abc")),
            ("Bearer\tabc", Ok("abc")),
            ("Bearer ", Err("holds no key")),
            ("Bearer", Err("holds no key")),
            ("", Err("holds no key")),
            ("abc", Err("lacks the word Bearer")),
            ("Basic abc", Err("not a user name and password")),
            ("Token abc", Err("no other kind")),
            ("Bearer Bearer abc", Err("twice")),
            ("Bearer ${DREMIO_MCP_KEY}", Err("name of a variable")),
        ] {
            match (credentials(value.as_bytes()), expected) {
                (Ok(key), Ok(expected)) => assert_eq!(key, expected.as_bytes(), "{value}"),
                (Err(message), Err(expected)) => {
                    assert!(message.contains(expected), "{value}: {message}");
                }
                (found, expected) => panic!("{value}: {found:?} {expected:?}"),
            }
        }
    }
}
