//! A secret from the environment: inline, or in a file that is read again whenever it is needed, so that
//! a rotated Docker or Kubernetes secret is picked up without a restart.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

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
    #[error("secret file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
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

impl SecretSource {
    /// The secret as it is now. One trailing line end is not part of it (every editor adds one).
    ///
    /// # Errors
    /// When the file is missing, empty, too large or not text. A later call may succeed.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => read_file(path),
        }
    }

    /// Whether it is a file without content, which counts as no secret where the value may also come from elsewhere: Compose
    /// cannot leave a file out, so it mounts an empty one.
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

fn read_file(path: &Path) -> Result<SecretString, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(SecretError::TooLarge { path: path.to_owned() });
    }
    let Ok(mut text) = String::from_utf8(bytes) else {
        return Err(SecretError::NotText { path: path.to_owned() });
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.trim().is_empty() {
        return Err(SecretError::Empty { path: path.to_owned() });
    }
    Ok(SecretString::from(text))
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
        for (content, expected) in [("pass", "pass"), ("pass\n", "pass"), ("pass\r\n", "pass"), (" pass \n\n", " pass \n")] {
            let (_folder, source) = file(content.as_bytes());
            assert_eq!(source.read().unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn bad_files_are_named() {
        assert!(matches!(SecretSource::File("/nowhere/secret".into()).read(), Err(SecretError::Unreadable { .. })));
        let (_a, empty) = file(b" \n");
        assert!(matches!(empty.read(), Err(SecretError::Empty { .. })));
        let (_b, binary) = file(&[0xff, 0xfe]);
        assert!(matches!(binary.read(), Err(SecretError::NotText { .. })));
        let (_c, large) = file(&[b'x'; 70_000]);
        assert!(matches!(large.read(), Err(SecretError::TooLarge { .. })));
    }

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", SecretSource::Inline("s3cret".into())), "Inline([REDACTED])");
    }
}
