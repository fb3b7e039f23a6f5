//! What the columns of a query can be called: those of the tables in FROM.

use super::{LIKENESS_MIN, NEAREST_MAX};
use crate::catalog::{Snapshot, Table};
use crate::coach::names::{self, NAMES_MAX, Wanted, list, nearest, path, written};
use crate::coach::reading::{Reading, Relation};

/// The tables in FROM, as far as the catalog knows them.
pub(super) struct Scope<'s> {
    /// Each with what its columns are qualified with.
    pub(super) tables: Vec<(String, &'s Table)>,
    /// Names that subqueries give to their columns.
    derived: Vec<String>,
}

impl<'s> Scope<'s> {
    pub(super) fn of(
        reading: &Reading<'_>,
        catalog: Option<&'s Snapshot>,
        relations: &[Relation],
        qualifier: Option<&str>,
    ) -> Self {
        let mut scope = Self { tables: Vec::new(), derived: Vec::new() };
        let is_meant =
            |relation: &&Relation| qualifier.is_none_or(|wanted| relation.is_called(wanted));
        let with_names = reading.with_names();
        let mut has_subquery = false;
        for relation in relations.iter().filter(is_meant) {
            let is_with = relation.is_with(&with_names);
            has_subquery |= is_with || relation.path.is_empty();
            if let Some(table) = names::table(catalog, &relation.path).filter(|_| !is_with)
                && !scope.tables.iter().any(|(_, known)| std::ptr::eq(*known, table))
            {
                scope.tables.push((relation.name().unwrap_or_default().to_owned(), table));
            }
        }
        if has_subquery {
            scope.derived = reading.aliases().into_iter().map(|alias| alias.name).collect();
            scope.derived.extend(reading.columns().iter().filter_map(|column| {
                let last = column.end.checked_sub(1)?;
                reading.name(last)
            }));
            scope.derived.sort();
            scope.derived.dedup();
        }
        scope
    }

    fn all(&self) -> impl Iterator<Item = (&str, String)> {
        let several = self.tables.len() > 1;
        let columns = self.tables.iter().flat_map(move |(qualifier, table)| {
            table.columns.iter().map(move |column| {
                let name = written(&column.name);
                let name = if several { format!("{}.{name}", written(qualifier)) } else { name };
                (&*column.name, name)
            })
        });
        columns.chain(self.derived.iter().map(|name| (name.as_str(), written(name))))
    }

    pub(super) fn likeness(&self, name: &str) -> f64 {
        let wanted = Wanted::of(name);
        self.all().map(|(column, _)| wanted.likeness(column)).fold(0.0, f64::max)
    }

    pub(super) fn nearest(&self, name: &str) -> Vec<String> {
        let others = self.all().filter(|(column, _)| *column != name);
        let mut near = nearest(name, others, LIKENESS_MIN, NEAREST_MAX);
        near.dedup();
        near
    }

    /// The columns of each table.
    pub(super) fn columns(&self, named: usize) -> String {
        let each = NAMES_MAX.saturating_sub(named) / self.tables.len().max(1);
        let tables = self.tables.iter().map(|(qualifier, table)| {
            let is_own = table.path.last().is_some_and(|own| own.eq_ignore_ascii_case(qualifier));
            let alias = if is_own || self.tables.len() == 1 {
                String::new()
            } else {
                format!(" ({})", written(qualifier))
            };
            let columns = table.columns.iter().map(|column| written(&column.name));
            format!("{}{alias} has {}.", path(&table.path), list(columns, each))
        });
        tables.collect::<Vec<_>>().join(" ")
    }
}
