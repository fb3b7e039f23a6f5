//! Folders and who may use them: a private temporary folder that does not stay behind, not even
//! after a crash; and a check of folders that others made.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::admin::{Condition, ConditionName, Readiness};
use crate::lifecycle::Shutdown;

/// How often a folder is looked at: a mended one is seen within this time.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// A folder of mode 0700 among the temporary files, removed when dropped. The next one of the same
/// purpose removes those that processes left behind which were killed.
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
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(temporary)?;
        Ok(Self(folder))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Says in the condition `name` whether any user of the machine may write in `folder`, and so
/// replace what is in it, until `shutdown` drains. It is a warning: the folder may be shared on
/// purpose, and Kubernetes makes its own so.
pub async fn report_open_folder<N: ConditionName>(
    folder: PathBuf,
    name: N,
    readiness: Readiness<N>,
    shutdown: Shutdown,
) {
    loop {
        let (reply, looked) = oneshot::channel();
        let path = folder.clone();
        // On a thread of its own: a volume may hang, and the runtime would wait for it at the end.
        let thread = std::thread::Builder::new().name("folder-look".into()).spawn(move || {
            // The receiver is gone once a stop was requested.
            let _ = reply.send(is_open_to_all(&path));
        });
        let looked = async { if thread.is_ok() { looked.await.ok() } else { None } };
        tokio::select! {
            looked = looked => if let Some(is_open) = looked {
                readiness.set(name, condition(&folder, is_open));
            },
            () = shutdown.draining() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            () = shutdown.draining() => return,
        }
    }
}

fn condition(folder: &Path, is_open: bool) -> Condition {
    if !is_open {
        return Condition::met();
    }
    let folder = folder.display();
    let message = format!(
        "every user of this machine may write in {folder} and so put another file in the place of \
         those that are there; close it with `chmod o-w {folder}`"
    );
    Condition::met_with_warning("writable_by_all", message)
}

/// Whether every user may make and replace files in `folder`. A sticky bit keeps files from being
/// replaced, not from being made first. A folder that cannot be read is reported by the code that
/// needs it, not here.
#[must_use]
pub fn is_open_to_all(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.mode() & 0o002 != 0)
}

/// Removes this user's folders of `purpose` whose process is gone. What cannot be read or removed
/// is left alone.
fn remove_orphans(temporary: &Path, purpose: &str) {
    let own = rustix::process::getuid().as_raw();
    for entry in temporary.read_dir().into_iter().flatten().flatten() {
        let is_orphan = entry
            .file_name()
            .to_str()
            .and_then(|name| process_in(name, purpose))
            .is_some_and(|process| !is_alive(process));
        let is_ours =
            entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own);
        if is_orphan && is_ours && std::fs::remove_dir_all(entry.path()).is_ok() {
            tracing::info!(
                folder = %entry.path().display(),
                "removed a folder that a killed process left behind"
            );
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

    use std::fs::Permissions;
    use std::time::Duration;

    use super::{PrivateFolder, process_in, report_open_folder};
    use crate::admin::Readiness;
    use crate::lifecycle::Shutdown;

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

    #[tokio::test]
    async fn a_folder_that_everybody_may_write_in_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, expected) in [
            (0o700, None),
            (0o2750, None),
            (0o775, None),
            (0o777, Some("writable_by_all")),
            (0o1777, Some("writable_by_all")),
        ] {
            std::fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let (readiness, shutdown) = (Readiness::new(&["folder"]), Shutdown::new());
            let reporting = tokio::spawn(report_open_folder(
                folder.path().to_owned(),
                "folder",
                readiness.clone(),
                shutdown.clone(),
            ));
            let condition = tokio::time::timeout(Duration::from_secs(30), async {
                loop {
                    let condition = readiness.report().conditions["folder"].clone();
                    if condition.reason.as_deref() != Some("starting") {
                        return condition;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            let condition = condition.await.unwrap();
            assert_eq!(
                (condition.ready, condition.reason.as_deref()),
                (true, expected),
                "{mode:o}"
            );
            assert_eq!(
                condition.message.is_some_and(|message| message.contains("chmod o-w")),
                expected.is_some()
            );
            shutdown.request();
            reporting.await.unwrap();
        }
    }
}
