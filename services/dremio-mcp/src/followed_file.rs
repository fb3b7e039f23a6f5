//! Follows a file that people edit, by its content, so that a change takes effect without a
//! restart: within 2 s, and not while the file is half-written.

use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Interval between two looks at the file. With [`CONFIRM_AFTER`] and [`CONFIRM_MAX`], a change
/// takes effect within 2 s.
const LOOK_INTERVAL: Duration = Duration::from_millis(750);

/// A change takes effect when the next look finds the same: an editor or `cp` leaves a file empty
/// or half-written for a moment.
const CONFIRM_AFTER: Duration = Duration::from_millis(250);

/// After this many looks that all differ, the last one takes effect: a file that changes all the
/// time must not keep a withdrawn key alive.
const CONFIRM_MAX: usize = 4;

/// How long one read may take before the volume counts as hanging.
const READ_MAX: Duration = Duration::from_secs(5);

/// The result of one look: what stands in the file, with the digest of its whole content, or why it
/// cannot be read.
#[derive(Debug)]
pub(crate) enum Look<T> {
    Content([u8; 32], Arc<T>),
    Unreadable(String),
}

impl<T> Clone for Look<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Content(digest, content) => Self::Content(*digest, Arc::clone(content)),
            Self::Unreadable(why) => Self::Unreadable(why.clone()),
        }
    }
}

impl<T> Look<T> {
    /// A look that found `bytes`. They are parsed if the look `before` found others.
    pub(crate) fn of(bytes: &[u8], before: Option<&Self>, parse: impl FnOnce(&[u8]) -> T) -> Self {
        let digest = Sha256::digest(bytes).into();
        match before {
            Some(Self::Content(known, content)) if *known == digest => {
                Self::Content(digest, Arc::clone(content))
            }
            _ => Self::Content(digest, Arc::new(parse(bytes))),
        }
    }

    fn finds_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Content(own, _), Self::Content(other, _)) => own == other,
            (Self::Unreadable(own), Self::Unreadable(other)) => own == other,
            _ => false,
        }
    }
}

/// Gives what `look` finds to `apply`, again and again, each change when it is confirmed. What is
/// read first must be confirmed like any change. Never ends.
pub(crate) async fn follow<T, F: Future<Output = Look<T>>>(
    mut look: impl FnMut() -> F,
    mut apply: impl FnMut(&Look<T>),
) {
    let mut known = None;
    loop {
        sleep(LOOK_INTERVAL).await;
        let mut found = look().await;
        if !known.as_ref().is_some_and(|known| found.finds_the_same_as(known)) {
            for _ in 0..CONFIRM_MAX {
                sleep(CONFIRM_AFTER).await;
                let again = look().await;
                let is_confirmed = again.finds_the_same_as(&found);
                found = again;
                if is_confirmed {
                    break;
                }
            }
        }
        apply(known.insert(found));
    }
}

/// Looks at a file on its own thread: a read from a hanging volume cannot be interrupted, and must
/// block neither the runtime nor the end of the process.
pub(crate) struct Reader<T> {
    requests: Option<SyncSender<oneshot::Sender<Look<T>>>>,
}

impl<T: Send + Sync + 'static> Reader<T> {
    /// A thread of this name that reads with `look`, which gets what it found before.
    pub(crate) fn start(
        name: &str,
        look: impl Fn(Option<&Look<T>>) -> Look<T> + Send + 'static,
    ) -> Arc<Self> {
        let (requests, received) = mpsc::sync_channel::<oneshot::Sender<Look<T>>>(1);
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut last = None;
            for request in received {
                let found = look(last.as_ref());
                let _nobody_waits = request.send(last.insert(found).clone());
            }
        });
        Arc::new(Self { requests: spawned.is_ok().then_some(requests) })
    }

    /// What is found now.
    pub(crate) async fn look(self: Arc<Self>) -> Look<T> {
        let Some(requests) = &self.requests else {
            return Look::Unreadable("there is no thread to read it with".to_owned());
        };
        let (request, found) = oneshot::channel();
        if requests.try_send(request).is_ok()
            && let Ok(Ok(look)) = timeout(READ_MAX, found).await
        {
            return look;
        }
        Look::Unreadable("its volume does not answer".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Look;

    #[test]
    fn the_same_bytes_are_parsed_once() {
        let content = |look: &Look<u8>| match look {
            Look::Content(_, content) => **content,
            Look::Unreadable(why) => panic!("{why}"),
        };
        let first = Look::of(b"a", None, |_| 1);
        assert_eq!(content(&Look::of(b"a", Some(&first), |_| 2)), 1);
        assert_eq!(content(&Look::of(b"b", Some(&first), |_| 3)), 3);
        let unreadable = Look::Unreadable("gone".to_owned());
        assert_eq!(content(&Look::of(b"a", Some(&unreadable), |_| 4)), 4);
    }
}
