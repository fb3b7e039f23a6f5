//! What a table or view is made of, and what is made of it: a graph, read from the SQL of views.
//!
//! A name in a view is looked up in the view's own context first, then from the top, as Dremio does
//! (`CatalogImpl.getTable`). What cannot be read is named; nothing is guessed.

use std::collections::{HashMap, VecDeque};

use super::contents::{Contents, key};
use super::entity::Entity;
use super::references::{References, references};
use super::{Catalog, Kind, quoted};

/// Furthest that the graph goes from the table that was asked for, in either direction.
const LEVELS_MAX: usize = 5;

/// Most tables and views in a graph.
const NODES_MAX: usize = 50;

/// Most remarks about what could not be read.
const UNREAD_MAX: usize = 20;

/// What is made of what.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    /// Tables and views, the one that was asked for first.
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    /// What could not be read, each a sentence for the agent.
    pub(crate) unread: Vec<String>,
    /// Whether the graph goes on beyond what is here.
    pub(crate) is_cut: bool,
}

/// A table or view.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// As Dremio spells it.
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
}

/// One view reads a table or another view; places in [`Lineage::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) reader: usize,
    pub(crate) read: usize,
}

/// A graph that grows.
struct Growing<'c> {
    catalog: &'c Catalog,
    contents: Option<&'c Contents>,
    graph: Lineage,
    places: HashMap<String, usize>,
}

impl Catalog {
    /// The graph around this table or view. What is neither has no edges.
    pub(crate) async fn lineage(&self, entity: &Entity) -> Lineage {
        let contents = self.contents().await.ok();
        let mut growing = Growing {
            catalog: self,
            contents: contents.as_deref(),
            graph: Lineage::default(),
            places: HashMap::new(),
        };
        let (root, _) = growing.add(entity).unwrap_or_default();
        if entity.is_dataset() {
            growing.add_what_is_read(root, entity).await;
            growing.add_readers(root).await;
        }
        growing.graph
    }
}

impl Growing<'_> {
    /// The node of this table or view, and whether it is new. None where the graph is full.
    fn add(&mut self, entity: &Entity) -> Option<(usize, bool)> {
        let kind = if entity.is_view() { Kind::View } else { Kind::Table };
        self.add_node(Node { path: entity.path(), kind })
    }

    fn add_node(&mut self, node: Node) -> Option<(usize, bool)> {
        let key = key(&node.path);
        if let Some(place) = self.places.get(&key) {
            return Some((*place, false));
        }
        let place = self.graph.nodes.len();
        if place >= NODES_MAX {
            self.graph.is_cut = true;
            return None;
        }
        self.places.insert(key, place);
        self.graph.nodes.push(node);
        Some((place, true))
    }

    fn connect(&mut self, reader: usize, read: usize) {
        let edge = Edge { reader, read };
        if !self.graph.edges.contains(&edge) {
            self.graph.edges.push(edge);
        }
    }

    fn say_unread(&mut self, said: String) {
        match self.graph.unread.len() {
            UNREAD_MAX => self.graph.is_cut = true,
            _ => self.graph.unread.push(said),
        }
    }

    async fn add_what_is_read(&mut self, root: usize, entity: &Entity) {
        let mut waiting = VecDeque::new();
        waiting.extend(self.reads_of(entity).map(|reads| (root, 1, reads, context_of(entity))));
        while let Some((reader, level, reads, context)) = waiting.pop_front() {
            for path in reads.tables {
                if self.graph.nodes.len() >= NODES_MAX {
                    self.graph.is_cut = true;
                    return;
                }
                let Some(found) = self.find(reader, &path, &context).await else { continue };
                let Some((place, is_new)) = (match &found {
                    Found::Entity(entity) => self.add(entity),
                    Found::System(path) => {
                        self.add_node(Node { path: path.clone(), kind: Kind::System })
                    }
                }) else {
                    return;
                };
                self.connect(reader, place);
                let Found::Entity(entity) = &found else { continue };
                if is_new && entity.is_view() {
                    if level == LEVELS_MAX {
                        self.graph.is_cut = true;
                    } else if let Some(reads) = self.reads_of(entity) {
                        waiting.push_back((place, level + 1, reads, context_of(entity)));
                    }
                }
            }
        }
    }

    /// What the SQL of this view reads.
    fn reads_of(&mut self, entity: &Entity) -> Option<References> {
        let sql = entity.sql.as_deref().filter(|_| entity.is_view())?;
        let name = quoted(&entity.path());
        match references(sql) {
            Ok(reads) => {
                for function in reads.functions.iter().filter(|it| self.catalog.shows(it)) {
                    let function = quoted(function);
                    self.say_unread(format!(
                        "{name} reads what the function {function} returns; what that reads is not \
                         known."
                    ));
                }
                Some(reads)
            }
            Err(cause) => {
                self.say_unread(format!("The SQL of {name} cannot be read: {cause}."));
                None
            }
        }
    }

    /// What `path` means in a view with this context.
    async fn find(&mut self, reader: usize, path: &[String], context: &[String]) -> Option<Found> {
        let inside = [context, path].concat();
        let mut candidates = vec![inside.as_slice(), path];
        candidates.dedup();
        candidates.retain(|candidate| self.catalog.shows(candidate));
        if candidates.is_empty() {
            self.graph.is_cut = true;
            return None;
        }
        let contents = self.contents.filter(|contents| !contents.is_partial);
        let known = contents.and_then(|contents| {
            candidates.iter().find_map(|it| contents.table(contents.place(&key(it))?))
        });
        // What is known to be there need not be looked for elsewhere.
        match known {
            Some(table) if !self.catalog.shows(&table.path) => {
                self.graph.is_cut = true;
                return None;
            }
            Some(table) if table.kind == Kind::System => {
                return Some(Found::System(table.path.clone()));
            }
            Some(table) => candidates = vec![&table.path],
            None => {}
        }
        for candidate in candidates {
            match self.catalog.entity(candidate).await {
                Ok(entity) if entity.is_dataset() => return Some(Found::Entity(Box::new(entity))),
                Ok(_) => {}
                Err(cause) => tracing::debug!(error = %cause, "a table of a view was not found"),
            }
        }
        let reader = self.graph.nodes.get(reader).map(|node| quoted(&node.path));
        let (reader, path) = (reader.unwrap_or_default(), quoted(path));
        self.say_unread(format!("{reader} names {path}, which was not found."));
        None
    }

    async fn add_readers(&mut self, root: usize) {
        let Some(contents) = self.contents else {
            self.say_unread("Which views read it is not known: the catalog was not read.".into());
            return;
        };
        let mut waiting = VecDeque::from([(root, 1)]);
        while let Some((read, level)) = waiting.pop_front() {
            let Some(target) = self.graph.nodes.get(read).map(|node| key(&node.path)) else {
                return;
            };
            for view in possible_readers(contents, &target) {
                let Some(entity) = self.reader_of(contents, view, &target).await else { continue };
                let Some((place, is_new)) = self.add(&entity) else { return };
                self.connect(place, read);
                if is_new && level < LEVELS_MAX {
                    waiting.push_back((place, level + 1));
                }
            }
        }
        let unread = contents.views().filter_map(|(place, reads)| {
            let path = &contents.table(place).filter(|it| self.catalog.shows(&it.path))?.path;
            let path = quoted(path);
            reads.as_ref().err().map(|cause| format!("The SQL of {path} cannot be read: {cause}."))
        });
        let mut unread: Vec<String> = unread.collect();
        unread.sort_unstable();
        unread.truncate(UNREAD_MAX);
        for said in unread {
            if !self.graph.unread.contains(&said) {
                self.say_unread(said);
            }
        }
    }

    /// This view, if it reads `target`: only it knows the context of its names.
    async fn reader_of(&mut self, contents: &Contents, view: u32, target: &str) -> Option<Entity> {
        let path = &contents.table(view)?.path;
        if !self.catalog.shows(path) {
            self.graph.is_cut = true;
            return None;
        }
        let entity = match self.catalog.entity(path).await {
            Ok(entity) => entity,
            Err(cause) => {
                tracing::debug!(error = %cause, "a view that may be a reader was not found");
                let path = quoted(path);
                self.say_unread(format!("{path} may read it, and could not be looked at."));
                return None;
            }
        };
        let reads = references(entity.sql.as_deref()?).ok()?;
        let context = context_of(&entity);
        let is_target = |path: &Vec<String>| {
            let inside = key(&[context.as_slice(), path].concat());
            let is_inside = !context.is_empty() && contents.place(&inside).is_some();
            inside == target || (!is_inside && key(path) == target)
        };
        reads.tables.iter().any(is_target).then_some(entity)
    }
}

/// What a name in a view means.
enum Found {
    Entity(Box<Entity>),
    /// Dremio's catalog does not show these.
    System(Vec<String>),
}

/// The views that name `target`, whole or by its last parts, in the order of their paths.
fn possible_readers(contents: &Contents, target: &str) -> Vec<u32> {
    let names_it = |path: &Vec<String>| {
        let named = key(path);
        target.strip_suffix(&*named).is_some_and(|above| above.is_empty() || above.ends_with('.'))
    };
    let views = contents
        .views()
        .filter(|(_, reads)| reads.as_ref().is_ok_and(|reads| reads.tables.iter().any(names_it)));
    let mut views: Vec<u32> = views.map(|(place, _)| place).collect();
    views.sort_unstable();
    views
}

fn context_of(entity: &Entity) -> Vec<String> {
    entity.sql_context.clone()
}

#[cfg(test)]
mod tests;
