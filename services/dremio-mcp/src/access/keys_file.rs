//! Follows the file of keys, so that a key can be added or withdrawn without a restart. A key that
//! is no longer in the file is withdrawn, even if other lines are invalid. If the file cannot be
//! read, the keys stay valid for a while.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use service_kit::SecretError;
use service_kit::admin::{Condition, Readiness};
use service_kit::lifecycle::Shutdown;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::KeyRing;
use super::keys::{KeyLines, parse};

/// Interval between two looks at the file. With [`CONFIRM_AFTER`] and [`CONFIRM_MAX`], a change
/// takes effect within 2 s.
const LOOK_INTERVAL: Duration = Duration::from_millis(750);

/// A change takes effect when the next look finds the same: an editor or `cp` leaves a file empty
/// or half-written for a moment.
const CONFIRM_AFTER: Duration = Duration::from_millis(250);

/// After this many looks that all differ, the last one takes effect: a file that changes all the
/// time must not keep a withdrawn key alive.
const CONFIRM_MAX: usize = 4;

/// How long the keys of an unreadable file stay valid: enough time to repair a volume or a
/// permission.
const UNREADABLE_MAX: Duration = Duration::from_secs(5 * 60);

/// How long one read may take before the volume counts as hanging.
const READ_MAX: Duration = Duration::from_secs(5);

/// The result of one look: keys with the digest of the whole content, or why the file cannot be
/// read.
#[derive(Debug)]
enum Look {
    Content([u8; 32], KeyLines),
    Unreadable(String),
}

impl Look {
    fn at(path: &Path) -> Self {
        match service_kit::read_secret_bytes(path) {
            Ok(bytes) => Self::of(&bytes),
            Err(SecretError::Unreadable { source, .. }) => Self::Unreadable(source.to_string()),
            Err(cause) => Self::Unreadable(cause.to_string()),
        }
    }

    fn of(bytes: &[u8]) -> Self {
        Self::Content(Sha256::digest(bytes).into(), parse(bytes))
    }

    fn finds_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Content(own, _), Self::Content(other, _)) => own == other,
            (Self::Unreadable(own), Self::Unreadable(other)) => own == other,
            _ => false,
        }
    }
}

impl KeyRing {
    /// Follows the file of keys until `shutdown` drains, and maintains the condition `keys`. Keys
    /// from elsewhere do not change.
    pub(crate) async fn follow(self: Arc<Self>, readiness: Readiness, shutdown: Shutdown) {
        let Some(path) = self.path().map(Path::to_owned) else {
            readiness.set("keys", Condition::met());
            return shutdown.draining().await;
        };
        let reader = Arc::new(Reader::start(path));
        let look = move || Arc::clone(&reader).look();
        tokio::select! {
            () = self.keep(&readiness, look) => {}
            () = shutdown.draining() => {}
        }
    }

    async fn keep<F: Future<Output = Look>>(
        &self,
        readiness: &Readiness,
        mut look: impl FnMut() -> F,
    ) {
        // The ring has just been loaded; what is read now must be confirmed like any change.
        readiness.set("keys", Condition::met());
        let (mut known, mut unreadable_since) = (None, None);
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
            self.apply(readiness, known.insert(found), &mut unreadable_since);
        }
    }

    fn apply(&self, readiness: &Readiness, look: &Look, unreadable_since: &mut Option<Instant>) {
        let condition = match look {
            Look::Content(_, lines) => {
                *unreadable_since = None;
                self.replace(lines.keys.clone(), lines.bad.len());
                judge(lines)
            }
            Look::Unreadable(why) => {
                if unreadable_since.get_or_insert_with(Instant::now).elapsed() >= UNREADABLE_MAX {
                    self.replace(Vec::new(), 0);
                    let message = format!(
                        "MCP_API_KEYS_FILE cannot be read ({why}), so no key is valid any more \
                         and everybody is refused"
                    );
                    Condition::unmet("keys_lost", message)
                } else {
                    let message = format!(
                        "MCP_API_KEYS_FILE cannot be read ({why}); the keys known so far stay \
                         valid for 5 minutes"
                    );
                    Condition::unmet("keys_unreadable", message)
                }
            }
        };
        readiness.set("keys", condition);
    }
}

fn judge(lines: &KeyLines) -> Condition {
    let numbers = lines.bad.iter().map(|bad| bad.line().to_string()).collect::<Vec<_>>().join(", ");
    match (lines.keys.is_empty(), numbers.is_empty()) {
        (false, true) => Condition::met(),
        (false, false) => {
            let message = format!(
                "MCP_API_KEYS_FILE holds something else than a key in line {numbers}; the other \
                 keys are valid"
            );
            Condition::met_with_warning("bad_key_lines", message)
        }
        (true, true) => Condition::unmet(
            "no_key",
            "MCP_API_KEYS_FILE holds no key, so everybody is refused; write one key a line",
        ),
        (true, false) => {
            let message = format!(
                "MCP_API_KEYS_FILE holds no key, so everybody is refused; what stands in line \
                 {numbers} is none"
            );
            Condition::unmet("no_key", message)
        }
    }
}

/// Reads the file on its own thread: a read from a hanging volume cannot be interrupted, and must
/// block neither the runtime nor the end of the process.
struct Reader {
    requests: Option<SyncSender<oneshot::Sender<Look>>>,
}

impl Reader {
    fn start(path: PathBuf) -> Self {
        let (requests, received) = mpsc::sync_channel::<oneshot::Sender<Look>>(1);
        let spawned = thread::Builder::new().name("keys-file".to_owned()).spawn(move || {
            for request in received {
                let _nobody_waits = request.send(Look::at(&path));
            }
        });
        Self { requests: spawned.is_ok().then_some(requests) }
    }

    async fn look(self: Arc<Self>) -> Look {
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
mod tests;
