//! A collector of traces (OTLP over HTTP) on a port of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it was sent.
#[derive(Default)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) spans: Vec<Span>,
    pub(super) resource: Vec<KeyValue>,
    pub(super) authorization: Option<String>,
}

/// Dropping it ends it.
pub(super) struct Collector {
    pub(super) uri: String,
    pub(super) received: Arc<Mutex<Received>>,
    serving: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collector {
    /// One that takes what it gets, after so long.
    pub(super) async fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Received::default()));
        let take = async move |State(received): State<Arc<Mutex<Received>>>,
                               headers: HeaderMap,
                               body: Bytes| {
            tokio::time::sleep(delay).await;
            received.lock().take(&headers, &body);
        };
        let router =
            Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&received));
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { uri, received, serving }
    }

    /// Settings for a gateway that traces every call.
    pub(super) fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.uri),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20s3cret"),
            ("OTEL_TRACES_SAMPLER", "always_on"),
        ]
    }

    /// The spans as a tree, those that began first in front. Siblings that look the same count
    /// once: a job is asked for as often as it takes.
    pub(super) fn tree(&self) -> String {
        let received = self.received.lock();
        let mut spans: Vec<_> = received.spans.iter().collect();
        spans.sort_by_key(|span| span.start_time_unix_nano);
        let is_known = |id: &[u8]| spans.iter().any(|span| span.span_id == id);
        branches(&|span| !is_known(&span.parent_span_id), &spans, 0)
    }
}

impl Received {
    fn take(&mut self, headers: &HeaderMap, body: &Bytes) {
        let request = match headers["content-type"].to_str().unwrap() {
            "application/json" => serde_json::from_slice(body).unwrap(),
            "application/x-protobuf" => ExportTraceServiceRequest::decode(body.as_ref()).unwrap(),
            other => panic!("{other}"),
        };
        self.bytes.extend_from_slice(body);
        self.authorization = headers.get("authorization").map(|it| it.to_str().unwrap().to_owned());
        for of_resource in request.resource_spans {
            self.resource = of_resource.resource.unwrap().attributes;
            self.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
}

fn branches(is_one: &dyn Fn(&Span) -> bool, all: &[&Span], depth: usize) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for span in all.iter().filter(|span| is_one(span)) {
        let parts = branches(&|part| part.parent_span_id == span.span_id, all, depth + 1);
        let branch = format!("{:1$}{2}\n{parts}", "", 2 * depth, span.name);
        if branch != last {
            text.push_str(&branch);
            last = branch;
        }
    }
    text
}

pub(super) fn attribute<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
