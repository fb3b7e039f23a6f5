//! Columns that a query compared with a text, for one that found nothing.

use super::names::{self, nearest, written};
use super::reading::{Reading, Relation};
use crate::catalog::{Snapshot, Table};
use crate::guard::Kind;

/// Most comparisons that are looked at.
const COMPARED_MAX: usize = 3;

/// A column and the text that it was compared with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The table.
    pub(crate) path: Vec<String>,
    /// The column, as the catalog has it.
    pub(crate) column: String,
    /// The same as one writes it in SQL.
    pub(crate) name: String,
    /// What is between the quotes.
    pub(crate) text: String,
}

/// The first comparisons like `column = 'text'` in `sql`, where the column is a text of a table
/// that the catalog knows.
pub(crate) fn compared_texts(sql: &str, catalog: &Snapshot) -> Vec<Compared> {
    let reading = Reading::of(sql);
    let relations = reading.relations();
    let with_names = reading.with_names();
    let tables: Vec<(&Relation, &Table)> = relations
        .iter()
        .filter(|relation| !relation.is_with(&with_names))
        .filter_map(|relation| Some((relation, names::table(Some(catalog), &relation.path)?)))
        .collect();
    let mut found: Vec<Compared> = Vec::new();
    for at in reading.indexes().filter(|at| reading.is_symbol(*at, "=")) {
        let Some(compared) = compared(&reading, &tables, at) else { continue };
        if !found.contains(&compared) {
            found.push(compared);
        }
        if found.len() == COMPARED_MAX {
            break;
        }
    }
    found
}

/// The comparison at the `=` there. A column that two tables have is none of either.
fn compared(reading: &Reading<'_>, tables: &[(&Relation, &Table)], at: usize) -> Option<Compared> {
    let text = reading.token(at + 1).filter(|token| token.kind == Kind::Text)?;
    let text = text.text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'");
    let (start, last) = (reading.operand_before(at)?, at.checked_sub(1)?);
    let column = reading.name(last)?;
    let qualifier: Vec<String> = (start..last).filter_map(|part| reading.name(part)).collect();
    let qualifier = qualifier.join(".");
    let mut columns = tables
        .iter()
        .filter(|(relation, _)| qualifier.is_empty() || relation.is_called(&qualifier))
        .filter_map(|(_, table)| Some((table, names::column(table, &column)?)));
    let (table, column) = columns.next()?;
    if columns.any(|(other, _)| other.path != table.path) || !column.data_type.contains("CHAR") {
        return None;
    }
    let (column, name) = (column.name.to_string(), written(&column.name));
    Some(Compared { path: table.path.clone(), column, name, text })
}

/// The `max` values that are most like `wanted`, or the first ones where few are like it.
pub(crate) fn most_alike(wanted: &str, mut values: Vec<String>, max: usize) -> Vec<String> {
    if values.len() > max {
        let names = values.iter().map(|value| (value.as_str(), value.clone()));
        values = nearest(wanted, names, 0.0, max);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::{compared_texts, most_alike};
    use crate::coach::tests::demo::catalog;

    fn compared(sql: &str) -> Vec<(String, String, String)> {
        let found = compared_texts(sql, catalog());
        found.into_iter().map(|it| (it.path.join("."), it.name, it.text)).collect()
    }

    #[test]
    fn text_columns_of_known_tables_are_found() {
        let orders = |column: &str, text: &str| {
            ("Sales.orders".to_owned(), column.to_owned(), text.to_owned())
        };
        for sql in [
            "SELECT * FROM Sales.orders WHERE status = 'Shipped'",
            "SELECT * FROM Sales.orders o WHERE o.STATUS='Shipped' AND order_id = 7",
            "SELECT * FROM Sales.\"orders\" WHERE Sales.orders.\"status\" = 'Shipped'",
            "WITH x AS (SELECT * FROM Sales.orders WHERE status = 'Shipped') SELECT * FROM x",
        ] {
            assert_eq!(compared(sql), [orders("status", "Shipped")], "{sql}");
        }
        let two = "SELECT * FROM Sales.orders WHERE status = 'it''s' OR status = ''";
        assert_eq!(compared(two), [orders("status", "it's"), orders("status", "")]);
        for sql in [
            "SELECT * FROM Sales.orders WHERE UPPER(status) = 'Shipped'",
            "SELECT * FROM Sales.orders WHERE status <> 'Shipped' AND order_id = '7'",
            "SELECT * FROM Sales.orders WHERE status = N'Shipped' AND other.status = 'Shipped'",
            "SELECT * FROM Sales.nothing WHERE status = 'Shipped'",
            "WITH orders AS (SELECT 1) SELECT * FROM orders WHERE status = 'Shipped'",
            "SELECT status = 'Shipped",
            "= 'x'",
        ] {
            assert_eq!(compared(sql), [], "{sql}");
        }
    }

    #[test]
    fn the_values_most_alike_come_first_where_there_are_many() {
        let values = || ["b", "SHIPPED", "a"].map(str::to_owned).to_vec();
        assert_eq!(most_alike("shipped", values(), 3), ["b", "SHIPPED", "a"]);
        assert_eq!(most_alike("shipped", values(), 1), ["SHIPPED"]);
    }
}
