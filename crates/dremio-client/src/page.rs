//! A page of a job's result (contract §4.3), whole or as far as it was read.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most rows in one page of results; Dremio refuses a larger limit.
pub const PAGE_ROWS_MAX: u32 = 500;

/// A part of a job's result.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Rows of the whole result, not of this page.
    pub row_count: u64,
    /// The columns as Dremio describes them: `[{"name":…,"type":{"name":…}}]`.
    pub schema: Box<RawValue>,
    /// Each row as the JSON object that Dremio sent, byte for byte: 64-bit integers and decimals
    /// keep every digit.
    pub rows: Vec<Box<RawValue>>,
    /// Whether the page was cut because it exceeds the caller's limit.
    #[serde(skip)]
    pub is_cut: bool,
}

/// How much of a page of results is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// Most rows, at most [`PAGE_ROWS_MAX`].
    pub rows_max: u32,
    /// Most characters of each cell, as they stand in JSON.
    pub cell_chars_max: usize,
    /// Most bytes of the page, without what was left out of cells.
    pub bytes_max: usize,
}

/// The beginning of a page.
#[derive(Default)]
pub(crate) struct PageStart {
    row_count: Option<u64>,
    schema: Option<Box<RawValue>>,
    rows: Vec<Box<RawValue>>,
}

impl PageStart {
    /// The page with the rows that are complete, if what stands before them is.
    pub(crate) fn page(self) -> Option<Page> {
        let Self { row_count, schema, rows } = self;
        Some(Page { row_count: row_count?, schema: schema?, rows, is_cut: true })
    }
}

impl<'de> DeserializeSeed<'de> for &mut PageStart {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut PageStart {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "rowCount" => self.row_count = Some(map.next_value()?),
                "schema" => self.schema = Some(map.next_value()?),
                "rows" => map.next_value_seed(RowsStart(&mut self.rows))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The complete rows.
struct RowsStart<'p>(&'p mut Vec<Box<RawValue>>);

impl<'de> DeserializeSeed<'de> for RowsStart<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsStart<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            self.0.push(row);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeSeed as _;

    use super::PageStart;

    #[test]
    fn complete_rows_of_a_cut_page_are_kept() {
        let whole = concat!(
            r#"{"rowCount":3,"x":[{}],"schema":[{"name":"a","type":{"name":"INTEGER"}}],"#,
            r#""rows":[{"a":1.50},{"a":"]}\"ä"},{"a":3}]}"#
        );
        for end in 0..whole.len() {
            let mut start = PageStart::default();
            let _ = (&mut start)
                .deserialize(&mut serde_json::Deserializer::from_slice(&whole.as_bytes()[..end]));
            let rows: Vec<&str> = start.rows.iter().map(|row| row.get()).collect();
            let all = [r#"{"a":1.50}"#, r#"{"a":"]}\"ä"}"#, r#"{"a":3}"#];
            assert_eq!(rows, all[..rows.len()], "{end}");
            let expected =
                all.iter().filter(|row| whole[..].find(**row).unwrap() + row.len() <= end).count();
            assert_eq!(rows.len(), expected, "{end}");
            // Rows are useless without the members before them.
            assert!(rows.is_empty() || (start.row_count == Some(3) && start.schema.is_some()));
        }
    }
}
