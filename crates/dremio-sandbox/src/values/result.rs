//! A finished result: rows as values, then as the JSON text that pages are cut from.

use rusqlite::types::Value;

use super::cell;
use crate::catalog::{Column, DremioType};

/// Columns and values.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Table {
    /// The result of a plain command (contract §4.5): `ok` and `summary`.
    pub(crate) fn command(summary: impl Into<String>) -> Self {
        Self {
            columns: vec![
                Column::new("ok", DremioType::Boolean),
                Column::new("summary", DremioType::Varchar),
            ],
            rows: vec![vec![Value::Integer(1), Value::Text(summary.into())]],
        }
    }

    /// One column of texts.
    pub(crate) fn texts(column: &str, texts: impl IntoIterator<Item = String>) -> Self {
        Self {
            columns: vec![Column::new(column, DremioType::Varchar)],
            rows: texts.into_iter().map(|text| vec![Value::Text(text)]).collect(),
        }
    }
}

/// A result in the form in which it is kept and sent.
#[derive(Debug)]
pub(crate) struct ResultSet {
    schema: String,
    /// One JSON object each.
    rows: Vec<String>,
}

impl ResultSet {
    pub(crate) fn new(table: &Table) -> Self {
        let schema: Vec<serde_json::Value> = table.columns.iter().map(Column::to_json).collect();
        let columns: Vec<(String, &DremioType)> = table.columns.iter().map(key).collect();
        Self {
            schema: serde_json::Value::Array(schema).to_string(),
            rows: table.rows.iter().map(|row| object(&columns, row)).collect(),
        }
    }

    pub(crate) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Bytes held, for the limit on all results together.
    pub(crate) fn bytes(&self) -> usize {
        self.schema.len() + self.rows.iter().map(String::len).sum::<usize>()
    }

    /// The body of a results call (contract §4.3): `rowCount` of the whole, `schema`, and the
    /// `rows` of the page.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> String {
        let rows: Vec<&str> =
            self.rows.iter().skip(offset).take(limit).map(String::as_str).collect();
        format!(
            "{{\"rowCount\":{},\"schema\":{},\"rows\":[{}]}}",
            self.rows.len(),
            self.schema,
            rows.join(",")
        )
    }
}

/// A column's name as the key of an object, and its type.
fn key(column: &Column) -> (String, &DremioType) {
    let mut key = String::new();
    cell::write_string(&mut key, &column.name);
    key.push(':');
    (key, &column.ty)
}

fn object(columns: &[(String, &DremioType)], row: &[Value]) -> String {
    let mut out = String::from("{");
    for (index, ((key, ty), value)) in columns.iter().zip(row).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(key);
        cell::write(&mut out, value, ty);
    }
    out.push('}');
    out
}
