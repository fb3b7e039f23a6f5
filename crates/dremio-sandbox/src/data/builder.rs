//! How the demo data is put together: catalog and database in step.

use rusqlite::types::Value;

use super::{Demo, path};
use crate::catalog::{Dataset, Entity, Kind, Namespace, Note, Origin, Rows, Source, columns};
use crate::engine::{Engine, create_table, insert};
use crate::sql::{Environment, Query, SqlError, lexical, tokenize};

/// For expressions of the time while views are described; nothing of it is kept.
const ANY_TIME: &str = "2025-01-06 09:00:00.000";

pub(super) struct Builder {
    engine: Engine,
    namespace: Namespace,
    notes: Vec<Note>,
}

impl Builder {
    pub(super) fn new() -> Result<Self, String> {
        Ok(Self {
            engine: Engine::open(None, ANY_TIME).map_err(text)?,
            namespace: Namespace::default(),
            notes: Vec::new(),
        })
    }

    pub(super) fn source(&mut self, name: &str, source: Source) {
        self.namespace.add(Entity::new(path(&[name]), Kind::Source(source)));
    }

    pub(super) fn space(&mut self, name: &str) {
        self.namespace.add(Entity::new(path(&[name]), Kind::Space));
    }

    pub(super) fn home(&mut self, name: &str) {
        self.namespace.add(Entity::new(path(&[name]), Kind::Home));
    }

    pub(super) fn folder(&mut self, names: &[&str]) {
        self.namespace.add(Entity::new(path(names), Kind::Folder));
    }

    /// A table of a source; `spec` is its columns, see [`columns`].
    pub(super) fn table(
        &mut self,
        names: &[&str],
        format: Option<&'static str>,
        spec: &str,
        rows: &[Vec<Value>],
    ) -> Result<(), String> {
        let columns = columns(spec).ok_or_else(|| format!("{names:?}: unknown type in {spec}"))?;
        let origin = Origin::Table { format };
        let dataset = Dataset::new(path(names), columns, origin, Rows::Stored);
        let Dataset { table, columns, .. } = &dataset;
        let connection = self.engine.connection();
        let transaction = connection.transaction().map_err(text)?;
        transaction.execute_batch(&create_table("TABLE", table, columns)).map_err(text)?;
        insert(&transaction, table, columns.len(), rows).map_err(text)?;
        transaction.commit().map_err(text)?;
        self.namespace.add(Entity::of_dataset(dataset));
        Ok(())
    }

    /// A view; its columns are what a query of it would have.
    pub(super) fn view(&mut self, names: &[&str], sql: &str) -> Result<(), String> {
        let failed = |error: SqlError| format!("{names:?}: {error:?}");
        let tokens = tokenize(sql).map_err(|cause| failed(lexical(sql, &cause)))?;
        let at = Environment { namespace: &self.namespace, context: &[], user: "dremio" };
        let query = Query::prepare(sql, &tokens, at).map_err(failed)?;
        let origin = Origin::View { sql: sql.to_owned(), context: Vec::new() };
        let dataset = Dataset::new(path(names), query.columns, origin, Rows::Stored);
        self.namespace.add(Entity::of_dataset(dataset));
        Ok(())
    }

    /// A table whose rows are made when it is queried.
    pub(super) fn system_table(&mut self, names: &[&str], spec: &str) -> Result<(), String> {
        let columns = columns(spec).ok_or_else(|| format!("{names:?}: unknown type in {spec}"))?;
        let dataset = Dataset::new(path(names), columns, Origin::System, Rows::System);
        self.namespace.add(Entity::of_dataset(dataset));
        Ok(())
    }

    pub(super) fn note(&mut self, names: &[&str], tags: &[&str], wiki: &str) {
        let tags = path(tags);
        self.notes.push(Note { path: path(names), tags, wiki: wiki.to_owned() });
    }

    pub(super) fn finish(mut self) -> Result<Demo, String> {
        let database = self.engine.connection().serialize("main").map_err(text)?.to_vec();
        Ok(Demo { namespace: self.namespace, notes: self.notes, database })
    }
}

fn text(error: rusqlite::Error) -> String {
    error.to_string()
}
