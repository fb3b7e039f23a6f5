//! A call and what it is made of, as spans. The current one is found by the task, as the audit of a
//! call is, so that nothing between has to hand it on; another task must be told.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span as Message, Status};
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::outbox::Outbox;
use super::trace_parent::{TraceId, TraceParent};

/// The attribute with the reason for which something failed (semantic conventions, "General").
const ERROR_TYPE: &str = "error.type";

/// The bits of `flags` (OTLP, `SpanFlags`): that it is sampled, that the next one is known, and
/// that the parent is of another process.
const SAMPLED: u32 = 1;
const IS_REMOTE_KNOWN: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

tokio::task_local! {
    static CURRENT: Span;
}

/// A span that goes on, or nothing where nothing is traced. It ends, and is sent, when it is
/// dropped; dropping a clone does not end it.
#[derive(Debug, Default)]
pub(crate) struct Span {
    open: Option<Arc<Open>>,
    is_clone: bool,
}

#[derive(Debug)]
struct Open {
    outbox: Outbox,
    trace_id: TraceId,
    id: u64,
    since: Instant,
    /// Nothing once it has ended.
    message: Mutex<Option<Message>>,
}

/// The current span, to be taken along into another task.
pub(crate) fn here() -> Span {
    CURRENT.try_with(Span::clone).unwrap_or_default()
}

/// Begins a part of the current span. `name` is one of few.
pub(crate) fn part(name: &'static str) -> Span {
    CURRENT.try_with(|current| current.part(name)).unwrap_or_default()
}

/// Begins the wait for a job at Dremio, as a part of the current span.
pub(crate) fn job_wait(job: &str) -> Span {
    let span = part("job wait");
    span.set("dremio.job.id", job);
    span
}

impl Span {
    /// The span of a call that a client makes, as a part of its own, if it says of which.
    pub(super) fn of_call(
        outbox: Outbox,
        name: String,
        trace_id: TraceId,
        parent: Option<TraceParent>,
    ) -> Self {
        let parent_id = parent.map(|parent| parent.span_id);
        let flags = if parent.is_some() { IS_REMOTE } else { 0 };
        Self::begin(outbox, name, SpanKind::Server, trace_id, parent_id, flags)
    }

    fn part(&self, name: &'static str) -> Self {
        let Some(Open { outbox, trace_id, id, .. }) = self.open.as_deref() else {
            return Self::default();
        };
        Self::begin(outbox.clone(), name.to_owned(), SpanKind::Client, *trace_id, Some(*id), 0)
    }

    fn begin(
        outbox: Outbox,
        name: String,
        kind: SpanKind,
        trace_id: TraceId,
        parent_id: Option<u64>,
        flags: u32,
    ) -> Self {
        let id = fastrand::u64(1..);
        let message = Message {
            trace_id: trace_id.0.to_be_bytes().into(),
            span_id: id.to_be_bytes().into(),
            parent_span_id: parent_id.map_or_else(Vec::new, |id| id.to_be_bytes().into()),
            flags: SAMPLED | IS_REMOTE_KNOWN | flags,
            name,
            kind: kind.into(),
            start_time_unix_nano: outbox.unix_nanos(),
            ..Message::default()
        };
        let (since, message) = (Instant::now(), Mutex::new(Some(message)));
        let open = Some(Arc::new(Open { outbox, trace_id, id, since, message }));
        Self { open, is_clone: false }
    }

    /// The trace that it is a part of.
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        self.open.as_deref().map(|open| open.trace_id)
    }

    /// Adds an attribute, unless the span has ended.
    pub(crate) fn set(&self, name: &'static str, value: &str) {
        self.change(|message| {
            let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
            let key = name.to_owned();
            message.attributes.push(KeyValue { key, value: Some(value), ..KeyValue::default() });
        });
    }

    /// It came to nothing, for this reason, which is one of few.
    pub(crate) fn failed(&self, reason: &'static str) {
        self.set(ERROR_TYPE, reason);
        self.change(|message| {
            message.status = Some(Status { code: StatusCode::Error.into(), ..Status::default() });
        });
    }

    fn change(&self, change: impl FnOnce(&mut Message)) {
        if let Some(open) = &self.open {
            open.message.lock().as_mut().map(change);
        }
    }

    /// Runs `work` with this as the current span, which ends with it unless this is a clone. Costs
    /// nothing where nothing is traced.
    pub(crate) fn run<W: Future>(self, work: W) -> impl Future<Output = W::Output> {
        Traced { span: self, work }
    }
}

pin_project! {
    /// `tokio::task_local`'s own future sets its value for each poll, whatever that is.
    struct Traced<W> {
        span: Span,
        #[pin]
        work: W,
    }
}

impl<W: Future> Future for Traced<W> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        let traced = self.project();
        let (span, work) = (traced.span, traced.work);
        if span.open.is_none() {
            return work.poll(cx);
        }
        CURRENT.sync_scope(span.clone(), || work.poll(cx))
    }
}

impl Clone for Span {
    fn clone(&self) -> Self {
        Self { open: self.open.clone(), is_clone: true }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.is_clone {
            return;
        }
        if let Some(open) = &self.open
            && let Some(mut message) = open.message.lock().take()
        {
            let took = u64::try_from(open.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            message.end_time_unix_nano = message.start_time_unix_nano.saturating_add(took);
            open.outbox.send(message);
        }
    }
}
