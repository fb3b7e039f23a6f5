//! The columns of a result and their types, as Dremio's own pages write them.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Its type in SQL's words, like `DECIMAL(10,2)`; what a list or struct holds is left out.
    pub(crate) data_type: String,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    #[serde(rename = "type")]
    kind: Type,
}

#[derive(Deserialize)]
struct Type {
    name: String,
    precision: Option<u32>,
    scale: Option<u32>,
}

/// The columns that a page's `schema` describes (contract §4.3), if it has the shape for it.
pub(crate) fn columns(schema: &RawValue) -> Option<Vec<Column>> {
    let described: Vec<Described> = serde_json::from_str(schema.get()).ok()?;
    let column = |Described { name, kind }| {
        let data_type = match (kind.precision, kind.scale) {
            (Some(precision), Some(scale)) => format!("{}({precision},{scale})", kind.name),
            _ => kind.name,
        };
        Column { name, data_type }
    };
    Some(described.into_iter().map(column).collect())
}
