//! One value of a row as text. Dremio's own digits are kept: a number is never read.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::rpc::string_literal;

/// Longest cell, in characters: enough to see what a text is about. Twenty of these fill an answer.
pub(crate) const CELL_CHARS_MAX: usize = 2000;

/// What stands behind a cell that goes on.
pub(super) const CUT_MARK: &str = "…[cut]";

/// A value, as it is shown.
pub(super) enum Cell<'a> {
    Null,
    /// A number or a truth value: itself in either format.
    Plain(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// JSON of a list, a struct or a map.
    Nested(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// `value`, with at most `chars_max` characters of it, and whether it was cut.
    pub(super) fn of(value: &'a RawValue, chars_max: usize) -> (Self, bool) {
        let raw = value.get();
        match raw.bytes().next() {
            Some(b'n') => (Self::Null, false),
            Some(b'"') => {
                let text: Cow<'_, str> = serde_json::from_str::<Text<'_>>(raw)
                    .map_or_else(|_| raw.into(), |Text(text)| text);
                let (text, is_cut) = cut(text, chars_max);
                (Self::Text(text), is_cut)
            }
            Some(b'[' | b'{') => match cut(compact(raw), chars_max) {
                // The start of JSON is none.
                (text, true) => (Self::Text(text), true),
                (json, false) => (Self::Nested(json), false),
            },
            _ => match cut(raw.into(), chars_max) {
                (text, true) => (Self::Text(text), true),
                (plain, false) => (Self::Plain(plain), false),
            },
        }
    }

    /// Adds it to a row of CSV (RFC 4180). NULL is nothing, and the empty text is `""`. A line
    /// break is written `\n`, so that a row is a line. What begins with a bracket is quoted: a
    /// line that begins with one is ours.
    pub(super) fn push_csv(&self, out: &mut String) {
        match self {
            Self::Null => {}
            Self::Plain(text) => out.push_str(text),
            Self::Text(text) | Self::Nested(text) => push_csv_text(text, out),
        }
    }

    /// Adds it as JSON.
    pub(super) fn push_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Plain(text) | Self::Nested(text) => out.push_str(text),
            Self::Text(text) => out.push_str(&string_literal(text)),
        }
    }

    /// Adds it as a JSON string, whatever it is, or as null: a reader that takes numbers for
    /// doubles gets every digit.
    pub(super) fn push_text(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Plain(text) | Self::Nested(text) | Self::Text(text) => {
                out.push_str(&string_literal(text));
            }
        }
    }
}

/// A JSON string that borrows where nothing is escaped in it.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// See [`Cell::push_csv`].
pub(super) fn push_csv_text(text: &str, out: &mut String) {
    let is_quoted = text.is_empty() || text.starts_with('[') || text.contains([',', '"']);
    if is_quoted {
        out.push('"');
    }
    let mut before = None;
    for c in text.chars() {
        match c {
            '"' => out.push_str("\"\""),
            '\n' if before == Some('\r') => {}
            '\r' | '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
        before = Some(c);
    }
    if is_quoted {
        out.push('"');
    }
}

/// The first `chars_max` characters of `text` and a mark, or all of it.
pub(super) fn cut(text: Cow<'_, str>, chars_max: usize) -> (Cow<'_, str>, bool) {
    // Bytes are no fewer than characters.
    if text.len() <= chars_max {
        return (text, false);
    }
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            (format!("{start}{CUT_MARK}").into(), true)
        }
        None => (text, false),
    }
}

/// JSON without the blanks between its tokens.
fn compact(json: &str) -> Cow<'_, str> {
    let (mut in_text, mut is_escaped, mut is_blank) = (false, false, false);
    let mut is_kept = |c: char| {
        if in_text {
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            return true;
        }
        in_text = c == '"';
        let kept = !matches!(c, ' ' | '\n' | '\r' | '\t');
        is_blank |= !kept;
        kept
    };
    let kept: String = json.chars().filter(|c| is_kept(*c)).collect();
    if is_blank { kept.into() } else { json.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::Cell;

    /// As CSV, as JSON, and whether it was cut.
    fn cell(json: &str, chars_max: usize) -> (String, String, bool) {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let (cell, is_cut) = Cell::of(&raw, chars_max);
        let (mut csv, mut json) = (String::new(), String::new());
        cell.push_csv(&mut csv);
        cell.push_json(&mut json);
        (csv, json, is_cut)
    }

    #[test]
    fn values_are_written_in_either_format() {
        for (value, csv, json) in [
            ("null", "", "null"),
            (r#""""#, r#""""#, r#""""#),
            ("12.50", "12.50", "12.50"),
            ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
            ("true", "true", "true"),
            (r#""plain text""#, "plain text", r#""plain text""#),
            (r#""a,b""#, r#""a,b""#, r#""a,b""#),
            (r#""say \"hi\"""#, r#""say ""hi""""#, r#""say \"hi\"""#),
            (
                r#""two\nlines\r\nand\rmore""#,
                "two\\nlines\\nand\\nmore",
                r#""two\nlines\r\nand\rmore""#,
            ),
            (r#""[rows 1-2 of 9]""#, r#""[rows 1-2 of 9]""#, r#""[rows 1-2 of 9]""#),
            (r#"[1, "a b", null]"#, r#""[1,""a b"",null]""#, r#"[1,"a b",null]"#),
            ("{\n \"k\": \"\\\" x\" }", r#""{""k"":""\"" x""}""#, r#"{"k":"\" x"}"#),
            (r#""null""#, "null", r#""null""#),
        ] {
            assert_eq!(cell(value, 100), (csv.to_owned(), json.to_owned(), false), "{value}");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cell(r#""été""#, 3), ("été".into(), r#""été""#.into(), false));
        assert_eq!(cell(r#""étés""#, 3), ("été…[cut]".into(), r#""été…[cut]""#.into(), true));
        assert_eq!(cell("[1,2,3]", 3), ("\"[1,…[cut]\"".into(), r#""[1,…[cut]""#.into(), true));
        assert_eq!(cell("12345", 2), ("12…[cut]".into(), r#""12…[cut]""#.into(), true));
        assert_eq!(cell("null", 0), (String::new(), "null".into(), false));
    }
}
