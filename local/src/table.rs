//! Rows for people: aligned columns, numbers to the right, exactly as Dremio spelt them.

use std::fmt::{self, Display, Formatter};

use anyhow::Context;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A cell wider than this is cut: the whole value is one narrower query away.
const CELL_CHARS_MAX: usize = 60;

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
    is_number: bool,
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
        let read: SqlResult = serde_json::from_str(text).context("the tool's answer holds no rows")?;
        let columns = read.result.first().map(|row| row.0.iter().map(|(name, _)| printable(name)).collect()).unwrap_or_default();
        let rows = read.result.into_iter().map(|row| row.0.iter().map(|(_, value)| Cell::new(value)).collect()).collect();
        Ok(Self { columns, rows, note: read.note })
    }
}

impl Cell {
    fn new(value: &RawValue) -> Self {
        let raw = value.get();
        let text = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned());
        let mut text = printable(&text);
        if text.chars().count() > CELL_CHARS_MAX {
            text = text.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect();
        }
        Self { text, is_number: raw == "null" || raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) }
    }
}

/// Data must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count());
            cells.chain(self.columns.get(column).map(|name| name.chars().count())).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        if !self.columns.is_empty() {
            write_line(f, self.columns.iter().zip(&widths).map(|(name, &width)| format!("{name:<width$}")))?;
            write_line(f, widths.iter().map(|&width| "─".repeat(width)))?;
        }
        for row in &self.rows {
            let cells = row.iter().zip(&widths);
            write_line(
                f,
                cells
                    .map(|(cell, &width)| if cell.is_number { format!("{:>width$}", cell.text) } else { format!("{:<width$}", cell.text) }),
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
        let text = r#"{"result":[{"name":"Ada","amount":12.50,"big":9223372036854775807},{"name":"Bob\u001b[2J","amount":null,"big":-1}]}"#;
        let shown = Table::from_tool_result(text).unwrap().to_string();
        let expected = "\
name     amount  big
───────  ──────  ───────────────────
Ada       12.50  9223372036854775807
Bob [2J    null                   -1
(2 rows)
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn no_rows_and_long_cells() {
        assert_eq!(Table::from_tool_result(r#"{"result":[]}"#).unwrap().to_string(), "(0 rows)\n");
        let long = format!(r#"{{"result":[{{"c":"{}"}}],"note":"cut"}}"#, "x".repeat(100));
        let shown = Table::from_tool_result(&long).unwrap().to_string();
        assert!(shown.contains(&format!("{}…\n", "x".repeat(59))) && shown.ends_with("(1 row)\nnote: cut\n"), "{shown}");
        assert!(Table::from_tool_result("oops").is_err());
    }
}
