//! The gateway key: 32 random bytes in `gateway.key` beside the token file. Every gateway of an
//! installation signs with it what it must recognise later, such as session ids.
//!
//! The service that writes the token file creates the key if it is absent, so there is nothing to
//! set up; gateways only read it. Deleting the file rotates the key: a new one is created, and what
//! was signed with the old one is no longer valid.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox};

use crate::read::{folder_of, open, read_content};
use crate::watch::Unread;
use crate::{ReadError, TokenId, Watcher, WriteError, Writer};

/// The file's name, in the folder of the token file.
pub const FILE_NAME: &str = "gateway.key";

/// The size of the key and of the file: that of the hash it is used with.
pub const KEY_BYTES: usize = 32;

/// A gateway key.
pub struct GatewayKey(SecretBox<[u8; KEY_BYTES]>);

impl GatewayKey {
    /// A new key.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Box::new([0_u8; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self(SecretBox::new(bytes)))
    }

    /// Its name for people and logs.
    #[must_use]
    pub fn id(&self) -> TokenId {
        TokenId::of(self.expose_secret())
    }
}

impl ExposeSecret<[u8; KEY_BYTES]> for GatewayKey {
    fn expose_secret(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }
}

impl PartialEq for GatewayKey {
    fn eq(&self, other: &GatewayKey) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewayKey")
    }
}

/// The state of a file that holds no key. Neither a variant nor its text has anything from the
/// file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The first read of a [`Watcher`] has not finished: the volume hangs.
    #[error("{FILE_NAME} has not been read yet; its volume does not answer")]
    Pending,
    /// The file or its folder does not exist.
    #[error("there is no {FILE_NAME} beside the token file; token-refresher makes it")]
    Missing,
    /// This user may not read the file or a folder on the way to it.
    #[error("{FILE_NAME} may not be read by this user; run both services as one user or group")]
    PermissionDenied,
    /// A folder, a pipe, a socket or a device stands where the file should be.
    #[error("{FILE_NAME} is not a regular file")]
    NotAFile,
    /// A symbolic link leads out of the folder.
    #[error("{FILE_NAME} is a symbolic link to a place outside of its folder")]
    LeavesFolder,
    /// It does not have the size of a key.
    #[error("{FILE_NAME} is not {KEY_BYTES} bytes long; delete it, token-refresher makes another")]
    WrongSize,
    /// The operating system reported something else.
    #[error("{FILE_NAME} could not be read")]
    Io(#[source] io::Error),
}

impl KeyError {
    /// The stable name of the state, for readiness and tests.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            KeyError::Pending => "pending",
            KeyError::Missing => "missing",
            KeyError::PermissionDenied => "permission_denied",
            KeyError::NotAFile => "not_a_file",
            KeyError::LeavesFolder => "leaves_folder",
            KeyError::WrongSize => "wrong_size",
            KeyError::Io(_) => "io",
        }
    }
}

impl From<ReadError> for KeyError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Pending => KeyError::Pending,
            ReadError::Missing => KeyError::Missing,
            ReadError::PermissionDenied => KeyError::PermissionDenied,
            ReadError::NotAFile => KeyError::NotAFile,
            ReadError::LeavesFolder => KeyError::LeavesFolder,
            ReadError::Io(cause) => KeyError::Io(cause),
            // The other variants are about the content of a token file.
            _ => KeyError::WrongSize,
        }
    }
}

impl Unread for KeyError {
    fn pending() -> Self {
        KeyError::Pending
    }

    fn failed(cause: io::Error) -> Self {
        KeyError::Io(cause)
    }

    fn is_same(&self, other: &KeyError) -> bool {
        self.reason() == other.reason()
    }
}

/// Why there is no usable key, and none could be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnsureError {
    /// The existing file is not a key. It is left alone: it was put there on purpose.
    #[error(transparent)]
    Unusable(#[from] KeyError),
    /// There is none, and it could not be written.
    #[error("cannot write {FILE_NAME}")]
    Write(#[from] WriteError),
    /// The operating system gives no random numbers.
    #[error("no random numbers for {FILE_NAME}")]
    Random(#[from] getrandom::Error),
}

impl EnsureError {
    /// The stable name of the cause, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            EnsureError::Unusable(cause) => cause.reason(),
            EnsureError::Write(cause) => cause.reason(),
            EnsureError::Random(_) => "no_random_numbers",
        }
    }
}

/// The result of [`ensure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// The key existed.
    Present,
    /// The key was created.
    Made,
}

/// Reads the key beside `token_file`. Synchronous, like [`crate::read()`].
///
/// # Errors
/// Each state without a key has its own [`KeyError`].
pub fn read(token_file: &Path) -> Result<GatewayKey, KeyError> {
    read_file(&path_beside(token_file))
}

/// Reads a key from a file of any name: one that was kept when it was replaced.
///
/// # Errors
/// As of [`read`].
pub fn read_file(file: &Path) -> Result<GatewayKey, KeyError> {
    let content = read_content(&mut open(file)?, KEY_BYTES as u64)?;
    let mut bytes = Box::new([0_u8; KEY_BYTES]);
    if content.len() != KEY_BYTES {
        return Err(KeyError::WrongSize);
    }
    bytes.copy_from_slice(&content);
    Ok(GatewayKey(SecretBox::new(bytes)))
}

/// Watches the key beside `token_file`, reading it every `interval`; see [`Watcher::spawn`].
#[must_use]
pub fn watch(token_file: PathBuf, interval: Duration) -> Watcher<GatewayKey, KeyError> {
    Watcher::over(move || read(&token_file), interval)
}

/// Creates a key beside `token_file` if there is none: in one step, with mode 0640, never over a
/// key that appears meanwhile. Synchronous, and waits for the disk.
///
/// # Errors
/// When the existing file cannot be used, or nothing can be written; see [`EnsureError`]. Nothing
/// has changed then.
pub fn ensure(token_file: &Path) -> Result<Ensured, EnsureError> {
    let writer = Writer::at(path_beside(token_file))?;
    match read(token_file) {
        Ok(_) => {
            // Only once a key exists: until then the files may belong to a process that is creating
            // it.
            writer.remove_leftovers();
            return Ok(Ensured::Present);
        }
        Err(KeyError::Missing) => {}
        Err(unusable) => return Err(unusable.into()),
    }
    let key = GatewayKey::random()?;
    let content = Zeroizing::new(*key.expose_secret());
    match writer.create(content.as_slice()) {
        Ok(true) => Ok(Ensured::Made),
        // Another process was faster, or a dangling link has the name.
        Ok(false) => Ok(read(token_file).map(|_| Ensured::Present)?),
        // The faster process may have removed our temporary file as a leftover.
        Err(failed) => read(token_file).map(|_| Ensured::Present).map_err(|_| failed.into()),
    }
}

fn path_beside(token_file: &Path) -> PathBuf {
    folder_of(token_file).join(FILE_NAME)
}

#[cfg(test)]
mod tests;
