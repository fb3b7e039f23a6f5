//! The folder in which an installation is kept: settings, keys, the log, and who runs with it. It
//! is closed to other users.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tempfile::NamedTempFile;
use token_file::gateway_key::{self, EnsureError};

/// The name of the default folder, and of the files in it that people look for.
const NAME: &str = "dremio-mcp-local";

/// A folder of mode 0700 that belongs to this user.
#[derive(Clone, Debug)]
pub(crate) struct ConfigDir(PathBuf);

impl ConfigDir {
    /// The folder at `path`, or the default one. It is made if it does not exist.
    ///
    /// # Errors
    /// When it cannot be made, belongs to somebody else, or is open to others.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let path = locate(path)?;
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| cannot("make the folder", &path))?;
        let metadata = path.metadata().with_context(|| format!("cannot look at {shown}"))?;
        ensure!(metadata.is_dir(), "{shown} is not a folder; name another --config-dir");
        ensure!(
            metadata.uid() == rustix::process::geteuid().as_raw(),
            "{shown} belongs to another user; name another --config-dir"
        );
        if metadata.mode() & 0o077 != 0 {
            bail!(
                "other users can look into {shown}, where keys are kept: chmod 700 '{shown}', or \
                 name another --config-dir"
            );
        }
        Ok(Self(path))
    }

    /// The same, if it exists already.
    ///
    /// # Errors
    /// As for [`ConfigDir::open`].
    pub(crate) fn existing(path: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let there = locate(path)?;
        if !there.exists() {
            ensure!(path.is_none(), "there is no folder {}", there.display());
            return Ok(None);
        }
        Self::open(path).map(Some)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The log of a process that runs in the background, unless another is named.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.file(&format!("{NAME}.log"))
    }

    /// Gives a file this content in one step, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be written; what was there is still there.
    pub(crate) fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let path = self.file(name);
        let written = || -> io::Result<()> {
            // Mode 0600.
            let mut file = NamedTempFile::new_in(&self.0)?;
            file.write_all(content.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        written().with_context(|| cannot("write", &path))
    }

    /// The file of the key that agents present, which is made if it does not exist.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn api_keys(&self) -> anyhow::Result<PathBuf> {
        let path = self.file("api_keys");
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).context("the system gives no random numbers")?;
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        if !path.exists() {
            self.write("api_keys", &format!("# Keys of agents, one a line.\n{key}\n"))?;
        }
        Ok(path)
    }

    /// Where the token file is.
    pub(crate) fn token_path(&self) -> PathBuf {
        self.file("token.json")
    }

    /// Where the token file will be. What is there of a process that was killed goes; the key that
    /// signs sessions, beside it, stays or is made.
    ///
    /// # Errors
    /// When that key is damaged, or cannot be made.
    pub(crate) fn token_file(&self) -> anyhow::Result<PathBuf> {
        let path = self.token_path();
        let _absent = std::fs::remove_file(&path);
        let key = self.file(gateway_key::FILE_NAME);
        gateway_key::ensure(&path).map_err(|cause| {
            let text = match &cause {
                EnsureError::Unusable(_) => {
                    format!("{} is damaged; delete it, and another is made", key.display())
                }
                _ => cannot("make", &key),
            };
            anyhow::Error::new(cause).context(text)
        })?;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))
            .with_context(|| format!("cannot close {} to others", key.display()))?;
        Ok(path)
    }
}

/// That something cannot be done in the folder, and what helps.
pub(crate) fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} {}; name another --config-dir", path.display())
}

/// The path, or that of the default folder, from the root.
fn locate(path: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => {
            let config = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
            let config = config.map(PathBuf::from);
            let config = config.or_else(|| Some(std::env::home_dir()?.join(".config")));
            config.context("there is no home folder; name a --config-dir")?.join(NAME)
        }
    };
    std::path::absolute(&path).with_context(|| format!("{} is no path", path.display()))
}
