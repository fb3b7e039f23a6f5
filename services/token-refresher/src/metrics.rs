//! Metrics. Labels are fixed words, so that outside input cannot add series.

use std::sync::atomic::AtomicI64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What failed, from a fixed list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    operation: &'static str,
    reason: &'static str,
}

/// The service's metrics. Clones share their counts.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) steps: Counter,
    checks: Counter,
    pub(crate) logins: Counter,
    writes: Counter,
    pub(crate) revocations: Counter,
    failures: Family<FailureLabels, Counter>,
    token_expiry: Gauge<i64, AtomicI64>,
    last_check: Gauge<i64, AtomicI64>,
    last_write: Gauge<i64, AtomicI64>,
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

    pub(crate) fn failed(&self, operation: &'static str, reason: &'static str) {
        self.failures.get_or_create(&FailureLabels { operation, reason }).inc();
    }

    pub(crate) fn set_token_expiry(&self, expires_at: Option<Timestamp>) {
        self.token_expiry.set(expires_at.map_or(0, Timestamp::as_second));
    }

    pub(crate) fn checked(&self, now: Timestamp) {
        self.checks.inc();
        self.last_check.set(now.as_second());
    }

    pub(crate) fn wrote(&self, now: Timestamp) {
        self.writes.inc();
        self.last_write.set(now.as_second());
    }
}
