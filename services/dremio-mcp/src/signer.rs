//! Signs what clients keep for us and we must recognise later, with the gateway key: another
//! gateway of the same installation recognises it, and so does this one after a restart.
//!
//! The text is base64url of the content and of the first 128 bits of HMAC-SHA256 (RFC 2104) over a
//! label and the content. The label names the purpose, so that a signature for one purpose is not
//! accepted for another. Anyone can read the content.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use secrecy::ExposeSecret;
use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;
use subtle::ConstantTimeEq;
use token_file::gateway_key::{self, GatewayKey, KeyError};

use crate::conditions::{ConditionName, Readiness};
use crate::random::hex;

/// Interval between two looks at the file: gateways must follow a rotation within a few seconds.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// 128 bits cannot be guessed, and the text stays short.
const TAG_BYTES: usize = 16;

/// 64 bits.
const SHORT_TAG_DIGITS: usize = 16;

/// The result of a look at the file.
type Seen = Result<GatewayKey, KeyError>;

/// The key that a look at the file has found. Equal if it comes from the same look.
#[derive(Debug)]
pub(crate) struct SharedKey(Arc<Seen>);

impl SharedKey {
    pub(crate) fn key(&self) -> Option<&GatewayKey> {
        key_in(Some(&self.0))
    }
}

impl PartialEq for SharedKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Signs and checks. Cheap to call; shared by all users.
#[derive(Debug)]
pub(crate) struct Signer {
    /// The last result that was a key.
    shared: ArcSwapOption<Seen>,
    /// The key from before there was a file; its signatures stay valid.
    own: GatewayKey,
}

impl Signer {
    /// A signer with its own key, until it finds one in the file.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { shared: ArcSwapOption::empty(), own: GatewayKey::random()? })
    }

    /// `content` with a signature for `label`. Visible ASCII, 4 characters for 3 bytes.
    pub(crate) fn sign(&self, label: &str, content: &[u8]) -> String {
        let shared = self.shared.load();
        let key = key_in(shared.as_deref()).unwrap_or(&self.own);
        let signed = [content, &mac(key, label, content)].concat();
        BASE64_URL_SAFE_NO_PAD.encode(signed)
    }

    /// The content of `text`, if it was signed for `label` with a valid key. The time does not
    /// depend on how much of the tag is right.
    pub(crate) fn open(&self, label: &str, text: &str) -> Option<Vec<u8>> {
        let mut content = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let tag = content.split_off(content.len().checked_sub(TAG_BYTES)?);
        let shared = self.shared.load();
        let mut keys = key_in(shared.as_deref()).into_iter().chain([&self.own]);
        keys.any(|key| mac(key, label, &content).ct_eq(&tag).into()).then_some(content)
    }

    /// Half a tag of `content` for `label`, as 16 hex digits, for texts with their own form of the
    /// content. 64 bits are enough where guesses are counted.
    pub(crate) fn short_tag(&self, label: &str, content: &[u8]) -> String {
        let shared = self.shared.load();
        short_tag(key_in(shared.as_deref()).unwrap_or(&self.own), label, content)
    }

    /// Whether `tag` is the [`Signer::short_tag`] with a valid key. The time does not depend on how
    /// much of the tag is right.
    pub(crate) fn is_short_tag(&self, label: &str, content: &[u8], tag: &str) -> bool {
        let shared = self.shared.load();
        let mut keys = key_in(shared.as_deref()).into_iter().chain([&self.own]);
        keys.any(|key| short_tag(key, label, content).as_bytes().ct_eq(tag.as_bytes()).into())
    }

    /// The key in the file; `None` while there was none yet. The key of this process alone would be
    /// of no use after it.
    pub(crate) fn shared_key(&self) -> Option<SharedKey> {
        self.shared.load_full().filter(|seen| seen.is_ok()).map(SharedKey)
    }

    /// Follows the key beside `token_file`, and reports in readiness when there is none, until
    /// `shutdown` drains. A deleted key stays in use until there is another, because a deletion
    /// means that a new one is expected. A key that exists now is in use when this returns.
    pub(crate) fn follow(
        self: Arc<Self>,
        token_file: PathBuf,
        readiness: Readiness,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> {
        let watcher = gateway_key::watch(token_file, LOOK_INTERVAL);
        let mut state = watcher.subscribe();
        self.learn(Arc::clone(&state.borrow_and_update()), &readiness);
        async move {
            let _watched = watcher;
            loop {
                tokio::select! {
                    changed = state.changed() => {
                        if changed.is_err() {
                            return shutdown.draining().await;
                        }
                    }
                    () = shutdown.draining() => return,
                }
                self.learn(Arc::clone(&state.borrow_and_update()), &readiness);
            }
        }
    }

    fn learn(&self, seen: Arc<Seen>, readiness: &Readiness) {
        let condition = match seen.as_ref() {
            Ok(key) => {
                let before = self.shared.swap(Some(Arc::clone(&seen)));
                if key_in(before.as_deref()).is_some_and(|before| before != key) {
                    tracing::info!(
                        "the gateway key has changed: only sessions that are open here outlive it"
                    );
                }
                Condition::met_by(format!("key {} signs", key.id()))
            }
            Err(cause) if self.shared.load().is_some() => Condition::met_with_warning(
                cause.reason(),
                format!("{cause}; the key that was there before stays in use"),
            ),
            Err(cause) => {
                let cost = "without it, clients' sessions end with this process, and replicas do \
                            not know each other's";
                Condition::met_with_warning(cause.reason(), format!("{cause}; {cost}"))
            }
        };
        readiness.set(ConditionName::GatewayKey, condition);
    }
}

fn key_in(seen: Option<&Seen>) -> Option<&GatewayKey> {
    seen.and_then(|seen| seen.as_ref().ok())
}

fn short_tag(key: &GatewayKey, label: &str, content: &[u8]) -> String {
    let mut digits = hex(&mac(key, label, content));
    digits.truncate(SHORT_TAG_DIGITS);
    digits
}

fn mac(key: &GatewayKey, label: &str, content: &[u8]) -> [u8; TAG_BYTES] {
    let mut context =
        hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()));
    context.update(label.as_bytes());
    // No label contains this byte, so a label followed by a content cannot be mistaken for a longer
    // label.
    context.update(&[0]);
    context.update(content);
    let whole = context.sign();
    let mut tag = [0; TAG_BYTES];
    tag.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
    tag
}

#[cfg(test)]
mod tests;
