//! The log as a file that cannot fill the disk: at 8 MiB it becomes `FILE.1`, in place of the one
//! before, and begins anew.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

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
}

impl LogFile {
    /// Opens the file at `path` to write on at its end, and closes it to other users.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (file, bytes) = open(path)?;
        Ok(Self(Arc::new(Mutex::new(Open { path: path.to_owned(), file, bytes }))))
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
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open_file = self.0.lock();
        if open_file.bytes >= BYTES_MAX {
            let mut before = OsString::from(&open_file.path);
            before.push(".1");
            std::fs::rename(&open_file.path, before)?;
            (open_file.file, open_file.bytes) = open(&open_file.path)?;
        }
        let written = open_file.file.write(bytes)?;
        open_file.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().file.flush()
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
}
