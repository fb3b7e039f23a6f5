//! The conditions of readiness, of which each account has its own and readiness shows one for all.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use service_kit::accounts::condition_of_all;
use service_kit::admin::{Condition, Readiness};
use token_file::AccountName;

type ByAccount = BTreeMap<Option<AccountName>, Condition>;

/// The conditions of all accounts by their names. Clones share them.
#[derive(Clone)]
pub(crate) struct Conditions {
    readiness: Readiness,
    by_name: Arc<Mutex<BTreeMap<&'static str, ByAccount>>>,
}

/// Where one account says how it is.
pub(crate) struct AccountConditions {
    all: Conditions,
    account: Option<AccountName>,
}

impl Conditions {
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self { readiness, by_name: Arc::default() }
    }

    pub(crate) fn of(&self, account: Option<AccountName>) -> AccountConditions {
        AccountConditions { all: self.clone(), account }
    }

    /// A condition that concerns no account by itself.
    pub(crate) fn set(&self, name: &'static str, condition: Condition) {
        self.readiness.set(name, condition);
    }

    /// Says that there is no account at all, and how to make one.
    pub(crate) fn set_no_account(&self, cure: &str) {
        for name in ["token", "dremio"] {
            self.readiness.set(name, Condition::unmet("no_account", cure));
        }
    }

    /// Nothing is said of this account any more.
    pub(crate) fn forget(&self, account: &Option<AccountName>) {
        for (name, conditions) in self.by_name.lock().iter_mut() {
            conditions.remove(account);
            self.show(name, conditions);
        }
    }

    fn show(&self, name: &'static str, conditions: &ByAccount) {
        let named = conditions
            .iter()
            .filter_map(|(account, condition)| Some((account.as_ref()?.as_str(), condition)));
        self.readiness.set(name, condition_of_all(conditions.get(&None), named));
    }
}

impl AccountConditions {
    pub(crate) fn set(&self, name: &'static str, condition: Condition) {
        // Held while it is shown, so that what is shown last is what is.
        let mut by_name = self.all.by_name.lock();
        let conditions = by_name.entry(name).or_default();
        conditions.insert(self.account.clone(), condition);
        self.all.show(name, conditions);
    }
}
