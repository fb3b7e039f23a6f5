//! A user's own file: read with care, kept, and replaced in one step.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Settings are some kB; Claude Code's file grows to some MB.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// No real set-up has more; another one would be the sign of a loop.
const BACKUPS_MAX: usize = 1000;

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written; what was there is still there.
    #[error("cannot write {}; it is as it was", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A link to nothing.
    #[error(
        "{} is a link to a file that does not exist: create that file, or delete the link",
        path.display()
    )]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// A folder, or something stranger.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Replacing it would make it ours.
    #[error("{} belongs to another user: run this as that user", path.display())]
    NotYours {
        /// The file.
        path: PathBuf,
    },
    /// Somebody wants it to stay.
    #[error("{} is read-only: chmod u+w '{}'", path.display(), path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No client's settings are so long.
    #[error("{} is longer than 64 MiB: is it the right file?", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Some other encoding.
    #[error("{} is not UTF-8 text: save it as UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Its client writes it all the time.
    #[error("{} changed while it was edited: quit the client, and try again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// A file as it was when it was read.
#[derive(Debug)]
pub(crate) struct Original {
    /// The file itself, behind all links.
    path: PathBuf,
    /// Its text, if it exists.
    pub(crate) text: Option<String>,
}

impl Original {
    /// Reads the file at `path`, which need not exist.
    ///
    /// # Errors
    /// When it is there and cannot be replaced without harm: it is no file, not the user's, not to
    /// be written, or no text.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Unreadable { path: path.to_owned(), source };
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), text: None });
            }
            Err(cause) => return Err(failed(cause)),
        };
        // What a link leads to is replaced, never the link: folders of settings are often kept
        // elsewhere.
        let (real, metadata) = if metadata.is_symlink() {
            let real = fs::canonicalize(path)
                .map_err(|_| FileError::DanglingLink { path: path.to_owned() })?;
            let metadata = fs::metadata(&real).map_err(failed)?;
            (real, metadata)
        } else {
            (path.to_owned(), metadata)
        };
        if !metadata.is_file() {
            return Err(FileError::NotAFile { path: real });
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(FileError::NotYours { path: real });
        }
        if metadata.mode() & 0o200 == 0 {
            return Err(FileError::ReadOnly { path: real });
        }
        if metadata.len() > BYTES_MAX {
            return Err(FileError::TooLong { path: real });
        }
        let text = read_text(&real)?;
        Ok(Self { path: real, text: Some(text) })
    }

    /// Puts `text` in its place, readable by its owner alone, and keeps what was there in a file
    /// beside it. Gives the path of that.
    ///
    /// # Errors
    /// When something could not be written; the file is as it was then.
    pub(crate) fn replace(&self, text: &str) -> Result<Option<PathBuf>, FileError> {
        let failed = |source: io::Error| FileError::Unwritable { path: self.path.clone(), source };
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        if self.text.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        // Mode 0600: it may hold a key.
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        new.write_all(text.as_bytes()).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        let backup = self.text.as_deref().map(|old| self.keep(old)).transpose().map_err(failed)?;
        // Some clients write their file all the time.
        let now = Self::read(&self.path)?.text;
        if now != self.text {
            if let Some(backup) = backup {
                let _stays = fs::remove_file(backup);
            }
            return Err(FileError::Changed { path: self.path.clone() });
        }
        match self.text {
            Some(_) => new.persist(&self.path).map(drop),
            None => new.persist_noclobber(&self.path).map(drop),
        }
        .map_err(|cause| failed(cause.error))?;
        // The new name is on the disk when the folder is. Not all file systems can do that.
        let _unsynced = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(backup)
    }

    fn keep(&self, text: &str) -> io::Result<PathBuf> {
        for number in 1..=BACKUPS_MAX {
            let mut name = self.path.clone().into_os_string();
            name.push(if number == 1 { ".backup".to_owned() } else { format!(".backup-{number}") });
            let backup = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&backup) {
                Ok(mut file) => {
                    file.write_all(text.as_bytes())?;
                    file.sync_all()?;
                    return Ok(backup);
                }
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Err(io::Error::other(format!("there are {BACKUPS_MAX} backups of it: delete some")))
    }

    /// The file itself, behind all links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn read_text(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.to_owned() })
}
