//! A folder for files that nobody else may see and that must not stay behind, not even after a crash.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder of mode 0700 among the temporary files, removed when dropped. The next one of the same purpose removes those that
/// processes left behind which were killed.
#[derive(Debug)]
pub struct PrivateFolder(TempDir);

impl PrivateFolder {
    /// Makes a folder whose name starts with `purpose` and this process's id.
    ///
    /// # Errors
    /// When the folder for temporary files is not writable.
    pub fn new(purpose: &str) -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        remove_orphans(&temporary, purpose);
        let prefix = format!("{purpose}-{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).permissions(Permissions::from_mode(0o700)).tempdir_in(temporary)?;
        Ok(Self(folder))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Removes this user's folders of `purpose` whose process is gone. What cannot be read or removed is left alone.
fn remove_orphans(temporary: &Path, purpose: &str) {
    let own = rustix::process::getuid().as_raw();
    for entry in temporary.read_dir().into_iter().flatten().flatten() {
        let is_orphan = entry.file_name().to_str().and_then(|name| process_in(name, purpose)).is_some_and(|process| !is_alive(process));
        let is_ours = entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own);
        if is_orphan && is_ours && std::fs::remove_dir_all(entry.path()).is_ok() {
            tracing::info!(folder = %entry.path().display(), "removed a folder that a killed process left behind");
        }
    }
}

/// The process id in `purpose-ID-random`.
fn process_in(name: &str, purpose: &str) -> Option<u32> {
    name.strip_prefix(purpose)?.strip_prefix('-')?.split_once('-')?.0.parse().ok()
}

fn is_alive(process: u32) -> bool {
    PathBuf::from(format!("/proc/{process}")).exists()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{PrivateFolder, process_in};

    #[test]
    fn names_carry_their_process() {
        assert_eq!(process_in("thing-42-abc", "thing"), Some(42));
        for foreign in ["thing-x-abc", "thing-42", "things-42-abc", "other-42-abc"] {
            assert_eq!(process_in(foreign, "thing"), None, "{foreign}");
        }
    }

    #[test]
    fn a_folder_is_private_and_orphans_of_its_kind_are_removed() {
        let purpose = format!("service-kit-test{}", std::process::id());
        // No process has the highest id that Linux can be set to give.
        let orphan = std::env::temp_dir().join(format!("{purpose}-4194304-left"));
        std::fs::create_dir(&orphan).unwrap();
        std::fs::write(orphan.join("token"), "x").unwrap();
        let folder = PrivateFolder::new(&purpose).unwrap();
        assert!(!orphan.exists());
        assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let second = PrivateFolder::new(&purpose).unwrap();
        assert!(folder.path().exists(), "its process lives");
        let path = second.path().to_owned();
        drop(second);
        assert!(!path.exists());
    }
}
