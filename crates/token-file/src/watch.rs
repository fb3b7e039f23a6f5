//! Notices when a file of the folder changes: a token file or the gateway key.
//!
//! A watcher reads the file regularly and compares the content. Inode events would be cheaper but
//! are lost on bind-mounted files, on Docker Desktop shares and when Kubernetes swaps its `..data`
//! link.
//!
//! It runs on its own thread. A read from a hanging network volume cannot be interrupted, and an
//! async runtime would wait for it at shutdown; a plain thread delays neither the runtime nor the
//! end of the process.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::{ReadError, Token, read};

/// The default interval: every change, confirmed or not, is published within a second.
pub const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long a bad state must last before it replaces a good token. Editors, `cp` and `docker cp`
/// rewrite a file in place and leave it empty or half written for a moment; calls in that moment
/// must not fail.
const CONFIRM_AFTER: Duration = Duration::from_millis(100);

/// How long [`Watcher::spawn`] waits for the first read, so that callers rarely see
/// [`ReadError::Pending`]. Short, because it blocks: only a hanging volume takes longer.
const FIRST_READ_WAIT_MAX: Duration = Duration::from_millis(250);

/// The state of the token file: a token, or the reason for none.
pub type State = Result<Token, ReadError>;

/// Watches one file until it is dropped.
#[derive(Debug)]
pub struct Watcher<T = Token, E = ReadError> {
    receiver: watch::Receiver<Arc<Result<T, E>>>,
    /// The thread ends when this is dropped.
    _watchers: Watchers<T, E>,
}

/// One thread that watches any number of files, which lie on one volume: a read that hangs holds up
/// the others. Cheap to clone; the thread ends when the last clone is dropped.
#[derive(Debug)]
pub struct Watchers<T = Token, E = ReadError> {
    added: mpsc::Sender<Watched<T, E>>,
    /// Why there is no thread.
    failed: Option<io::ErrorKind>,
}

impl<T, E> Clone for Watchers<T, E> {
    fn clone(&self) -> Self {
        Self { added: self.added.clone(), failed: self.failed }
    }
}

/// One of the files.
struct Watched<T, E> {
    look: Box<dyn FnMut() -> Result<T, E> + Send>,
    publisher: watch::Sender<Arc<Result<T, E>>>,
    first_read: mpsc::Sender<()>,
}

/// The errors of a watched file, as far as the watcher needs to know them.
pub trait Unread: Send + Sync + 'static {
    /// The first read has not finished.
    fn pending() -> Self;
    /// The operating system reported this error.
    fn failed(cause: io::Error) -> Self;
    /// Whether both are the same error.
    fn is_same(&self, other: &Self) -> bool;
}

impl Unread for ReadError {
    fn pending() -> Self {
        ReadError::Pending
    }

    fn failed(cause: io::Error) -> Self {
        ReadError::Io(cause)
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (ReadError::Io(a), ReadError::Io(b)) => {
                a.kind() == b.kind() && a.raw_os_error() == b.raw_os_error()
            }
            _ => self.reason() == other.reason(),
        }
    }
}

impl Watcher {
    /// Starts watching the file at `path`, reading it every `interval` (usually [`POLL_INTERVAL`]).
    ///
    /// When this returns, the state is that of the file, or [`ReadError::Pending`] if the volume
    /// hangs. If it hangs later, the last state stays: a good token is good until it expires. If
    /// the thread cannot be started, the state stays [`ReadError::Io`].
    #[must_use]
    pub fn spawn(path: PathBuf, interval: Duration) -> Self {
        Watcher::over(move || read(&path), interval)
    }
}

impl<T: PartialEq + Send + Sync + 'static, E: Unread> Watcher<T, E> {
    /// A watcher that takes its states from `look`: the file, or a script in tests.
    pub(crate) fn over(
        look: impl FnMut() -> Result<T, E> + Send + 'static,
        interval: Duration,
    ) -> Self {
        let watchers = Watchers::start(interval);
        let (receiver, first_read_done) = watchers.add(look);
        if watchers.failed.is_none() {
            let _ = first_read_done.recv_timeout(FIRST_READ_WAIT_MAX);
        }
        Watcher { receiver, _watchers: watchers }
    }
}

impl<T, E> Watcher<T, E> {
    /// A receiver of the current state that wakes on changes. It outlives the watcher and keeps the
    /// last state.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Result<T, E>>> {
        self.receiver.clone()
    }
}

impl Watchers {
    /// Starts the thread. It reads each file every `interval`.
    #[must_use]
    pub fn spawn(interval: Duration) -> Self {
        Watchers::start(interval)
    }

    /// Watches the file at `path` as long as somebody has a receiver. The state is
    /// [`ReadError::Pending`] until the file was read, usually for less than a millisecond; this
    /// does not wait for it. If the thread could not be started, it is [`ReadError::Io`].
    #[must_use]
    pub fn watch(&self, path: PathBuf) -> watch::Receiver<Arc<State>> {
        self.add(move || read(&path)).0
    }
}

impl<T: PartialEq + Send + Sync + 'static, E: Unread> Watchers<T, E> {
    fn start(interval: Duration) -> Self {
        let (added, received) = mpsc::channel();
        let thread = Thread { files: Vec::new(), added: received };
        // It is not joined: it ends by itself, at once or after a hanging read.
        let spawned = thread::Builder::new()
            .name("token-file".to_owned())
            .spawn(move || thread.run(interval));
        Self { added, failed: spawned.err().map(|cause| cause.kind()) }
    }

    /// Watches what `look` sees; the second receiver hears of the first look.
    fn add(
        &self,
        look: impl FnMut() -> Result<T, E> + Send + 'static,
    ) -> (watch::Receiver<Arc<Result<T, E>>>, mpsc::Receiver<()>) {
        let (publisher, receiver) = watch::channel(Arc::new(Err(E::pending())));
        let (first_read, first_read_done) = mpsc::channel();
        if let Some(kind) = self.failed {
            publish(&publisher, Err(E::failed(io::Error::new(kind, "no thread to read it with"))));
        }
        // Without a thread nobody takes it, and the state stays as it is.
        let _ = self.added.send(Watched { look: Box::new(look), publisher, first_read });
        (receiver, first_read_done)
    }
}

struct Thread<T, E> {
    files: Vec<Watched<T, E>>,
    added: mpsc::Receiver<Watched<T, E>>,
}

impl<T: PartialEq, E: Unread> Thread<T, E> {
    fn run(mut self, interval: Duration) {
        while self.wait(interval) {
            self.files.retain(|file| !file.publisher.is_closed());
            let mut doubtful = Vec::new();
            for (index, file) in self.files.iter_mut().enumerate() {
                let state = (file.look)();
                if state.is_err() && file.publisher.borrow().is_ok() {
                    doubtful.push(index);
                } else {
                    publish(&file.publisher, state);
                }
            }
            if doubtful.is_empty() {
                continue;
            }
            // Files are only added meanwhile, behind those that are there.
            if !self.wait(CONFIRM_AFTER) {
                return;
            }
            for index in doubtful {
                if let Some(file) = self.files.get_mut(index) {
                    let state = (file.look)();
                    publish(&file.publisher, state);
                }
            }
        }
    }

    /// Waits, and reads files that are added meanwhile. Returns whether the watchers are still
    /// wanted.
    fn wait(&mut self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            match self.added.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(mut file) => {
                    let state = (file.look)();
                    publish(&file.publisher, state);
                    let _ = file.first_read.send(());
                    self.files.push(file);
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

/// Publishes `state` if it differs from the last one.
fn publish<T: PartialEq, E: Unread>(
    publisher: &watch::Sender<Arc<Result<T, E>>>,
    state: Result<T, E>,
) {
    publisher.send_if_modified(|current| {
        let changed = match (&**current, &state) {
            (Ok(a), Ok(b)) => a != b,
            (Err(a), Err(b)) => !a.is_same(b),
            _ => true,
        };
        if changed {
            *current = Arc::new(state);
        }
        changed
    });
}

#[cfg(test)]
mod tests;
