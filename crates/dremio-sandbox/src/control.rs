//! The handle by which a test (or the control port) changes what the sandbox does, and reads what
//! it saw.

use std::sync::Arc;
use std::time::Duration;

use crate::accounts::User;
use crate::data::{generated, rare};
use crate::faults::{Fault, Scope};
use crate::instance::Instance;
use crate::jobs::{JobRecord, SlowQuery};
use crate::journal::RecordedRequest;

/// Controls a running [`Sandbox`](crate::Sandbox). Cheap to clone; of no effect once the sandbox
/// has stopped.
#[derive(Debug, Clone)]
pub struct Control {
    instance: Arc<Instance>,
}

impl Control {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self { instance }
    }

    /// Changes how long tokens live that are issued from now on; existing ones keep their expiry,
    /// as in Dremio (contract §2).
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.instance.tokens.set_lifetime(lifetime);
    }

    /// Makes every token invalid at once; returns how many there were.
    pub fn revoke_all_tokens(&self) -> usize {
        self.instance.tokens.revoke_all()
    }

    /// The valid tokens, in order of issue.
    #[must_use]
    pub fn live_tokens(&self) -> Vec<String> {
        self.instance.tokens.live()
    }

    /// Empties the token cache, like a restart of Dremio: the next logout of a token that was not
    /// used since answers 204 and does nothing (contract §1.4).
    pub fn evict_token_cache(&self) {
        self.instance.tokens.evict_cache();
    }

    /// `true`: closes the listener, so that connections are refused, and drops the open ones.
    /// `false`: listens again on the same port. Both have taken effect when this returns.
    pub fn set_refusing(&self, refusing: bool) {
        if refusing {
            self.instance.gate.close();
        } else {
            self.instance.gate.open();
        }
    }

    /// Injects a fault into the requests that `scope` covers. Of several that cover a request, the
    /// first one injected wins.
    pub fn inject(&self, fault: Fault, scope: Scope) {
        self.instance.faults.inject(fault, scope);
    }

    /// Ends all faults. A request that is already stalled stays stalled.
    pub fn clear_faults(&self) {
        self.instance.faults.clear();
    }

    /// How long jobs take at least, from submission to COMPLETED, that are submitted from now on. A
    /// job that fails does so at once.
    pub fn set_job_duration(&self, duration: Duration) {
        self.instance.jobs.set_duration(duration);
    }

    /// Jobs of these queries take longer from now on, also those that fail; other jobs take what
    /// they take. Of several that cover a query, the last one counts.
    pub fn slow_down(&self, query: SlowQuery) {
        self.instance.jobs.slow_down(query);
    }

    /// No query is slow any more. Jobs that are under way keep their duration.
    pub fn end_slow_queries(&self) {
        self.instance.jobs.end_slow_queries();
    }

    /// Throws the stored results of all finished jobs away, as Dremio does after a day (contract
    /// §4.3); the jobs stay COMPLETED.
    pub fn expire_results(&self) {
        self.instance.jobs.expire_results();
    }

    /// Adds the source `Lake` with `count` tables, or what it lacks of them: names, columns, wikis
    /// and tags as a company would have them, and some rows each. The same in every run; the first
    /// hundred are there in any number.
    pub fn add_generated_tables(&self, count: usize) {
        let (entities, notes) = generated::lake(count);
        self.instance.catalog.extend(entities, &notes);
    }

    /// Adds the source `Large`: `Large.many_rows` has 100 000 rows, `Large.wide_cells` 1 000 with
    /// up to 5 MB in `content`, 50 MB in all.
    pub fn add_large_tables(&self) {
        let (entities, notes) = generated::large();
        self.instance.catalog.extend(entities, &notes);
    }

    /// Adds what is seldom in a catalog: the views `Rare.lost_column` and `Rare.lost_table`, whose
    /// tables have changed, the function `Rare.net_price`, and a file in `Samples` that was never
    /// made a table.
    pub fn add_rare_entries(&self) {
        self.instance.catalog.extend(rare::entries(), &[]);
    }

    /// `true`: a syntax error says no more than "Failure parsing the query.", as before Dremio 25.
    /// `false`: it says what was found where, and what was expected.
    pub fn set_bare_syntax_errors(&self, bare: bool) {
        self.instance.jobs.set_bare_syntax_errors(bare);
    }

    /// Changes a user's password, or adds the user. Tokens stay valid, as in Dremio.
    pub fn set_password(&self, user: &str, password: &str) {
        if !self.instance.accounts.set_password(user, password) {
            self.add_user(user, password);
        }
    }

    /// Adds a user with a home space, or replaces the one of that name.
    pub fn add_user(&self, user: &str, password: &str) {
        self.instance.accounts.put(User::new(user, password));
        self.instance.catalog.ensure_home(user);
    }

    /// Removes all users: the state before the first user was created. Their tokens are refused
    /// from then on.
    pub fn remove_all_users(&self) {
        self.instance.accounts.clear();
    }

    /// The requests that arrived, the oldest first, at most the last 10 000.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.instance.journal.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.instance.journal.clear();
    }

    /// The jobs that were submitted, the oldest first.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobRecord> {
        self.instance.jobs.records()
    }
}
