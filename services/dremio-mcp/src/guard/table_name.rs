//! The name of a table as agents write it, taken apart: `"Sales"."2024.q1"."orders"` or `["Sales",
//! "2024.q1", "orders"]`.

use super::lexer::closed_by;

/// Longest name, in characters, its quotes and dots included. Dremio's own limit for one part is
/// 1,024; the whole must fit percent-encoded into a request line of 8 KiB.
const NAME_CHARS_MAX: usize = 2048;

/// Why a text is not the name of a table. The text is for the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("a part of the name is empty")]
    EmptyPart,
    #[error("a double quote is opened and never closed")]
    Unclosed,
    #[error("a double quote stands in the middle of a part")]
    StrayQuote,
    #[error("the name has more than {NAME_CHARS_MAX} characters")]
    TooLong,
}

/// The path to a table: its parts from the top, unquoted. Never empty, and without an empty part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TableName(Vec<String>);

impl TableName {
    /// Takes a dotted name apart. A part in double quotes may contain dots, and `""` for a double
    /// quote; blanks around a part do not belong to it.
    ///
    /// # Errors
    /// When it is not such a name.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        let mut parts = Vec::new();
        let mut next = Some(text);
        while let Some(rest) = next {
            let rest = rest.trim_start();
            let (part, after) = if let Some(inner) = rest.strip_prefix('"') {
                let (part, after) = closed_by('"', inner).ok_or(NameError::Unclosed)?;
                (part.replace("\"\"", "\""), after)
            } else {
                let (part, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                if part.contains('"') {
                    return Err(NameError::StrayQuote);
                }
                (part.trim_end().to_owned(), after)
            };
            parts.push(part);
            let after = after.trim_start();
            next = after.strip_prefix('.');
            if next.is_none() && !after.is_empty() {
                return Err(NameError::StrayQuote);
            }
        }
        Self::from_parts(parts)
    }

    /// The path of these parts, each as it is.
    ///
    /// # Errors
    /// When there is none, one is empty, or they are too long.
    pub(crate) fn from_parts(parts: Vec<String>) -> Result<Self, NameError> {
        if parts.is_empty() {
            return Err(NameError::Empty);
        }
        if parts.iter().any(String::is_empty) {
            return Err(NameError::EmptyPart);
        }
        if parts.iter().map(|part| part.chars().count() + 3).sum::<usize>() > NAME_CHARS_MAX {
            return Err(NameError::TooLong);
        }
        Ok(Self(parts))
    }

    /// The parts.
    pub(crate) fn parts(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{NameError, TableName};
    use crate::catalog::quoted;

    #[test]
    fn names_are_taken_apart() {
        let check = |text: &str, expected: &[&str]| {
            let name = TableName::parse(text).unwrap_or_else(|cause| panic!("{text}: {cause}"));
            assert_eq!(name.parts(), expected, "{text}");
            // What is written back is the same name.
            assert_eq!(TableName::parse(&quoted(name.parts())), Ok(name), "{text}");
        };
        check("t", &["t"]);
        check("a.b.c", &["a", "b", "c"]);
        check(" a . b ", &["a", "b"]);
        check("\"a\".\"b\".\"c\"", &["a", "b", "c"]);
        check("\"a.b\".c", &["a.b", "c"]);
        check(
            "a.\"samples.dremio.com\".\"NYC-taxi-trips\"",
            &["a", "samples.dremio.com", "NYC-taxi-trips"],
        );
        check("\"say \"\"hi\"\"\" . x", &["say \"hi\"", "x"]);
        check("\"\"\"\"", &["\""]);
        check("@ada.my table", &["@ada", "my table"]);
        check("\" \"", &[" "]);
        check("größe.日本", &["größe", "日本"]);
    }

    #[test]
    fn other_texts_are_refused() {
        let check = |text: &str, expected: NameError| {
            assert_eq!(TableName::parse(text), Err(expected), "{text}");
        };
        check("", NameError::Empty);
        check("  ", NameError::Empty);
        check(".", NameError::EmptyPart);
        check("a.", NameError::EmptyPart);
        check(".a", NameError::EmptyPart);
        check("a..b", NameError::EmptyPart);
        check("\"\"", NameError::EmptyPart);
        check("\"a", NameError::Unclosed);
        check("a.\"b\"\"", NameError::Unclosed);
        check("a\"b\"", NameError::StrayQuote);
        check("\"a\"b", NameError::StrayQuote);
        check("[\"a\",\"b\"]", NameError::StrayQuote);
        check(&"a".repeat(3000), NameError::TooLong);
    }

    #[test]
    fn parts_are_taken_as_they_are() {
        let parts = |parts: &[&str]| {
            TableName::from_parts(parts.iter().map(|part| (*part).to_owned()).collect())
        };
        assert_eq!(parts(&["a.b", " c\"d"]).unwrap().parts(), ["a.b", " c\"d"]);
        assert_eq!(parts(&[]), Err(NameError::Empty));
        assert_eq!(parts(&["a", ""]), Err(NameError::EmptyPart));
    }
}
