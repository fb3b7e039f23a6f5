//! All that the page says, as it stands at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use service_kit::admin::Condition;
use token_file::{AccountName, TokenId};

use super::Status;
use super::connecting::{self, Entry};
use super::recent::View;
use crate::conditions::ConditionName;
use crate::dremio::TokenSource;
use crate::engine::{CALL_LIMITS, Engine};
use crate::metrics::Now;
use crate::rpc::text_member;

/// Characters of the name and version that a server gives itself which are shown.
const NAME_CHARS_MAX: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) now: Timestamp,
    pub(super) version: &'static str,
    pub(super) conditions: BTreeMap<ConditionName, Condition>,
    pub(super) dremio: String,
    /// The account without a name; nothing where no client uses it.
    pub(super) single: Option<SingleFacts>,
    /// The others, by name.
    pub(super) accounts: Vec<AccountFacts>,
    pub(super) engine: EngineFacts,
    pub(super) counts: Now,
    /// How many calls an engine works on at a time.
    pub(super) places: usize,
    pub(super) recent: View,
    pub(super) agents_url: String,
    pub(super) wants_key: bool,
    pub(super) entries: Vec<Entry>,
}

/// The token in the file, whether it is good or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenFacts {
    pub(super) id: TokenId,
    pub(super) expires_at: Timestamp,
    pub(super) written_at: Option<Timestamp>,
}

/// The account without a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct SingleFacts {
    pub(super) token: Option<TokenFacts>,
}

/// An account with a name.
#[derive(Clone, Debug)]
pub(super) struct AccountFacts {
    pub(super) name: AccountName,
    pub(super) token: Option<TokenFacts>,
    /// Why its token cannot be sent, or is not taken.
    pub(super) failure: Option<String>,
}

/// What answers, and what it calls itself.
#[derive(Debug)]
pub(super) enum EngineFacts {
    Native,
    Official { name: Option<String>, version: Option<String> },
}

impl Facts {
    pub(super) fn of(status: &Status) -> Self {
        let (mut single, mut accounts) = (None, Vec::new());
        for (name, source) in status.tokens.all() {
            let token = TokenFacts::of(&source);
            match name {
                None => single = Some(SingleFacts { token }),
                Some(name) => accounts.push(AccountFacts {
                    name,
                    token,
                    failure: Some(source.condition().1)
                        .filter(|it| !it.ready)
                        .and_then(|it| it.reason),
                }),
            }
        }
        Self {
            now: status.recent.now(),
            version: env!("CARGO_PKG_VERSION"),
            conditions: status.readiness.conditions(),
            dremio: status.dremio.clone(),
            single,
            accounts,
            engine: EngineFacts::of(&status.engine),
            counts: status.metrics.now(),
            places: CALL_LIMITS.total,
            recent: status.recent.view(),
            agents_url: status.agents_url.clone(),
            wants_key: status.wants_key,
            entries: connecting::entries(&status.agents_url, status.wants_key),
        }
    }
}

impl TokenFacts {
    pub(super) fn of(tokens: &TokenSource) -> Option<Self> {
        let state = tokens.subscribe();
        let state = state.borrow();
        let token = state.as_ref().as_ref().ok()?;
        let (id, expires_at, written_at) = (token.id(), token.expires_at(), token.written_at());
        Some(Self { id, expires_at, written_at })
    }

    /// How long ago it was written; nothing where clocks do not agree.
    pub(super) fn age(self, now: Timestamp) -> Option<Duration> {
        now.duration_since(self.written_at?).try_into().ok()
    }

    /// How much is left of it; nothing when it has expired.
    pub(super) fn left(self, now: Timestamp) -> Option<SignedDuration> {
        Some(self.expires_at.duration_since(now)).filter(SignedDuration::is_positive)
    }
}

impl EngineFacts {
    fn of(engine: &Engine) -> Self {
        if matches!(engine, Engine::Native(_)) {
            return Self::Native;
        }
        let known = engine.known_introduction();
        let info = known.as_ref().and_then(|known| known.server_info.as_deref());
        let shown = |member| {
            let text = text_member(info?, member)?;
            Some(text.chars().filter(|char| !char.is_control()).take(NAME_CHARS_MAX).collect())
        };
        Self::Official { name: shown("name"), version: shown("version") }
    }
}
