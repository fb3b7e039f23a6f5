//! The audit file: appended to, set aside when it is full or no longer ours, and never overwritten.
//!
//! A file that is set aside is called `FILE.NUMBER`, after its last line; the next one begins with
//! a line that names the last hash and the SHA-256 of the whole file before. So all files together
//! are one chain, whatever key each is sealed with.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ring::digest;
use rustix::fs::{FlockOperation, OFlags, flock};
use service_kit::Clock;

use super::chain::{ChainKey, Head};
use super::members::Members;
use super::scan::{FILE_OPENED, Scan, Verdict};

/// Digits of a line's number in a file's name, so that names sort as the numbers do.
const NUMBER_DIGITS: usize = 12;

/// Why nothing can be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// Two gateways with one file would break each other's chain.
    #[error("another process writes it; give each gateway a file of its own")]
    Taken,
    /// A folder, a pipe or a device has the name.
    #[error("it is not a regular file")]
    NotAFile,
    /// No space or quota left.
    #[error("the disk is full; free some space (of Docker's: docker system prune)")]
    Full,
    /// The operating system refuses.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for FileError {
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(cause),
        }
    }
}

/// The file and its chain. All of this is synchronous.
pub(super) struct AuditFile {
    path: PathBuf,
    /// From this size on it is set aside; `None` for any size.
    bytes_max: Option<u64>,
    clock: Clock,
    open: Option<Open>,
    /// The last line that was sealed; `None` until a file was read.
    head: Option<Head>,
    /// SHA-256 of the file before, in hex.
    file_before: Option<String>,
    /// Sealed lines, or what is left of one, that belong into the open file.
    unwritten: Vec<u8>,
}

/// The file as it is open.
struct Open {
    file: File,
    key: ChainKey,
    /// Its size, and the digest of its content, as far as we have written it.
    bytes: u64,
    digest: digest::Context,
}

impl AuditFile {
    pub(super) fn new(path: PathBuf, bytes_max: Option<u64>, clock: Clock) -> Self {
        Self {
            path,
            bytes_max,
            clock,
            open: None,
            head: None,
            file_before: None,
            unwritten: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last line, once a file is open.
    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }

    /// Sees to it that lines sealed with `key` can be added: writes what is left, and opens a file,
    /// or the next one if the open one is full, was moved or changed, or has another key.
    ///
    /// # Errors
    /// When nothing can be written now. Nothing is lost by that; it can be tried again.
    pub(super) fn prepare(&mut self, key: &ChainKey) -> Result<(), FileError> {
        self.flush()?;
        if let Some(open) = &self.open {
            let place = open.place(&self.path)?;
            let is_full = self.bytes_max.is_some_and(|max| open.bytes >= max);
            match place {
                Place::Ours if !is_full && open.key.id() == key.id() => return Ok(()),
                Place::Ours => self.set_aside()?,
                Place::Elsewhere => {}
                Place::Changed => {
                    tracing::error!(
                        file = %self.path.display(),
                        "another program has changed the audit file: `dremio-mcp audit verify` \
                         says where; it is set aside, and the next file goes on"
                    );
                    self.set_aside()?;
                }
            }
            self.close();
        }
        self.open_or_begin(key)
    }

    /// Sets the open file aside, so that [`AuditFile::prepare`] begins the next one. Nothing
    /// happens if it was moved already.
    ///
    /// # Errors
    /// As of [`AuditFile::prepare`].
    pub(super) fn rotate(&mut self) -> Result<(), FileError> {
        self.flush()?;
        if let Some(open) = &self.open {
            if !matches!(open.place(&self.path)?, Place::Elsewhere) {
                self.set_aside()?;
            }
            self.close();
        }
        Ok(())
    }

    /// Seals a line, to be written by [`AuditFile::flush`]. Comes after [`AuditFile::prepare`].
    pub(super) fn add(&mut self, members: &Members) {
        let (Some(open), Some(head)) = (&self.open, self.head) else { return };
        self.head = Some(open.key.seal(head, members.as_bytes(), &mut self.unwritten));
    }

    /// Writes all lines that were added. Of a line that fits in part, the rest stays for the next
    /// try.
    ///
    /// # Errors
    /// When the operating system takes no more.
    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut written = 0;
        let mut result = Ok(());
        while let Some(rest) = self.unwritten.get(written..).filter(|rest| !rest.is_empty()) {
            match open.file.write(rest) {
                Ok(0) => result = Err(io::Error::from(io::ErrorKind::WriteZero)),
                Ok(count) => {
                    open.digest.update(rest.get(..count).unwrap_or(rest));
                    open.bytes += count as u64;
                    written += count;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => result = Err(cause),
            }
            if result.is_err() {
                break;
            }
        }
        self.unwritten.drain(..written);
        Ok(result?)
    }

    /// Has the disk keep what was written, also over a loss of power.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), |open| open.file.sync_data())
    }

    fn open_or_begin(&mut self, key: &ChainKey) -> Result<(), FileError> {
        let mut file = open(&self.path)?;
        let scan = Scan::of(&mut file, std::slice::from_ref(key), |_, _| {})?;
        if scan.bytes == 0 && scan.tail.is_empty() {
            if self.head.is_none() {
                self.go_on_from_the_newest_set_aside()?;
            }
            return self.begin(file, scan, key);
        }
        if self.head.is_none() && scan.verdict == Verdict::Whole && scan.last.is_some() {
            return self.go_on(file, scan, key);
        }
        let reason = match &scan.verdict {
            Verdict::Changed { line, why } => format!("line {line}: {why}"),
            Verdict::NoKey => "it is sealed with another gateway key".to_owned(),
            Verdict::Whole => "it is not the file that was open before".to_owned(),
        };
        let is_change = matches!(scan.verdict, Verdict::Changed { .. });
        if self.head.is_none() {
            self.head = scan.last;
            self.file_before = Some(scan.sha256());
        }
        let aside = self.aside(scan.last.map_or(0, |last| last.number));
        fs::rename(&self.path, &aside)?;
        let (file, aside) = (self.path.display(), aside.display());
        if is_change {
            tracing::error!(%file, %aside, reason, "set aside an audit file that was changed");
        } else {
            tracing::warn!(%file, %aside, reason, "set aside an audit file");
        }
        self.open_or_begin(key)
    }

    /// Begins a file that is empty.
    fn begin(&mut self, file: File, scan: Scan, key: &ChainKey) -> Result<(), FileError> {
        let head = *self.head.get_or_insert(Head::START);
        self.open = Some(Open { file, key: key.clone(), bytes: 0, digest: scan.digest });
        let mut members = Members::of(self.clock.now(), FILE_OPENED);
        members.shown("after", head.hash);
        members.some_text("file_before", self.file_before.as_deref());
        members.shown("key", key.id());
        members.shown("version", env!("CARGO_PKG_VERSION"));
        self.add(&members);
        self.flush()
    }

    /// Goes on with a file of a process before.
    fn go_on(&mut self, file: File, scan: Scan, key: &ChainKey) -> Result<(), FileError> {
        let mut members = Members::of(self.clock.now(), "gateway_started");
        members.shown("version", env!("CARGO_PKG_VERSION"));
        if !scan.tail.is_empty() {
            let number = scan.last.map_or(0, |last| last.number);
            let aside = with_suffix(&self.path, &format!(".half.{number:0NUMBER_DIGITS$}"));
            let mut half = OpenOptions::new();
            let half = half.write(true).create(true).truncate(true).mode(0o600).open(&aside);
            half.and_then(|mut half| half.write_all(&scan.tail).and_then(|()| half.sync_data()))?;
            file.set_len(scan.bytes)?;
            tracing::warn!(
                file = %self.path.display(),
                bytes = scan.tail.len(),
                aside = %aside.display(),
                "the last line of the audit file was half written, by a process that was killed; \
                 it is set aside"
            );
            members.number("half_line_bytes", scan.tail.len() as u64);
        }
        self.head = scan.last;
        self.open = Some(Open { file, key: key.clone(), bytes: scan.bytes, digest: scan.digest });
        self.add(&members);
        self.flush()
    }

    /// A process may have ended between setting a file aside and beginning the next one.
    fn go_on_from_the_newest_set_aside(&mut self) -> io::Result<()> {
        if let Some(newest) = files_set_aside(&self.path)?.pop() {
            let scan = Scan::of(File::open(newest)?, &[], |_, _| {})?;
            self.head = scan.last;
            self.file_before = Some(scan.sha256());
        }
        Ok(())
    }

    fn set_aside(&self) -> io::Result<()> {
        let aside = self.aside(self.head.map_or(0, |head| head.number));
        fs::rename(&self.path, aside)
    }

    /// A name that no file has.
    fn aside(&self, number: u64) -> PathBuf {
        let name = with_suffix(&self.path, &format!(".{number:0NUMBER_DIGITS$}"));
        let others = (2..).map(|copy| with_suffix(&name, &format!("-{copy}")));
        let mut names = std::iter::once(name.clone()).chain(others);
        names.find(|name| fs::symlink_metadata(name).is_err()).unwrap_or(name)
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            if let Err(cause) = open.file.sync_data() {
                tracing::warn!(error = %cause, "the disk does not confirm the audit file");
            }
            self.file_before = Some(crate::random::hex(open.digest.finish().as_ref()));
        }
    }
}

/// What the path leads to.
enum Place {
    /// To the open file, as we left it.
    Ours,
    /// To the open file, with another content.
    Changed,
    /// To nothing, or to another file.
    Elsewhere,
}

impl Open {
    fn place(&self, path: &Path) -> io::Result<Place> {
        let named = match fs::symlink_metadata(path) {
            Ok(named) => named,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Place::Elsewhere),
            Err(cause) => return Err(cause),
        };
        let own = self.file.metadata()?;
        Ok(if (named.dev(), named.ino()) != (own.dev(), own.ino()) {
            Place::Elsewhere
        } else if own.len() == self.bytes {
            Place::Ours
        } else {
            Place::Changed
        })
    }
}

/// Opens the file for this process alone; makes it, for this user alone, if it is not there.
fn open(path: &Path) -> Result<File, FileError> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        // Neither a link to elsewhere, nor a wait for somebody at the other end of a pipe.
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(FileError::NotAFile);
    }
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(FileError::Taken),
        Err(cause) => Err(FileError::Io(cause.into())),
    }
}

/// The files that were set aside from `path`, oldest first.
///
/// # Errors
/// When their folder cannot be read.
pub(super) fn files_set_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let start = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".";
    let mut files = Vec::new();
    for entry in fs::read_dir(token_file::folder_of(path))? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&start));
        let digits = number.and_then(|number| number.get(..NUMBER_DIGITS));
        if digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
