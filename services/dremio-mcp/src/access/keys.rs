//! The keys that clients may present. Only their SHA-256 is kept, and a key is compared with every
//! one of them in constant time. When a key is withdrawn, its streams and calls end.
//! [`super::keys_file`] withdraws keys.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::ExposeSecret;
use service_kit::{SecretError, SecretSource};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::policy::Identity;
use crate::principal::Principal;

/// Shorter keys can be guessed. `openssl rand -hex 32` gives 64 characters.
const KEY_CHARS_MIN: usize = 16;

/// Why a text is not a list of keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SecretError),
    /// No line has a key.
    #[error("holds no key; write one key a line")]
    Empty,
    /// Lines that have something other than a key.
    #[error("{}", joined(.0))]
    BadLines(Vec<BadLine>),
}

/// An invalid line, and why; never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadLine {
    /// A key that is too short.
    #[error(
        "the key in line {line} is shorter than {KEY_CHARS_MIN} characters; make one with \
         `openssl rand -hex 32`"
    )]
    TooShort {
        /// Its line, from 1.
        line: usize,
    },
    /// A key that no client can send.
    #[error("the key in line {line} has a character that cannot stand in an HTTP header")]
    NotPrintable {
        /// Its line, from 1.
        line: usize,
    },
    /// A byte-order mark, which would become a part of the first key.
    #[error("line 1 begins with a byte-order mark; save the file as UTF-8 without one")]
    ByteOrderMark,
}

impl BadLine {
    /// From 1.
    pub(crate) fn line(&self) -> usize {
        match self {
            Self::TooShort { line } | Self::NotPrintable { line } => *line,
            Self::ByteOrderMark => 1,
        }
    }
}

fn joined(bad: &[BadLine]) -> String {
    bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The content of a list of keys.
#[derive(Debug, Default)]
pub(super) struct KeyLines {
    pub(super) keys: Vec<Key>,
    pub(super) bad: Vec<BadLine>,
    /// Lines with a key that an earlier line has, and that line.
    repeated: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    digest: [u8; 32],
    identity: Arc<Identity>,
    /// Its line when it was read, from 1.
    line: usize,
}

/// The keys that are valid now.
#[derive(Debug)]
pub(crate) struct KeyRing {
    source: SecretSource,
    keys: ArcSwap<Vec<Key>>,
    /// As it was when the source was read first.
    repeated: Vec<(usize, usize)>,
}

impl KeyRing {
    /// Reads one key per line; blank lines and lines that start with `#` are skipped.
    ///
    /// # Errors
    /// When the source cannot be read, has no key, or has an invalid line.
    pub(crate) fn load(source: SecretSource) -> Result<Self, KeyRingError> {
        let lines = match source.path() {
            Some(path) => parse(&service_kit::read_secret_bytes(path)?),
            None => parse(source.read()?.expose_secret().as_bytes()),
        };
        match lines {
            KeyLines { bad, .. } if !bad.is_empty() => Err(KeyRingError::BadLines(bad)),
            KeyLines { keys, .. } if keys.is_empty() => Err(KeyRingError::Empty),
            KeyLines { keys, repeated, .. } => {
                Ok(Self { source, keys: ArcSwap::from_pointee(keys), repeated })
            }
        }
    }

    /// How many different keys are valid.
    pub(crate) fn len(&self) -> usize {
        self.keys.load().len()
    }

    /// Lines that repeat the key of an earlier one, and that one, as they were read first.
    pub(crate) fn repeated(&self) -> &[(usize, usize)] {
        &self.repeated
    }

    /// The file of keys, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.source.path()
    }

    /// Whose key has this digest. The time does not depend on how much of it is right.
    pub(crate) fn identify(&self, digest: &[u8; 32]) -> Option<Arc<Identity>> {
        let keys = self.keys.load();
        // No early exit: every key is compared.
        keys.iter().fold(None, |found, key| {
            if bool::from(key.digest.ct_eq(digest)) {
                Some(Arc::clone(&key.identity))
            } else {
                found
            }
        })
    }

    #[cfg(test)]
    pub(crate) fn owner(&self, presented: &[u8]) -> Option<Arc<Identity>> {
        self.identify(&digest(presented))
    }

    #[cfg(test)]
    pub(crate) fn find(&self, presented: &[u8]) -> Option<Principal> {
        self.owner(presented).map(|identity| identity.principal().clone())
    }

    /// Ends whatever was started with keys of which `is_served` is false: somebody else says who
    /// they are now. Should that change, they are as good as new.
    pub(crate) fn renew(&self, is_served: impl Fn(&[u8; 32]) -> bool) {
        let before = self.keys.load();
        let mut keys = before.to_vec();
        let mut ended = Vec::new();
        for key in keys.iter_mut().filter(|key| !is_served(&key.digest)) {
            ended.push(Arc::clone(&key.identity));
            key.identity = Identity::unlimited(Principal::of_key(&key.digest));
        }
        self.keys.store(Arc::new(keys));
        for identity in ended {
            identity.principal().withdrawn().cancel();
        }
    }

    /// How many keys there are of which `is_served` is false.
    pub(crate) fn count_not(&self, is_served: impl Fn(&[u8; 32]) -> bool) -> usize {
        self.keys.load().iter().filter(|key| !is_served(&key.digest)).count()
    }

    /// Makes `keys` the valid ones. Keys that were valid before keep their principal; whatever was
    /// started with the others ends.
    pub(super) fn replace(&self, mut keys: Vec<Key>, bad_lines: usize) {
        let before = self.keys.load();
        if before.iter().map(|key| key.digest).eq(keys.iter().map(|key| key.digest)) {
            return;
        }
        let mut added = keys.len();
        for key in &mut keys {
            if let Some(known) = before.iter().find(|known| known.digest == key.digest) {
                key.identity = Arc::clone(&known.identity);
                added -= 1;
            }
        }
        let withdrawn: Vec<_> =
            before.iter().filter(|old| !keys.iter().any(|key| key.digest == old.digest)).collect();
        tracing::info!(
            target: "audit",
            event = "keys_changed",
            keys = keys.len(),
            added,
            withdrawn = withdrawn.len(),
            bad_lines,
            "the API keys changed"
        );
        self.keys.store(Arc::new(keys));
        for key in withdrawn {
            key.identity.principal().withdrawn().cancel();
        }
    }
}

/// What is kept of a key.
pub(super) fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// Reads one key per line; blank lines and lines that start with `#` are skipped. A line that is
/// not UTF-8 is a key that no client can send.
pub(super) fn parse(text: &[u8]) -> KeyLines {
    let mut lines = KeyLines::default();
    for (index, content) in text.split(|&byte| byte == b'\n').enumerate() {
        let (key, line) = (content.trim_ascii(), index + 1);
        if key.is_empty() || key.starts_with(b"#") {
            continue;
        }
        if key.starts_with(b"\xef\xbb\xbf") {
            lines.bad.push(BadLine::ByteOrderMark);
        } else if !key.iter().all(u8::is_ascii_graphic) {
            lines.bad.push(BadLine::NotPrintable { line });
        } else if key.len() < KEY_CHARS_MIN {
            lines.bad.push(BadLine::TooShort { line });
        } else {
            let digest = digest(key);
            match lines.keys.iter().find(|other| other.digest == digest) {
                Some(other) => lines.repeated.push((line, other.line)),
                None => {
                    let identity = Identity::unlimited(Principal::of_key(&digest));
                    lines.keys.push(Key { digest, identity, line });
                }
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use service_kit::SecretSource;

    use super::{KeyRing, KeyRingError, parse};

    fn ring(text: &str) -> Result<KeyRing, KeyRingError> {
        KeyRing::load(SecretSource::Inline(text.to_owned().into()))
    }

    #[test]
    fn each_key_is_found() {
        let ring = ring("# team a\naaaaaaaaaaaaaaaaaaaa\n\n  bbbbbbbbbbbbbbbbbbbb  \n").unwrap();
        let (a, b) = (
            ring.find(b"aaaaaaaaaaaaaaaaaaaa").unwrap(),
            ring.find(b"bbbbbbbbbbbbbbbbbbbb").unwrap(),
        );
        assert_ne!(a, b);
        assert!(!a.as_str().contains("aaaa"));
        for stranger in ["", "aaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaa", "# team a"] {
            assert!(ring.find(stranger.as_bytes()).is_none(), "{stranger}");
        }
    }

    /// Two keys whose digests begin with the same eight hex digits; found by trying 2^17 texts.
    #[test]
    fn keys_with_similar_digests_are_different_principals() {
        let ring = ring("colliding-key-00014717\ncolliding-key-00123227").unwrap();
        let (a, b) = (
            ring.find(b"colliding-key-00014717").unwrap(),
            ring.find(b"colliding-key-00123227").unwrap(),
        );
        assert_eq!(a.to_string(), b.to_string(), "the short form for logs");
        assert_ne!(a, b);
        assert_ne!(a.as_str(), b.as_str());
        assert_eq!(a.as_str().len(), "key:".len() + 64);
    }

    #[test]
    fn a_withdrawn_key_is_cancelled_and_others_keep_their_principal() {
        let ring = ring("aaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbb").unwrap();
        let find = |key: &str| ring.find(key.repeat(20).as_bytes());
        let (a, b) = (find("a").unwrap(), find("b").unwrap());
        ring.replace(parse(b"cccccccccccccccccccc\nbbbbbbbbbbbbbbbbbbbb").keys, 0);
        assert!(a.withdrawn().is_cancelled() && find("a").is_none());
        assert!(!b.withdrawn().is_cancelled() && !find("c").unwrap().withdrawn().is_cancelled());
        // A key that comes back is a new principal.
        ring.replace(parse(b"aaaaaaaaaaaaaaaaaaaa").keys, 0);
        let again = find("a").unwrap();
        assert!(again == a && !again.withdrawn().is_cancelled() && b.withdrawn().is_cancelled());
    }

    #[test]
    fn errors_name_the_line_and_never_quote_it() {
        for (text, expected) in [
            ("# none\n", "holds no key; write one key a line"),
            (
                "\nshort",
                "the key in line 2 is shorter than 16 characters; make one with `openssl rand \
                 -hex 32`",
            ),
            (
                "aaaaaaaaaaaa aaaaaaaaaaaa",
                "the key in line 1 has a character that cannot stand in an HTTP header",
            ),
            (
                "\u{feff}aaaaaaaaaaaaaaaa",
                "line 1 begins with a byte-order mark; save the file as UTF-8 without one",
            ),
            (
                "aaaaaaaaaaaaaaaa\nsh\u{f6}rt-and-strange\nshort",
                "the key in line 2 has a character that cannot stand in an HTTP header; the key \
                 in line 3 is shorter than 16 characters; make one with `openssl rand -hex 32`",
            ),
        ] {
            assert_eq!(ring(text).unwrap_err().to_string(), expected);
        }
    }
}
