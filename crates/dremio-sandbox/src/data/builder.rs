//! How the demo data is put together: catalog and database in step.

use rusqlite::types::Value;

use super::Demo;
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
        let path = path(names);
        let table = path.join(".");
        let connection = self.engine.connection();
        let transaction = connection.transaction().map_err(text)?;
        transaction.execute_batch(&create_table("TABLE", &table, &columns)).map_err(text)?;
        insert(&transaction, &table, columns.len(), rows).map_err(text)?;
        transaction.commit().map_err(text)?;
        self.add(Dataset {
            path,
            columns,
            origin: Origin::Table { format },
            table,
            rows: Rows::Stored,
        });
        Ok(())
    }

    /// A view; its columns are what a query of it would have.
    pub(super) fn view(&mut self, names: &[&str], sql: &str) -> Result<(), String> {
        let path = path(names);
        let table = path.join(".");
        let failed = |error: SqlError| format!("{names:?}: {error:?}");
        let tokens = tokenize(sql).map_err(|cause| failed(lexical(sql, &cause)))?;
        let at = Environment { namespace: &self.namespace, context: &[], user: "dremio" };
        let query = Query::prepare(sql, &tokens, at).map_err(failed)?;
        let columns = query.columns;
        self.add(Dataset {
            path,
            columns,
            origin: Origin::View { sql: sql.to_owned(), context: Vec::new() },
            table,
            rows: Rows::Stored,
        });
        Ok(())
    }

    /// A table whose rows are made when it is queried.
    pub(super) fn system_table(&mut self, names: &[&str], spec: &str) -> Result<(), String> {
        let columns = columns(spec).ok_or_else(|| format!("{names:?}: unknown type in {spec}"))?;
        let path = path(names);
        let table = path.join(".");
        self.add(Dataset { path, columns, origin: Origin::System, table, rows: Rows::System });
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

    fn add(&mut self, dataset: Dataset) {
        let path = dataset.path.clone();
        let kind = Kind::Dataset(std::sync::Arc::new(dataset));
        self.namespace.add(Entity::new(path, kind));
    }
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn text(error: rusqlite::Error) -> String {
    error.to_string()
}
