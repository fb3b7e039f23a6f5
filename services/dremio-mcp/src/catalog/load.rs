//! Reads what Dremio has from INFORMATION_SCHEMA (contract §6.1).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use service_kit::runtime::aside;

use super::contents::Contents;
use super::questions::{QuestionError, ask};
use super::{Column, Kind, Snapshot, Table};
use crate::dremio::JobCustody;

/// Most columns that are read, over all tables. At some hundred bytes each, they take 20 MB.
const COLUMNS_MAX: u64 = 200_000;

/// Most tables that are read. Files of a lake, each a table of its own, are what may be more.
const TABLES_MAX: u64 = 50_000;

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct TableRow {
    table_schema: String,
    table_name: String,
    table_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct ColumnRow {
    table_schema: String,
    table_name: String,
    column_name: String,
    data_type: String,
    numeric_precision: Option<u32>,
    numeric_scale: Option<i32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct SchemaRow {
    schema_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct ViewRow {
    table_schema: String,
    table_name: String,
    view_definition: Option<String>,
}

#[derive(Deserialize)]
struct UsageRow {
    queried_datasets: String,
    times: u64,
}

/// Reads everything. With `job_history`, also what people ask for.
///
/// # Errors
/// When Dremio does not answer.
pub(super) async fn contents(
    jobs: &JobCustody,
    job_history: bool,
) -> Result<Contents, QuestionError> {
    let (mut tables, mut schemas) = (Tables::default(), HashSet::new());
    let sql = format!("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.\"SCHEMATA\" LIMIT {TABLES_MAX}");
    let known = ask(jobs, &sql, TABLES_MAX, |row: SchemaRow| {
        schemas.insert(row.schema_name);
    });
    // Without it, each path is one part more or less.
    optional("the names of schemas", known.await);
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.\"TABLES\" ORDER BY \
         1, 2 LIMIT {TABLES_MAX}"
    );
    let count = ask(jobs, &sql, TABLES_MAX, |row| tables.add(row, &schemas)).await?;
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, \
         NUMERIC_SCALE FROM INFORMATION_SCHEMA.\"COLUMNS\" ORDER BY TABLE_SCHEMA, TABLE_NAME, \
         ORDINAL_POSITION LIMIT {COLUMNS_MAX}"
    );
    let columns = ask(jobs, &sql, COLUMNS_MAX, |row| tables.add_column(row)).await?;
    let is_partial = count >= TABLES_MAX || columns >= COLUMNS_MAX;
    let mut contents = aside(|| Contents::new(tables.into_snapshot(), is_partial));
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM INFORMATION_SCHEMA.\"VIEWS\" LIMIT \
         {TABLES_MAX}"
    );
    let views = ask(jobs, &sql, TABLES_MAX, |row: ViewRow| {
        let sql = row.view_definition.unwrap_or_default();
        contents.add_view(&row.table_schema, &row.table_name, &sql);
    });
    optional("the views' SQL", views.await);
    if job_history {
        let sql = "SELECT queried_datasets, COUNT(*) AS times FROM sys.jobs_recent WHERE \
                   queried_datasets <> '' GROUP BY queried_datasets ORDER BY 2 DESC LIMIT 500";
        let usage = ask(jobs, sql, 500, |row: UsageRow| {
            contents.add_questions(&row.queried_datasets, row.times);
        });
        optional("the job history", usage.await);
    }
    Ok(contents)
}

fn optional(what: &'static str, answer: Result<u64, QuestionError>) {
    if let Err(cause) = answer {
        tracing::debug!(error = %cause, what, "the catalog is read without a part of it");
    }
}

/// Tables as they are read.
#[derive(Default)]
struct Tables {
    read: Vec<Table>,
    places: HashMap<(String, String), usize>,
    texts: Texts,
}

/// Texts of which each is kept once, however many have it.
#[derive(Default)]
pub(super) struct Texts(HashSet<Arc<str>>);

impl Tables {
    fn add(&mut self, row: TableRow, schemas: &HashSet<String>) {
        let mut path = parts(&row.table_schema, schemas);
        path.push(row.table_name.clone());
        let kind = match row.table_type.as_str() {
            "VIEW" => Kind::View,
            "SYSTEM_TABLE" => Kind::System,
            _ => Kind::Table,
        };
        self.places.insert((row.table_schema, row.table_name), self.read.len());
        self.read.push(Table { path, kind, columns: Vec::new() });
    }

    fn add_column(&mut self, row: ColumnRow) {
        let data_type = &data_type(&row);
        let place = self.places.get(&(row.table_schema, row.table_name));
        if let Some(table) = place.and_then(|place| self.read.get_mut(*place)) {
            let name = self.texts.shared(&row.column_name);
            table.columns.push(Column { name, data_type: self.texts.shared(data_type) });
        }
    }

    fn into_snapshot(mut self) -> Snapshot {
        self.read.iter_mut().for_each(|table| table.columns.shrink_to_fit());
        self.read.into_iter().collect()
    }
}

impl Texts {
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        let Self(texts) = self;
        if let Some(known) = texts.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        texts.insert(Arc::clone(&text));
        text
    }
}

/// The parts of a path that is joined by dots without quotes: it is split where what stands before
/// the dot is a container itself.
fn parts(joined: &str, schemas: &HashSet<String>) -> Vec<String> {
    let (mut parts, mut from) = (Vec::new(), 0);
    for (dot, _) in joined.match_indices('.') {
        let container = joined.get(..dot).unwrap_or_default();
        if dot > from && schemas.contains(container) {
            parts.push(joined.get(from..dot).unwrap_or_default().to_owned());
            from = dot + 1;
        }
    }
    parts.push(joined.get(from..).unwrap_or_default().to_owned());
    parts
}

/// The type as a query writes it. INFORMATION_SCHEMA has names of its own for some (contract §4.5).
fn data_type(row: &ColumnRow) -> String {
    let name = match row.data_type.as_str() {
        "CHARACTER VARYING" => "VARCHAR",
        "BINARY VARYING" => "VARBINARY",
        "ARRAY" => "LIST",
        "ROW" => "STRUCT",
        other => other,
    };
    match (name, row.numeric_precision, row.numeric_scale) {
        ("DECIMAL", Some(precision), Some(scale)) => format!("DECIMAL({precision},{scale})"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::parts;

    #[test]
    fn joined_paths_are_split_where_a_container_ends() {
        let schemas: HashSet<String> =
            ["Samples", "Samples.samples.dremio.com", "a", "a.b", "@ada"].map(str::to_owned).into();
        let check = |joined: &str, expected: &[&str]| assert_eq!(parts(joined, &schemas), expected);
        check("Samples", &["Samples"]);
        check("Samples.samples.dremio.com", &["Samples", "samples.dremio.com"]);
        check(
            "Samples.samples.dremio.com.Dremio University",
            &["Samples", "samples.dremio.com", "Dremio University"],
        );
        check("a.b.c", &["a", "b", "c"]);
        check("x.y", &["x.y"]);
        check("@ada", &["@ada"]);
        check(".a", &[".a"]);
    }
}
