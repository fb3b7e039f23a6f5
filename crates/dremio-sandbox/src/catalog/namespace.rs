//! What exists, and where.

use std::collections::HashMap;
use std::sync::Arc;

use super::types::Column;
use crate::ids;

/// Something that has a path.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) id: String,
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Home,
    Space,
    Source(Source),
    Folder,
    Dataset(Arc<Dataset>),
    /// In a file-system source, and not a table yet.
    File,
    Function(Function),
}

/// A function that a user has defined, as text.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) arguments: &'static str,
    pub(crate) returns: &'static str,
    pub(crate) body: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// `S3`, `POSTGRES` …
    pub(crate) ty: &'static str,
    /// The plugin's Java class, which an error text names.
    pub(crate) plugin: &'static str,
    /// File-system sources answer differently for what is missing, and do not page (contract
    /// §5.2).
    pub(crate) is_file_system: bool,
    /// `sys` and `INFORMATION_SCHEMA` are not listed at the top.
    pub(crate) is_internal: bool,
}

/// Something that has rows.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) path: Vec<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) origin: Origin,
    /// The SQLite table or view that holds it.
    pub(crate) table: String,
    pub(crate) rows: Rows,
}

/// Where rows come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows {
    /// From the database.
    Stored,
    /// From the state of the sandbox, when the table is queried.
    System,
    /// From a generator of numbers, when the table is queried.
    Plausible { count: u32, seed: u64 },
    /// The same, with texts of up to 5 MB.
    Wide,
}

#[derive(Debug)]
pub(crate) enum Origin {
    View {
        sql: String,
        context: Vec<String>,
    },
    /// `format` is what a promoted file was read as; `None` in a database.
    Table {
        format: Option<&'static str>,
    },
    /// Rows are made when it is queried.
    System,
}

impl Dataset {
    pub(crate) fn new(path: Vec<String>, columns: Vec<Column>, origin: Origin, rows: Rows) -> Self {
        let table = path.join(".");
        Self { path, columns, origin, table, rows }
    }

    pub(crate) fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The parent's path joined by dots, without quotes, as INFORMATION_SCHEMA has it (contract
    /// §6.1).
    pub(crate) fn schema(&self) -> String {
        let parent = self.path.split_last().map_or(&[] as &[String], |(_, parent)| parent);
        parent.join(".")
    }
}

impl Entity {
    pub(crate) fn new(path: Vec<String>, kind: Kind) -> Self {
        let id = match kind {
            // Files have no entry of their own in Dremio's store (contract §5).
            Kind::File => format!("dremio:/{}", path.join("/")),
            _ => ids::for_name("entity", &path),
        };
        Self { id, path, kind }
    }

    pub(crate) fn of_dataset(dataset: Dataset) -> Self {
        Self::new(dataset.path.clone(), Kind::Dataset(Arc::new(dataset)))
    }

    pub(crate) fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    pub(crate) fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Home | Kind::Space | Kind::Source(_) | Kind::Folder)
    }

    pub(crate) fn dataset(&self) -> Option<&Arc<Dataset>> {
        match &self.kind {
            Kind::Dataset(dataset) => Some(dataset),
            _ => None,
        }
    }
}

/// A part of a path that does not exist, and where it was looked for.
#[derive(Debug)]
pub(crate) struct Absent {
    pub(crate) object: String,
    pub(crate) within: Vec<String>,
}

/// All entities, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Namespace {
    entities: Vec<Arc<Entity>>,
    by_path: HashMap<String, Arc<Entity>>,
    by_id: HashMap<String, Arc<Entity>>,
}

impl Namespace {
    pub(crate) fn add(&mut self, entity: Entity) {
        let entity = Arc::new(entity);
        self.by_path.insert(key(&entity.path), Arc::clone(&entity));
        self.by_id.insert(entity.id.clone(), Arc::clone(&entity));
        self.entities.push(entity);
    }

    pub(crate) fn find(&self, path: &[String]) -> Option<&Arc<Entity>> {
        self.by_path.get(&key(path))
    }

    pub(crate) fn find_by_id(&self, id: &str) -> Option<&Arc<Entity>> {
        self.by_id.get(id)
    }

    pub(crate) fn entities(&self) -> impl Iterator<Item = &Arc<Entity>> {
        self.entities.iter()
    }

    /// The direct children of a container, by name.
    pub(crate) fn children(&self, path: &[String]) -> Vec<&Arc<Entity>> {
        let mut children: Vec<&Arc<Entity>> = self
            .entities
            .iter()
            .filter(|entity| entity.path.len() == path.len() + 1 && is_below(&entity.path, path))
            .collect();
        children.sort_by_key(|entity| entity.name().to_lowercase());
        children
    }

    pub(crate) fn dataset(&self, path: &[String]) -> Option<Arc<Dataset>> {
        self.find(path)?.dataset().cloned()
    }

    /// Looks a dataset up: below the context first, then from the root (contract §4.1).
    ///
    /// # Errors
    /// The first part of the path that does not exist.
    pub(crate) fn resolve(
        &self,
        path: &[String],
        context: &[String],
    ) -> Result<Arc<Dataset>, Absent> {
        let in_context: Vec<String> = context.iter().chain(path).cloned().collect();
        if let Some(dataset) = self.dataset(&in_context).or_else(|| self.dataset(path)) {
            return Ok(dataset);
        }
        let absent = |object: &String, within: &[String]| Absent {
            object: object.clone(),
            within: within.to_vec(),
        };
        for prefix in (1..path.len()).rev() {
            if let (Some(within), Some(object)) = (path.get(..prefix), path.get(prefix))
                && self.is_container(within)
            {
                return Err(absent(object, within));
            }
        }
        let within = if path.len() == 1 && self.is_container(context) { context } else { &[] };
        Err(absent(path.first().unwrap_or(&String::new()), within))
    }

    pub(crate) fn is_container(&self, path: &[String]) -> bool {
        self.find(path).is_some_and(|entity| entity.is_container())
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = (&Entity, &Function)> {
        self.entities.iter().filter_map(|entity| match &entity.kind {
            Kind::Function(function) => Some((&**entity, function)),
            _ => None,
        })
    }

    /// The paths of all containers.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &[String]> {
        self.entities
            .iter()
            .filter(|entity| entity.is_container())
            .map(|entity| entity.path.as_slice())
    }

    /// The datasets at any depth below a path; all of them below the empty one.
    pub(crate) fn datasets_below(&self, path: &[String]) -> impl Iterator<Item = &Arc<Dataset>> {
        self.entities
            .iter()
            .filter(move |entity| is_below(&entity.path, path))
            .filter_map(|entity| entity.dataset())
    }
}

fn key(path: &[String]) -> String {
    path.join("\u{1f}").to_lowercase()
}

fn is_below(path: &[String], ancestor: &[String]) -> bool {
    path.len() > ancestor.len()
        && path
            .iter()
            .zip(ancestor)
            .all(|(name, wanted)| name.to_lowercase() == wanted.to_lowercase())
}
