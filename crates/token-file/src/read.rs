//! Reads the token file once, and names what is wrong with it.
//!
//! The file is opened with care, because its folder is shared: a FIFO or device there must not
//! block or be touched, and a symbolic link is followed only inside the folder (Kubernetes projects
//! files as `token.json -> ..data/token.json`). The link check and the opening are two steps, so a
//! link that changes in between is not detected; but a process that can do that can also write any
//! token into the file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Token;

/// Largest file that is read: a token of 4 KiB, an expiry, and room for members that a later
/// version may add.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// How often opening is retried when the file was replaced between check and opening. One retry is
/// normal when a `..data` link is swapped; more than a few mean that something is wrong.
const OPEN_ATTEMPTS_MAX: u32 = 5;

/// The state of a token file that holds no token. Neither a variant nor its text has anything from
/// the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The first read of a [`Watcher`](crate::Watcher) has not finished: the volume hangs.
    #[error("the token file has not been read yet; its volume does not answer")]
    Pending,
    /// The file or its folder does not exist.
    #[error("there is no token file")]
    Missing,
    /// The file is empty or only white space.
    #[error("the token file is empty")]
    Empty,
    /// This user may not read the file or a folder on the way to it.
    #[error("the token file may not be read by this user; run both services as one user or group")]
    PermissionDenied,
    /// A folder, a pipe, a socket or a device stands where the file should be.
    #[error("the token file's path is not a regular file")]
    NotAFile,
    /// A symbolic link leads out of the folder.
    #[error("the token file is a symbolic link to a place outside of its folder")]
    LeavesFolder,
    /// The file is far larger than a token.
    #[error("the token file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// The content is not a JSON object (for example half of one), or has a member twice.
    #[error("the token file is not a complete JSON object")]
    NotJson,
    /// The member `token` is missing, not a string, or empty.
    #[error("the token file has no token")]
    NoToken,
    /// The token has characters that an HTTP header cannot carry, or is too long.
    #[error("the token file's token has characters or a length that no Dremio token has")]
    BadToken,
    /// The member `expires_at` is missing.
    #[error("the token file has no expiry (\"expires_at\")")]
    NoExpiry,
    /// `expires_at` is not an RFC 3339 time with its offset.
    #[error("the token file's expiry is not a time like 2025-06-26T12:00:00Z")]
    BadExpiry,
    /// The operating system reported something else.
    #[error("the token file could not be read")]
    Io(#[source] io::Error),
}

impl ReadError {
    /// The stable name of the state, for metrics, readiness and tests.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            ReadError::Pending => "pending",
            ReadError::Missing => "missing",
            ReadError::Empty => "empty",
            ReadError::PermissionDenied => "permission_denied",
            ReadError::NotAFile => "not_a_file",
            ReadError::LeavesFolder => "leaves_folder",
            ReadError::TooLarge => "too_large",
            ReadError::NotJson => "not_json",
            ReadError::NoToken => "no_token",
            ReadError::BadToken => "bad_token",
            ReadError::NoExpiry => "no_expiry",
            ReadError::BadExpiry => "bad_expiry",
            ReadError::Io(_) => "io",
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
            io::ErrorKind::PermissionDenied => ReadError::PermissionDenied,
            io::ErrorKind::IsADirectory => ReadError::NotAFile,
            _ => ReadError::Io(error),
        }
    }
}

/// Reads the token file at `path`.
///
/// An expired token is returned like any other: the caller decides whether to use it. The call is
/// synchronous and usually takes microseconds, but may hang on a network volume;
/// [`Watcher`](crate::Watcher) protects its users from that.
///
/// # Errors
/// Each state without a token has its own [`ReadError`]. All of them end as soon as a token is
/// written.
pub fn read(path: &Path) -> Result<Token, ReadError> {
    let mut file = open(path)?;
    let content = read_content(&mut file, FILE_BYTES_MAX)?;
    let written = file.metadata().and_then(|file| file.modified()).ok();
    Ok(parse(&content)?.written(written.and_then(|time| time.try_into().ok())))
}

/// Opens a file of the shared folder with the care that the module describes.
pub(crate) fn open(path: &Path) -> Result<File, ReadError> {
    let folder = folder_of(path);
    for _ in 1..OPEN_ATTEMPTS_MAX {
        match open_inside(&folder, path) {
            Err(Opening::Changed) => {}
            Err(Opening::Failed(cause)) => return Err(cause),
            Ok(file) => return Ok(file),
        }
    }
    // Links that change at every attempt: report the file as absent; the next read tries again.
    Err(ReadError::Missing)
}

/// The folder of `path`; for a bare file name, the working directory.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Why one attempt to open failed.
enum Opening {
    /// The file found is gone: try again.
    Changed,
    Failed(ReadError),
}

fn open_inside(folder: &Path, path: &Path) -> Result<File, Opening> {
    let failed = |error: io::Error| Opening::Failed(error.into());
    let real_folder = fs::canonicalize(folder).map_err(failed)?;
    let real_path = fs::canonicalize(path).map_err(failed)?;
    if !real_path.starts_with(&real_folder) {
        return Err(Opening::Failed(ReadError::LeavesFolder));
    }
    // Check before opening: merely opening a device can have effects.
    let changed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Opening::Changed,
        _ => failed(error),
    };
    if !fs::symlink_metadata(&real_path).map_err(changed)?.is_file() {
        return Err(Opening::Failed(ReadError::NotAFile));
    }
    // NONBLOCK: if it has become a FIFO, opening must not wait for a writer. NOFOLLOW: if it has
    // become a link, opening must fail.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&real_path)
        .map_err(|cause| match rustix::io::Errno::from_io_error(&cause) {
            Some(rustix::io::Errno::LOOP) => Opening::Changed,
            _ => changed(cause),
        })?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(Opening::Failed(ReadError::NotAFile));
    }
    Ok(file)
}

/// The whole content, up to `bytes_max`.
pub(crate) fn read_content(
    file: &mut File,
    bytes_max: u64,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // Reserve room for the whole file: a growing buffer would leave copies of the token in freed
    // memory.
    let expected_bytes = usize::try_from(file.metadata()?.len().min(bytes_max)).unwrap_or(0);
    let mut content = Zeroizing::new(Vec::with_capacity(expected_bytes.saturating_add(1)));
    file.take(bytes_max + 1).read_to_end(&mut content)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > bytes_max {
        return Err(ReadError::TooLarge);
    }
    Ok(content)
}

/// The two required members, still as raw JSON, so that each can be checked and named by itself.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    expires_at: Option<&'a RawValue>,
}

/// Parses the content. serde's messages are dropped because they quote the input.
pub(crate) fn parse(content: &[u8]) -> Result<Token, ReadError> {
    if content.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    let members: Members<'_> = match content.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(content).map_err(|_| ReadError::NotJson)?,
        _ => return Err(ReadError::NotJson),
    };
    let secret = members
        .token
        .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
        .filter(|token| !token.is_empty())
        .ok_or(ReadError::NoToken)?;
    let secret = SecretString::from(secret);
    let expires_at = members.expires_at.ok_or(ReadError::NoExpiry)?;
    let expires_at = serde_json::from_str::<String>(expires_at.get())
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(ReadError::BadExpiry)?;
    let token = Token::new(secret, expires_at);
    if token.is_sendable() { Ok(token) } else { Err(ReadError::BadToken) }
}

#[cfg(test)]
mod tests;
