//! The metrics of a listener's connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Why a connection was closed by this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Closed {
    /// It was idle for too long.
    Idle,
    /// The head of a request did not become complete in time.
    SlowHead,
    /// Its address has too many without a key.
    AddressFull,
    /// Another connection needed its place.
    Full,
    /// Its head was long, and there were too many of those.
    LongHeads,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabel {
    reason: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) open: Gauge,
    pub(super) unproven: Gauge,
    pub(super) idle: Gauge,
    closed: Family<ClosedLabel, Counter>,
}

impl Metrics {
    /// Registers all of them, and `head_bytes`.
    pub(super) fn register(&self, head_bytes: Gauge, registry: &mut Registry) {
        let Self { open, unproven, idle, closed } = self;
        registry.register("connections", "Open connections", open.clone());
        registry.register(
            "connections_without_key",
            "Open connections that have not shown a good key yet",
            unproven.clone(),
        );
        registry.register(
            "connections_idle",
            "Open connections that have shown a good key and ask nothing",
            idle.clone(),
        );
        registry.register(
            "head_bytes_held",
            "Bytes of request heads that have not come to their end, beyond 8 KiB of each",
            head_bytes,
        );
        registry.register(
            "connections_closed",
            "Connections closed by this side, by reason",
            closed.clone(),
        );
    }

    pub(super) fn count(&self, reason: Closed) {
        let reason = match reason {
            Closed::Idle => "idle",
            Closed::SlowHead => "slow_head",
            Closed::AddressFull => "address_full",
            Closed::Full => "full",
            Closed::LongHeads => "long_heads",
        };
        self.closed.get_or_create(&ClosedLabel { reason }).inc();
    }
}
