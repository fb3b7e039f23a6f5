//! Rows for people: aligned columns, numbers to the right and exactly as Dremio spelt them.

use std::fmt::{self, Display, Formatter};

use anyhow::Context;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A cell wider than this is cut: the whole value is one narrower query away.
const CELL_COLUMNS_MAX: usize = 60;

/// A result, its cells ready to be shown.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    note: Option<String>,
}

#[derive(Debug)]
struct Cell {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Null,
    Other,
}

#[derive(serde::Deserialize)]
struct SqlResult {
    result: Vec<Row>,
    #[serde(default)]
    note: Option<String>,
}

/// One row: its members in their order, its values as they were spelt.
struct Row(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Row;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Row(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Table {
    /// Reads the text that `RunSqlQuery` answers with: `{"result":[{…}]}`.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn from_tool_result(text: &str) -> anyhow::Result<Self> {
        let read: SqlResult =
            serde_json::from_str(text).context("the tool's answer holds no rows")?;
        let columns = read
            .result
            .first()
            .map(|row| row.0.iter().map(|(name, _)| printable(name)).collect())
            .unwrap_or_default();
        let rows = read
            .result
            .into_iter()
            .map(|row| row.0.iter().map(|(_, value)| Cell::new(value)).collect())
            .collect();
        Ok(Self { columns, rows, note: read.note })
    }
}

impl Cell {
    fn new(value: &RawValue) -> Self {
        let raw = value.get();
        let kind = match raw.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b'n') => Kind::Null,
            _ => Kind::Other,
        };
        let mut text = match raw.as_bytes().first() {
            Some(b'"') => {
                printable(&serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
            }
            // Lists and objects without the line ends and indents that they may have come with.
            Some(b'{' | b'[') => printable(&compact(raw)),
            _ => printable(raw),
        };
        if text.width() > CELL_COLUMNS_MAX {
            text = cut(&text, CELL_COLUMNS_MAX - 1);
        }
        Self { text, kind }
    }
}

/// The beginning of `text` that takes at most so many columns, and an ellipsis.
fn cut(text: &str, columns_max: usize) -> String {
    let mut columns = 0;
    let fits = |char: &char| {
        columns += char.width().unwrap_or_default();
        columns <= columns_max
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// `text` with blanks to the left or to the right of it, `columns` wide: `format!` counts
/// characters, and a Chinese one takes two columns.
fn padded(text: &str, columns: usize, to_the_right: bool) -> String {
    let blanks = " ".repeat(columns.saturating_sub(text.width()));
    if to_the_right { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
}

/// JSON without the blanks between its tokens.
fn compact(json: &str) -> String {
    let (mut in_string, mut is_escaped) = (false, false);
    let keep = |char: &char| {
        let keeps = in_string || !char.is_ascii_whitespace();
        if *char == '"' && !is_escaped {
            in_string = !in_string;
        }
        is_escaped = *char == '\\' && !is_escaped;
        keeps
    };
    json.chars().filter(keep).collect()
}

/// Data must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells =
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width());
            cells.chain(self.columns.get(column).map(|name| name.width())).max().unwrap_or_default()
        };
        let is_numeric = |column: usize| {
            let mut kinds = self
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.kind)
                .filter(|kind| *kind != Kind::Null)
                .peekable();
            kinds.peek().is_some() && kinds.all(|kind| kind == Kind::Number)
        };
        let shapes: Vec<(usize, bool)> =
            (0..self.columns.len()).map(|column| (width(column), is_numeric(column))).collect();
        let aligned =
            |text: &str, (width, is_numeric): (usize, bool)| padded(text, width, is_numeric);
        if !self.columns.is_empty() {
            write_line(
                f,
                self.columns.iter().zip(&shapes).map(|(name, &shape)| aligned(name, shape)),
            )?;
            write_line(f, shapes.iter().map(|&(width, _)| "─".repeat(width)))?;
        }
        for row in &self.rows {
            write_line(
                f,
                row.iter().zip(&shapes).map(|(cell, &shape)| aligned(&cell.text, shape)),
            )?;
        }
        let count = self.rows.len();
        writeln!(f, "({count} {})", if count == 1 { "row" } else { "rows" })?;
        if let Some(note) = &self.note {
            writeln!(f, "note: {}", printable(note))?;
        }
        Ok(())
    }
}

fn write_line(f: &mut Formatter<'_>, cells: impl Iterator<Item = String>) -> fmt::Result {
    let line = cells.collect::<Vec<_>>().join("  ");
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn rows_are_aligned_and_spelt_as_they_came() {
        let text = r#"{"result":[{"name":"Ada","amount":12.50,"big":9223372036854775807,"tags":[
            "a"]},{"name":null,"amount":null,"big":-1,"tags":{"b":  1.50, "c \" d": 1}},{"name":"Bob\u001b[2J","amount":2,"big":0,"tags":null}]}"#;
        let shown = Table::from_tool_result(text).unwrap().to_string();
        let expected = r#"name     amount                  big  tags
───────  ──────  ───────────────────  ─────────────────────
Ada       12.50  9223372036854775807  ["a"]
null       null                   -1  {"b":1.50,"c \" d":1}
Bob [2J       2                    0  null
(3 rows)
"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn columns_are_as_wide_as_they_look() {
        let text = r#"{"result":[{"city":"東京","n":1},{"city":"Zürich","n":10},{"city":"e\u0301","n":2}]}"#;
        let expected =
            "city     n\n──────  ──\n東京     1\nZürich  10\ne\u{301}        2\n(3 rows)\n";
        assert_eq!(Table::from_tool_result(text).unwrap().to_string(), expected);
        let wide = format!(r#"{{"result":[{{"c":"{}"}}]}}"#, "京".repeat(40));
        let shown = Table::from_tool_result(&wide).unwrap().to_string();
        assert!(shown.contains(&format!("\n{}…\n", "京".repeat(29))), "{shown}");
    }

    #[test]
    fn no_rows_and_long_cells() {
        assert_eq!(Table::from_tool_result(r#"{"result":[]}"#).unwrap().to_string(), "(0 rows)\n");
        let long = format!(r#"{{"result":[{{"c":"{}"}}],"note":"cut"}}"#, "x".repeat(100));
        let shown = Table::from_tool_result(&long).unwrap().to_string();
        assert!(
            shown.contains(&format!("{}…\n", "x".repeat(59)))
                && shown.ends_with("(1 row)\nnote: cut\n"),
            "{shown}"
        );
        assert!(Table::from_tool_result("oops").is_err());
    }
}
