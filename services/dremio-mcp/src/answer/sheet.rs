//! Rows in either format, up to a budget of tokens: cells are cut first, then rows are left for
//! the next answer. Of a row that is alone too large, cells are cut shorter until it fits, so that
//! each answer has at least one row and no row is skipped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cell::{CELL_CHARS_MAX, Cell, cut, push_csv_text};
use super::column::Column;
use super::config::Format;
use super::footer::{FOOTER_TOKENS, Footer, Left, Place};
use super::tokens::estimate;
use crate::rpc::string_literal;

/// Longest cells of a row that is alone too large, tried one after the other. At last, only a mark
/// stays of each.
const SHORTER: [usize; 5] = [500, 100, 30, 8, 0];

/// Longest name of a column that is shown, in characters.
const NAME_CHARS_MAX: usize = 200;

/// A row that is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of the result is not an object")]
pub(crate) struct NotARow;

/// Rows as a text that grows until the budget is used up.
#[derive(Debug)]
pub(crate) struct Sheet {
    format: Format,
    columns: Vec<Column>,
    /// How many columns are shown: all, unless their names alone would fill the answer.
    shown: usize,
    text: String,
    /// What may still be used.
    tokens_left: usize,
    rows_max: u64,
    count: u64,
    /// Longest cell.
    chars_max: usize,
    cut_at: Option<usize>,
    is_full: bool,
    note: Option<String>,
}

/// The members of a row in their order.
struct Row<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Sheet {
    /// An empty one, for at most `rows_max` rows and about `tokens_max` tokens, whatever stands
    /// around them included.
    pub(crate) fn new(
        format: Format,
        columns: Vec<Column>,
        tokens_max: usize,
        rows_max: u64,
    ) -> Self {
        let mut sheet = Self {
            format,
            columns,
            shown: 0,
            text: String::new(),
            tokens_left: tokens_max.saturating_sub(FOOTER_TOKENS),
            rows_max,
            count: 0,
            chars_max: CELL_CHARS_MAX,
            cut_at: None,
            is_full: rows_max == 0,
            note: None,
        };
        sheet.begin(tokens_max / 4);
        sheet
    }

    /// How many rows it has.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether it takes no more rows.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Shows at most `chars_max` characters of each cell from now on, because no more were read.
    pub(crate) fn limit_cells(&mut self, chars_max: usize) {
        self.chars_max = self.chars_max.min(chars_max);
    }

    /// Says this below the rows, too.
    pub(crate) fn add_note(&mut self, note: String) {
        self.note = Some(note);
    }

    /// Adds the row that follows, unless it does not fit: then the sheet is full. The first one
    /// always fits.
    ///
    /// # Errors
    /// [`NotARow`].
    pub(crate) fn add(&mut self, row: &RawValue) -> Result<(), NotARow> {
        if self.is_full {
            return Ok(());
        }
        let row: Row<'_> = serde_json::from_str(row.get()).map_err(|_| NotARow)?;
        let mut chars_max = self.chars_max;
        let mut shorter = SHORTER.into_iter().filter(|shorter| *shorter < self.chars_max);
        loop {
            let (line, is_cut) = self.line(&row, chars_max);
            let tokens = estimate(&line) + 1;
            if tokens > self.tokens_left {
                if self.count > 0 {
                    self.is_full = true;
                    return Ok(());
                }
                if let Some(next) = shorter.next() {
                    chars_max = next;
                    continue;
                }
            }
            if is_cut {
                let shortest = self.cut_at.map_or(chars_max, |before| before.min(chars_max));
                self.cut_at = Some(shortest);
            }
            self.push(&line, tokens);
            return Ok(());
        }
    }

    /// The text of the answer.
    pub(crate) fn finish(self, place: Place<'_>) -> String {
        let left = Left {
            cut_at: self.cut_at,
            columns: (self.shown < self.columns.len()).then_some((self.shown, self.columns.len())),
        };
        let (count, columns, note) = (self.count, &self.columns, self.note);
        let footer = Footer { place, count, columns, left, note };
        let mut text = self.text;
        match self.format {
            Format::Csv => text.push_str(&footer.csv()),
            Format::Json => {
                text.push_str(if self.count > 0 { "\n]" } else { "]" });
                text.push_str(&footer.json());
                text.push('}');
            }
            Format::Cells => {
                text.push(']');
                text.push_str(&footer.cells());
                text.push('}');
            }
        }
        text
    }

    /// Writes what stands above the rows. The names of columns may take `tokens_max`.
    fn begin(&mut self, tokens_max: usize) {
        let mut tokens = 0;
        for column in &self.columns {
            tokens += match self.format {
                // In JSON a name stands before each value, with its quotes.
                Format::Csv | Format::Json => estimate(&column.name).max(1) + 1,
                Format::Cells => estimate(&described(column)),
            };
            if tokens > tokens_max && self.shown > 0 {
                break;
            }
            self.shown += 1;
        }
        match self.format {
            Format::Csv => {
                let mut header = String::new();
                for (number, column) in self.columns.iter().take(self.shown).enumerate() {
                    if number > 0 {
                        header.push(',');
                    }
                    push_csv_text(&cut(column.name.as_str().into(), NAME_CHARS_MAX).0, &mut header);
                }
                header.push('\n');
                self.tokens_left = self.tokens_left.saturating_sub(estimate(&header));
                self.text = header;
            }
            Format::Json => self.text.push_str(r#"{"result":["#),
            Format::Cells => {
                let columns = self.columns.iter().take(self.shown).map(described);
                let columns = columns.collect::<Vec<_>>().join(",");
                self.tokens_left = self.tokens_left.saturating_sub(estimate(&columns));
                self.text = format!(r#"{{"columns":[{columns}],"rows":["#);
            }
        }
    }

    fn push(&mut self, line: &str, tokens: usize) {
        match self.format {
            Format::Csv => {
                self.text.push_str(line);
                self.text.push('\n');
            }
            Format::Json => {
                self.text.push_str(if self.count > 0 { ",\n" } else { "\n" });
                self.text.push_str(line);
            }
            Format::Cells => {
                self.text.push_str(if self.count > 0 { "," } else { "" });
                self.text.push_str(line);
            }
        }
        self.count += 1;
        self.tokens_left = self.tokens_left.saturating_sub(tokens);
        self.is_full = self.count >= self.rows_max;
    }

    /// `row` on one line, and whether a cell of it was cut.
    fn line(&self, row: &Row<'_>, chars_max: usize) -> (String, bool) {
        let (mut line, mut any_cut) = (String::new(), false);
        let (before, after) = match self.format {
            Format::Csv => ("", ""),
            Format::Json => ("{", "}"),
            Format::Cells => ("[", "]"),
        };
        line.push_str(before);
        for (number, column) in self.columns.iter().take(self.shown).enumerate() {
            if number > 0 {
                line.push(',');
            }
            let (cell, is_cut) = row
                .value(number, &column.name)
                .map_or((Cell::Null, false), |value| Cell::of(value, chars_max));
            any_cut |= is_cut;
            match self.format {
                Format::Csv => cell.push_csv(&mut line),
                Format::Json => {
                    line.push_str(&string_literal(&column.name));
                    line.push(':');
                    cell.push_json(&mut line);
                }
                Format::Cells => cell.push_text(&mut line),
            }
        }
        line.push_str(after);
        (line, any_cut)
    }
}

/// A column as the view gets it.
fn described(column: &Column) -> String {
    let (name, _) = cut(column.name.as_str().into(), NAME_CHARS_MAX);
    let (name, kind) = (string_literal(&name), string_literal(&column.data_type));
    format!(r#"{{"name":{name},"type":{kind}}}"#)
}

impl<'a> Row<'a> {
    /// The value of the column of this number and name. Rows have their members in the order of
    /// the columns, as far as is known; a name found elsewhere is as good.
    fn value(&self, number: usize, name: &str) -> Option<&'a RawValue> {
        let Self(members) = self;
        let found = members.get(number).filter(|(member, _)| member == name);
        let found = found.or_else(|| members.iter().find(|(member, _)| member == name));
        found.map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Row(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A member's name that borrows where nothing is escaped in it.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
