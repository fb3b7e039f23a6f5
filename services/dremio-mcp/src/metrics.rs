//! The gateway's metrics. Labels come from closed sets: a tool that the engine does not list is
//! `other`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use service_kit::accounts::{Labels, Series};
use token_file::AccountName;

/// Seconds. From an answer out of the cache to the default limit of a call.
const CALL_BUCKETS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0];

/// Seconds, as the semantic conventions for MCP advise for `mcp.server.operation.duration`.
const OPERATION_BUCKETS: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    tool: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToolLabel {
    tool: Arc<str>,
}

/// By the names of the semantic conventions for MCP. Empty is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    mcp_method_name: &'static str,
    gen_ai_tool_name: Arc<str>,
    error_type: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabel {
    budget: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// All counters; one set per process, none global.
#[derive(Debug)]
pub(crate) struct Metrics {
    tool_calls: Family<CallLabels, Counter>,
    tool_call_seconds: Family<ToolLabel, Histogram, fn() -> Histogram>,
    children_started: Counter,
    children_ready: Gauge,
    denied: Family<ReasonLabel, Counter>,
    statements_refused: Family<ReasonLabel, Counter>,
    budgets_used_up: Family<BudgetLabel, Counter>,
    policy_rejected: Gauge,
    dremio_requests: Family<OutcomeLabel, Counter>,
    places_held: Gauge,
    calls_waiting: Gauge,
    sessions: Gauge,
    sessions_resumed: Counter,
    sessions_refused: Family<ReasonLabel, Counter>,
    token_expiry: Series<Gauge<f64, AtomicU64>>,
    bytes_held: Family<KindLabel, Gauge>,
    refusals: Family<ReasonLabel, Counter>,
    operations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    spans_sent: Counter,
    spans_dropped: Family<ReasonLabel, Counter>,
}

impl Metrics {
    /// Registers every metric.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            tool_calls: Family::default(),
            tool_call_seconds: Family::new_with_constructor(|| Histogram::new(CALL_BUCKETS)),
            children_started: Counter::default(),
            children_ready: Gauge::default(),
            denied: Family::default(),
            statements_refused: Family::default(),
            budgets_used_up: Family::default(),
            policy_rejected: Gauge::default(),
            dremio_requests: Family::default(),
            places_held: Gauge::default(),
            calls_waiting: Gauge::default(),
            sessions: Gauge::default(),
            sessions_resumed: Counter::default(),
            sessions_refused: Family::default(),
            token_expiry: Series::default(),
            bytes_held: Family::default(),
            refusals: Family::default(),
            operations: Family::new_with_constructor(|| Histogram::new(OPERATION_BUCKETS)),
            spans_sent: Counter::default(),
            spans_dropped: Family::default(),
        };
        registry.register_with_unit(
            "mcp_server_operation_duration",
            "Time from request to answer, by the semantic conventions for MCP",
            Unit::Seconds,
            metrics.operations.clone(),
        );
        let registry = registry.sub_registry_with_prefix("dremio_mcp");
        registry.register(
            "tool_calls",
            "Tool calls by tool and outcome",
            metrics.tool_calls.clone(),
        );
        registry.register(
            "tool_call_duration_seconds",
            "Time from request to answer of a tool call",
            metrics.tool_call_seconds.clone(),
        );
        registry.register(
            "engine_starts",
            "MCP server processes started",
            metrics.children_started.clone(),
        );
        registry.register(
            "engine_processes",
            "MCP server processes that have introduced themselves",
            metrics.children_ready.clone(),
        );
        registry.register(
            "access_denied",
            "Requests turned away by access control, by reason",
            metrics.denied.clone(),
        );
        registry.register(
            "statements_refused",
            "Statements that the guard did not let through, by reason",
            metrics.statements_refused.clone(),
        );
        registry.register(
            "budgets_used_up",
            "Calls that found a budget of their client used up, by budget",
            metrics.budgets_used_up.clone(),
        );
        registry.register(
            "policy_rejected",
            "1 while the policy file has a problem, and the policy before it stays in force",
            metrics.policy_rejected.clone(),
        );
        registry.register(
            "dremio_requests",
            "Requests to Dremio by outcome",
            metrics.dremio_requests.clone(),
        );
        registry.register(
            "places_held",
            "Calls that the engine works on",
            metrics.places_held.clone(),
        );
        registry.register(
            "calls_waiting",
            "Calls that wait for a place at the engine",
            metrics.calls_waiting.clone(),
        );
        registry.register(
            "sessions",
            "Open sessions of clients with a handshake",
            metrics.sessions.clone(),
        );
        registry.register(
            "sessions_resumed",
            "Sessions taken up again from their ids alone",
            metrics.sessions_resumed.clone(),
        );
        registry.register(
            "sessions_refused",
            "Session ids that were not taken, by reason",
            metrics.sessions_refused.clone(),
        );
        registry.register(
            "token_expiry_timestamp_seconds",
            "When the current Dremio token expires; 0 without one",
            metrics.token_expiry.clone(),
        );
        registry.register(
            "bytes_held",
            "Bytes of messages that are held, by what they are",
            metrics.bytes_held.clone(),
        );
        registry.register(
            "refusals",
            "Requests with a good key that were refused before they were calls, by reason",
            metrics.refusals.clone(),
        );
        registry.register(
            "spans_sent",
            "Spans that the collector of traces has taken",
            metrics.spans_sent.clone(),
        );
        registry.register(
            "spans_dropped",
            "Spans that did not reach the collector of traces, by reason",
            metrics.spans_dropped.clone(),
        );
        metrics
    }

    pub(crate) fn tool_called(&self, tool: Arc<str>, outcome: &'static str, took: Duration) {
        self.tool_calls.get_or_create(&CallLabels { tool: Arc::clone(&tool), outcome }).inc();
        self.tool_call_seconds.get_or_create(&ToolLabel { tool }).observe(took.as_secs_f64());
    }

    /// A request that an engine answers has ended. Without a tool, `tool` is empty.
    pub(crate) fn operation(
        &self,
        method: &'static str,
        tool: Arc<str>,
        error: Option<&'static str>,
        took: Duration,
    ) {
        let labels =
            OperationLabels { mcp_method_name: method, gen_ai_tool_name: tool, error_type: error };
        self.operations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(crate) fn spans_sent(&self, count: usize) {
        self.spans_sent.inc_by(count as u64);
    }

    pub(crate) fn spans_dropped(&self, reason: &'static str, count: usize) {
        self.spans_dropped.get_or_create(&ReasonLabel { reason }).inc_by(count as u64);
    }

    pub(crate) fn child_started(&self) {
        self.children_started.inc();
    }

    /// Counts a child as ready until the guard is dropped.
    pub(crate) fn child_ready(&self) -> Counted {
        Counted::new(&self.children_ready)
    }

    /// Sets how many calls the engine works on now.
    pub(crate) fn places_held(&self, count: usize) {
        self.places_held.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a call as waiting for its permit until the guard is dropped.
    pub(crate) fn call_waiting(&self) -> Counted {
        Counted::new(&self.calls_waiting)
    }

    pub(crate) fn access_denied(&self, reason: &'static str) {
        self.denied.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn statement_refused(&self, reason: &'static str) {
        self.statements_refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn over_budget(&self, budget: &'static str) {
        self.budgets_used_up.get_or_create(&BudgetLabel { budget }).inc();
    }

    pub(crate) fn policy_rejected(&self, is_rejected: bool) {
        self.policy_rejected.set(is_rejected.into());
    }

    pub(crate) fn dremio_request(&self, outcome: &'static str) {
        self.dremio_requests.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn sessions_open(&self, count: usize) {
        self.sessions.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The gauge of bytes held of one `kind`. Callers keep it, because every request changes it.
    pub(crate) fn bytes_held(&self, kind: &'static str) -> Gauge {
        self.bytes_held.get_or_create(&KindLabel { kind }).clone()
    }

    /// Counts a request that was refused before it became a call: there was no room for it, or it
    /// could not be read.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn session_resumed(&self) {
        self.sessions_resumed.inc();
    }

    pub(crate) fn session_refused(&self, reason: &'static str) {
        self.sessions_refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// What the status page shows.
    pub(crate) fn now(&self) -> Now {
        Now {
            places_held: self.places_held.get(),
            calls_waiting: self.calls_waiting.get(),
            sessions: self.sessions.get(),
            children_started: self.children_started.get(),
            children_ready: self.children_ready.get(),
        }
    }

    /// Without a name, of the single account.
    pub(crate) fn token_expires(&self, account: Option<&AccountName>, at: Option<jiff::Timestamp>) {
        let seconds = at.map_or(0.0, |at| at.as_duration().as_secs_f64());
        self.token_expiry.with(account_labels(account), |gauge| gauge.set(seconds));
    }

    /// Forgets the series of the accounts that are not kept.
    pub(crate) fn keep_accounts<'a>(
        &self,
        accounts: impl IntoIterator<Item = &'a Option<AccountName>>,
    ) {
        let kept: Vec<_> =
            accounts.into_iter().map(|account| account_labels(account.as_ref())).collect();
        self.token_expiry.retain(|labels| kept.contains(labels));
    }
}

fn account_labels(account: Option<&AccountName>) -> Labels {
    account.map(|account| ("account", account.to_string())).into_iter().collect()
}

/// Some of the values, as they stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) places_held: i64,
    pub(crate) calls_waiting: i64,
    pub(crate) sessions: i64,
    pub(crate) children_started: u64,
    pub(crate) children_ready: i64,
}

/// Counts one in a gauge until dropped.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
