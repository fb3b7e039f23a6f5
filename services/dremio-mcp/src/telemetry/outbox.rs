//! Where spans go that have ended: a bounded queue.

use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::Span as Message;
use service_kit::Clock;
use tokio::sync::mpsc;

use crate::metrics::Metrics;

/// Spans that wait: the default of OpenTelemetry's own batch processor (specification, "Batching
/// processor"). One takes less than 1 KB, so they take 2 MB at most.
pub(super) const QUEUE_SPANS_MAX: usize = 2048;

/// Takes spans. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    spans: mpsc::Sender<Message>,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

impl Outbox {
    /// An outbox, and what comes out of it.
    pub(super) fn new(clock: Clock, metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Message>) {
        let (sender, spans) = mpsc::channel(QUEUE_SPANS_MAX);
        (Self { spans: sender, clock, metrics }, spans)
    }

    /// The wall clock, in nanoseconds.
    pub(super) fn unix_nanos(&self) -> u64 {
        u64::try_from(self.clock.now().as_nanosecond()).unwrap_or_default()
    }

    /// Takes a span, if there is room; counts it as dropped otherwise.
    pub(super) fn send(&self, span: Message) {
        if self.spans.try_send(span).is_err() {
            self.metrics.spans_dropped("queue_full", 1);
        }
    }
}
