//! The tokens of all accounts that are used here: each has a source of its own, and one condition
//! says how they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use service_kit::Clock;
use service_kit::accounts::condition_of_all;
use service_kit::lifecycle::Shutdown;
use token_file::{AccountName, Token, TokenId, Watchers};
use tokio::sync::mpsc;

use super::refresh_requests::{AccountRequests, RefreshRequester};
use super::token::{FILE_INTERVAL, TokenSource};
use crate::conditions::{ConditionName, Readiness};
use crate::metrics::Metrics;

/// The token sources by account; `None` is the single account. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token_file: PathBuf,
    watchers: Watchers,
    clock: Clock,
    refresher: Option<url::Url>,
    requesters: mpsc::UnboundedSender<AccountRequests>,
    sources: Mutex<BTreeMap<Option<AccountName>, TokenSource>>,
}

impl Tokens {
    /// Follows the token file at `token_file`, that of the single account; other accounts are
    /// followed when they are asked for. Refresh requests go to `refresher`.
    pub(crate) fn watch(
        token_file: PathBuf,
        clock: Clock,
        refresher: Option<url::Url>,
    ) -> (Self, RefreshRequester) {
        let (requesters, accounts) = mpsc::unbounded_channel();
        let tokens = Self(Arc::new(Inner {
            token_file,
            watchers: Watchers::spawn(FILE_INTERVAL),
            clock,
            refresher,
            requesters,
            sources: Mutex::default(),
        }));
        tokens.use_only(&BTreeSet::from([None]));
        (tokens, RefreshRequester { accounts })
    }

    /// The source of this account's token, which is followed from now on. That it exists is not
    /// checked: without a token file, a call fails with an error that names the account.
    pub(crate) fn of(&self, account: Option<&AccountName>) -> TokenSource {
        let mut sources = self.0.sources.lock();
        if let Some(source) = sources.get(&account.cloned()) {
            return source.clone();
        }
        let (source, requests) = TokenSource::follow(
            account.cloned(),
            &self.0.token_file,
            &self.0.watchers,
            self.0.clock.clone(),
            self.0.refresher.as_ref(),
        );
        // When the gateway stops, nobody takes it, and nobody asks for a token any more.
        let _ = self.0.requesters.send(requests);
        sources.insert(account.cloned(), source.clone());
        source
    }

    /// The sources of all accounts that are used, that of the single one first.
    pub(crate) fn all(&self) -> Vec<(Option<AccountName>, TokenSource)> {
        let sources = self.0.sources.lock();
        sources.iter().map(|(account, source)| (account.clone(), source.clone())).collect()
    }

    /// Follows these accounts from now on and no others, `None` being the single one. Readiness and
    /// metrics speak of them only. Whoever has the source of another keeps it.
    pub(crate) fn use_only(&self, accounts: &BTreeSet<Option<AccountName>>) {
        for account in accounts {
            self.of(account.as_ref());
        }
        self.0.sources.lock().retain(|account, _| accounts.contains(account));
    }

    /// What Dremio is asked about regularly: the first account whose token can be sent, to learn
    /// whether Dremio is there, and those whose token it has rejected, in case it takes it again.
    pub(super) fn to_probe(&self) -> Vec<TokenSource> {
        let sources = self.0.sources.lock();
        let mut usable = sources.values().filter(|source| source.current().is_ok());
        let first = usable.next().cloned();
        first.into_iter().chain(usable.filter(|source| source.is_refused()).cloned()).collect()
    }

    /// Keeps the `token` condition and the expiry metrics true until `shutdown` drains.
    pub(crate) async fn report(
        self,
        readiness: Readiness,
        metrics: Arc<Metrics>,
        shutdown: Shutdown,
    ) {
        // A token also expires without any event; and this is as often as the files are read.
        let mut ticks = tokio::time::interval(FILE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = BTreeMap::new();
        loop {
            self.report_once(&readiness, &metrics, &mut last);
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.draining() => return,
            }
        }
    }

    fn report_once(
        &self,
        readiness: &Readiness,
        metrics: &Metrics,
        last: &mut BTreeMap<Option<AccountName>, TokenId>,
    ) {
        let sources = self.0.sources.lock().clone();
        last.retain(|account, _| sources.contains_key(account));
        metrics.keep_accounts(sources.keys());
        let mut conditions = BTreeMap::new();
        for (account, source) in sources {
            let (token, condition) = source.condition();
            metrics.token_expires(account.as_ref(), token.as_ref().map(Token::expires_at));
            if let Some(token) = token.filter(|_| condition.ready)
                && last.insert(account.clone(), token.id()) != Some(token.id())
            {
                tracing::info!(
                    account = account.as_ref().map(AccountName::as_str),
                    token_id = %token.id(),
                    expires_at = %token.expires_at(),
                    "using a new Dremio token",
                );
            }
            conditions.insert(account, condition);
        }
        let single = conditions.remove(&None);
        let named = conditions
            .iter()
            .filter_map(|(account, condition)| Some((account.as_ref()?.as_str(), condition)));
        readiness.set(ConditionName::Token, condition_of_all(single.as_ref(), named));
    }
}

#[cfg(test)]
mod tests;
