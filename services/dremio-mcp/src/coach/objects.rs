//! Tables, views and folders that are not there.

use super::names::{self, Wanted, list, literal, nearest, or, path, quoted, written};
use super::reading::{Reading, Relation};
use crate::catalog::{Kind, Snapshot, Table};

const NEAREST_MAX: usize = 3;
const LIKENESS_MIN: f64 = 0.75;
/// Most children of a folder that are named.
const CHILDREN_MAX: usize = 20;

/// Tables of other systems' catalogs.
const OTHER_CATALOGS: [&str; 16] = [
    "pg_catalog",
    "pg_tables",
    "sqlite_master",
    "sqlite_schema",
    "all_tables",
    "user_tables",
    "dba_tables",
    "all_tab_columns",
    "sysobjects",
    "syscolumns",
    "sys.tables",
    "sys.columns",
    "sys.objects",
    "sys.schemas",
    "sys.views",
    "svv_tables",
];

/// Endings of files that Dremio can format as tables.
const FILES: [&str; 9] =
    [".csv", ".json", ".parquet", ".tsv", ".txt", ".xlsx", ".xls", ".avro", ".orc"];

/// What to do about an object that Dremio does not find, perhaps within another.
pub(super) fn not_found(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    name: &str,
    within: Option<&str>,
) -> String {
    let relations = reading.relations();
    let wanted = wanted(&relations, catalog, name, within);
    let joined = wanted.join(".");
    if let Some(fix) = of_another_system(&joined, name) {
        return fix;
    }
    if let Some(fix) = reading.with_names().iter().find(|with| {
        Wanted::of(with).likeness(&joined) >= 0.9 && !with.eq_ignore_ascii_case(&joined)
    }) {
        return format!("Did you mean {}, which WITH defines?", written(fix));
    }
    let Some(catalog) = catalog else { return look_up(&wanted) };
    if let Some(table) = names::table_spelt_like(catalog, &joined)
        .or_else(|| with_alias(&relations, catalog, &joined))
    {
        return format!(
            "Write {}: each part of the path in double quotes of its own.",
            path(&table.path)
        );
    }
    let mut fix = String::new();
    let children = children(catalog, &wanted);
    if children.is_empty() {
        if let Some(file) = file(catalog, &wanted) {
            fix.push_str(&file);
        }
    } else {
        return format!(
            "{} is a folder or source, not a table, and it is not formatted as a table. It holds \
             {}.",
            path(&wanted),
            list(children.iter().map(|table| path(&table.path)), CHILDREN_MAX)
        );
    }
    let near = near(catalog, &wanted, name);
    if near.is_empty() {
        if fix.is_empty() {
            fix = look_up(&wanted);
        }
        if let Some(children) = nearest_container(catalog, &wanted) {
            fix.push_str(&children);
        }
    } else {
        fix.insert_str(0, &format!("Did you mean {}? ", or(&near)));
    }
    fix.trim_end().to_owned()
}

/// What to do about what a column is qualified with, or a table, that Dremio does not find.
pub(super) fn no_table(reading: &Reading<'_>, catalog: Option<&Snapshot>, name: &str) -> String {
    let relations = reading.relations();
    let is_relation = |relation: &&Relation| relation.path.join(".").eq_ignore_ascii_case(name);
    let renamed = |relation: &&Relation| {
        relation.alias.is_some()
            && relation.path.last().is_some_and(|last| {
                last.eq_ignore_ascii_case(name)
                    || relation.path.join(".").eq_ignore_ascii_case(name)
            })
    };
    if let Some(alias) =
        relations.iter().find(renamed).and_then(|relation| relation.alias.as_deref())
    {
        return format!(
            "The table has the alias {0}, and only that may stand before its columns: write \
             {0}.column.",
            written(alias)
        );
    }
    let column = relations.iter().find_map(|relation| {
        let table = names::table(catalog, &relation.path)?;
        let column = names::column(table, name)?;
        Some((relation, column))
    });
    if let Some((relation, column)) = column {
        let (table, column) = (written(relation.name().unwrap_or_default()), written(&column.name));
        return format!(
            "{column} is a column: put the table before it, {table}.{column}.field, or write \
             {column}['field']."
        );
    }
    if let Some(relation) = relations.iter().find(is_relation) {
        if names::table(catalog, &relation.path).is_none() {
            return not_found(reading, catalog, name, None);
        }
        let last = relation.path.last().map(String::as_str).unwrap_or_default();
        return format!(
            "A column is qualified with the last part of the table's path or with an alias: write \
             {}.column, or FROM {} t and t.column.",
            written(last),
            path(&relation.path)
        );
    }
    let in_scope: Vec<&str> = relations.iter().filter_map(Relation::name).collect();
    let is_qualifier = reading.indexes().any(|at| {
        reading.is_symbol(at + 1, ".")
            && reading.name(at).is_some_and(|word| word.eq_ignore_ascii_case(name))
            && !relations.iter().any(|relation| (relation.at..relation.end).contains(&at))
    });
    if in_scope.is_empty() || !is_qualifier {
        return not_found(reading, catalog, name, None);
    }
    let near =
        nearest(name, in_scope.iter().map(|alias| (*alias, written(alias))), LIKENESS_MIN, 2);
    let mean =
        if near.is_empty() { String::new() } else { format!("Did you mean {}? ", or(&near)) };
    let known = list(in_scope.iter().map(|alias| written(alias)), names::NAMES_MAX);
    format!(
        "{mean}{} is no alias of this query; FROM has {known}. Use one of these before the column, \
         or add the missing JOIN.",
        written(name)
    )
}

/// The whole path that was meant: the one in FROM that holds `name`, and that does not exist.
fn wanted(
    relations: &[Relation],
    catalog: Option<&Snapshot>,
    name: &str,
    within: Option<&str>,
) -> Vec<String> {
    let holds = |relation: &&Relation| {
        relation.path.iter().any(|part| part.eq_ignore_ascii_case(name))
            || relation.path.join(".").eq_ignore_ascii_case(name)
    };
    let is_within = |relation: &&Relation| {
        within.is_none_or(|within| {
            relation.path.join(".").to_lowercase().starts_with(&within.to_lowercase())
        })
    };
    let is_missing = |relation: &&Relation| names::table(catalog, &relation.path).is_none();
    let mut candidates = relations.iter().filter(holds).filter(is_within);
    if let Some(relation) = candidates.clone().find(is_missing).or_else(|| candidates.next()) {
        return relation.path.clone();
    }
    within
        .map(|within| within.split('.').map(str::to_owned))
        .into_iter()
        .flatten()
        .chain([name.to_owned()])
        .filter(|part| !part.is_empty())
        .collect()
}

pub(super) fn of_another_system(joined: &str, name: &str) -> Option<String> {
    let lower = joined.to_lowercase();
    if lower == "dual" {
        return Some("Dremio needs no DUAL: leave FROM away, as in SELECT 1.".to_owned());
    }
    let is_foreign = OTHER_CATALOGS
        .iter()
        .any(|other| lower == *other || lower.starts_with(&format!("{other}.")));
    if is_foreign || lower.starts_with("information_schema.") && !lower.ends_with("columns") {
        return Some(format!(
            "Dremio has no {}: tables are in INFORMATION_SCHEMA.\"TABLES\" (TABLE_SCHEMA, \
             TABLE_NAME), columns in INFORMATION_SCHEMA.\"COLUMNS\", folders and spaces in \
             INFORMATION_SCHEMA.SCHEMATA, views in INFORMATION_SCHEMA.\"VIEWS\".",
            written(name)
        ));
    }
    if lower.starts_with("sys.project") || lower.starts_with("sys.organization") {
        let last = joined.rsplit('.').next().unwrap_or_default();
        return Some(format!(
            "sys.project exists on Dremio Cloud only: write sys.{} here, if it is among SHOW \
             TABLES IN sys.",
            written(last)
        ));
    }
    None
}

/// The table whose name has a blank in it, so that its second half was taken for an alias.
fn with_alias<'s>(
    relations: &[Relation],
    catalog: &'s Snapshot,
    joined: &str,
) -> Option<&'s Table> {
    let relation = relations.iter().find(|relation| relation.path.join(".") == joined)?;
    names::table_spelt_like(catalog, &format!("{joined}{}", relation.alias.as_deref()?))
}

/// A path without regard to case, and to where its parts are split.
fn folded(path: &[String]) -> String {
    path.join(".").to_lowercase()
}

/// How many bytes both begin with.
fn start_in_common(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

/// The tables below a path, direct ones first.
fn children<'s>(catalog: &'s Snapshot, parent: &[String]) -> Vec<&'s Table> {
    let parent = folded(parent);
    if parent.is_empty() {
        return Vec::new();
    }
    let prefix = format!("{parent}.");
    let mut children: Vec<&Table> =
        catalog.tables().filter(|table| folded(&table.path).starts_with(&prefix)).collect();
    children.sort_by_key(|table| table.path.len());
    children
}

/// Whether the path could be a file or folder that is no table yet.
fn file(catalog: &Snapshot, wanted: &[String]) -> Option<String> {
    let last = wanted.last()?.to_lowercase();
    let first = wanted.first()?;
    let is_known = |kind: Kind| {
        catalog.tables().any(|table| {
            table.kind == kind
                && table.path.first().is_some_and(|known| known.eq_ignore_ascii_case(first))
        })
    };
    let is_file = FILES.iter().any(|ending| last.ends_with(ending));
    if !is_file && !is_known(Kind::Table) || wanted.len() < 2 {
        return None;
    }
    Some(format!(
        "If {} is a file or folder in the source {}, it is not formatted as a table yet: somebody \
         who may must do that in Dremio.",
        path(wanted),
        quoted(first)
    ))
}

/// The tables whose names are most like the wanted one.
fn near(catalog: &Snapshot, wanted: &[String], name: &str) -> Vec<String> {
    let last = Wanted::of(wanted.last().map_or(name, String::as_str));
    let whole = Wanted::of(&wanted.join("."));
    let has_path = wanted.len() > 1;
    let wants_system = wanted.first().is_some_and(|first| first.eq_ignore_ascii_case("sys"));
    let mut found: Vec<(f64, usize, &Table)> = catalog
        .tables()
        .filter(|table| table.kind != Kind::System || wants_system)
        .filter_map(|table| {
            let own = last.likeness(table.path.last()?);
            let whole = whole.likeness(&table.path.join("."));
            let (score, is_near) = if has_path {
                (own * 0.7 + whole * 0.3, own >= LIKENESS_MIN || whole >= 0.9)
            } else {
                let score = own.max(whole * 0.9);
                (score, score >= LIKENESS_MIN)
            };
            is_near.then_some((score, table.path.len(), table))
        })
        .collect();
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    found.into_iter().take(NEAREST_MAX).map(|(_, _, table)| path(&table.path)).collect()
}

/// What is in the folder, space or source with which the wanted path begins.
fn nearest_container(catalog: &Snapshot, wanted: &[String]) -> Option<String> {
    // How far any table's path goes the wanted way, and where the parts of that end with their
    // dots, in bytes. One look at each table: a path may have thousands of parts.
    let way = folded(wanted);
    let shared = catalog.tables().map(|table| start_in_common(&way, &folded(&table.path)));
    let longest = shared.max().unwrap_or_default();
    let ends: Vec<usize> = wanted
        .iter()
        .scan(0, |end, part| {
            *end += part.to_lowercase().len() + 1;
            Some(*end)
        })
        .collect();
    let above = ends.split_last().map_or(&[][..], |(_, above)| above);
    if let Some(last) = above.iter().rposition(|end| *end <= longest) {
        let parent = wanted.get(..=last)?;
        return Some(format!(
            " {} holds {}.",
            path(parent),
            list(children(catalog, parent).iter().map(|table| path(&table.path)), CHILDREN_MAX)
        ));
    }
    let mut roots: Vec<String> = catalog
        .tables()
        .filter(|table| table.kind != Kind::System)
        .filter_map(|table| table.path.first())
        .map(|root| quoted(root))
        .collect();
    roots.sort();
    roots.dedup();
    (!roots.is_empty()).then(|| format!(" Paths begin with {}.", list(roots, CHILDREN_MAX)))
}

fn look_up(wanted: &[String]) -> String {
    let last = wanted.last().map(|last| last.to_lowercase()).unwrap_or_default();
    let like = literal(&format!("%{}%", last.trim_end_matches('s')));
    format!(
        "Look for it: SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.\"TABLES\" WHERE \
         LOWER(TABLE_NAME) LIKE {like}. Write the whole path, each part in double quotes of its \
         own."
    )
}
