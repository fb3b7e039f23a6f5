//! The folder of several accounts (`DREMIO_ACCOUNTS_DIR`): a folder for each, named after it, with
//! the files `username` and `password`.
//!
//! What stands there may be anything. Each account is judged by itself whenever its credentials are
//! needed: links that lead out, pipes, huge files and files that every user of the machine may read
//! or change are refused, with the cure, and no other account notices. Links inside the folder are
//! followed, because Kubernetes projects secrets by them.

mod listing;

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use service_kit::{SecretError, SecretSource};
use token_file::AccountName;

pub(crate) use listing::{Listing, follow, list};

/// Most accounts that are kept. Each costs Dremio a login a day and a check every few minutes; a
/// guess at far more than one team has.
pub(crate) const ACCOUNTS_MAX: usize = 256;

/// Who may use a file: everybody, in this way.
const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_ENTER: u32 = 0o001;

/// The folder of one account.
#[derive(Clone, Debug)]
pub(crate) struct AccountFolder {
    accounts: PathBuf,
    name: AccountName,
}

/// Why a file of an account is not used. The text holds paths, never the content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("{path} does not exist; write the {what} of the account into it")]
    Missing { path: String, what: &'static str },
    #[error("{path} is not a folder; an account is a folder with the files username and password")]
    NotAFolder { path: String },
    #[error("{path} is a link to a place outside of {accounts}; put the file itself there")]
    LeavesFolder { path: String, accounts: String },
    #[error(
        "user {user_id} may not read {path}; give it to that user (chown -R {user_id} {folder})"
    )]
    Closed { path: String, folder: String, user_id: u32 },
    #[error("every user of this machine may {may} {path}; close it with `chmod -R o-rwx {folder}`")]
    OpenToAll { may: &'static str, path: String, folder: String },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("cannot look at {path}")]
    Io { path: String, source: io::Error },
}

impl AccountFolder {
    pub(crate) fn new(accounts: PathBuf, name: AccountName) -> Self {
        Self { accounts, name }
    }

    /// Where a file of the account is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder().join(file)
    }

    /// Where the account's folder is.
    pub(crate) fn folder(&self) -> PathBuf {
        self.accounts.join(self.name.as_str())
    }

    /// Reads the user name. Synchronous, like all of this.
    pub(crate) fn username(&self) -> Result<SecretString, FolderError> {
        self.read("username", "user name", OTHERS_WRITE)
    }

    /// Reads the password.
    pub(crate) fn password(&self) -> Result<SecretString, FolderError> {
        self.read("password", "password", OTHERS_READ | OTHERS_WRITE)
    }

    /// Reads a file that may not be open to everybody in one of the ways `forbidden`.
    fn read(
        &self,
        file: &str,
        what: &'static str,
        forbidden: u32,
    ) -> Result<SecretString, FolderError> {
        let path = self.path(file);
        let shown = || path.display().to_string();
        let real_folder = self.canonical(&self.accounts, what)?;
        if !self.folder().metadata().is_ok_and(|found| found.is_dir()) {
            self.canonical(&self.folder(), what)?;
            return Err(FolderError::NotAFolder { path: self.folder().display().to_string() });
        }
        let real = self.canonical(&path, what)?;
        if !real.starts_with(&real_folder) {
            let accounts = self.accounts.display().to_string();
            return Err(FolderError::LeavesFolder { path: shown(), accounts });
        }
        let on_the_way = real
            .ancestors()
            .map(|place| place.metadata().map(|found| Place::of(&found)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| FolderError::Io { path: shown(), source })?;
        let inside = real.components().count() - real_folder.components().count();
        if let Some(may) = open_to_all(&on_the_way, inside, forbidden) {
            let folder = self.folder().display().to_string();
            return Err(FolderError::OpenToAll { may, path: shown(), folder });
        }
        match SecretSource::File(real).read() {
            Err(SecretError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Err(self.closed(&path))
            }
            read => Ok(read?),
        }
    }

    fn canonical(&self, path: &Path, what: &'static str) -> Result<PathBuf, FolderError> {
        let shown = || path.display().to_string();
        fs::canonicalize(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FolderError::Missing { path: shown(), what },
            io::ErrorKind::PermissionDenied => self.closed(path),
            _ => FolderError::Io { path: shown(), source },
        })
    }

    fn closed(&self, path: &Path) -> FolderError {
        FolderError::Closed {
            path: path.display().to_string(),
            folder: self.folder().display().to_string(),
            user_id: rustix::process::geteuid().as_raw(),
        }
    }
}

/// What counts of a file or a folder on the way to it.
#[derive(Clone, Copy, Debug)]
struct Place {
    mode: u32,
    device: u64,
}

impl Place {
    fn of(found: &Metadata) -> Self {
        Self { mode: found.mode(), device: found.dev() }
    }

    fn lets_others(self, what: u32) -> bool {
        self.mode & what != 0
    }
}

/// What everybody may do to a file, if that is in `forbidden`. `places` are the file and the
/// folders above it up to the root; `inside` of them, counted from the file, are below the folder
/// of the accounts.
///
/// Somebody gets at a file only through every folder above it. Where the file, or the folder that
/// it is in, or that of the accounts is mounted, as in a container, nobody can see from here
/// through which folders others would come, and inside of the container there are no others: then
/// nothing is forbidden.
fn open_to_all(places: &[Place], inside: usize, forbidden: u32) -> Option<&'static str> {
    let is_mounted = places
        .iter()
        .zip(places.iter().skip(1))
        .take(inside + 1)
        .any(|(place, above)| place.device != above.device);
    let (file, folders) = places.split_first()?;
    if is_mounted || !folders.iter().all(|folder| folder.lets_others(OTHERS_ENTER)) {
        return None;
    }
    let own = folders.iter().take(inside.saturating_sub(1));
    let is_writable = file.lets_others(OTHERS_WRITE)
        || own.into_iter().any(|folder| folder.lets_others(OTHERS_WRITE));
    if forbidden & OTHERS_WRITE != 0 && is_writable {
        return Some("change");
    }
    (forbidden & OTHERS_READ != 0 && file.lets_others(OTHERS_READ)).then_some("read")
}

#[cfg(test)]
mod tests;
