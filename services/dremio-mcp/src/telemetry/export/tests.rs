use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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

/// What the collector refuses is sent again only where the protocol says that this may help, and
/// then given up: always counted, never more than a few times.
#[tokio::test]
async fn a_refused_batch_is_sent_again_if_that_may_help() {
    for (status, attempts) in
        [(400, 1), (401, 1), (404, 1), (413, 1), (429, 4), (500, 1), (502, 4), (503, 4), (504, 4)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (traces, mut export, registry) =
            traces(&format!("http://{}", listener.local_addr().unwrap()));
        let seen = Arc::new(AtomicU32::new(0));
        let (count, status) = (Arc::clone(&seen), StatusCode::from_u16(status).unwrap());
        let refuse = async move || {
            count.fetch_add(1, Relaxed);
            (status, [(header::RETRY_AFTER, "0")])
        };
        let router = Router::new().route("/v1/traces", post(refuse));
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        drop(traces.tool_call("a", None));
        let batch = vec![export.spans.recv().await.unwrap()];
        let delivered = export.deliver(batch, &Shutdown::new()).await;
        let said = delivered.as_ref().unwrap_err().to_string();
        assert_eq!(said, format!("the collector answers with status {}", status.as_u16()));
        export.report(1, delivered);
        assert_eq!(seen.load(Relaxed), attempts, "{status}");
        assert_eq!(
            shown(&registry),
            [
                "dremio_mcp_spans_dropped_total{reason=\"not_delivered\"} 1",
                "dremio_mcp_spans_sent_total 0",
            ]
        );
        serving.abort();
    }
}

#[test]
fn a_collector_says_how_long_it_wants_to_be_left_alone() {
    let now = "2026-11-25T12:00:00Z".parse().unwrap();
    for (text, expected) in [
        ("0", Some(0)),
        ("7", Some(7)),
        (" 12 ", Some(12)),
        ("Wed, 25 Nov 2026 12:00:09 GMT", Some(9)),
        ("Wed, 25 Nov 2026 11:00:00 GMT", Some(0)),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("99999999999999999999999", None),
    ] {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
        assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
    // Its own word goes before ours, up to a limit.
    let pause = |seconds: Option<u64>, attempts| {
        let retry_after = seconds.map(Duration::from_secs);
        Undelivered::Status { status: 429, retry_after }.pause(attempts).unwrap().as_secs()
    };
    assert_eq!([1, 2, 3].map(|attempts| pause(None, attempts)), [1, 2, 4]);
    assert_eq!([Some(0), Some(9), Some(86_400)].map(|it| pause(it, 3)), [0, 9, 30]);
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
