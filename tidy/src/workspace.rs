//! The packages of the workspace, and the files of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Folders that hold what was built or fetched, wherever they are.
const NOT_OURS: [&str; 4] = [".git", "node_modules", "target", "__pycache__"];

/// The checkout that this crate was built from.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug)]
pub struct Package {
    /// Its name in Cargo.toml.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, relative to the root, such as `crates/token-file`.
    pub folder: String,
    /// Root files of its library and programs, relative to the root.
    pub roots: Vec<String>,
    /// What it depends on inside the workspace.
    pub dependencies: Vec<Dependency>,
}

/// A dependency between two members.
#[derive(Debug)]
pub struct Dependency {
    /// The other package.
    pub name: String,
    /// Whether only its tests, examples and benchmarks use it.
    pub tests_only: bool,
}

impl Workspace {
    /// Reads `cargo metadata` of the workspace that this crate belongs to.
    ///
    /// # Errors
    /// When cargo does not run, or says something else than metadata.
    pub fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("cargo metadata does not run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata failed: {said}");
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let packages = list(&metadata, "packages").map(|it| package(it, &root)).collect();
        Ok(Self { root, packages })
    }

    /// All members.
    #[must_use]
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The member of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn package(&self, name: &str) -> Result<&Package> {
        let found = self.packages.iter().find(|package| package.name == name);
        found.with_context(|| format!("the workspace has no package {name}"))
    }

    /// The folder of the checkout.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file's text, by its path relative to the root.
    ///
    /// # Errors
    /// When it cannot be read as text.
    pub fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| path.to_owned())
    }

    /// Files whose names end so, relative to the root and sorted; `""` for all. What git ignores is
    /// not looked at.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self, ending: &str) -> Result<Vec<String>> {
        let ignored = self.read(".gitignore")?;
        let ignored: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).collect();
        let mut found = Vec::new();
        walk(&self.root, "", &mut |path| {
            if !ignored.contains(&path) && path.ends_with(ending) {
                found.push(path.to_owned());
            }
            !ignored.contains(&path)
        })?;
        found.sort();
        Ok(found)
    }
}

/// Calls `visit` for each file, and for each folder before its files: what it refuses is left out.
fn walk(root: &Path, folder: &str, visit: &mut impl FnMut(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type()?.is_dir() {
            visit(&path);
        } else if !NOT_OURS.contains(&name.as_str()) && visit(&path) {
            walk(root, &path, visit)?;
        }
    }
    Ok(())
}

fn package(of: &Value, root: &Path) -> Package {
    let relative = |path: &str| {
        let path = Path::new(path);
        path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
    };
    let manifest = relative(text(of, "manifest_path"));
    let built = |target: &&Value| {
        list(target, "kind").any(|kind| matches!(kind.as_str(), Some("lib" | "bin")))
    };
    let ours = |dependency: &&Value| dependency.get("path").is_some();
    Package {
        name: text(of, "name").to_owned(),
        version: text(of, "version").to_owned(),
        folder: manifest.trim_end_matches("/Cargo.toml").to_owned(),
        roots: list(of, "targets").filter(built).map(|it| relative(text(it, "src_path"))).collect(),
        dependencies: list(of, "dependencies").filter(ours).map(dependency).collect(),
    }
}

fn dependency(of: &Value) -> Dependency {
    Dependency { name: text(of, "name").to_owned(), tests_only: text(of, "kind") == "dev" }
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}
