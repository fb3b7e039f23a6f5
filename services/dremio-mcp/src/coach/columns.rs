//! Columns that are not there, or there twice.

mod scope;

use self::scope::Scope;
use super::dates;
use super::names::{self, NAMES_MAX, literal, or, path, written};
use super::reading::{Reading, Relation};
use crate::catalog::{Column, Snapshot, Table};
use crate::guard::Kind;

/// How like a column must be to be offered instead.
const LIKENESS_MIN: f64 = 0.76;
/// How like a column must be for its name to be a slip of the pen, not a text without quotes.
const SLIP_MIN: f64 = 0.86;
const NEAREST_MAX: usize = 2;
/// Most other tables that are named because they have the column.
const ELSEWHERE_MAX: usize = 2;

/// Names that other systems know without brackets or a table, and what to write instead.
const PSEUDO_COLUMNS: [(&str, &str); 13] = [
    ("ROWNUM", "write LIMIT n at the end, or ROW_NUMBER() OVER (ORDER BY ...) for numbers"),
    ("ROWID", "Dremio has no row ids; use a key column, or ROW_NUMBER() OVER (ORDER BY ...)"),
    ("SYSDATE", "write CURRENT_DATE, or CURRENT_TIMESTAMP with the time"),
    ("SYSTIMESTAMP", "write CURRENT_TIMESTAMP"),
    ("GETDATE", "write CURRENT_TIMESTAMP"),
    ("NOW", "write NOW() or CURRENT_TIMESTAMP"),
    ("TODAY", "write CURRENT_DATE"),
    ("CURDATE", "write CURRENT_DATE"),
    ("YESTERDAY", "write CURRENT_DATE - INTERVAL '1' DAY"),
    ("CURRENT_DATETIME", "write CURRENT_TIMESTAMP"),
    ("UTC_TIMESTAMP", "write CURRENT_TIMESTAMP, which is UTC"),
    ("INF", "write CAST('Infinity' AS DOUBLE)"),
    ("NAN", "write CAST('NaN' AS DOUBLE)"),
];

/// What to do about a column that Dremio does not find.
pub(super) fn not_found(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    name: &str,
    table: Option<&str>,
) -> String {
    let name = name
        .rsplit('.')
        .next()
        .filter(|_| table.is_none() && name.contains('.') && !stands_whole(reading, name))
        .unwrap_or(name);
    let relations = reading.relations();
    let scope = Scope::of(reading, catalog, &relations, table);
    let best = scope.likeness(name);
    if let Some(fix) = text_in_double_quotes(reading, name).filter(|_| best < 0.97) {
        return fix;
    }
    if let Some(fix) = alias_out_of_sight(reading, name) {
        return fix;
    }
    if let Some(fix) = dates::unit_as_column(reading, name) {
        return fix;
    }
    if best < 1.0
        && let Some((pseudo, fix)) =
            PSEUDO_COLUMNS.iter().find(|(pseudo, _)| pseudo.eq_ignore_ascii_case(name))
    {
        return format!("{pseudo} is no column in Dremio: {fix}.");
    }
    let mut fix = String::new();
    let near = scope.nearest(name);
    if !near.is_empty() {
        fix.push_str(&format!("Did you mean {}? ", or(&near)));
    }
    if best < 1.0 {
        let in_query = in_other_relation(catalog, &relations, name, table);
        fix.push_str(&in_query.unwrap_or_else(|| has_it(catalog, name, &scope)));
    }
    if best < SLIP_MIN
        && let Some(text) = text_without_quotes(reading, name)
    {
        fix.push_str(&text);
    }
    fix.push_str(&scope.columns(near.len()));
    if fix.is_empty() {
        fix = format!(
            "Look up the columns: SELECT COLUMN_NAME, DATA_TYPE FROM \
             INFORMATION_SCHEMA.\"COLUMNS\" \
             WHERE TABLE_NAME = {}.",
            literal(
                relations
                    .iter()
                    .find_map(|relation| relation.path.last())
                    .map_or("...", String::as_str)
            )
        );
    }
    fix.trim_end().to_owned()
}

/// What to do about a field that a struct does not have.
pub(super) fn no_field(reading: &Reading<'_>, catalog: Option<&Snapshot>, name: &str) -> String {
    let at = reading.indexes().find(|at| {
        *at > 1
            && reading.is_symbol(at - 1, ".")
            && reading.name(*at).is_some_and(|field| field.eq_ignore_ascii_case(name))
    });
    let owner = at.and_then(|at| reading.name(at - 2));
    let relation = reading.relations().into_iter().next();
    let (Some(owner), Some(relation)) = (owner, relation) else {
        return not_found(reading, catalog, name, None);
    };
    format!(
        "{} is no field of {1}. SELECT {1} FROM {2} LIMIT 1 shows its fields.",
        written(name),
        written(&owner),
        path(&relation.path)
    )
}

/// Another table of the query that has the column.
fn in_other_relation(
    catalog: Option<&Snapshot>,
    relations: &[Relation],
    name: &str,
    table: Option<&str>,
) -> Option<String> {
    table?;
    relations.iter().find_map(|relation| {
        let owner = names::table(catalog, &relation.path)?;
        let column = names::column(owner, name)?;
        let (qualifier, column) = (written(relation.name()?), written(&column.name));
        Some(format!("{} has it: write {qualifier}.{column}. ", path(&owner.path)))
    })
}

/// Whether a name with dots in it is written as one.
fn stands_whole(reading: &Reading<'_>, name: &str) -> bool {
    reading.indexes().any(|at| {
        reading.kind(at) == Some(Kind::Quoted) && reading.name(at).as_deref() == Some(name)
    })
}

/// What to do about a column that several tables have.
pub(super) fn ambiguous(reading: &Reading<'_>, catalog: Option<&Snapshot>, name: &str) -> String {
    let relations = reading.relations();
    let has = |relation: &&Relation| {
        let table = names::table(catalog, &relation.path);
        table.is_none_or(|table| names::column(table, name).is_some())
    };
    let owners: Vec<String> = relations
        .iter()
        .filter(has)
        .filter_map(|relation| Some(format!("{}.{}", written(relation.name()?), written(name))))
        .take(NAMES_MAX)
        .collect();
    if owners.len() < 2 {
        return format!(
            "Several tables have {0}: put the table's alias before it, as in t.{0}.",
            written(name)
        );
    }
    format!("Several tables have it: write {}.", or(&owners))
}

/// A better column for a name that no table in FROM has, if all of them are known.
pub(super) fn better(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    name: &str,
    table: Option<&str>,
) -> Option<String> {
    let relations = reading.relations();
    let scope = Scope::of(reading, catalog, &relations, table);
    let is_alias = reading.aliases().iter().any(|alias| alias.name.eq_ignore_ascii_case(name));
    if scope.tables.is_empty() || is_alias || scope.likeness(name) >= 1.0 {
        return None;
    }
    let near = scope.nearest(name);
    (!near.is_empty()).then(|| or(&near))
}

/// Which other tables have such a column, and how they could be joined.
fn has_it(catalog: Option<&Snapshot>, name: &str, scope: &Scope<'_>) -> String {
    let Some(catalog) = catalog else { return String::new() };
    let is_new =
        |table: &&Table| !scope.tables.iter().any(|(_, known)| std::ptr::eq(*known, *table));
    let wanted = names::plain(name);
    let spaces: Vec<&String> =
        scope.tables.iter().filter_map(|(_, table)| table.path.first()).collect();
    let mut found: Vec<(Option<&str>, bool, &Table, &Column)> = catalog
        .tables()
        .filter(is_new)
        .filter(|table| table.kind != crate::catalog::Kind::System)
        .filter_map(|table| {
            let column = owned_column(table, name, &wanted)?;
            let is_far = !table.path.first().is_some_and(|space| spaces.contains(&space));
            Some((join_column(scope, table), is_far, table, column))
        })
        .collect();
    // A table that can be joined is worth more than one that cannot.
    found.sort_by_key(|(join, is_far, _, _)| (join.is_none(), *is_far));
    let found = found.iter().take(ELSEWHERE_MAX).map(|(join, _, table, column)| {
        let join = join.map_or_else(String::new, |key| format!(" (join on {})", written(key)));
        format!("{} has {}{join}", path(&table.path), written(&column.name))
    });
    let found = found.collect::<Vec<_>>();
    if found.is_empty() { String::new() } else { format!("{}. ", found.join("; ")) }
}

/// The column of `table` that has this name, or would if the table's name stood before it:
/// `customer_name` is `name` of `customers`.
fn owned_column<'t>(table: &'t Table, name: &str, wanted: &str) -> Option<&'t Column> {
    if let Some(column) = names::column(table, name) {
        return Some(column);
    }
    let own = names::plain(table.path.last()?);
    let rest = wanted
        .strip_prefix(own.trim_end_matches('s'))
        .or_else(|| wanted.strip_prefix(own.as_str()))?;
    table.columns.iter().find(|column| !rest.is_empty() && names::plain(&column.name) == rest)
}

/// The key of a table in FROM that `table` has, too.
fn join_column<'s>(scope: &Scope<'s>, table: &Table) -> Option<&'s str> {
    let shared = |name: &str| names::column(table, name).is_some();
    let columns = scope.tables.iter().flat_map(|(_, known)| &known.columns);
    let mut keys = columns.filter(|column| column.name.to_lowercase().ends_with("id"));
    keys.find(|column| shared(&column.name)).map(|column| &*column.name)
}

/// A text in double quotes where a value belongs.
fn text_in_double_quotes(reading: &Reading<'_>, name: &str) -> Option<String> {
    let at = reading.indexes().find(|at| {
        reading.kind(*at) == Some(Kind::Quoted)
            && reading.name(*at).as_deref() == Some(name)
            && is_value(reading, *at)
    })?;
    let written = reading.text(at..at + 1);
    Some(format!(
        "Text stands in single quotes: write {} instead of {written}. Double quotes are for names.",
        literal(name)
    ))
}

/// A word where a value belongs, that is perhaps a text.
fn text_without_quotes(reading: &Reading<'_>, name: &str) -> Option<String> {
    let is_it = |at: &usize| {
        reading.kind(*at) == Some(Kind::Word)
            && reading.token(*at).is_some_and(|token| token.text.eq_ignore_ascii_case(name))
            && is_value(reading, *at)
            && !reading.is_symbol(*at + 1, ".")
    };
    let at = reading.indexes().find(is_it)?;
    let text = reading.token(at)?.text;
    Some(format!("If {text} is text, write {}. ", literal(text)))
}

/// Whether a value stands there: right of a comparison, in an IN list, or as a result of CASE.
fn is_value(reading: &Reading<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    if ["=", "<>", "!=", "<", ">", "<=", ">=", "||"]
        .iter()
        .any(|symbol| reading.is_symbol(before, symbol))
        || reading.is_any(before, &["LIKE", "ILIKE", "THEN", "ELSE", "BETWEEN"])
    {
        return true;
    }
    let Some(open) = reading.enclosing(at) else { return false };
    let first = open.checked_sub(1);
    first.is_some_and(|first| {
        reading.is(first, "IN")
            || !reading.is_any(first, &["OVER"]) && reading.name(first).is_some()
    }) && (before == open || reading.is_symbol(before, ","))
        && !(open..at).any(|at| reading.is(at, "SELECT"))
}

/// An alias of SELECT where Dremio does not look at those: in WHERE, in ON, in SELECT itself.
fn alias_out_of_sight(reading: &Reading<'_>, name: &str) -> Option<String> {
    let alias =
        reading.aliases().into_iter().find(|alias| alias.name.eq_ignore_ascii_case(name))?;
    let expression = reading.text(alias.of.clone());
    let has = |words: &[&str]| alias.of.clone().any(|at| reading.is_any(at, words));
    let name = written(&alias.name);
    let in_where = reading.clause("WHERE").is_some_and(|mut clause| {
        clause
            .any(|at| reading.name(at).is_some_and(|other| other.eq_ignore_ascii_case(&alias.name)))
    });
    let place = if in_where { "WHERE" } else { "this place" };
    let seen = format!("{name} is an alias of SELECT, which {place} does not see");
    Some(if has(&["OVER"]) {
        format!(
            "{seen}: filter a window function with QUALIFY {name} ... instead of WHERE, or with \
             WHERE around the query: SELECT * FROM (...) t WHERE t.{name} ..."
        )
    } else if has(&super::grouping::AGGREGATES) {
        format!("{seen}: filter an aggregate with HAVING {expression} ... behind GROUP BY.")
    } else {
        format!(
            "{seen}: write {expression} there, or filter outside: SELECT * FROM (...) t WHERE \
             t.{name} ..."
        )
    })
}
