//! Noticing that a file of the folder changed: the token file, or the gateway key.
//!
//! The watcher reads the file again and again and compares what it finds. Inode events would be
//! cheaper and miss changes: they are lost on bind-mounted files, on Docker Desktop shares and when
//! Kubernetes swaps its `..data` link.
//!
//! It runs on a thread of its own. A read from a hanging network volume cannot be interrupted, and
//! an async runtime would wait for such a read before it ends; a plain thread holds up neither the
//! runtime nor the end of the process.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::{ReadError, Token, read};

/// How often the file is read, unless the caller wants otherwise: a change, confirmed or not, is
/// then published within a second.
pub const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long after a good token a bad state must last before it replaces that token. An editor, `cp`
/// or `docker cp` rewrites a file in place and leaves it empty or half for a moment, which must not
/// fail the calls of that moment.
const CONFIRM_AFTER: Duration = Duration::from_millis(100);

/// How long [`Watcher::spawn`] waits for the first read, so that usually nobody sees
/// [`ReadError::Pending`]. Short, because it blocks: only a volume that hangs takes longer.
const FIRST_READ_WAIT_MAX: Duration = Duration::from_millis(250);

/// What the token file is: a token, or the reason why not.
pub type State = Result<Token, ReadError>;

/// Follows one file until it is dropped.
#[derive(Debug)]
pub struct Watcher<T = Token, E = ReadError> {
    receiver: watch::Receiver<Arc<Result<T, E>>>,
    /// The thread ends when this is dropped.
    _stop: mpsc::Sender<()>,
}

/// Why a file is not what it should be, as far as a watcher must know.
pub trait Unread: Send + Sync + 'static {
    /// The first read has not finished.
    fn pending() -> Self;
    /// The operating system failed in this way.
    fn failed(cause: io::Error) -> Self;
    /// Whether `other` says the same.
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
    /// Starts to follow the file at `path`, reading it every `interval` (usually
    /// [`POLL_INTERVAL`]).
    ///
    /// When this returns, the state is that of the file, or [`ReadError::Pending`] if the volume
    /// hangs. While it hangs later, the last state stays: a good token is good until it
    /// expires. If no thread can be started, the state is [`ReadError::Io`] for ever.
    #[must_use]
    pub fn spawn(path: PathBuf, interval: Duration) -> Watcher {
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
            // The thread is not joined: it ends by itself, at once or after a read that hangs.
            Ok(_) => drop(first_read_done.recv_timeout(FIRST_READ_WAIT_MAX)),
            Err(error) => publish(
                &sender,
                Err(E::failed(io::Error::new(error.kind(), "no thread to read it with"))),
            ),
        }
        Watcher { receiver, _stop: stop }
    }
}

impl<T, E> Watcher<T, E> {
    /// A receiver that holds the current state and wakes when it changes. It outlives the watcher,
    /// with the last state.
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
