//! The members of a line, as JSON. Texts are escaped further than JSON asks for: whatever a client
//! has made up, a line stays one line, and steers no terminal.

use std::fmt::{Display, Write as _};

use service_kit::logging::push_json_string;

/// Most lines are shorter.
const MEMBERS_BYTES: usize = 512;

/// Members of a JSON object, without the braces.
#[derive(Debug)]
pub(crate) struct Members(String);

impl Members {
    /// What every line begins with: when, and what happened.
    pub(super) fn of(timestamp: jiff::Timestamp, event: &str) -> Self {
        let mut members = Self(String::with_capacity(MEMBERS_BYTES));
        members.shown("timestamp", format_args!("{timestamp:.3}"));
        members.text("event", event);
        members
    }

    /// A text from anywhere.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_json_string(&mut self.0, text);
    }

    /// The same, if there is one.
    pub(super) fn some_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// What is shown without any character that JSON or a terminal would take for its own.
    pub(super) fn shown(&mut self, name: &str, plain: impl Display) {
        self.name(name);
        // A `String` takes everything.
        let _ = write!(self.0, "\"{plain}\"");
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        let _ = write!(self.0, "{number}");
    }

    /// A list of such, unless it is empty.
    pub(super) fn list<T: Display>(&mut self, name: &str, plain: &[T]) {
        let [first, rest @ ..] = plain else { return };
        self.name(name);
        let _ = write!(self.0, "[\"{first}\"");
        for one in rest {
            let _ = write!(self.0, ",\"{one}\"");
        }
        self.0.push(']');
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        let _ = write!(self.0, "\"{name}\":");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Members;

    #[test]
    fn texts_keep_their_meaning_and_steer_nothing() {
        let hostile = "a\"\\\n\r\t\0\u{1b}[2K\u{7f}\u{85}\u{9b}\u{2028}\u{202e}\u{2066}ü😀";
        let mut members = Members::of(jiff::Timestamp::UNIX_EPOCH, "e");
        members.text("sql", hostile);
        members.number("rows", u64::MAX);
        members.some_text("none", None);
        members.list("jobs", &["a", "b"]);
        members.list::<String>("empty", &[]);
        let text = format!("{{{}}}", std::str::from_utf8(members.as_bytes()).unwrap());
        assert!(!text.chars().any(service_kit::logging::is_steering), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "timestamp": "1970-01-01T00:00:00.000Z",
            "event": "e",
            "sql": hostile,
            "rows": u64::MAX,
            "jobs": ["a", "b"],
        });
        assert_eq!(read, expected);
    }
}
