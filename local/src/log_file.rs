//! The log as a file that cannot fill the disk: at 8 MiB it becomes `FILE.1`, in place of the one
//! before, and begins anew.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::screen::say;

/// With the one before it, twice this: some days of a busy installation.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A log file, which all that write in it share.
#[derive(Clone, Debug)]
pub(crate) struct LogFile(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Whether the last line could not be written.
    is_stuck: bool,
}

impl Open {
    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes >= BYTES_MAX {
            let mut before = OsString::from(&self.path);
            before.push(".1");
            std::fs::rename(&self.path, before)?;
            (self.file, self.bytes) = open(&self.path)?;
        }
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl LogFile {
    /// Opens the file at `path` to write on at its end, and closes it to other users.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (file, bytes) = open(path)?;
        let path = path.to_owned();
        Ok(Self(Arc::new(Mutex::new(Open { path, file, bytes, is_stuck: false }))))
    }

    /// Where it is, as a path that is right from any folder.
    pub(crate) fn path(&self) -> PathBuf {
        let open_file = self.0.lock();
        std::path::absolute(&open_file.path).unwrap_or_else(|_| open_file.path.clone())
    }

    /// Another handle of the file as it is now, for standard error.
    ///
    /// # Errors
    /// When the system has no more handles.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.0.lock().file.try_clone()
    }
}

impl Write for LogFile {
    /// Never fails: who logs can do nothing about a full disk. It is said once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open_file = self.0.lock();
        let added = open_file.add(bytes);
        let was_stuck = std::mem::replace(&mut open_file.is_stuck, added.is_err());
        if let (Err(cause), false) = (added, was_stuck) {
            let path = open_file.path.display();
            say(&format!("note: cannot log into {path} at the moment: {cause}"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok((file, metadata.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[cfg(target_os = "linux")]
    use super::Open;
    use super::{BYTES_MAX, LogFile};

    #[test]
    fn a_log_goes_on_is_private_and_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let (path, before) = (folder.path().join("log"), folder.path().join("log.1"));
        std::fs::write(&path, "old\n").unwrap();
        let mut log = LogFile::open(&path).unwrap();
        log.write_all(b"new\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old\nnew\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let block = vec![b'x'; 1024 * 1024];
        for _ in 0..20 {
            log.write_all(&block).unwrap();
        }
        for file in [&path, &before] {
            assert!(file.metadata().unwrap().len() <= BYTES_MAX + block.len() as u64);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(LogFile::open(folder.path()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_stops_nobody_who_logs() {
        let path = std::path::PathBuf::from("/dev/full");
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let open_file = Open { path, file, bytes: 0, is_stuck: false };
        let mut log = LogFile(std::sync::Arc::new(parking_lot::Mutex::new(open_file)));
        log.write_all(b"a line\n").unwrap();
        assert!(log.0.lock().is_stuck);
    }
}
