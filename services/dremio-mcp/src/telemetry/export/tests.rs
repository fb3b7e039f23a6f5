use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
use prometheus_client::registry::Registry;
use service_kit::env::{Env, Reader};
use service_kit::settings::Service;
use tokio::net::TcpListener;

use super::*;
use crate::telemetry::outbox::QUEUE_SPANS_MAX;
use crate::telemetry::{here, part};

fn traces(endpoint: &str) -> (Traces, Export, Registry) {
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_TRACES_SAMPLER", "always_on")];
    let env = Env::from_pairs(variables);
    let config = TracesConfig::read(&mut Reader::new(&env, Service::Gateway)).unwrap();
    let mut registry = Registry::default();
    let metrics = Arc::new(Metrics::register(&mut registry));
    let collector = Transport::connect(&ConnectConfig::new(config.endpoint.clone())).unwrap();
    let (traces, export) = Traces::new(config, collector, Clock::system(), metrics);
    (traces, export, registry)
}

fn shown(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("dremio_mcp_spans"));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What the export does with the spans that wait when a stop begins.
async fn stopped(export: Export) {
    let shutdown = Shutdown::new();
    shutdown.request();
    export.run(shutdown).await;
}

#[tokio::test]
async fn what_does_not_fit_or_cannot_be_sent_is_dropped_and_counted() {
    // Nobody listens there.
    let (traces, export, registry) = traces("http://127.0.0.1:9");
    for _ in 0..QUEUE_SPANS_MAX + 7 {
        drop(traces.tool_call("a", None));
    }
    stopped(export).await;
    assert_eq!(
        shown(&registry),
        [
            "dremio_mcp_spans_dropped_total{reason=\"not_delivered\"} 2048",
            "dremio_mcp_spans_dropped_total{reason=\"queue_full\"} 7",
            "dremio_mcp_spans_sent_total 0",
        ]
    );
}

#[tokio::test]
async fn what_the_collector_refuses_is_counted() {
    let rejected_spans = 2;
    let partly =
        ExportTracePartialSuccess { rejected_spans, ..ExportTracePartialSuccess::default() };
    let partly = ExportTraceServiceResponse { partial_success: Some(partly) }.encode_to_vec();
    for (status, body, sent, dropped) in [
        (StatusCode::OK, Vec::new(), 3, "rejected\"} 0"),
        (StatusCode::OK, partly, 1, "rejected\"} 2"),
        (StatusCode::OK, b"no such message".to_vec(), 3, "rejected\"} 0"),
        (StatusCode::BAD_REQUEST, Vec::new(), 0, "not_delivered\"} 3"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (traces, export, registry) =
            traces(&format!("http://{}", listener.local_addr().unwrap()));
        let router = Router::new().route("/v1/traces", post(async move || (status, body)));
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        for _ in 0..3 {
            drop(traces.tool_call("a", None));
        }
        stopped(export).await;
        assert_eq!(
            shown(&registry),
            [
                format!("dremio_mcp_spans_dropped_total{{reason=\"{dropped}"),
                format!("dremio_mcp_spans_sent_total {sent}"),
            ]
        );
        serving.abort();
    }
}

#[tokio::test]
async fn spans_are_parts_of_those_that_they_begin_in() {
    let (traces, mut export, _registry) = traces("http://127.0.0.1:9");
    drop(part("outside of any call"));
    let call = traces.tool_call("a", None);
    let work = async {
        part("first").run(async { drop(part("within the first")) }).await;
        // Another task needs to be told.
        tokio::spawn(async { drop(part("nobody's")) }).await.unwrap();
        tokio::spawn(here().run(async { drop(part("told")) })).await.unwrap();
    };
    call.clone().run(work).await;
    drop(call);
    let mut spans = Vec::new();
    while let Ok(span) = export.spans.try_recv() {
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        spans.push(span);
    }
    let name_of = |id: &[u8]| spans.iter().find(|it| it.span_id == id).map(|it| it.name.as_str());
    let parts: Vec<_> = spans
        .iter()
        .map(|it| (it.name.as_str(), name_of(&it.parent_span_id).unwrap_or("none")))
        .collect();
    assert_eq!(
        parts,
        [
            ("within the first", "first"),
            ("first", "tools/call a"),
            ("told", "tools/call a"),
            ("tools/call a", "none"),
        ]
    );
}
