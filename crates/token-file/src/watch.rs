//! Notices when a file of the folder changes: the token file or the gateway key.
//!
//! The watcher reads the file regularly and compares the content. Inode events would be cheaper but
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
use std::time::Duration;

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
    _stop: mpsc::Sender<()>,
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
        mut look: impl FnMut() -> Result<T, E> + Send + 'static,
        interval: Duration,
    ) -> Self {
        let (sender, receiver) = watch::channel(Arc::new(Err(E::pending())));
        let (stop, stopped) = mpsc::channel();
        let (first_read, first_read_done) = mpsc::channel();
        let publisher = sender.clone();
        let spawned = thread::Builder::new().name("token-file".to_owned()).spawn(move || {
            publish(&publisher, look());
            let _ = first_read.send(());
            follow(look, interval, &publisher, &stopped);
        });
        match spawned {
            // The thread is not joined: it ends by itself, at once or after a hanging read.
            Ok(_) => drop(first_read_done.recv_timeout(FIRST_READ_WAIT_MAX)),
            Err(cause) => publish(
                &sender,
                Err(E::failed(io::Error::new(cause.kind(), "no thread to read it with"))),
            ),
        }
        Watcher { receiver, _stop: stop }
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

fn follow<T: PartialEq, E: Unread>(
    mut look: impl FnMut() -> Result<T, E>,
    interval: Duration,
    publisher: &watch::Sender<Arc<Result<T, E>>>,
    stopped: &mpsc::Receiver<()>,
) {
    let still_wanted =
        |pause| matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout));
    while still_wanted(interval) {
        let mut state = look();
        let was_good = publisher.borrow().is_ok();
        if state.is_err() && was_good {
            if !still_wanted(CONFIRM_AFTER) {
                return;
            }
            state = look();
        }
        publish(publisher, state);
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
