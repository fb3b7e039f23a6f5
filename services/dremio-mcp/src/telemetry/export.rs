//! Begins traces, and sends their spans to a collector. Calls never wait for it: what does not fit
//! into the queue is dropped and counted, and a stop waits for a moment only.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use dremio_client::{ConnectConfig, ConnectError, Transport};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Message};
use prost::Message as _;
use service_kit::Clock;
use service_kit::lifecycle::{Shutdown, Tasks};
use tokio::sync::mpsc;

use super::config::{Protocol, TracesConfig};
use super::outbox::Outbox;
use super::span::Span;
use super::trace_parent::{TraceId, TraceParent};
use crate::metrics::Metrics;

/// Spans of a batch, and how long one waits for others: defaults of OpenTelemetry, too.
const BATCH_SPANS_MAX: usize = 512;
const BATCH_INTERVAL: Duration = Duration::from_secs(5);

/// How long the collector may take for a batch (OTLP, "Timeout").
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a batch is sent before it is dropped, and the first pause, doubled each time (OTLP,
/// "Failures": retry with back-off). A collector that is restarted in 7 s loses nothing.
const ATTEMPTS_MAX: u32 = 4;
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// The longest pause that a collector may ask for. Meanwhile spans wait, as many as have room.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Longest answer that is read. It is empty, or says how many spans were refused.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long a stop waits for the collector: a trace is worth less than a quick stop.
const STOP_WAIT_MAX: Duration = Duration::from_secs(2);

/// Begins traces.
#[derive(Debug)]
pub(crate) struct Traces {
    config: TracesConfig,
    outbox: Outbox,
}

/// The spans that wait, and the way to the collector.
#[derive(Debug)]
struct Export {
    config: TracesConfig,
    spans: mpsc::Receiver<Message>,
    /// Keeps the queue open.
    outbox: Outbox,
    collector: Transport,
    is_away: bool,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("OTEL_EXPORTER_OTLP_HEADERS cannot be used: {0}")]
    Headers(String),
    #[error("no answer from the collector")]
    NoAnswer(#[from] reqwest::Error),
    #[error("the collector answers with status {status}")]
    Status { status: u16, retry_after: Option<Duration> },
}

impl Traces {
    /// Starts the task that sends; nothing without `config`. The collector is called as Dremio
    /// is, but its certificate is always checked: a header may hold a secret.
    ///
    /// # Errors
    /// When there are no certificates of authorities, or their file cannot be read.
    pub(crate) fn start(
        config: Option<TracesConfig>,
        dremio: &ConnectConfig,
        clock: &Clock,
        metrics: &Arc<Metrics>,
        tasks: &mut Tasks,
        shutdown: &Shutdown,
    ) -> Result<Option<Self>, ConnectError> {
        let Some(config) = config else { return Ok(None) };
        let collector = Transport::connect(&ConnectConfig {
            ca_file: dremio.ca_file.clone(),
            request_timeout: ANSWER_TIMEOUT,
            ..ConnectConfig::new(config.endpoint.clone())
        })?;
        let (traces, export) = Self::new(config, collector, clock.clone(), Arc::clone(metrics));
        tasks.spawn("traces", export.run(shutdown.clone()));
        Ok(Some(traces))
    }

    fn new(
        config: TracesConfig,
        collector: Transport,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> (Self, Export) {
        let (outbox, spans) = Outbox::new(clock, metrics);
        let traces = Self { config: config.clone(), outbox: outbox.clone() };
        (traces, Export { config, spans, outbox, collector, is_away: false })
    }

    /// The span of a call of `tool`, a name of few, if it is sampled (semantic conventions for MCP,
    /// "Server").
    pub(crate) fn tool_call(&self, tool: &str, parent: Option<TraceParent>) -> Span {
        let trace_id = parent.map_or_else(|| TraceId(fastrand::u128(1..)), |it| it.trace_id);
        if !self.config.sampling.takes(trace_id, parent) {
            return Span::default();
        }
        let name = format!("tools/call {tool}");
        let span = Span::of_call(self.outbox.clone(), name, trace_id, parent);
        span.set("mcp.method.name", "tools/call");
        span.set("gen_ai.operation.name", "execute_tool");
        span.set("gen_ai.tool.name", tool);
        span
    }
}

impl Export {
    /// Sends spans until `shutdown` drains, and then what is left, for a moment.
    async fn run(mut self, shutdown: Shutdown) {
        let mut too_late = pin!(async {
            shutdown.draining().await;
            tokio::time::sleep(STOP_WAIT_MAX).await;
        });
        loop {
            let batch = self.gather(&shutdown).await;
            let count = batch.len();
            if count == 0 {
                return;
            }
            tokio::select! {
                delivered = self.deliver(batch, &shutdown) => self.report(count, delivered),
                () = &mut too_late => {
                    let left = count + self.spans.len();
                    return self.outbox.metrics.spans_dropped("not_delivered", left);
                }
            }
        }
    }

    /// A batch: the first span, and those that come soon after it. Once `shutdown` drains it is
    /// what is there, which may be nothing.
    async fn gather(&mut self, shutdown: &Shutdown) -> Vec<Message> {
        let mut batch = Vec::new();
        let gathered = async {
            self.spans.recv_many(&mut batch, BATCH_SPANS_MAX).await;
            let deadline = tokio::time::Instant::now() + BATCH_INTERVAL;
            while batch.len() < BATCH_SPANS_MAX {
                let room = BATCH_SPANS_MAX - batch.len();
                let more = self.spans.recv_many(&mut batch, room);
                if tokio::time::timeout_at(deadline, more).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = gathered => {}
            () = shutdown.draining() => {
                while batch.len() < BATCH_SPANS_MAX && let Ok(span) = self.spans.try_recv() {
                    batch.push(span);
                }
            }
        }
        batch
    }

    /// Sends a batch, and again a few times while the collector is away. Returns how many spans it
    /// has not taken.
    async fn deliver(
        &self,
        batch: Vec<Message>,
        shutdown: &Shutdown,
    ) -> Result<usize, Undelivered> {
        let body = Bytes::from(self.encoded(batch));
        let mut attempt = 1;
        loop {
            let undelivered = match self.post(body.clone()).await {
                Ok(rejected) => return Ok(rejected),
                Err(undelivered) => undelivered,
            };
            match undelivered.pause(attempt) {
                Some(pause) if attempt < ATTEMPTS_MAX && !shutdown.is_draining() => {
                    // A stop does not wait for a pause.
                    let _ = tokio::time::timeout(pause, shutdown.draining()).await;
                    attempt += 1;
                }
                _ => return Err(undelivered),
            }
        }
    }

    fn encoded(&self, spans: Vec<Message>) -> Vec<u8> {
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
        let resource_spans = ResourceSpans {
            resource: Some(self.config.resource()),
            scope_spans: vec![scope_spans],
            ..ResourceSpans::default()
        };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
        match self.config.protocol {
            Protocol::Protobuf => request.encode_to_vec(),
            Protocol::Json => serde_json::to_vec(&request).unwrap_or_default(),
        }
    }

    /// One attempt (OTLP, "OTLP/HTTP").
    async fn post(&self, body: Bytes) -> Result<usize, Undelivered> {
        // Read anew each time: a file may have changed.
        let mut headers = self.config.headers().map_err(Undelivered::Headers)?;
        let media_type = HeaderValue::from_static(self.config.protocol.media_type());
        headers.insert(header::CONTENT_TYPE, media_type);
        let url = self.collector.url(TracesConfig::PATH);
        let url = url.ok_or(Undelivered::Status { status: 404, retry_after: None })?;
        let request = self.collector.http().post(url).headers(headers).body(body);
        let mut answer = request.send().await.map_err(reqwest::Error::without_url)?;
        if !answer.status().is_success() {
            let retry_after = retry_after(answer.headers(), self.outbox.clock.now());
            return Err(Undelivered::Status { status: answer.status().as_u16(), retry_after });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)?
            && body.len() + chunk.len() <= ANSWER_BYTES_MAX
        {
            body.extend_from_slice(&chunk);
        }
        Ok(self.rejected(&body))
    }

    /// How many spans the collector has refused (OTLP, "Partial Success").
    fn rejected(&self, answer: &[u8]) -> usize {
        let answer: Option<ExportTraceServiceResponse> = match self.config.protocol {
            Protocol::Protobuf => ExportTraceServiceResponse::decode(answer).ok(),
            Protocol::Json => serde_json::from_slice(answer).ok(),
        };
        let partly = answer.and_then(|answer| answer.partial_success);
        partly.and_then(|it| usize::try_from(it.rejected_spans).ok()).unwrap_or_default()
    }

    fn report(&mut self, count: usize, delivered: Result<usize, Undelivered>) {
        let metrics = &self.outbox.metrics;
        match delivered {
            Ok(rejected) => {
                let rejected = rejected.min(count);
                metrics.spans_sent(count - rejected);
                metrics.spans_dropped("rejected", rejected);
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("traces reach their collector again");
                }
            }
            Err(cause) => {
                metrics.spans_dropped("not_delivered", count);
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(
                        error = &cause as &dyn std::error::Error,
                        "traces do not reach their collector (OTEL_EXPORTER_OTLP_ENDPOINT); calls \
                         go on, and what cannot be sent is dropped",
                    );
                }
            }
        }
    }
}

impl Undelivered {
    /// How long to wait before the same batch is sent again, after so many attempts; `None` if that
    /// is of no use (OTLP, "Retryable Response Codes" and "OTLP/HTTP Throttling").
    fn pause(&self, attempts: u32) -> Option<Duration> {
        let asked = match self {
            Self::NoAnswer(_) => None,
            Self::Status { status: 429 | 502..=504, retry_after } => *retry_after,
            Self::Headers(_) | Self::Status { .. } => return None,
        };
        let own = PAUSE_FIRST * 2_u32.saturating_pow(attempts.saturating_sub(1));
        Some(asked.unwrap_or(own).min(PAUSE_MAX))
    }
}

/// How long the collector asks to be left alone: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    // One that has passed asks for no pause.
    Some(date.duration_since(now).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests;
