//! Traces and the metric of operations: what a collector gets of a call, and that a collector in
//! trouble is nobody's trouble.

mod collector;

use std::time::Duration;

use serde_json::{Value, json};

use self::collector::{Collector, attribute, hex};
use crate::servers::dremios_own;
use crate::setting::Setting;
use crate::support::{Client, Gateway, KEY, TRANSPORTS, eventually};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID: &str = "b7ad6b7169203331";

const NATIVE: &str = "\
tools/call RunSqlQuery
  submit
    dremio request
  job wait
    dremio request
  results
    dremio request
";

const OFFICIAL: &str = "\
tools/call RunSqlQuery
  child
    submit
      dremio request
  job wait
    dremio request
  results
    dremio request
";

/// The child waits for its job itself, and reads the rows: seen with a ticket only.
const AS_IT_IS: &str = "\
tools/call RunSqlQuery
  child
    submit
      dremio request
    job wait
      dremio request
";

fn echo() -> Value {
    let params = json!({ "name": "echo", "arguments": { "text": "hi" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

/// Calls `RunSqlQuery` as a part of [`PARENT`], and stops the gateway, which sends what waits.
/// Returns the job.
async fn traced_query(setting: Setting) -> String {
    let meta = json!({ "traceparent": PARENT, "baggage": "user=a-name-of-a-person" });
    let arguments = json!({ "query": "SELECT 'nobody may read this' AS secret_column" });
    let params = json!({ "name": "RunSqlQuery", "arguments": arguments, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let answer = setting.client.rpc(&body.to_string()).await;
    assert!(answer["result"]["isError"] != true && answer["error"].is_null(), "{answer}");
    let job = setting.sandbox.control().jobs().last().unwrap().id.clone();
    setting.gateway.stop().await;
    job
}

#[tokio::test]
async fn a_call_is_one_tree_from_client_to_job() {
    is_one_tree(&[("MCP_ENGINE", "native")], NATIVE).await;
    for (transport, rows) in TRANSPORTS.into_iter().zip(["", "    dremio request\n"]) {
        let as_it_is = format!("{AS_IT_IS}{rows}");
        for server in dremios_own() {
            for (repair, expected) in [("true", OFFICIAL), ("false", &as_it_is)] {
                let engine = [("MCP_SERVER_COMMAND", &*server), ("MCP_OFFICIAL_REPAIR", repair)];
                is_one_tree(&[transport, &engine].concat(), expected).await;
            }
        }
    }
}

async fn is_one_tree(engine: &[(&str, &str)], expected: &str) {
    let collector = Collector::start(Duration::ZERO).await;
    let settings = [&collector.settings()[..], engine].concat();
    let job = traced_query(Setting::with(&settings).await).await;

    assert_eq!(collector.tree(), expected, "{engine:?}");
    let received = collector.received.lock();
    assert_eq!(attribute(&received.resource, "service.name"), Some("dremio-mcp"));
    assert_eq!(received.authorization.as_deref(), Some("Bearer s3cret"));
    for span in &received.spans {
        assert_eq!(hex(&span.trace_id), TRACE_ID);
    }
    let named = |name: &str| received.spans.iter().find(|span| span.name == name).unwrap();
    let root = named("tools/call RunSqlQuery");
    assert_eq!((hex(&root.parent_span_id).as_str(), root.kind), (PARENT_ID, 2), "a server's");
    for (name, value) in [
        ("mcp.method.name", Some("tools/call")),
        ("gen_ai.tool.name", Some("RunSqlQuery")),
        ("error.type", None),
    ] {
        assert_eq!(attribute(&root.attributes, name), value);
    }
    let wait = named("job wait");
    assert_eq!(attribute(&wait.attributes, "dremio.job.id"), Some(job.as_str()));
    let text = String::from_utf8_lossy(&received.bytes);
    for hidden in ["nobody may read", "secret_column", "a-name-of", "SELECT", "s3cret"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn json_says_the_same() {
    let collector = Collector::start(Duration::ZERO).await;
    let json = [("MCP_ENGINE", "native"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")];
    let settings = [collector.settings(), json.to_vec()].concat();
    traced_query(Setting::with(&settings).await).await;
    assert_eq!(collector.tree(), NATIVE);
    let received = collector.received.lock();
    let text = String::from_utf8_lossy(&received.bytes);
    assert!(text.contains(&format!("\"traceId\":\"{TRACE_ID}\"")), "{text}");
}

#[tokio::test]
async fn failures_say_of_what_kind_they_are_and_nothing_that_a_client_wrote() {
    let collector = Collector::start(Duration::ZERO).await;
    let settings = [collector.settings(), vec![("MCP_ENGINE", "native")]].concat();
    let setting = Setting::with(&settings).await;
    setting.client.text("RunSqlQuery", json!({ "query": "DROP TABLE t" })).await;
    setting.client.call(json!(2), "a-tool-made-up", json!({})).await;
    setting.sandbox.control().set_refusing(true);
    setting.client.text("RunSqlQuery", json!({ "query": "SELECT 1" })).await;
    let metrics = setting.gateway.metrics().await;
    for (tool, error, count) in [("RunSqlQuery", "tool_error", 2), ("other", "rpc_error", 1)] {
        let line = format!(
            "mcp_server_operation_duration_seconds_count{{mcp_method_name=\"tools/call\",\
             gen_ai_tool_name=\"{tool}\",error_type=\"{error}\"}} {count}"
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    setting.gateway.stop().await;
    let received = collector.received.lock();
    let mut failed: Vec<_> = received
        .spans
        .iter()
        .map(|span| (span.name.as_str(), attribute(&span.attributes, "error.type")))
        .filter(|(_, error)| error.is_some())
        .collect();
    failed.sort();
    assert_eq!(
        failed,
        [
            ("dremio request", Some("unreachable")),
            ("tools/call RunSqlQuery", Some("tool_error")),
            ("tools/call RunSqlQuery", Some("tool_error")),
            ("tools/call other", Some("rpc_error")),
        ]
    );
    assert!(!String::from_utf8_lossy(&received.bytes).contains("made-up"));
}

#[tokio::test]
async fn a_client_that_traces_decides_for_its_own_calls() {
    let collector = Collector::start(Duration::ZERO).await;
    let gateway = Gateway::start_with(
        "http://127.0.0.1:9",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.uri), ("OTEL_TRACES_SAMPLER_ARG", "0")],
    )
    .await;
    let client = gateway.client().await;
    let not_sampled = PARENT.replace("-01", "-00");
    for header in [Some(PARENT), Some(not_sampled.as_str()), None, Some("nonsense")] {
        let mut request =
            client.request(reqwest::Method::POST).header("content-type", "application/json");
        if let Some(header) = header {
            request = request.header("traceparent", header);
        }
        let answer = request.body(echo().to_string()).send().await.unwrap().text().await.unwrap();
        assert!(answer.contains("hi"), "{answer}");
    }
    gateway.stop().await;
    assert_eq!(collector.tree(), "tools/call echo\n  child\n");
    let received = collector.received.lock();
    assert!(received.spans.iter().all(|span| hex(&span.trace_id) == TRACE_ID));
}

#[tokio::test]
async fn a_wait_for_a_turn_is_seen() {
    let collector = Collector::start(Duration::ZERO).await;
    let gateway = Gateway::start_with("http://127.0.0.1:9", &collector.settings()).await;
    let mut client = Client::new(&gateway, KEY);
    client.initialize("2025-03-26").await;
    // The engine works on eight calls of one batch at a time.
    let batch = Value::Array(vec![echo(); 9]);
    client.post(&batch.to_string()).await;
    gateway.stop().await;
    assert_eq!(collector.tree(), "tools/call echo\n  child\ntools/call echo\n  queue\n  child\n");
}

#[tokio::test]
async fn a_collector_that_is_away_or_slow_disturbs_neither_calls_nor_a_stop() {
    let slow = Collector::start(Duration::from_secs(3600)).await;
    for endpoint in [slow.uri.as_str(), "http://127.0.0.1:9"] {
        let gateway = Gateway::start_with(
            "http://127.0.0.1:9",
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_TRACES_SAMPLER", "always_on")],
        )
        .await;
        let client = gateway.client().await;
        for _ in 0..20 {
            assert_eq!(client.text("echo", json!({ "text": "hi" })).await, "hi");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_traced() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    client.text("echo", json!({ "text": "hi" })).await;
    client.rpc(r#"{"jsonrpc":"2.0","id":1,"method":"prompts/list"}"#).await;
    eventually("both are counted", async || {
        let metrics = gateway.metrics().await;
        metrics.contains("dremio_mcp_spans_sent_total 0")
            && metrics.contains("gen_ai_tool_name=\"echo\",error_type=\"\"} 1")
            && metrics.contains("mcp_method_name=\"prompts/list\",gen_ai_tool_name=\"\"")
    })
    .await;
    gateway.stop().await;
}
