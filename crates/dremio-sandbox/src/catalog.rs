//! The catalog: homes, spaces, sources, folders and datasets, and the notes that people attach to
//! them (contract §5).
//!
//! What exists is a [`Namespace`], immutable and shared; it is replaced as a whole when a home is
//! added. Names compare without regard to case and keep their spelling.

mod namespace;
mod notes;
mod types;

use std::sync::Arc;

use parking_lot::RwLock;

pub(crate) use namespace::{
    Absent, Dataset, Entity, Function, Kind, Namespace, Origin, Rows, Source,
};
pub(crate) use notes::{Note, Notes, Tags, Wiki};
pub(crate) use types::{Column, DECIMAL_PRECISION_MAX, DremioType, columns, numeric};

/// When everything in the catalog was created.
pub(crate) const CREATED_AT: &str = "2025-01-06T09:00:00.000Z";
/// The same as SQL shows it.
pub(crate) const CREATED_AT_SQL: &str = "2025-01-06 09:00:00.000";

#[derive(Debug)]
pub(crate) struct Catalog {
    namespace: RwLock<Arc<Namespace>>,
    notes: Notes,
    database: &'static [u8],
}

impl Catalog {
    /// `database` is what a SQLite serialises; the tables of the namespace are in it.
    pub(crate) fn new(namespace: Namespace, notes: &[Note], database: &'static [u8]) -> Self {
        Self {
            notes: Notes::of(&namespace, notes),
            namespace: RwLock::new(Arc::new(namespace)),
            database,
        }
    }

    pub(crate) fn namespace(&self) -> Arc<Namespace> {
        Arc::clone(&self.namespace.read())
    }

    /// The demo data, as SQLite serialises a database.
    pub(crate) fn database(&self) -> &'static [u8] {
        self.database
    }

    pub(crate) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Adds what is not there yet, and what is written about it.
    pub(crate) fn extend(&self, entities: Vec<Entity>, notes: &[Note]) {
        let mut namespace = self.namespace.write();
        let changed = Arc::make_mut(&mut namespace);
        for entity in entities {
            if changed.find(&entity.path).is_none() {
                changed.add(entity);
            }
        }
        self.notes.add(&namespace, notes);
    }

    /// Gives a user a home space unless it is there, as a login does (contract §1.1).
    pub(crate) fn ensure_home(&self, user: &str) {
        let path = [format!("@{user}")];
        let mut namespace = self.namespace.write();
        if namespace.find(&path).is_none() {
            Arc::make_mut(&mut namespace).add(Entity::new(path.to_vec(), Kind::Home));
        }
    }
}
