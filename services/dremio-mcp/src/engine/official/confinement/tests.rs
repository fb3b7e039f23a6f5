//! Which paths stay open beside the hidden ones. `tests/it/confinement.rs` checks that the kernel
//! enforces it.

use std::fs::{create_dir_all, write};
use std::os::unix::fs::symlink;

use super::*;

/// A tree of files in a temporary folder.
struct Tree(tempfile::TempDir);

impl Tree {
    fn with(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, "x").unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// The open paths, relative to the tree, sorted.
    fn open(&self, hidden: &[&str]) -> Vec<String> {
        let confinement = Confinement {
            hidden: hidden.iter().map(|name| self.path(name)).collect(),
            writable: Vec::new(),
        };
        let root = self.path("");
        let open = beside(&root, &confinement.hidden());
        let mut open: Vec<String> = open
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
            .collect();
        open.sort_unstable();
        open
    }
}

#[test]
fn everything_beside_hidden_paths_is_open() {
    let tree = Tree::with(&[
        "usr/bin/python",
        "tokens/token.json",
        "home/ada/keys",
        "home/ada/work/server.py",
        "home/bob/notes",
    ]);
    assert_eq!(tree.open(&["tokens", "home/ada/keys"]), ["home/ada/work", "home/bob", "usr"]);
    assert_eq!(tree.open(&[]), ["home", "tokens", "usr"]);
}

#[test]
fn a_path_that_does_not_exist_yet_is_hidden_too() {
    let tree = Tree::with(&["srv/other", "usr/x"]);
    assert_eq!(tree.open(&["srv/tokens/token.json"]), ["srv/other", "usr"]);
}

#[test]
fn the_target_of_a_hidden_link_is_hidden() {
    let tree = Tree::with(&["secrets/..2026/keys", "secrets/other", "usr/x"]);
    symlink(tree.path("secrets/..2026"), tree.path("secrets/..data")).unwrap();
    symlink("..data/keys", tree.path("secrets/keys")).unwrap();
    symlink(tree.path("secrets"), tree.path("usr/way-in")).unwrap();
    symlink(tree.path("secrets"), tree.path("alias")).unwrap();
    assert_eq!(tree.open(&["secrets/keys"]), ["secrets/other", "usr"]);
    assert_eq!(tree.open(&["alias/keys"]), ["secrets/other", "usr"]);
    assert_eq!(tree.open(&["secrets"]), ["usr"]);
}

#[test]
fn a_program_in_a_hidden_folder_keeps_only_its_own_tree() {
    let tree =
        Tree::with(&["project/token.json", "project/.venv/bin/server", "project/.venv/lib/x"]);
    let hidden = [tree.path("project")];
    assert_eq!(
        own_tree(&tree.path("project/.venv/bin/server"), &hidden),
        Some(tree.path("project/.venv"))
    );
    assert_eq!(
        own_tree(&tree.path("project/server"), &hidden),
        None,
        "that would open the token as well"
    );
    assert_eq!(own_tree(Path::new("/usr/bin/python3"), &hidden), None, "it is open anyway");
    let hidden = [tree.path("project"), tree.path("project/.venv/keys")];
    assert_eq!(own_tree(&tree.path("project/.venv/bin/server"), &hidden), None);
}
