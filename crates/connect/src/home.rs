//! The user's own folder, and where clients keep their files in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::clients::File;
use crate::os::Os;

/// A user's own folder.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PathBuf,
    os: Os,
    variables: Vec<(String, OsString)>,
}

impl Home {
    /// The home folder of whoever runs this. `variable` looks a variable of the environment up.
    /// Nothing, if there is none that outlives this process: no `HOME`, `/`, or a folder that this
    /// process must not write in.
    #[must_use]
    pub fn of_this_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder = PathBuf::from(variable("HOME").filter(|home| !home.is_empty())?);
        if !folder.is_absolute() || folder == Path::new("/") || !folder.is_dir() {
            return None;
        }
        rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK).ok()?;
        let moved = crate::clients().filter_map(|client| client.file.as_ref()?.moved_by);
        let mut home = Self::at(folder);
        for (name, _) in moved {
            if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
                home = home.with_variable(name, value);
            }
        }
        Some(home)
    }

    /// A home folder, of the system whose usual folders it has.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let os = if cfg!(target_os = "macos") || folder.join("Library/Preferences").is_dir() {
            Os::Macos
        } else if folder.join("AppData/Roaming").is_dir() {
            Os::Windows
        } else {
            Os::Linux
        };
        Self { folder, os, variables: Vec::new() }
    }

    /// The same, where a variable of the environment moves a client's folder.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Where a client's file is: the first of its places where there is one, else the first.
    #[must_use]
    pub fn file(&self, file: &File) -> PathBuf {
        let mut places = file.paths(self.os).iter().map(|path| self.expand(path, file.moved_by));
        let first = places.next().unwrap_or_default();
        let exists = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
        if exists(&first) { first } else { places.find(exists).unwrap_or(first) }
    }

    fn expand(&self, path: &str, moved_by: Option<(&str, &str)>) -> PathBuf {
        if let Some((variable, part)) = moved_by
            && let Some(below) = path.strip_prefix(part)
            && let Some((_, folder)) = self.variables.iter().find(|(name, _)| name == variable)
        {
            return Path::new(folder).join(below.trim_start_matches('/'));
        }
        self.folder.join(path.strip_prefix("~/").unwrap_or(path))
    }
}
