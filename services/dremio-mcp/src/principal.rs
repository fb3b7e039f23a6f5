//! Who asks: the owner of a key, or everybody when no key is asked for.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::random::hex;

/// What the name of a principal with a key begins with.
const KEY_PREFIX: &str = "key-";

/// Hex digits of a key's digest that stand in logs: enough to tell a handful of keys apart, and
/// never compared.
const LOG_HEX_DIGITS: usize = 8;

/// Who asks: `key-` and the SHA-256 of the key, in hex. Equal keys are equal principals, and the
/// whole digest is compared: a key whose digest begins like another's can be found in under a
/// second.
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

/// Takes the hash that a principal has: it is a digest already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DigestHasher(u64);

impl Principal {
    /// The one principal where no key is asked for.
    pub(crate) fn anyone() -> Self {
        Self::named("anyone".to_owned())
    }

    /// The MCP server process, for what it may take of the gateway.
    pub(crate) fn child() -> Self {
        Self::named("child".to_owned())
    }

    /// The owner of the key with this SHA-256.
    pub(crate) fn of_key(digest: &[u8; 32]) -> Self {
        Self::named(format!("{KEY_PREFIX}{}", hex(digest)))
    }

    fn named(name: String) -> Self {
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(&name).into();
        let hash = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        Self(Arc::new(Named { name, hash, withdrawn: CancellationToken::new() }))
    }

    /// The whole name, the same in every process that knows the key. To compare and to sign; logs
    /// take the short form.
    pub(crate) fn as_str(&self) -> &str {
        &self.0.name
    }

    /// Cancelled when the key is no longer valid: what it has begun ends then.
    pub(crate) fn withdrawn(&self) -> &CancellationToken {
        &self.0.withdrawn
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name.get(..KEY_PREFIX.len() + LOG_HEX_DIGITS).unwrap_or(&self.0.name))
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
        // Only `write_u64` is called; any other key would still be hashed, if badly.
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
