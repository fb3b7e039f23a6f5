//! The values that columns have, and how often: for a profile, and for a query that compared a
//! column with a text and found nothing.

use std::collections::HashMap;
use std::time::Duration;

use dremio_client::Page;
use serde_json::value::RawValue;

use super::lines::one_line;
use super::progress::Progress;
use super::tool_call::RUN_SQL_QUERY;
use super::{ToolRoom, job};
use crate::catalog::quoted;
use crate::coach::{self, Compared};

/// Rows of a table that are looked at.
pub(super) const ROWS: u64 = 10_000;

/// Longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 60;

/// Values that are suggested for a column.
const SUGGESTED_MAX: usize = 8;

/// Rows of values that are read: more than are shown, because the ones most alike are chosen.
const READ_MAX: u32 = 500;

/// How long an empty result waits for values.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) type Row = HashMap<String, Box<RawValue>>;

/// How often each value of some columns is there, the frequent ones first: `c`, `v` and `n`. A
/// column is its number `c`, its table, and its name.
pub(super) fn sql<'c>(columns: impl Iterator<Item = (usize, &'c [String], &'c str)>) -> String {
    let of_column = |(place, path, name): (usize, &[String], &str)| {
        let (path, name) = (quoted(path), quoted(&[name]));
        format!(
            "SELECT {place} AS \"c\", CAST({name} AS VARCHAR) AS \"v\", COUNT(*) AS \"n\" FROM \
             (SELECT {name} FROM {path} LIMIT {ROWS}) AS \"t{place}\" WHERE {name} IS NOT NULL \
             GROUP BY {name}"
        )
    };
    let parts: Vec<String> = columns.map(of_column).collect();
    format!("SELECT * FROM ({}) AS \"v\" ORDER BY \"n\" DESC, \"v\"", parts.join(" UNION ALL "))
}

/// The rows of a page by the names of their columns.
pub(super) fn rows(page: &Page) -> Result<Vec<Row>, String> {
    let rows = page.rows.iter().map(|row| serde_json::from_str(row.get()));
    rows.collect::<Result<_, _>>().map_err(|_| "Dremio's answer cannot be read".to_owned())
}

pub(super) fn number(row: &Row, name: &str) -> Option<u64> {
    row.get(name)?.get().parse().ok()
}

/// A value as it is shown.
pub(super) fn text(row: &Row, name: &str) -> String {
    let line = one_line(&whole_text(row, name), VALUE_CHARS_MAX);
    if line.is_empty() { "''".to_owned() } else { line }
}

fn whole_text(row: &Row, name: &str) -> String {
    let raw = row.get(name).map_or("null", |value| value.get());
    serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
}

/// What to say below the empty result of `sql`, if the operator wants it: values that its text
/// columns have, where it compared them with another one. Nothing where that cannot be told soon.
pub(super) async fn suggestion(
    room: &ToolRoom,
    sql: &str,
    progress: &mut Progress<'_>,
) -> Option<String> {
    if !room.answers.suggest_values {
        return None;
    }
    let catalog = room.catalog.snapshot(coach::PATIENCE).await?;
    let compared = coach::compared_texts(sql, &catalog);
    if compared.is_empty() {
        return None;
    }
    let columns = compared.iter().enumerate();
    let sql = self::sql(columns.map(|(place, it)| (place, &*it.path, &*it.column)));
    let asked = job::first_rows(room, RUN_SQL_QUERY, &sql, READ_MAX, "LISTING_VALUES", progress);
    let page = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    note(&compared, &rows(&page).ok()?)
}

/// A part for each column that has values, and not the one that it was compared with.
fn note(compared: &[Compared], rows: &[Row]) -> Option<String> {
    let parts = compared.iter().zip(0_u64..).filter_map(|(of, place)| {
        let of_column = rows.iter().filter(|row| number(row, "c") == Some(place));
        let values: Vec<String> = of_column.map(|row| whole_text(row, "v")).collect();
        if values.is_empty() || values.contains(&of.text) {
            return None;
        }
        let more = if values.len() > SUGGESTED_MAX { ", …" } else { "" };
        let nearest = coach::most_alike(&of.text, values, SUGGESTED_MAX);
        let shown = nearest.iter().map(|value| coach::literal(&one_line(value, VALUE_CHARS_MAX)));
        Some(format!("{} has {}{more}", of.name, shown.collect::<Vec<_>>().join(", ")))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
