//! Names encoded as segments of a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters (section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `name` as one segment of a path. Everything but RFC 3986's unreserved characters is encoded:
/// Dremio's server takes a bare `;` for the start of a parameter. `None` for a name that no segment
/// can carry: an empty one, and `.` and `..`, which are steps even when encoded.
#[must_use]
pub fn encode_segment(name: &str) -> Option<String> {
    (!matches!(name, "" | "." | "..")).then(|| encode_query(name))
}

/// `text` as a name or value in a query, encoded as in [`encode_segment`].
#[must_use]
pub fn encode_query(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(encode_segment(name).as_deref(), expected, "{name:?}");
        };
        check("orders", Some("orders"));
        check("@ada", Some("%40ada"));
        check("samples.dremio.com", Some("samples.dremio.com"));
        check("a b;c/d?e#f%g", Some("a%20b%3Bc%2Fd%3Fe%23f%25g"));
        check("größe", Some("gr%C3%B6%C3%9Fe"));
        check("dremio:/Source/dir", Some("dremio%3A%2FSource%2Fdir"));
        check(r"..\..\x", Some("..%5C..%5Cx"));
        check("%2e%2e", Some("%252e%252e"));
        check("...", Some("..."));
        check("", None);
        check(".", None);
        check("..", None);
    }
}
