//! Login tokens: opaque, of fixed lifetime from creation, independent of each other (contract §2),
//! and with the cache that makes a logout effective or not (§1.4).
//!
//! Dremio deletes a token from its store only when the token is dropped from the coordinator's
//! cache *on purpose*. A token enters the cache when it is created, or at the first call that finds
//! it missing there, and leaves it five minutes later whatever happens. A logout in the time after
//! that answers 204 and changes nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};

use crate::{clock, ids};

/// Tokens kept; the oldest go first. Dremio has no limit; a test that logs in more often than this
/// has gone astray.
const TOKENS_MAX: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Tokens {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    issued: u64,
    lifetime: Duration,
    cache_lifetime: Duration,
    tokens: HashMap<String, Token>,
}

#[derive(Debug)]
struct Token {
    number: u64,
    user: String,
    expires_at: Timestamp,
    cached_since: Option<Instant>,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration, cache_lifetime: Duration) -> Self {
        Self {
            inner: Mutex::new(Inner {
                issued: 0,
                lifetime,
                cache_lifetime,
                tokens: HashMap::new(),
            }),
        }
    }

    /// A new token for `user`, and when it expires.
    pub(crate) fn issue(&self, user: &str) -> Result<(String, Timestamp), getrandom::Error> {
        let text = ids::token()?;
        let mut inner = self.lock();
        if inner.tokens.len() >= TOKENS_MAX {
            inner.drop_oldest();
        }
        let number = inner.issued;
        inner.issued = number.wrapping_add(1);
        let lifetime = SignedDuration::try_from(inner.lifetime).unwrap_or(SignedDuration::MAX);
        let token = Token {
            number,
            user: user.to_owned(),
            expires_at: clock::now().checked_add(lifetime).unwrap_or(Timestamp::MAX),
            cached_since: Some(Instant::now()),
        };
        let expires_at = token.expires_at;
        inner.tokens.insert(text.clone(), token);
        Ok((text, expires_at))
    }

    /// The user that a token belongs to, if it is good. An expired one is forgotten.
    pub(crate) fn user_of(&self, text: &str) -> Option<String> {
        let mut inner = self.lock();
        let cache_lifetime = inner.cache_lifetime;
        let token = inner.tokens.get_mut(text)?;
        if token.expires_at <= clock::now() {
            inner.tokens.remove(text);
            return None;
        }
        if !token.is_cached(cache_lifetime) {
            token.cached_since = Some(Instant::now());
        }
        Some(token.user.clone())
    }

    /// Logs a token out, effectively only while it is cached. Whether it did is not reported to the
    /// client.
    pub(crate) fn log_out(&self, text: &str) {
        let mut inner = self.lock();
        let cache_lifetime = inner.cache_lifetime;
        if inner.tokens.get(text).is_some_and(|token| token.is_cached(cache_lifetime)) {
            inner.tokens.remove(text);
        }
    }

    /// Empties the cache, as a restart of the coordinator does.
    pub(crate) fn evict_cache(&self) {
        for token in self.lock().tokens.values_mut() {
            token.cached_since = None;
        }
    }

    /// The lifetime of tokens issued from now on.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lock().lifetime
    }

    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.lock().lifetime = lifetime;
    }

    /// Forgets every token; returns how many of them were still good.
    pub(crate) fn revoke_all(&self) -> usize {
        let count = self.live().len();
        self.lock().tokens.clear();
        count
    }

    /// The good tokens, in order of issue.
    pub(crate) fn live(&self) -> Vec<String> {
        let now = clock::now();
        let inner = self.lock();
        let mut live: Vec<(u64, &String)> = inner
            .tokens
            .iter()
            .filter(|(_, token)| token.expires_at > now)
            .map(|(text, token)| (token.number, text))
            .collect();
        live.sort_unstable();
        live.into_iter().map(|(_, text)| text.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Token {
    fn is_cached(&self, cache_lifetime: Duration) -> bool {
        self.cached_since.is_some_and(|since| since.elapsed() < cache_lifetime)
    }
}

impl Inner {
    fn drop_oldest(&mut self) {
        let oldest =
            self.tokens.iter().min_by_key(|(_, token)| token.number).map(|(text, _)| text.clone());
        if let Some(oldest) = oldest {
            self.tokens.remove(&oldest);
        }
    }
}
