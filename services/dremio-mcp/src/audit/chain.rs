//! The chain of the audit file. A line is one JSON object:
//!
//! ```text
//! {"n":17,MEMBERS,"hmac":"HASH"}
//! ```
//!
//! `HASH` is HMAC-SHA-256 (RFC 2104) over the hash of the line before and the line itself up to
//! `,"hmac"`, with a key that follows from the gateway key. So nobody without that key can change,
//! insert or remove a line that others follow.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

use ring::hmac;
use secrecy::ExposeSecret;
use token_file::gateway_key::GatewayKey;

use crate::random::hex;

const HASH_BYTES: usize = 32;

/// What stands before the hash of a line, and behind it.
const HASH_START: &[u8] = b",\"hmac\":\"";
const HASH_END: &[u8] = b"\"}";

/// Bytes of a key's name: enough to tell the few keys of an installation from each other.
const KEY_ID_BYTES: usize = 4;

/// The hash of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash([u8; HASH_BYTES]);

/// A line's number and hash. `Display` and `FromStr` know it as `NUMBER:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// From 1 on, also over several files.
    pub(super) number: u64,
    pub(super) hash: Hash,
}

/// Why a text is not a [`Head`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a number, a colon and 64 hex digits, as the log names them: 17:4be2…")]
pub(super) struct NotAHead;

/// What lines are sealed with.
#[derive(Clone)]
pub(super) struct ChainKey {
    seal: hmac::Key,
    id: String,
}

/// A line as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SealedLine<'l> {
    pub(super) head: Head,
    /// What the hash is over.
    sealed: &'l [u8],
}

impl Hash {
    /// Before the first line.
    pub(super) const NONE: Self = Self([0; HASH_BYTES]);
}

impl FromStr for Hash {
    type Err = NotAHead;

    /// Lower case only, so that a line has one spelling.
    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let mut bytes = [0; HASH_BYTES];
        if text.len() != 2 * HASH_BYTES {
            return Err(NotAHead);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |at: usize| match pair.get(at) {
                Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
                Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
                _ => Err(NotAHead),
            };
            *byte = digit(0)? << 4 | digit(1)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl Head {
    /// Before the first line.
    pub(super) const START: Self = Self { number: 0, hash: Hash::NONE };
}

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (number, hash) = text.trim().split_once(':').ok_or(NotAHead)?;
        Ok(Self { number: number.parse().map_err(|_| NotAHead)?, hash: hash.parse()? })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl ChainKey {
    pub(super) fn of(key: &GatewayKey) -> Self {
        let gateway = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
        // The signer's labels are followed by a zero byte, so these are none of its.
        let (seal, id) =
            (hmac::sign(&gateway, b"audit-chain"), hmac::sign(&gateway, b"audit-key-id"));
        Self {
            seal: hmac::Key::new(hmac::HMAC_SHA256, seal.as_ref()),
            id: hex(id.as_ref().get(..KEY_ID_BYTES).unwrap_or_default()),
        }
    }

    /// The key's name in a file. It says nothing of the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Adds the line with these members, which follows `head`, to `text`. Gives the new head.
    pub(super) fn seal(&self, head: Head, members: &[u8], text: &mut Vec<u8>) -> Head {
        let (from, number) = (text.len(), head.number + 1);
        // A `Vec` takes everything.
        let _ = write!(text, "{{\"n\":{number},");
        text.extend_from_slice(members);
        let hash = self.hash(head.hash, text.get(from..).unwrap_or_default());
        text.extend_from_slice(HASH_START);
        let _ = write!(text, "{hash}");
        text.extend_from_slice(HASH_END);
        text.push(b'\n');
        Head { number, hash }
    }

    /// Whether `line` follows the line with the hash `before`, and is as it was written.
    pub(super) fn is_sealed(&self, before: Hash, line: &SealedLine<'_>) -> bool {
        // Not secret: whoever can read the file reads the hash.
        self.hash(before, line.sealed) == line.head.hash
    }

    fn hash(&self, before: Hash, sealed: &[u8]) -> Hash {
        let mut context = hmac::Context::with_key(&self.seal);
        context.update(&before.0);
        context.update(sealed);
        let mut hash = Hash::NONE;
        hash.0.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        hash
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainKey({})", self.id)
    }
}

impl<'l> SealedLine<'l> {
    /// Reads a line without its end. `None` if it has not the form of one.
    pub(super) fn read(line: &'l [u8]) -> Option<Self> {
        let (rest, hash) = line
            .strip_suffix(HASH_END)
            .and_then(|rest| rest.split_at_checked(rest.len().checked_sub(2 * HASH_BYTES)?))?;
        let hash = std::str::from_utf8(hash).ok()?.parse().ok()?;
        let sealed = rest.strip_suffix(HASH_START)?;
        let number = sealed.strip_prefix(b"{\"n\":")?.split(|byte| *byte == b',').next()?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        Some(Self { head: Head { number, hash }, sealed })
    }
}

#[cfg(test)]
mod tests {
    use token_file::gateway_key::GatewayKey;

    use super::{ChainKey, Hash, Head, NotAHead, SealedLine};

    #[test]
    fn a_line_is_sealed_with_its_key_number_and_predecessor() {
        let key = ChainKey::of(&GatewayKey::random().unwrap());
        let mut text = Vec::new();
        let first = key.seal(Head::START, b"\"a\":1", &mut text);
        let second = key.seal(first, b"\"a\":2", &mut text);
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("{{\"n\":1,\"a\":1,\"hmac\":\"{}\"}}", first.hash));
        let read = |line: &'static str| SealedLine::read(line.as_bytes());
        let [a, b] = [lines[0], lines[1]].map(|line| SealedLine::read(line.as_bytes()).unwrap());
        assert_eq!((a.head, b.head), (first, second));
        assert!(key.is_sealed(Hash::NONE, &a) && key.is_sealed(a.head.hash, &b));
        assert!(!key.is_sealed(Hash::NONE, &b) && !key.is_sealed(b.head.hash, &a));
        let other = ChainKey::of(&GatewayKey::random().unwrap());
        assert!(!other.is_sealed(Hash::NONE, &a) && other.id() != key.id());
        for not in ["", "{}", "{\"n\":1,\"hmac\":\"\"}", "{\"n\":x,\"hmac\":\"00\"}"] {
            assert_eq!(read(not), None, "{not}");
        }
        let shouted = lines[0].replace(&first.hash.to_string(), &"A".repeat(64));
        assert_eq!(SealedLine::read(shouted.as_bytes()), None);
    }

    #[test]
    fn heads_read_as_the_log_writes_them() {
        let head = Head { number: 17, hash: Hash([0xa5; 32]) };
        assert_eq!(head.to_string().parse(), Ok(head));
        assert_eq!(format!(" {head}\n").parse(), Ok(head));
        for not in ["", "17", "17:", ":", "x:00", &format!("17:{}", "0".repeat(63))] {
            assert_eq!(not.parse::<Head>(), Err(NotAHead), "{not}");
        }
    }
}
