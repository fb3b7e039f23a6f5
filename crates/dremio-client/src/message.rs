//! Text from Dremio, made safe to pass on.

use std::fmt;

/// Longest text that is kept, in characters. Dremio's messages have a few hundred; the longest
/// repeat the statement.
const CHARS_MAX: usize = 2000;

/// Longest list of expected tokens ("Was expecting one of: …") that is kept. Most have about 70 of
/// them, which help no reader.
const EXPECTED_CHARS_MAX: usize = 120;

/// Dremio's message about a statement or an object: bounded, on one line, without control
/// characters.
///
/// It may repeat names and parts of the statement, so it belongs to the user who made the call, and
/// not into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteMessage(Box<str>);

impl RemoteMessage {
    /// Cleans `text`; `None` if nothing is left.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut clean = String::new();
        for (count, c) in without_long_list(text).trim().chars().enumerate() {
            if count == CHARS_MAX {
                clean.push('…');
                break;
            }
            clean.push(if is_printable(c) { c } else { ' ' });
        }
        let clean = clean.trim();
        (!clean.is_empty()).then(|| Self(clean.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `text` without a long list of expected tokens at its end.
fn without_long_list(text: &str) -> &str {
    match text.find("Was expecting one of:") {
        Some(start) if text.len() - start > EXPECTED_CHARS_MAX => {
            text.get(..start).unwrap_or_default()
        }
        _ => text,
    }
}

/// Not a control character, a line separator or a mark of writing direction.
fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

impl fmt::Display for RemoteMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows only the length: a `{:?}` in a log must not reveal the text.
impl fmt::Debug for RemoteMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteMessage({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned_and_bounded() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                RemoteMessage::new(text).as_ref().map(RemoteMessage::as_str),
                expected,
                "{text:?}"
            );
        };
        check("", None);
        check(" \n\t\u{1b} ", None);
        check("Object 'a' not found", Some("Object 'a' not found"));
        check("a\nb\u{1b}[31mc\u{202e}d", Some("a b [31mc d"));
        check("  grüße  ", Some("grüße"));
        let long = RemoteMessage::new(&"é".repeat(CHARS_MAX + 1)).unwrap();
        assert_eq!(long.as_str().chars().count(), CHARS_MAX + 1);
        assert!(long.as_str().ends_with("é…"));
    }

    #[test]
    fn long_lists_of_expected_tokens_are_left_out() {
        let short =
            "Encountered \"x\" at line 1, column 8. Was expecting one of: \",\" ... \")\" ...";
        assert_eq!(RemoteMessage::new(short).unwrap().as_str(), short);
        let long = format!(
            "Encountered \"date\" at line 1, column 8.\nWas expecting one of:\n{}",
            "    \"ABS\" ...\n".repeat(70)
        );
        assert_eq!(
            RemoteMessage::new(&long).unwrap().as_str(),
            "Encountered \"date\" at line 1, column 8."
        );
        let only = format!("Was expecting one of: {}", "\"ABS\" ... ".repeat(70));
        assert!(RemoteMessage::new(&only).is_none_or(|message| message.as_str().len() < 100));
    }

    #[test]
    fn debug_hides_the_text() {
        assert_eq!(
            format!("{:?}", RemoteMessage::new("secret").unwrap()),
            "RemoteMessage(6 bytes)"
        );
    }
}
