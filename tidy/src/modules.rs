//! Which module imports which, inside a crate.
//!
//! Reads tokens, so that comments and strings do not count and macros do. A path counts wherever
//! it stands, in a `use` or in the middle of an expression; names that a module brings in with
//! `use` are followed to where they come from. Tests (`#[cfg(test)]`) do not count.
//!
//! It does not expand macros, and does not know what `use …::*` brings in.

mod circles;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};

use self::scan::Scan;
use crate::Finding;

/// A module's place below the crate: `["session", "table"]`; empty for the crate itself.
pub(crate) type Place = Vec<String>;

/// The modules of one crate, and the imports between them.
#[derive(Debug, Default)]
pub struct Modules {
    known: BTreeMap<Place, Module>,
}

/// What one module says.
#[derive(Debug, Default)]
struct Module {
    /// Its file, relative to the root.
    file: String,
    children: BTreeSet<String>,
    /// Names that `use` brings in, and their paths as they are written.
    names: BTreeMap<String, Vec<String>>,
    /// Every path that may lead into another module, with its line.
    paths: Vec<(Vec<String>, usize)>,
}

/// One module that uses another one's item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Who imports.
    pub from: Vec<String>,
    /// The module that the item comes from.
    pub to: Vec<String>,
    /// `path:line` of the import.
    pub at: String,
}

/// How many `use`s a name is followed through: more than real code has, so that a circle of them
/// comes to an end.
const RENAMES_MAX: usize = 16;

impl Modules {
    /// Reads a crate from its root file (`src/lib.rs`), given relative to `root`.
    ///
    /// # Errors
    /// When a file of it is missing, or is not Rust.
    pub fn read(root: &Path, crate_file: &str) -> Result<Self> {
        let mut modules = Self::default();
        let folder = crate_file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut files = vec![(Place::new(), crate_file.to_owned(), folder.to_owned())];
        while let Some((place, file, folder)) = files.pop() {
            let text = std::fs::read_to_string(root.join(&file)).with_context(|| file.clone())?;
            let tokens = text.parse().map_err(|cause| anyhow::anyhow!("{file}: {cause}"))?;
            for (inner, scan) in Scan::of(tokens) {
                let place: Place = place.iter().chain(&inner).cloned().collect();
                for child in &scan.files {
                    let base =
                        [folder.as_str()].into_iter().chain(inner.iter().map(String::as_str));
                    let base = base.chain([child.as_str()]).collect::<Vec<_>>().join("/");
                    let place = place.iter().chain([child]).cloned().collect();
                    files.push((place, format!("{base}.rs"), base));
                }
                modules.known.insert(place, Module::new(file.clone(), scan));
            }
        }
        Ok(modules)
    }

    /// The modules right below the crate.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        let root = self.known.get::<[String]>(&[]);
        root.into_iter().flat_map(|root| root.children.iter().map(String::as_str))
    }

    /// Every import between two modules of which neither holds the other.
    #[must_use]
    pub fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (from, module) in &self.known {
            for (path, line) in &module.paths {
                if let Some(to) = self.resolve(from, path, RENAMES_MAX)
                    && !to.starts_with(from)
                    && !from.starts_with(&to)
                {
                    let at = format!("{}:{line}", module.file);
                    imports.push(Import { from: from.clone(), to, at });
                }
            }
        }
        // `use a::{self, B}` brings in the same module twice.
        imports.dedup();
        imports
    }

    /// Imports that run up: from a room to one on a higher floor. `floors` names all rooms, from
    /// the ground up. A room that no floor names is a finding, and a name without a room too.
    /// Places are `from -> to`.
    #[must_use]
    pub fn upward(&self, floors: &[&[&str]]) -> Vec<Finding> {
        let floor = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
        let mut findings = Vec::new();
        for room in self.rooms().filter(|room| floor(room).is_none()) {
            let text = format!("the module {room} stands on no floor: give it one in the test");
            findings.push(Finding { place: room.to_owned(), text });
        }
        for name in floors.iter().copied().flatten() {
            if !self.rooms().any(|room| room == *name) {
                let text = format!("there is no module {name} any more: take it off its floor");
                findings.push(Finding { place: (*name).to_owned(), text });
            }
        }
        for Import { from, to, at } in self.imports() {
            if let (Some(from), Some(to)) = (from.first(), to.first())
                && let (Some(low), Some(high)) = (floor(from), floor(to))
                && low < high
            {
                let text = format!("{at}: {from} imports {to}, which stands on a higher floor");
                findings.push(Finding { place: format!("{from} -> {to}"), text });
            }
        }
        findings
    }

    /// Sets of modules beside each other that need each other. Places are the modules with blanks
    /// between, after the path of the module that holds them: `session: answer replay table`.
    #[must_use]
    pub fn circles(&self) -> Vec<Finding> {
        circles::circles(&self.imports())
    }

    /// The innermost module that a path leads into; `None` if it leaves the crate.
    fn resolve(&self, from: &Place, path: &[String], renames_left: usize) -> Option<Place> {
        let left = renames_left.checked_sub(1)?;
        let mut parts = path.iter();
        let first = parts.next()?;
        let here = self.known.get(from)?;
        let mut place = match first.as_str() {
            "crate" => Place::new(),
            "self" => from.clone(),
            "super" => parent(from)?,
            name if here.children.contains(name) => below(from, name),
            name => {
                let renamed = here.names.get(name).filter(|renamed| *renamed != path)?;
                self.resolve(from, renamed, left)?
            }
        };
        for part in parts {
            let module = self.known.get(&place)?;
            place = match part.as_str() {
                "super" => parent(&place)?,
                name if module.children.contains(name) => below(&place, name),
                name => match module.names.get(name) {
                    Some(renamed) => match self.resolve(&place, renamed, left) {
                        Some(there) => there,
                        None => break,
                    },
                    None => break,
                },
            };
        }
        Some(place)
    }
}

impl Module {
    fn new(file: String, scan: Scan) -> Self {
        let children = scan.files.into_iter().chain(scan.inline).collect();
        Self { file, children, names: scan.names, paths: scan.paths }
    }
}

fn parent(place: &Place) -> Option<Place> {
    place.split_last().map(|(_, parent)| parent.to_vec())
}

fn below(place: &Place, name: &str) -> Place {
    place.iter().cloned().chain([name.to_owned()]).collect()
}

#[cfg(test)]
mod tests;
