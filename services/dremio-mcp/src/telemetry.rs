//! Traces of tool calls, sent by OTLP over HTTP. Off without `OTEL_EXPORTER_OTLP_ENDPOINT`.
//!
//! - `config`: the standard variables
//! - `trace_parent`: of which trace a request of a client is a part
//! - `span`: a call, and what it is made of
//! - `outbox`: a bounded queue of spans
//! - `export`: the task that sends them
//!
//! A span is the message that is sent. What OpenTelemetry's SDK would add are a queue that does not
//! count what it drops, and variables that stand in no table of ours. A call that is not sampled
//! costs no more than without traces.
//!
//! No span holds SQL, arguments, rows, or anything else that a client wrote; neither `tracestate`
//! nor baggage is read.

mod config;
mod export;
mod outbox;
mod span;
mod trace_parent;

pub use self::config::TracesConfig;
pub(crate) use self::export::Traces;
pub(crate) use self::span::{Span, here, job_wait, part};
pub(crate) use self::trace_parent::{TraceId, TraceParent};
