//! Metrics. Labels are fixed words and the names of accounts, which an operator chose, so that
//! outside input cannot add series. Those of the single account have no label `account`.

use std::sync::atomic::AtomicI64;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use service_kit::accounts::{Labels, Series};
use token_file::AccountName;

/// The service's metrics. Clones share their counts.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    steps: Series<Counter>,
    checks: Series<Counter>,
    logins: Series<Counter>,
    writes: Series<Counter>,
    revocations: Series<Counter>,
    failures: Series<Counter>,
    token_expiry: Series<Gauge<i64, AtomicI64>>,
    last_check: Series<Gauge<i64, AtomicI64>>,
    last_write: Series<Gauge<i64, AtomicI64>>,
}

/// Those of one account. Once it is forgotten, nothing is counted for it.
#[derive(Clone)]
pub(crate) struct AccountMetrics {
    all: Metrics,
    labels: Labels,
}

impl Metrics {
    /// Creates the metrics and registers them in `registry`.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("token_refresher");
        registry.register(
            "steps",
            "Steps of the renewal; far more than one a second would be a defect",
            metrics.steps.clone(),
        );
        registry.register(
            "checks",
            "Checks of the token that Dremio answered",
            metrics.checks.clone(),
        );
        registry.register("logins", "Successful logins", metrics.logins.clone());
        registry.register("writes", "Successful writes of the token file", metrics.writes.clone());
        registry.register(
            "revocations",
            "Replaced tokens that were logged out",
            metrics.revocations.clone(),
        );
        registry.register(
            "failures",
            "What failed, by operation and reason",
            metrics.failures.clone(),
        );
        registry.register(
            "token_expiry_timestamp_seconds",
            "When the token in the file expires, in Unix time; 0 without a usable one",
            metrics.token_expiry.clone(),
        );
        registry.register(
            "last_check_timestamp_seconds",
            "When Dremio last said whether it accepts the token, in Unix time",
            metrics.last_check.clone(),
        );
        registry.register(
            "last_write_timestamp_seconds",
            "When the token file was last written, in Unix time",
            metrics.last_write.clone(),
        );
        metrics
    }

    /// Starts counting for `account`, from 0.
    pub(crate) fn add(&self, account: Option<&AccountName>) -> AccountMetrics {
        let labels = labels(account);
        for counter in [&self.steps, &self.checks, &self.logins, &self.writes, &self.revocations] {
            counter.with(labels.clone(), |_| ());
        }
        for gauge in [&self.token_expiry, &self.last_check, &self.last_write] {
            gauge.with(labels.clone(), |_| ());
        }
        AccountMetrics { all: self.clone(), labels }
    }

    /// Those of an account that may be forgotten already.
    pub(crate) fn of(&self, account: Option<&AccountName>) -> AccountMetrics {
        AccountMetrics { all: self.clone(), labels: labels(account) }
    }

    /// Drops all series of `account`.
    pub(crate) fn forget(&self, account: &AccountName) {
        let label = ("account", account.to_string());
        let others = |labels: &Labels| !labels.contains(&label);
        for counter in [
            &self.steps,
            &self.checks,
            &self.logins,
            &self.writes,
            &self.revocations,
            &self.failures,
        ] {
            counter.retain(others);
        }
        for gauge in [&self.token_expiry, &self.last_check, &self.last_write] {
            gauge.retain(others);
        }
    }

    /// What failed is no account's business.
    pub(crate) fn failed(&self, operation: &'static str, reason: &'static str) {
        count_failure(&self.failures, Labels::new(), operation, reason);
    }
}

fn labels(account: Option<&AccountName>) -> Labels {
    account.map(|account| ("account", account.to_string())).into_iter().collect()
}

fn count_failure(
    failures: &Series<Counter>,
    mut labels: Labels,
    operation: &'static str,
    reason: &'static str,
) {
    labels.extend([("operation", operation.to_owned()), ("reason", reason.to_owned())]);
    failures.with(labels, Counter::inc);
}

impl AccountMetrics {
    pub(crate) fn stepped(&self) {
        self.count(&self.all.steps);
    }

    pub(crate) fn logged_in(&self) {
        self.count(&self.all.logins);
    }

    pub(crate) fn revoked(&self) {
        self.count(&self.all.revocations);
    }

    pub(crate) fn checked(&self, now: Timestamp) {
        self.count(&self.all.checks);
        self.set(&self.all.last_check, now.as_second());
    }

    pub(crate) fn wrote(&self, now: Timestamp) {
        self.count(&self.all.writes);
        self.set(&self.all.last_write, now.as_second());
    }

    pub(crate) fn set_token_expiry(&self, expires_at: Option<Timestamp>) {
        self.set(&self.all.token_expiry, expires_at.map_or(0, Timestamp::as_second));
    }

    pub(crate) fn failed(&self, operation: &'static str, reason: &'static str) {
        if self.all.steps.contains(&self.labels) {
            count_failure(&self.all.failures, self.labels.clone(), operation, reason);
        }
    }

    fn count(&self, counter: &Series<Counter>) {
        counter.if_known(&self.labels, Counter::inc);
    }

    fn set(&self, gauge: &Series<Gauge<i64, AtomicI64>>, value: i64) {
        gauge.if_known(&self.labels, |gauge| gauge.set(value));
    }
}
