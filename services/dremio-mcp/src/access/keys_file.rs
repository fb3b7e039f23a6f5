//! Follows the file of keys, so that a key can be added or withdrawn without a restart. A key that
//! is no longer in the file is withdrawn, even if other lines are invalid. If the file cannot be
//! read, the keys stay valid for a while.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use service_kit::SecretError;
use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;

use super::KeyRing;
use super::keys::{KeyLines, parse};
use crate::conditions::{ConditionName, Readiness};
use crate::followed_file::{Look, Reader, follow};

/// How long the keys of an unreadable file stay valid: enough time to repair a volume or a
/// permission.
const UNREADABLE_MAX: Duration = Duration::from_secs(5 * 60);

/// What a look at the file at `path` finds. It is parsed each time: a key that was lost and comes
/// back is as good as new.
fn look(path: &Path) -> Look<KeyLines> {
    match service_kit::read_secret_bytes(path) {
        Ok(bytes) => Look::of(&bytes, None, parse),
        Err(SecretError::Unreadable { source, .. }) => Look::Unreadable(source.to_string()),
        Err(cause) => Look::Unreadable(cause.to_string()),
    }
}

impl KeyRing {
    /// Follows the file of keys until `shutdown` drains, and maintains the condition `keys`. Keys
    /// from elsewhere do not change.
    pub(crate) async fn follow(self: Arc<Self>, readiness: Readiness, shutdown: Shutdown) {
        let Some(path) = self.path().map(Path::to_owned) else {
            readiness.set(ConditionName::Keys, Condition::met());
            return shutdown.draining().await;
        };
        let reader = Reader::start("keys-file", move |_| look(&path));
        tokio::select! {
            () = self.keep(&readiness, || Arc::clone(&reader).look()) => {}
            () = shutdown.draining() => {}
        }
    }

    async fn keep<F: Future<Output = Look<KeyLines>>>(
        &self,
        readiness: &Readiness,
        look: impl FnMut() -> F,
    ) {
        readiness.set(ConditionName::Keys, Condition::met());
        let mut unreadable_since = None;
        follow(look, |look| self.apply(readiness, look, &mut unreadable_since)).await;
    }

    fn apply(
        &self,
        readiness: &Readiness,
        look: &Look<KeyLines>,
        unreadable_since: &mut Option<Instant>,
    ) {
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
        readiness.set(ConditionName::Keys, condition);
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

#[cfg(test)]
mod tests;
