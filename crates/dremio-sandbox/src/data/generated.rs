//! Tables that are not part of the demo: a large catalog, and large results.
//!
//! They are the same in every run. Their rows are made when they are queried.

use rusqlite::types::Value;

use super::numbers::Numbers;
use super::path;
use super::warehouse::text;
use crate::catalog::{
    Column, Dataset, DremioType, Entity, Kind, Note, Origin, Rows, Source, columns,
};

/// Lines without `|` are domains, the others `plural | singular | purpose | columns`.
const SUBJECTS: &str = include_str!("generated/subjects.txt");

/// Variants of a table: the end of its name, what a row is besides the subject, more columns.
const GRAINS: [(&str, &str, &str); 10] = [
    ("", "", ""),
    ("_daily", " and day", "day DATE, row_count BIGINT"),
    ("_weekly", " and week", "week_start DATE, row_count BIGINT"),
    ("_monthly", " and month", "month_start DATE, row_count BIGINT"),
    ("_yearly", " and year", "year_number INTEGER, row_count BIGINT"),
    ("_history", " and change", "valid_from TIMESTAMP, valid_to TIMESTAMP"),
    ("_archive", " older than two years", "archived_on DATE"),
    ("_forecast", " that is expected", "expected_value DOUBLE, model_name"),
    ("_errors", " that could not be loaded", "error_code, error_text"),
    ("_summary", " group", "row_count BIGINT, last_seen DATE"),
];
const REGIONS: [(&str, &str); 5] = [
    ("", ""),
    ("_emea", " Europe, the Middle East and Africa only."),
    ("_amer", " North America only."),
    ("_apac", " Asia and the Pacific only."),
    ("_latam", " Latin America only."),
];

/// Rows of `Large.many_rows`.
const MANY_ROWS: u32 = 100_000;
/// Rows of `Large.wide_cells`; the longest cells of all together are 50 MB.
const WIDE_ROWS: i64 = 1_000;
/// Characters of `content` by row, again and again.
const WIDTHS: [(i64, i64); 4] = [(100, 5_000_000), (50, 200_000), (10, 20_000), (1, 2_000)];

/// Entities and what is written about them.
pub(crate) type Addition = (Vec<Entity>, Vec<Note>);

/// The source `Lake` with `count` tables in a folder for each domain.
pub(crate) fn lake(count: usize) -> Addition {
    let source = Source {
        ty: "S3",
        plugin: "com.dremio.plugins.s3.store.S3StoragePlugin",
        is_file_system: true,
        is_internal: false,
    };
    let root = Entity::new(path(&["Lake"]), Kind::Source(source));
    let (mut entities, mut notes) = (vec![root], Vec::new());
    let mut domain = "";
    let mut subjects: Vec<(&str, [&str; 4])> = Vec::new();
    for line in SUBJECTS.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        if let Ok(subject) = <[&str; 4]>::try_from(parts) {
            subjects.push((domain, subject));
        } else {
            domain = line;
            entities.push(Entity::new(path(&["Lake", domain]), Kind::Folder));
        }
    }
    let regions = REGIONS.iter().flat_map(|region| GRAINS.iter().map(move |grain| (region, grain)));
    let variants = (1_usize..).flat_map(|series| regions.clone().map(move |it| (series, it)));
    let all = variants.flat_map(|variant| subjects.iter().map(move |subject| (variant, subject)));
    for (seed, ((series, (region, grain)), (domain, subject))) in (0_u64..).zip(all).take(count) {
        let [plural, singular, purpose, own] = subject;
        let series = if series == 1 { String::new() } else { format!("_{series}") };
        let path = path(&["Lake", domain, &format!("{plural}{}{}{series}", grain.0, region.0)]);
        let id = singular.replace(' ', "_");
        let spec = format!("{id}_id BIGINT, {own}, {}, loaded_at TIMESTAMP", grain.2);
        let rows = Rows::Plausible { count: 20 + u32::try_from(seed % 180).unwrap_or(0), seed };
        entities.push(table(path.clone(), &spec, Some("Iceberg"), rows));
        // People do not describe everything.
        if seed % 3 != 2 {
            let title = plural.replace('_', " ");
            let wiki =
                format!("# {title}\n{purpose}. One row per {singular}{}.{}", grain.1, region.1);
            notes.push(Note { path, tags: vec![(*domain).to_owned()], wiki });
        }
    }
    (entities, notes)
}

/// The source `Large`: `many_rows`, and `wide_cells`, whose `content` has up to 5 MB.
pub(crate) fn large() -> Addition {
    let source = Source {
        ty: "POSTGRES",
        plugin: "com.dremio.exec.store.jdbc.JdbcStoragePlugin",
        is_file_system: false,
        is_internal: false,
    };
    let root = Entity::new(path(&["Large"]), Kind::Source(source));
    let many = "row_id BIGINT, day DATE, country, amount DECIMAL(12,2), share DOUBLE, remark";
    let rows = Rows::Plausible { count: MANY_ROWS, seed: 100 };
    let many = table(path(&["Large", "many_rows"]), many, None, rows);
    let wide = "row_id BIGINT, characters BIGINT, content";
    let wide = table(path(&["Large", "wide_cells"]), wide, None, Rows::Wide);
    (vec![root, many, wide], Vec::new())
}

/// The rows of a table that was made here.
pub(crate) fn rows(dataset: &Dataset) -> Vec<Vec<Value>> {
    match dataset.rows {
        Rows::Stored | Rows::System => Vec::new(),
        Rows::Plausible { count, seed } => {
            let mut numbers = Numbers::seeded(seed);
            let row = |row| {
                let cells = dataset.columns.iter().enumerate();
                cells.map(|(index, column)| cell(index, column, row, &mut numbers)).collect()
            };
            (1..=i64::from(count)).map(row).collect()
        }
        Rows::Wide => (1..=WIDE_ROWS).map(wide_row).collect(),
    }
}

fn cell(index: usize, column: &Column, row: i64, numbers: &mut Numbers) -> Value {
    if index == 0 {
        return Value::Integer(row);
    }
    let day = |numbers: &mut Numbers| {
        format!(
            "202{}-{:02}-{:02}",
            numbers.between(3, 5),
            numbers.between(1, 12),
            numbers.between(1, 28)
        )
    };
    match column.ty {
        DremioType::Boolean => Value::Integer(numbers.below(2)),
        DremioType::Integer => Value::Integer(numbers.below(100)),
        DremioType::BigInt => Value::Integer(numbers.between(1, 1_000)),
        DremioType::Decimal { .. } | DremioType::Double => hundredths(numbers.below(100_000)),
        DremioType::Date => text(day(numbers)),
        DremioType::Timestamp => {
            let (hour, minute) = (numbers.below(24), numbers.below(60));
            text(format!("{} {hour:02}:{minute:02}:00.000", day(numbers)))
        }
        _ => match column.name.as_str() {
            "country" | "border_country" => {
                text(numbers.pick_text(&["AT", "DE", "DK", "ES", "FR", "IE", "PL", "PT"]))
            }
            "currency" | "from_currency" | "to_currency" => {
                text(numbers.pick_text(&["CHF", "EUR", "GBP", "USD"]))
            }
            name => text(format!("{} {}", name.replace('_', " "), numbers.between(1, 50))),
        },
    }
}

/// A text that says at every place which row it is of, so that a reader can check it.
fn wide_row(row: i64) -> Vec<Value> {
    let width = WIDTHS.iter().find(|(every, _)| row % every == 0).map_or(0, |(_, width)| *width);
    let width_bytes = usize::try_from(width).unwrap_or(0);
    let mark = format!("row {row} ");
    let mut content = mark.repeat(width_bytes / mark.len() + 1);
    content.truncate(width_bytes);
    vec![Value::Integer(row), Value::Integer(width), text(content)]
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn hundredths(number: i64) -> Value {
    Value::Real(number as f64 / 100.0)
}

fn table(path: Vec<String>, spec: &str, format: Option<&'static str>, rows: Rows) -> Entity {
    let columns = columns(spec).unwrap_or_default();
    Entity::of_dataset(Dataset::new(path, columns, Origin::Table { format }, rows))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_table_has_its_own_name_and_columns() {
        let (entities, notes) = lake(6_000);
        let tables = entities.iter().filter_map(Entity::dataset);
        let names: HashSet<String> = tables.clone().map(|table| table.table.clone()).collect();
        assert_eq!(names.len(), 6_000);
        assert!(names.contains("Lake.finance.invoices"));
        assert!(names.contains("Lake.technology.cloud_costs_monthly_emea"));
        for table in tables {
            assert!(table.columns.len() > 3, "{}: {:?}", table.table, table.columns);
        }
        assert!(notes.len() > 3_000);
    }

    #[test]
    fn rows_are_the_same_in_every_run() {
        let (entities, _) = large();
        let tables: Vec<_> = entities.iter().filter_map(Entity::dataset).collect();
        let [many, wide] = tables.as_slice() else { panic!("{tables:?}") };
        let made = rows(many);
        assert_eq!((made.len(), made.last()), (100_000, rows(many).last()));
        let longest = rows(wide).into_iter().map(|row| match row.as_slice() {
            [_, Value::Integer(width), Value::Text(content)] => {
                assert_eq!(usize::try_from(*width).unwrap(), content.len());
                content.len()
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(longest.max(), Some(5_000_000));
    }
}
