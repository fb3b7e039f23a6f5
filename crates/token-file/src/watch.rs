//! Noticing that the token file changed.
//!
//! The watcher reads the file again and again and compares what it finds. Inode events would be cheaper and miss changes: they are
//! lost on bind-mounted files, on Docker Desktop shares and when Kubernetes swaps its `..data` link.
//!
//! It runs on a thread of its own. A read from a hanging network volume cannot be interrupted, and an async runtime would wait for
//! such a read before it ends; a plain thread holds up neither the runtime nor the end of the process.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::{ReadError, Token, read};

/// How often the file is read, unless the caller wants otherwise: a change, confirmed or not, is then published within a second.
pub const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long after a good token a bad state must last before it replaces that token. An editor, `cp` or `docker cp` rewrites a file in
/// place and leaves it empty or half for a moment, which must not fail the calls of that moment.
const CONFIRM_AFTER: Duration = Duration::from_millis(100);

/// How long [`Watcher::spawn`] waits for the first read, so that usually nobody sees [`ReadError::Pending`]. Short, because it
/// blocks: only a volume that hangs takes longer.
const FIRST_READ_WAIT_MAX: Duration = Duration::from_millis(250);

/// What the token file is: a token, or the reason why not.
pub type State = Result<Token, ReadError>;

/// Follows one token file until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    receiver: watch::Receiver<Arc<State>>,
    /// The thread ends when this is dropped.
    _stop: mpsc::Sender<()>,
}

impl Watcher {
    /// Starts to follow the file at `path`, reading it every `interval` (usually [`POLL_INTERVAL`]).
    ///
    /// When this returns, the state is that of the file, or [`ReadError::Pending`] if the volume hangs. While it hangs later, the
    /// last state stays: a good token is good until it expires. If no thread can be started, the state is [`ReadError::Io`] for ever.
    #[must_use]
    pub fn spawn(path: PathBuf, interval: Duration) -> Watcher {
        Watcher::over(move || read(&path), interval)
    }

    /// A watcher that takes its states from `look`: the file, or a script in tests.
    fn over(mut look: impl FnMut() -> State + Send + 'static, interval: Duration) -> Watcher {
        let (sender, receiver) = watch::channel(Arc::new(Err(ReadError::Pending)));
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
            Err(error) => publish(&sender, Err(ReadError::Io(io::Error::new(error.kind(), "no thread to read it with")))),
        }
        Watcher { receiver, _stop: stop }
    }

    /// A receiver that holds the current state and wakes when it changes. It outlives the watcher, with the last state.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.receiver.clone()
    }
}

fn follow(mut look: impl FnMut() -> State, interval: Duration, publisher: &watch::Sender<Arc<State>>, stopped: &mpsc::Receiver<()>) {
    let still_wanted = |pause| matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout));
    while still_wanted(interval) {
        let mut state = look();
        let had_token = publisher.borrow().is_ok();
        if state.is_err() && had_token {
            if !still_wanted(CONFIRM_AFTER) {
                return;
            }
            state = look();
        }
        publish(publisher, state);
    }
}

/// Publishes `state` if it differs from the last one.
fn publish(publisher: &watch::Sender<Arc<State>>, state: State) {
    publisher.send_if_modified(|current| {
        let changed = !same(current, &state);
        if changed {
            *current = Arc::new(state);
        }
        changed
    });
}

fn same(a: &State, b: &State) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Err(ReadError::Io(a)), Err(ReadError::Io(b))) => a.kind() == b.kind() && a.raw_os_error() == b.raw_os_error(),
        (Err(a), Err(b)) => a.reason() == b.reason(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
