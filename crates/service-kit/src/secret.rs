//! A secret from the environment: inline, or in a file that is read again whenever it is needed, so
//! that a rotated Docker or Kubernetes secret is picked up without a restart.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

/// Longest secret file read. Passwords and key lists are far smaller; a larger file is a mistake.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret comes from. `Debug` never shows the secret.
#[derive(Clone)]
pub enum SecretSource {
    /// The value of `NAME`.
    Inline(SecretString),
    /// The path in `NAME_FILE`.
    File(PathBuf),
}

/// Why a secret could not be read. The text holds the path, never the content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is missing or may not be read.
    #[error("secret file {path} cannot be read: {source}; {}", cure(path, source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder, a pipe, a socket or a device stands where the file should be.
    #[error("secret file {path} is not a regular file but a folder, a pipe or a device")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file has no content but white space.
    #[error("secret file {path} is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Over 64 KiB.
    #[error("secret file {path} is larger than 64 KiB; it does not look like a secret")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not text.
    #[error("secret file {path} is not UTF-8 text")]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

/// What helps where a file cannot be read.
fn cure(path: &Path, cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => {
            "name a file that exists (with Docker Compose, scripts/setup.sh makes it)".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            let path = path.display();
            format!("`chmod a+r {path}` lets the service read it; close its folder to others")
        }
        _ => "look at the disk that it is on".to_owned(),
    }
}

impl SecretSource {
    /// The secret as it is now. One trailing line end is not part of it (every editor adds one).
    ///
    /// # Errors
    /// When the file is missing, no regular file, empty, too large or not text. A later call may
    /// succeed.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => read_file(path),
        }
    }

    /// Whether it is a file without content, which counts as no secret where the value may also
    /// come from elsewhere: Compose cannot leave a file out, so it mounts an empty one.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self.read(), Err(SecretError::Empty { .. }))
    }

    /// The file, if the secret lies in one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline([REDACTED])"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// The bytes of a secret file, whatever they are. The call is synchronous, and a network volume may
/// hang in it.
///
/// # Errors
/// When the file is missing, no regular file, or larger than 64 KiB. A later call may succeed.
pub fn read_secret_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let file = open_regular(path)
        .map_err(unreadable)?
        .ok_or_else(|| SecretError::NotAFile { path: path.to_owned() })?;
    // Room for the whole file at once: a growing buffer would leave copies of the secret behind in
    // freed memory.
    let bytes_expected = file.metadata().map_err(unreadable)?.len().min(SECRET_BYTES_MAX);
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(usize::try_from(bytes_expected).unwrap_or(0) + 1));
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(SecretError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Opens a regular file; `None` when something else stands there. It never waits for the
/// writer of a pipe, and touches no device.
///
/// # Errors
/// When the file is missing, or may not be read.
pub fn open_regular(path: &Path) -> io::Result<Option<File>> {
    if !path.metadata()?.is_file() {
        return Ok(None);
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    // It may have been replaced since.
    let is_file = file.metadata()?.is_file();
    Ok(is_file.then_some(file))
}

fn read_file(path: &Path) -> Result<SecretString, SecretError> {
    let bytes = read_secret_bytes(path)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(SecretError::NotText { path: path.to_owned() });
    };
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.trim().is_empty() {
        return Err(SecretError::Empty { path: path.to_owned() });
    }
    Ok(SecretString::from(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{SecretError, SecretSource};

    fn file(content: &[u8]) -> (tempfile::TempDir, SecretSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        (folder, SecretSource::File(path))
    }

    #[test]
    fn one_line_end_is_dropped_and_nothing_else() {
        for (content, expected) in
            [("pass", "pass"), ("pass\n", "pass"), ("pass\r\n", "pass"), (" pass \n\n", " pass \n")]
        {
            let (_folder, source) = file(content.as_bytes());
            assert_eq!(source.read().unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn bad_files_are_named() {
        assert!(matches!(
            SecretSource::File("/nowhere/secret".into()).read(),
            Err(SecretError::Unreadable { .. })
        ));
        for (kind, cure) in [
            (std::io::ErrorKind::NotFound, "scripts/setup.sh makes it"),
            (std::io::ErrorKind::PermissionDenied, "`chmod a+r /s` lets the service read it"),
        ] {
            let error = SecretError::Unreadable { path: "/s".into(), source: kind.into() };
            assert!(error.to_string().contains(cure), "{error}");
        }
        let (_a, empty) = file(b" \n");
        assert!(matches!(empty.read(), Err(SecretError::Empty { .. })));
        let (_b, binary) = file(&[0xff, 0xfe]);
        assert!(matches!(binary.read(), Err(SecretError::NotText { .. })));
        let (_c, large) = file(&[b'x'; 70_000]);
        assert!(matches!(large.read(), Err(SecretError::TooLarge { .. })));
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            SecretSource::File(folder.path().into()).read(),
            Err(SecretError::NotAFile { .. })
        ));
    }

    /// Opening a pipe without a writer waits for ever.
    #[test]
    fn a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(matches!(SecretSource::File(pipe).read(), Err(SecretError::NotAFile { .. })));
    }

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", SecretSource::Inline("s3cret".into())), "Inline([REDACTED])");
    }
}
