//! Replaces the token file in one step.
//!
//! A temporary file in the same folder gets its mode and content, is synced to disk, and is then
//! renamed to the file. A failure before that leaves the old file as it was. There is one writer
//! per file: opening a second one removes the temporary files of the first.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::Token;
use crate::read::folder_of;

/// The owner writes, the group reads, others have no access: the reading service shares the group,
/// not the user.
const FILE_MODE: u32 = 0o640;

/// Suffix of our temporary files, to recognise leftovers.
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Random characters in a temporary file's name: enough to be unique, and a fixed number to
/// recognise leftovers by.
const TEMPORARY_RANDOM_CHARS: usize = 12;

/// Content of the write check, about as large as the real one, to detect a full disk.
const CHECK_CONTENT: [u8; 128] = [b' '; 128];

/// Why the token file could not be written. The existing file is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The path does not end in a file name.
    #[error("{path} does not name a file; set TOKEN_FILE to a file, like /tokens/token.json")]
    NoFileName {
        /// The path as configured.
        path: String,
    },
    /// The folder does not exist.
    #[error(
        "the folder {folder} does not exist; create it, or mount the volume for the token file \
         there"
    )]
    FolderMissing {
        /// The folder that should hold the file.
        folder: String,
    },
    /// The folder is not a folder.
    #[error("{folder} is not a folder; set TOKEN_FILE to a file inside of a folder")]
    FolderNotAFolder {
        /// The path that should be a folder.
        folder: String,
    },
    /// A folder, pipe, socket or device has the file's name.
    #[error("{path} is not a regular file; remove it, or set TOKEN_FILE to another name")]
    TargetNotAFile {
        /// The path of the token file.
        path: String,
    },
    /// The file itself is a mount point, so it cannot be replaced.
    #[error("{path} is mounted as a single file and cannot be replaced; mount its folder instead")]
    TargetIsMount {
        /// The path of the token file.
        path: String,
    },
    /// This process's user may not write to the folder.
    #[error(
        "user {user_id} may not write to {folder}; make the folder writable for that user \
         (chown {user_id} {folder})"
    )]
    PermissionDenied {
        /// The folder that should hold the file.
        folder: String,
        /// The numeric id of this process's user.
        user_id: u32,
    },
    /// The file system is mounted read-only.
    #[error(
        "{folder} is mounted read-only; mount it read-write for token-refresher, and read-only for \
         the others"
    )]
    ReadOnly {
        /// The folder that should hold the file.
        folder: String,
    },
    /// No space, inodes or quota left.
    #[error(
        "the disk that holds {folder} is full; free some space (of Docker's: docker system prune)"
    )]
    DiskFull {
        /// The folder that should hold the file.
        folder: String,
    },
    /// The token is not one that [`read`](crate::read()) would accept.
    #[error("the token has characters or a length that no Dremio token has; it was not written")]
    BadToken,
    /// The operating system reported something else.
    #[error("could not {step} in {folder}")]
    Io {
        /// The step that failed.
        step: &'static str,
        /// The folder that should hold the file.
        folder: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
}

impl WriteError {
    /// The stable name of the cause, for metrics, readiness and tests.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            WriteError::NoFileName { .. } => "no_file_name",
            WriteError::FolderMissing { .. } => "folder_missing",
            WriteError::FolderNotAFolder { .. } => "folder_not_a_folder",
            WriteError::TargetNotAFile { .. } => "target_not_a_file",
            WriteError::TargetIsMount { .. } => "target_is_mount",
            WriteError::PermissionDenied { .. } => "permission_denied",
            WriteError::ReadOnly { .. } => "read_only",
            WriteError::DiskFull { .. } => "disk_full",
            WriteError::BadToken => "bad_token",
            WriteError::Io { .. } => "io",
        }
    }

    /// A step in `folder` failed.
    pub(crate) fn of(step: &'static str, folder: &Path, source: io::Error) -> Self {
        let folder = folder.display().to_string();
        match source.kind() {
            io::ErrorKind::NotFound => WriteError::FolderMissing { folder },
            io::ErrorKind::NotADirectory => WriteError::FolderNotAFolder { folder },
            io::ErrorKind::PermissionDenied => WriteError::PermissionDenied {
                folder,
                user_id: rustix::process::geteuid().as_raw(),
            },
            io::ErrorKind::ReadOnlyFilesystem => WriteError::ReadOnly { folder },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                WriteError::DiskFull { folder }
            }
            _ => WriteError::Io { step, folder, source },
        }
    }
}

/// Writes one token file. Not `Clone`: one file has one writer.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    folder: PathBuf,
    file_name: OsString,
}

impl Writer {
    /// Checks that `path` can be written: removes temporary files of a crashed writer, then
    /// creates, syncs and removes a temporary file in the folder. The token file itself is not
    /// touched.
    ///
    /// # Errors
    /// What is wrong with the volume, and the cure. A retry helps only after that.
    pub fn open(path: PathBuf) -> Result<Self, WriteError> {
        let writer = Writer::at(path)?;
        writer.check_places()?;
        writer.remove_leftovers();
        writer.check_space()?;
        Ok(writer)
    }

    /// The same check as [`open`](Self::open), but without removing temporary files of another
    /// writer: for a check from outside.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn check(path: PathBuf) -> Result<(), WriteError> {
        let writer = Writer::at(path)?;
        writer.check_places()?;
        writer.check_space()
    }

    /// Replaces the file's content with `token`. When this returns, the new file is on disk.
    ///
    /// The call is synchronous and waits for the disk; in async code it belongs into
    /// `spawn_blocking`.
    ///
    /// # Errors
    /// The old file is untouched and no temporary file remains. A retry helps once the cause is
    /// gone, for example a full disk. One exception: if only the final sync of the folder failed,
    /// the new token is already in place, and writing it again is harmless.
    pub fn write(&self, token: &Token) -> Result<(), WriteError> {
        if !token.is_sendable() {
            return Err(WriteError::BadToken);
        }
        let content = content_of(token).map_err(|source| self.error("encode the token", source))?;
        self.temporary(&content)?
            .persist(&self.path)
            .map_err(|failure| self.error("rename the temporary file", failure.error))?;
        self.sync_folder().map_err(|source| self.error("sync the folder", source))
    }

    /// Creates the file with this content if it does not exist, in one step; returns whether it
    /// did. The file is then on disk.
    pub(crate) fn create(&self, content: &[u8]) -> Result<bool, WriteError> {
        match self.temporary(content)?.persist_noclobber(&self.path) {
            Ok(_) => self
                .sync_folder()
                .map(|()| true)
                .map_err(|source| self.error("sync the folder", source)),
            Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(failure) => Err(self.error("rename the temporary file", failure.error)),
        }
    }

    /// The token file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A writer for the file at `path`, without any check.
    pub(crate) fn at(path: PathBuf) -> Result<Self, WriteError> {
        match path.file_name().map(OsStr::to_owned) {
            Some(file_name) => Ok(Self { folder: folder_of(&path), file_name, path }),
            None => Err(WriteError::NoFileName { path: path.display().to_string() }),
        }
    }

    fn check_space(&self) -> Result<(), WriteError> {
        self.temporary(&CHECK_CONTENT)?
            .close()
            .map_err(|source| self.error("remove a temporary file", source))
    }

    fn check_places(&self) -> Result<(), WriteError> {
        let folder = fs::metadata(&self.folder)
            .map_err(|source| self.error("look at the folder", source))?;
        if !folder.is_dir() {
            return Err(WriteError::FolderNotAFolder { folder: self.folder.display().to_string() });
        }
        match fs::metadata(&self.path) {
            Ok(target) if !target.is_file() => {
                Err(WriteError::TargetNotAFile { path: self.path.display().to_string() })
            }
            Ok(_) if is_mount_point(&self.path) => {
                Err(WriteError::TargetIsMount { path: self.path.display().to_string() })
            }
            // Absent, a dangling link, or unreadable: all of them can be replaced.
            _ => Ok(()),
        }
    }

    /// Removes temporary files of killed processes. Best effort: one that stays does no harm.
    pub(crate) fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && self.is_temporary_name(&entry.file_name()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// `.<file name>.`: hidden, and recognisable as belonging to this token file.
    fn temporary_prefix(&self) -> OsString {
        let mut prefix = OsString::from(".");
        prefix.push(&self.file_name);
        prefix.push(".");
        prefix
    }

    fn is_temporary_name(&self, name: &OsStr) -> bool {
        let prefix = self.temporary_prefix();
        name.as_encoded_bytes()
            .strip_prefix(prefix.as_encoded_bytes())
            .and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX.as_bytes()))
            .is_some_and(|random| {
                random.len() == TEMPORARY_RANDOM_CHARS
                    && random.iter().all(u8::is_ascii_alphanumeric)
            })
    }

    /// A temporary file in the folder with the final mode and `content`, synced to disk. It is
    /// removed when dropped.
    fn temporary(&self, content: &[u8]) -> Result<NamedTempFile, WriteError> {
        let mut file = tempfile::Builder::new()
            .prefix(&self.temporary_prefix())
            .suffix(TEMPORARY_SUFFIX)
            .rand_bytes(TEMPORARY_RANDOM_CHARS)
            .tempfile_in(&self.folder)
            .map_err(|source| self.error("create a temporary file", source))?;
        // Created with 0600; the final mode is set explicitly, because the umask may remove bits at
        // creation.
        file.as_file()
            .set_permissions(Permissions::from_mode(FILE_MODE))
            .map_err(|source| self.error("set the mode of a temporary file", source))?;
        file.write_all(content).map_err(|source| self.error("write a temporary file", source))?;
        file.as_file().sync_all().map_err(|source| self.error("sync a temporary file", source))?;
        Ok(file)
    }

    /// Makes the rename survive a power cut. Some network and FUSE file systems cannot sync a
    /// folder and report that.
    fn sync_folder(&self) -> io::Result<()> {
        match File::open(&self.folder)?.sync_all() {
            Err(cause)
                if matches!(
                    Errno::from_io_error(&cause),
                    Some(Errno::INVAL | Errno::NOTSUP | Errno::BADF)
                ) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    fn error(&self, step: &'static str, source: io::Error) -> WriteError {
        match source.kind() {
            io::ErrorKind::IsADirectory => {
                WriteError::TargetNotAFile { path: self.path.display().to_string() }
            }
            io::ErrorKind::ResourceBusy => {
                WriteError::TargetIsMount { path: self.path.display().to_string() }
            }
            _ => WriteError::of(step, &self.folder, source),
        }
    }
}

/// Whether something is mounted exactly at `path`, like a bind mount of a single file. It cannot be
/// replaced by a rename.
#[cfg(target_os = "linux")]
fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    // An old kernel or a sandbox does not set this attribute: then the rename fails instead.
    statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// On other systems the rename fails instead.
#[cfg(not(target_os = "linux"))]
fn is_mount_point(_path: &Path) -> bool {
    false
}

#[derive(Serialize)]
struct Content<'a> {
    token: &'a str,
    expires_at: String,
}

fn content_of(token: &Token) -> io::Result<Zeroizing<Vec<u8>>> {
    let content = Content {
        token: token.secret().expose_secret(),
        expires_at: token.expires_at().to_string(),
    };
    // The buffer never grows, so no copy of the token stays in freed memory.
    let mut buffer = Zeroizing::new(Vec::with_capacity(2 * content.token.len() + 128));
    serde_json::to_writer(&mut *buffer, &content)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests;
