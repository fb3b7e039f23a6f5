//! Rows for people: aligned columns, numbers to the right and exactly as Dremio spelt them.

use std::fmt::{self, Display, Formatter};

use serde_json::value::RawValue;
use service_kit::wording::counted;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::answer::{Answer, Row, compact};

/// A cell wider than this is cut: the whole value is one narrower query away.
const CELL_COLUMNS_MAX: usize = 60;

/// What stands for no value. The text of these letters gets quotes.
const NULL: &str = "NULL";

/// A result, its cells ready to be shown.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    footer: String,
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

impl Table {
    /// The rows of an answer.
    pub(crate) fn new(answer: &Answer) -> Self {
        let columns = answer
            .rows
            .first()
            .map(|Row(members)| members.iter().map(|(name, _)| printable(name)).collect())
            .unwrap_or_default();
        let rows = answer
            .rows
            .iter()
            .map(|Row(members)| members.iter().map(|(_, value)| Cell::new(value)).collect())
            .collect();
        let count = answer.rows.len();
        let all = counted(count, "row");
        let mut footer = vec![answer.place.as_deref().map_or(all, printable)];
        if answer.next.is_some() {
            footer.push("--format csv or json prints all of them".to_owned());
        }
        footer.extend(answer.note.as_deref().map(printable));
        Self { columns, rows, footer: footer.join("; ") }
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
                let text = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
                if text == NULL { format!("\"{NULL}\"") } else { printable(&text) }
            }
            Some(b'{' | b'[') => printable(&compact(raw)),
            Some(b'n') => NULL.to_owned(),
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
        writeln!(f, "({})", self.footer)
    }
}

fn write_line(f: &mut Formatter<'_>, cells: impl Iterator<Item = String>) -> fmt::Result {
    let line = cells.collect::<Vec<_>>().join("  ");
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::answer::Answer;

    fn shown(text: &str) -> String {
        Table::new(&Answer::parse(text).unwrap()).to_string()
    }

    #[test]
    fn rows_are_aligned_and_spelt_as_they_came() {
        let text = r#"{"result":[
            {"name":"Ada","amount":12.50,"big":9223372036854775807,"tags":["a"]},
            {"name":null,"amount":null,"big":-1,"tags":{"b":  1.50, "c \" d": 1}},
            {"name":"Bob\u001b[2J","amount":2,"big":0,"tags":null}]}"#;
        let expected = r#"name     amount                  big  tags
───────  ──────  ───────────────────  ─────────────────────
Ada       12.50  9223372036854775807  ["a"]
NULL       NULL                   -1  {"b":1.50,"c \" d":1}
Bob [2J       2                    0  NULL
(3 rows)
"#;
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn no_value_looks_like_no_text() {
        let text = r#"{"result":[{"a":null},{"a":"null"},{"a":"NULL"},{"a":""}]}"#;
        assert_eq!(shown(text), "a\n──────\nNULL\nnull\n\"NULL\"\n\n(4 rows)\n");
    }

    #[test]
    fn columns_are_as_wide_as_they_look() {
        let cities = r#"{"result":[{"city":"東京","n":1},{"city":"Zürich","n":10},
            {"city":"e\u0301","n":2}]}"#;
        let expected =
            "city     n\n──────  ──\n東京     1\nZürich  10\ne\u{301}        2\n(3 rows)\n";
        assert_eq!(shown(cities), expected);
        let wide = shown(&format!(r#"{{"result":[{{"c":"{}"}}]}}"#, "京".repeat(40)));
        assert!(wide.contains(&format!("\n{}…\n", "京".repeat(29))), "{wide}");
    }

    #[test]
    fn no_rows_and_long_cells() {
        assert_eq!(shown(r#"{"result":[]}"#), "(0 rows)\n");
        let long = shown(&format!(r#"{{"result":[{{"c":"{}"}}]}}"#, "x".repeat(100)));
        assert!(long.contains(&format!("{}…\n", "x".repeat(59))), "{long}");
        assert!(Answer::parse("oops").is_err());
    }

    #[test]
    fn the_footer_says_what_is_not_there() {
        for (said, footer) in [
            (
                r#""rows":"rows 1-1 of 9","next":{"job_id":"h","offset":1}"#,
                "(rows 1-1 of 9; --format csv or json prints all of them)\n",
            ),
            (r#""note":"columns 1-2 of 9""#, "(1 row; columns 1-2 of 9)\n"),
        ] {
            let shown = shown(&format!(r#"{{"result":[{{"c":1}}],{said}}}"#));
            assert!(shown.ends_with(footer), "{shown}");
        }
    }
}
