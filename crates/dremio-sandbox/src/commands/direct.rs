//! Commands that are answered without running a query: SHOW, DESCRIBE, USE and the like
//! (contract §7.2).

use rusqlite::types::Value;

use crate::catalog::{Column, Dataset, DremioType, Origin, columns, numeric};
use crate::sql::{Environment, SqlError, functions::ilike, quote_name};
use crate::values::Table;

pub(crate) fn show_schemas(at: Environment<'_>, like: Option<&str>) -> Table {
    let names = at.namespace.containers().map(|path| path.join("."));
    Table::texts("SCHEMA_NAME", names.filter(|name| matches_pattern(like, name)))
}

pub(crate) fn show_tables(
    at: Environment<'_>,
    within: Option<&[String]>,
    like: Option<&str>,
) -> Result<Table, SqlError> {
    let within = within.unwrap_or(at.context);
    if !within.is_empty() && !at.namespace.is_container(within) {
        return Err(SqlError::failed(format!(
            "Schema [{}] is not valid with respect to either root schema or current default \
                schema.",
            within.join(".")
        )));
    }
    let rows = at
        .namespace
        .datasets_below(within)
        .filter(|dataset| matches_pattern(like, dataset.name()))
        .map(|dataset| vec![Value::Text(dataset.schema()), Value::Text(dataset.name().to_owned())])
        .collect();
    Ok(Table { columns: texts(&["TABLE_SCHEMA", "TABLE_NAME"]), rows })
}

pub(crate) fn describe(
    at: Environment<'_>,
    path: &[String],
    column: Option<&str>,
) -> Result<Table, SqlError> {
    let dataset = at.namespace.resolve(path, at.context).map_err(|_| {
        SqlError::failed(format!(
            "Error while rewriting DESCRIBE query: Unknown table [{}]",
            path.join(".")
        ))
    })?;
    let rows = dataset
        .columns
        .iter()
        .filter(|found| column.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&found.name)))
        .map(describe_column)
        .collect();
    let columns = columns(
        "COLUMN_NAME, DATA_TYPE, IS_NULLABLE, NUMERIC_PRECISION INTEGER, NUMERIC_SCALE INTEGER, \
            EXTENDED_PROPERTIES, \
         MASKING_POLICY, SORT_ORDER_PRIORITY INTEGER",
    );
    Ok(Table { columns: columns.unwrap_or_default(), rows })
}

fn describe_column(column: &Column) -> Vec<Value> {
    let (precision, scale) = numeric(&column.ty);
    let number = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    vec![
        Value::Text(column.name.clone()),
        Value::Text(column.ty.information_schema_name().to_owned()),
        Value::Text("YES".to_owned()),
        number(precision),
        number(scale),
        Value::Text("[]".to_owned()),
        Value::Null,
        Value::Null,
    ]
}

pub(crate) fn show_create(
    at: Environment<'_>,
    path: &[String],
    view: bool,
) -> Result<Table, SqlError> {
    let dataset = at.namespace.resolve(path, at.context)?;
    let definition = match &dataset.origin {
        Origin::View { sql, .. } if view => sql.clone(),
        Origin::Table { .. } | Origin::System if !view => {
            let columns: Vec<String> = dataset
                .columns
                .iter()
                .map(|column| format!("  {} {}", column.name, column.ty))
                .collect();
            format!("CREATE TABLE {} (\n{}\n)", quoted(&dataset), columns.join(",\n"))
        }
        _ => {
            let expected = if view { "VIEW" } else { "TABLE" };
            return Err(SqlError::failed(format!("[{}] is not a {expected}", path.join("."))));
        }
    };
    Ok(Table {
        columns: texts(&["path", "sql_definition"]),
        rows: vec![vec![
            Value::Text(format!("[{}]", dataset.path.join(", "))),
            Value::Text(definition),
        ]],
    })
}

fn quoted(dataset: &Dataset) -> String {
    let names: Vec<String> = dataset.path.iter().map(|name| quote_name(name)).collect();
    names.join(".")
}

pub(crate) fn use_schema(at: Environment<'_>, path: &[String]) -> Result<Table, SqlError> {
    if !at.namespace.is_container(path) {
        return Err(SqlError::failed(format!(
            "Schema [{}] is not valid with respect to either root schema or current default \
                schema.",
            path.join(".")
        )));
    }
    Ok(Table::command(format!("Default schema changed to [{}]", path.join(", "))))
}

fn texts(names: &[&str]) -> Vec<Column> {
    names.iter().map(|name| Column::new(*name, DremioType::Varchar)).collect()
}

/// LIKE in SHOW commands: `%` and `_`, without regard to case.
fn matches_pattern(pattern: Option<&str>, name: &str) -> bool {
    pattern.is_none_or(|pattern| ilike(pattern, name))
}
