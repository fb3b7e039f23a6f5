//! INFORMATION_SCHEMA: the catalog as tables (contract §6.1).

use rusqlite::types::Value;

use super::warehouse::text;
use crate::catalog::{Column, Dataset, DremioType, Namespace, Origin, numeric};

const CATALOG: &str = "DREMIO";
/// Calcite's length of a VARCHAR without one.
const VARCHAR_LENGTH: i64 = 65_536;
/// Bytes of UTF-8 per character, as INFORMATION_SCHEMA counts.
const BYTES_PER_CHARACTER: i64 = 4;

pub(super) const TABLES: [(&str, &str); 5] = [
    ("CATALOGS", "CATALOG_NAME, CATALOG_DESCRIPTION, CATALOG_CONNECT"),
    ("SCHEMATA", "CATALOG_NAME, SCHEMA_NAME, SCHEMA_OWNER, TYPE, IS_MUTABLE"),
    ("TABLES", "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE"),
    ("VIEWS", "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION"),
    (
        "COLUMNS",
        "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION INTEGER, \
            COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, \
         COLUMN_SIZE INTEGER, CHARACTER_MAXIMUM_LENGTH INTEGER, CHARACTER_OCTET_LENGTH INTEGER, \
         NUMERIC_PRECISION INTEGER, \
         NUMERIC_PRECISION_RADIX INTEGER, NUMERIC_SCALE INTEGER, DATETIME_PRECISION INTEGER, \
         INTERVAL_TYPE, INTERVAL_PRECISION INTEGER",
    ),
];

/// The rows of one of its tables.
pub(crate) fn rows(namespace: &Namespace, table: &str) -> Vec<Vec<Value>> {
    let datasets = || namespace.datasets_below(&[]);
    match table {
        "CATALOGS" => {
            vec![vec![text(CATALOG), text("The internal metadata used by Dremio"), text("")]]
        }
        "SCHEMATA" => namespace
            .containers()
            .map(|path| {
                vec![
                    text(CATALOG),
                    text(path.join(".")),
                    text("<owner>"),
                    text("SIMPLE"),
                    text("NO"),
                ]
            })
            .collect(),
        "TABLES" => datasets()
            .map(|dataset| {
                let ty = match dataset.origin {
                    Origin::View { .. } => "VIEW",
                    Origin::Table { .. } => "TABLE",
                    Origin::System => "SYSTEM_TABLE",
                };
                vec![text(CATALOG), text(dataset.schema()), text(dataset.name()), text(ty)]
            })
            .collect(),
        "VIEWS" => datasets()
            .filter_map(|dataset| match &dataset.origin {
                Origin::View { sql, .. } => Some(vec![
                    text(CATALOG),
                    text(dataset.schema()),
                    text(dataset.name()),
                    text(sql.as_str()),
                ]),
                _ => None,
            })
            .collect(),
        "COLUMNS" => datasets()
            .flat_map(|dataset| {
                (1..)
                    .zip(&dataset.columns)
                    .map(|(position, column)| column_row(dataset, position, column))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn column_row(dataset: &Dataset, position: i64, column: &Column) -> Vec<Value> {
    let number = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    let (precision, scale) = numeric(&column.ty);
    let radix = match column.ty {
        DremioType::Decimal { .. } => Some(10),
        _ => precision.map(|_| 2),
    };
    let length = match column.ty {
        DremioType::Varchar | DremioType::Varbinary => Some(VARCHAR_LENGTH),
        _ => None,
    };
    let octets = length.map(|length| match column.ty {
        DremioType::Varchar => length * BYTES_PER_CHARACTER,
        _ => length,
    });
    let datetime_precision = match column.ty {
        DremioType::Date => Some(0),
        DremioType::Time | DremioType::Timestamp => Some(3),
        _ => None,
    };
    let size = match column.ty {
        DremioType::Boolean => Some(1),
        DremioType::Date => Some(10),
        DremioType::Time => Some(12),
        DremioType::Timestamp => Some(23),
        _ => length.or(precision),
    };
    vec![
        text(CATALOG),
        text(dataset.schema()),
        text(dataset.name()),
        text(column.name.as_str()),
        Value::Integer(position),
        Value::Null,
        text("YES"),
        text(column.ty.information_schema_name()),
        number(size),
        number(length),
        number(octets),
        number(precision),
        number(radix),
        number(scale),
        number(datetime_precision),
        Value::Null,
        Value::Null,
    ]
}
