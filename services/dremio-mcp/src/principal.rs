//! Who calls: the owner of a key, or everyone when keys are not required.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::random::hex;

/// How the name of a principal begins that is a key by itself, or a client of the policy. So no
/// client's name is that of a key.
const KEY_PREFIX: &str = "key:";
const CLIENT_PREFIX: &str = "client:";

/// Hex digits of a key's digest in logs: enough to distinguish a handful of keys, and never
/// compared.
const LOG_HEX_DIGITS: usize = 8;

/// Who calls: `key:` and the SHA-256 of the key in hex, `client:` and its name, or `anyone`.
/// Equal keys are equal principals. The whole digest is compared, because a key with a similar
/// beginning of its digest can be found in under a second.
///
/// `Display` and `Debug` give the short form for logs. Cheap to clone and to look up: every request
/// does both several times.
#[derive(Clone)]
pub(crate) struct Principal(Arc<Named>);

struct Named {
    name: String,
    /// Eight bytes of a digest of the name.
    hash: u64,
    withdrawn: CancellationToken,
}

/// A table with one entry for each principal.
pub(crate) type ByPrincipal<V> = HashMap<Principal, V, BuildHasherDefault<DigestHasher>>;

/// Uses the hash that a principal already has: it is a digest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DigestHasher(u64);

impl Principal {
    /// The one principal when keys are not required.
    pub(crate) fn anyone() -> Self {
        Self::named("anyone".to_owned())
    }

    /// The MCP server process, for its share of the gateway's memory.
    pub(crate) fn child() -> Self {
        Self::named("child".to_owned())
    }

    /// The owner of the key with this SHA-256.
    pub(crate) fn of_key(digest: &[u8; 32]) -> Self {
        Self::named(format!("{KEY_PREFIX}{}", hex(digest)))
    }

    /// The client of the policy that has this name.
    pub(crate) fn of_client(name: &str) -> Self {
        Self::named(format!("{CLIENT_PREFIX}{name}"))
    }

    fn named(name: String) -> Self {
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(&name).into();
        let hash = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        Self(Arc::new(Named { name, hash, withdrawn: CancellationToken::new() }))
    }

    /// The whole name, the same in every process that knows the key. For comparing and signing;
    /// logs use the short form.
    pub(crate) fn as_str(&self) -> &str {
        &self.0.name
    }

    /// The name that the policy has for it, if it is one of its clients.
    pub(crate) fn client(&self) -> Option<&str> {
        self.as_str().strip_prefix(CLIENT_PREFIX)
    }

    /// Cancelled when the key becomes invalid, which ends whatever was started with it.
    pub(crate) fn withdrawn(&self) -> &CancellationToken {
        &self.0.withdrawn
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.as_str();
        let short = name.starts_with(KEY_PREFIX).then_some(KEY_PREFIX.len() + LOG_HEX_DIGITS);
        f.write_str(short.and_then(|end| name.get(..end)).unwrap_or(name))
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({self})")
    }
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.name == other.0.name
    }
}

impl Eq for Principal {}

impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        // Only `write_u64` is called; anything else would still be hashed, if badly.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
