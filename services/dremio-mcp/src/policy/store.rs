//! The policy that is in force, and who has which part of it. A changed file takes effect within
//! 2 s; one with a problem changes nothing, and says so.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use service_kit::Clock;
use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;
use subtle::ConstantTimeEq;
use token_file::AccountName;

use super::file::{self, Policy, PolicyError};
use super::grant::Grant;
use super::identity::Identity;
use super::spending::Spending;
use crate::conditions::{ConditionName, Readiness};
use crate::followed_file::{Look, Reader, follow};
use crate::metrics::Metrics;
use crate::principal::{ByPrincipal, Principal};

/// The policy of a gateway.
#[derive(Debug)]
pub(crate) struct PolicyStore {
    path: PathBuf,
    tools: &'static [&'static str],
    clock: Clock,
    metrics: Arc<Metrics>,
    current: ArcSwap<InForce>,
    /// What principals without a client of their own have used.
    others: Mutex<ByPrincipal<Arc<Spending>>>,
}

/// A policy, ready to be asked who a key is. The table's hash is keyed with random numbers of this
/// process, and the digest found is compared in constant time: how long it takes tells nothing
/// about the digests.
#[derive(Debug, Default)]
struct InForce {
    by_key: HashMap<[u8; 32], Arc<Identity>>,
    clients: HashMap<String, Arc<Identity>>,
    default: Option<Arc<Grant>>,
}

impl PolicyStore {
    /// Reads the policy at `path`.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub(crate) fn load(
        path: &Path,
        tools: &'static [&'static str],
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, PolicyError> {
        let bytes = file::bytes(path).map_err(PolicyError::Unreadable)?;
        let policy = Policy::read(&bytes, tools)?;
        let store = Self {
            path: path.to_owned(),
            tools,
            clock,
            metrics,
            current: ArcSwap::default(),
            others: Mutex::default(),
        };
        store.put_in_force(&policy);
        Ok(store)
    }

    /// Whose key has this digest, if the file names it.
    pub(crate) fn client(&self, digest: &[u8; 32]) -> Option<Arc<Identity>> {
        let current = self.current.load();
        let (known, identity) = current.by_key.get_key_value(digest)?;
        bool::from(known.ct_eq(digest)).then(|| Arc::clone(identity))
    }

    /// Who that principal is whose key the file does not name; nobody, without `default`.
    pub(crate) fn other(&self, principal: &Principal) -> Option<Arc<Identity>> {
        let grant = Arc::clone(self.current.load().default.as_ref()?);
        let mut others = self.others.lock();
        let spending =
            others.entry(principal.clone()).or_insert_with(|| Spending::new(self.clock.clone()));
        Some(Identity::limited(principal.clone(), grant, Arc::clone(spending)))
    }

    /// The accounts whose tokens calls carry; `None` is the single one.
    pub(crate) fn accounts(&self) -> BTreeSet<Option<AccountName>> {
        let current = self.current.load();
        let clients = current.clients.values().filter_map(|client| client.grant());
        clients.chain(current.default.as_ref()).map(|grant| grant.account.clone()).collect()
    }

    /// Whether a key with this digest is served as one that the file does not name.
    pub(crate) fn serves_other(&self, digest: &[u8; 32]) -> bool {
        let current = self.current.load();
        current.default.is_some() && !current.by_key.contains_key(digest)
    }

    /// Follows the file until `shutdown` drains, and maintains the condition `policy`. `changed` is
    /// called after each change.
    pub(crate) async fn follow(
        self: Arc<Self>,
        readiness: Readiness,
        shutdown: Shutdown,
        changed: impl Fn() + Send,
    ) {
        let (path, tools) = (self.path.clone(), self.tools);
        let reader = Reader::start("policy-file", move |before| match file::bytes(&path) {
            Ok(bytes) => Look::of(&bytes, before, |bytes| Policy::read(bytes, tools)),
            Err(why) => Look::Unreadable(why),
        });
        readiness.set(ConditionName::Policy, Condition::met());
        let mut last = Ok(());
        let apply = |look: &Look<Result<Policy, PolicyError>>| {
            let outcome = match look {
                Look::Content(_, policy) => match &**policy {
                    Ok(policy) => {
                        if self.put_in_force(policy) {
                            changed();
                        }
                        Ok(())
                    }
                    Err(cause) => Err(cause.clone()),
                },
                Look::Unreadable(why) => Err(PolicyError::Unreadable(why.clone())),
            };
            self.report(&readiness, &outcome, &last);
            last = outcome;
        };
        tokio::select! {
            () = follow(|| Arc::clone(&reader).look(), apply) => {}
            () = shutdown.draining() => {}
        }
    }

    fn report(
        &self,
        readiness: &Readiness,
        outcome: &Result<(), PolicyError>,
        last: &Result<(), PolicyError>,
    ) {
        self.metrics.policy_rejected(outcome.is_err());
        let Err(cause) = outcome else {
            return readiness.set(ConditionName::Policy, Condition::met());
        };
        let message = format!("MCP_POLICY_FILE: {cause}. The policy before it stays in force");
        if last != outcome {
            tracing::warn!(target: "audit", event = "policy_rejected", "{message}");
        }
        readiness
            .set(ConditionName::Policy, Condition::met_with_warning("policy_rejected", message));
    }

    /// Makes `policy` the one that is asked. Clients of the same name stay the same principal, with
    /// what they have used. Whatever was started by clients that are gone ends. False if nothing
    /// has changed.
    fn put_in_force(&self, policy: &Policy) -> bool {
        let before = self.current.load_full();
        let mut now = InForce { default: policy.default.clone(), ..InForce::default() };
        for client in &policy.clients {
            let name = &client.grant.name;
            let (principal, spending) = match before.clients.get(name) {
                Some(known) => (known.principal().clone(), known.spending().cloned()),
                None => (Principal::of_client(name), None),
            };
            let spending = spending.unwrap_or_else(|| Spending::new(self.clock.clone()));
            let identity = Identity::limited(principal, Arc::clone(&client.grant), spending);
            for key in &client.keys {
                now.by_key.insert(*key, Arc::clone(&identity));
            }
            now.clients.insert(name.clone(), identity);
        }
        if now.says_the_same_as(&before) {
            return false;
        }
        let added = now.clients.keys().filter(|name| !before.clients.contains_key(*name)).count();
        let gone: Vec<_> = before
            .clients
            .iter()
            .filter(|(name, _)| !now.clients.contains_key(*name))
            .map(|(_, identity)| identity.principal().clone())
            .collect();
        let (clients, keys, has_default) =
            (now.clients.len(), now.by_key.len(), now.default.is_some());
        tracing::info!(
            target: "audit",
            event = "policy_changed",
            clients,
            added,
            withdrawn = gone.len(),
            keys,
            has_default,
            "the policy changed"
        );
        self.current.store(Arc::new(now));
        for principal in gone {
            principal.withdrawn().cancel();
        }
        true
    }
}

impl InForce {
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.default == other.default
            && self.clients.len() == other.clients.len()
            && self.clients.iter().all(|(name, identity)| {
                other.clients.get(name).is_some_and(|other| identity.grant() == other.grant())
            })
            && self.by_key.len() == other.by_key.len()
            && self.by_key.iter().all(|(key, identity)| {
                let owner = other.by_key.get(key).map(|other| other.principal());
                owner == Some(identity.principal())
            })
    }
}

#[cfg(test)]
mod tests;
