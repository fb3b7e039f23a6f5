//! Accepts only JSON that every reader reads in the same way. RFC 8259 leaves some of that open
//! ("Unpredictable" behaviour, §4, §8.2; limits, §9), and RFC 7493 (I-JSON) closes it. A Python
//! child never answers a message that it cannot read, so such a message is refused before it gets
//! there.
//!
//! One pass over the bytes of a text that is known to be JSON. Numbers beyond IEEE 754 are not
//! checked, since RFC 7493 §2.2 only advises against them: every reader reads them, perhaps with a
//! loss.

use std::borrow::Cow;

/// How deeply objects and arrays may be nested, including the message itself. The official server's
/// JSON reader accepts 201 levels and `serde_json`, which reads arguments here, 127; people need
/// 10.
pub(crate) const DEPTH_MAX: usize = 100;

/// Characters of one number. Python reads integers of up to 4,300 digits; a decimal of Dremio has
/// 38.
pub(crate) const NUMBER_BYTES_MAX: usize = 1000;

/// Why some readers reject a JSON text, or read it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// RFC 8259 §8.2, RFC 7493 §2.1.
    #[error("a string has half of a surrogate pair (\\ud800 to \\udfff)")]
    LoneSurrogate,
    /// RFC 7493 §2.3.
    #[error("an object has two members of one name")]
    DuplicateName,
    /// RFC 8259 §9.
    #[error("objects and arrays lie more than {DEPTH_MAX} deep in each other")]
    TooDeep,
    /// RFC 8259 §9.
    #[error("a number has more than {NUMBER_BYTES_MAX} characters")]
    LongNumber,
}

/// Checks `json`, which must be one JSON value.
///
/// # Errors
/// The first thing that some reader rejects or reads differently.
pub(crate) fn check(json: &str) -> Result<(), Unreadable> {
    let bytes = json.as_bytes();
    let mut open: Vec<Open> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut is_name = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at)?;
                if is_name {
                    names.push(json.get(at..end).unwrap_or_default());
                    is_name = false;
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                if open.len() == DEPTH_MAX {
                    return Err(Unreadable::TooDeep);
                }
                is_name = byte == b'{';
                open.push(Open { is_object: is_name, names_before: names.len() });
            }
            b'}' | b']' => {
                if let Some(Open { is_object: true, names_before }) = open.pop() {
                    are_unique(names.get_mut(names_before..).unwrap_or_default())?;
                    names.truncate(names_before);
                }
            }
            b',' => is_name = open.last().is_some_and(|open| open.is_object),
            b'-' | b'0'..=b'9' => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest
                    .iter()
                    .take_while(|byte| {
                        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
                    })
                    .count();
                if length > NUMBER_BYTES_MAX {
                    return Err(Unreadable::LongNumber);
                }
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// An object or array that is not closed yet.
struct Open {
    is_object: bool,
    /// How many names there were before its own.
    names_before: usize,
}

/// Where the string that starts at `start` ends, including its quote.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, Unreadable> {
    let mut at = start + 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(next) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            return Ok(bytes.len());
        };
        at += next;
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\\'), Some(b'u')) => at = unicode_escape_end(bytes, at)?,
            (Some(b'\\'), _) => at += 2,
            _ => return Ok(at + 1),
        }
    }
}

/// Where the escape `\uXXXX` at `start` ends, or the pair of two that form one character.
fn unicode_escape_end(bytes: &[u8], start: usize) -> Result<usize, Unreadable> {
    let unit_at = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match (unit_at(start), unit_at(start + 6)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => Ok(start + 12),
        (Some(0xd800..=0xdfff), _) => Err(Unreadable::LoneSurrogate),
        _ => Ok(start + 6),
    }
}

/// Names are compared by meaning: `"\u0061"` is `"a"`.
fn are_unique(names: &mut [&str]) -> Result<(), Unreadable> {
    if names.iter().any(|name| name.contains('\\')) {
        let meant: Vec<Cow<'_, str>> = names
            .iter()
            .map(|name| serde_json::from_str::<String>(name).map_or((*name).into(), Cow::from))
            .collect();
        return are_all_different(&mut meant.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    }
    are_all_different(names)
}

fn are_all_different(names: &mut [&str]) -> Result<(), Unreadable> {
    names.sort_unstable();
    if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        Err(Unreadable::DuplicateName)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, NUMBER_BYTES_MAX, Unreadable, check};

    #[test]
    fn only_json_that_every_reader_accepts_passes() {
        let nested = |open: &str, close: &str, depth: usize| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        };
        let digits = |count: usize| "9".repeat(count);
        for (json, expected) in [
            (r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#.to_owned(), Ok(())),
            (r#"{"a":"b","b":"a","c":["a","a"]}"#.into(), Ok(())),
            (r#"{"a" : {} , "b" : [ ] , "" : null}"#.into(), Ok(())),
            (r#""\ud83d\ude00 \uD83D\uDE00 \u0000 \uffff \\ud800 \" \\""#.into(), Ok(())),
            (r#"{"a":1.10,"b":1e400,"c":-0,"d":12345678901234567890123}"#.into(), Ok(())),
            (format!(r#"{{"digits":"{}"}}"#, digits(9999)), Ok(())),
            (nested("[", "]", DEPTH_MAX), Ok(())),
            (nested(r#"{"a":"#, "}", DEPTH_MAX), Ok(())),
            (format!(r#"["{}"]"#, "[{".repeat(9999)), Ok(())),
            (digits(NUMBER_BYTES_MAX), Ok(())),
            (r#""\ud800""#.into(), Err(Unreadable::LoneSurrogate)),
            (r#""\udc00""#.into(), Err(Unreadable::LoneSurrogate)),
            (r#"["\uDBFF\ud800"]"#.into(), Err(Unreadable::LoneSurrogate)),
            (r#""\ud83d \ude00""#.into(), Err(Unreadable::LoneSurrogate)),
            (r#""\\\ud800""#.into(), Err(Unreadable::LoneSurrogate)),
            (r#"{"\ud800":1}"#.into(), Err(Unreadable::LoneSurrogate)),
            (r#"{"a":1,"b":2,"a":3}"#.into(), Err(Unreadable::DuplicateName)),
            (r#"[{"a":{"b":1,"b":1}}]"#.into(), Err(Unreadable::DuplicateName)),
            (r#"{"a":{"x":1},"\u0061":2}"#.into(), Err(Unreadable::DuplicateName)),
            (nested("[", "]", DEPTH_MAX + 1), Err(Unreadable::TooDeep)),
            (nested(r#"{"a":"#, "}", DEPTH_MAX + 1), Err(Unreadable::TooDeep)),
            (format!("[1,{}]", digits(NUMBER_BYTES_MAX + 1)), Err(Unreadable::LongNumber)),
            (format!("-0.{}", digits(NUMBER_BYTES_MAX)), Err(Unreadable::LongNumber)),
        ] {
            assert!(
                serde_json::from_str::<&serde_json::value::RawValue>(&json).is_ok(),
                "the test is about JSON: {json}"
            );
            assert_eq!(check(&json), expected, "{json}");
        }
    }

    #[test]
    fn many_names_take_little_time() {
        let members: Vec<String> = (0..200_000).map(|number| format!(r#""n{number}":0"#)).collect();
        assert_eq!(check(&format!("{{{}}}", members.join(","))), Ok(()));
    }
}
