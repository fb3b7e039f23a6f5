//! What was read of Dremio's catalog at one time, ready for questions.

use std::collections::HashMap;
use std::sync::Arc;

use super::index::Index;
use super::references::{References, references};
use super::{Kind, Snapshot, Table};

/// A snapshot with everything that was made of it.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) index: Index,
    /// Whether there is more than was read.
    pub(super) is_partial: bool,
    places: HashMap<String, u32>,
    /// What each view reads, by its place; or why that is not known.
    views: HashMap<u32, Result<References, String>>,
    /// How often each table was asked for, as far as that is known.
    asked_for: HashMap<u32, u64>,
}

/// What two paths have in common when they mean the same table: case does not count, and where a
/// name has dots in it, a path that was read from INFORMATION_SCHEMA may be split in other places.
pub(super) fn key<S: AsRef<str>>(path: &[S]) -> String {
    let parts: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    parts.join(".").to_lowercase()
}

impl Contents {
    pub(super) fn new(snapshot: Snapshot, is_partial: bool) -> Self {
        let places = (0_u32..).zip(snapshot.tables());
        let places = places.map(|(place, table)| (key(&table.path), place)).collect();
        let index = Index::new(&snapshot);
        Self {
            snapshot: Arc::new(snapshot),
            index,
            is_partial,
            places,
            views: HashMap::new(),
            asked_for: HashMap::new(),
        }
    }

    /// Takes what a view is made of. `schema` and `name` are those of INFORMATION_SCHEMA.
    pub(super) fn add_view(&mut self, schema: &str, name: &str, sql: &str) {
        if let Some(place) = self.place(&key(&[schema, name])) {
            self.views.insert(place, references(sql).map_err(|cause| cause.to_string()));
        }
    }

    /// Takes that these `datasets`, as the job history writes them (`[a.b, c.d]`), were asked for
    /// `times`.
    pub(super) fn add_questions(&mut self, datasets: &str, times: u64) {
        let list = datasets.trim_start_matches('[').trim_end_matches(']');
        for dataset in list.split(", ") {
            if let Some(place) = self.place(&dataset.replace('"', "").to_lowercase()) {
                *self.asked_for.entry(place).or_default() += times;
            }
        }
    }

    pub(super) fn place(&self, key: &str) -> Option<u32> {
        self.places.get(key).copied()
    }

    pub(super) fn table(&self, place: u32) -> Option<&Table> {
        self.snapshot.tables.get(place as usize).map(|table| &**table)
    }

    pub(super) fn times_asked_for(&self, place: u32) -> u64 {
        self.asked_for.get(&place).copied().unwrap_or_default()
    }

    /// The views, with what they read.
    pub(super) fn views(&self) -> impl Iterator<Item = (u32, &Result<References, String>)> {
        self.views.iter().map(|(place, reads)| (*place, reads))
    }

    /// The table that a view does no more than wrap: it reads nothing else. Its path may be beside
    /// the view's, which nobody was asked; good enough for an order, not for a statement.
    pub(super) fn wrapped_by(&self, view: u32) -> Option<u32> {
        let Some(Ok(References { tables, functions })) = self.views.get(&view) else { return None };
        let ([path], []) = (tables.as_slice(), functions.as_slice()) else { return None };
        let beside =
            self.table(view)?.path.split_last().map(|(_, above)| key(&[above, path].concat()));
        let place = self.place(&key(path)).or_else(|| self.place(&beside?))?;
        self.table(place).filter(|table| table.kind == Kind::Table).map(|_| place)
    }
}
