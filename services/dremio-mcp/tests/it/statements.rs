//! One corpus of statements for both engines: no read is refused, and nothing else gets through.

use serde_json::{Value, json};

use crate::servers::dremios_own;
use crate::setting::Setting;
use crate::support::Client;

/// The corpus: what the guard must do, and the statement.
fn corpus() -> Vec<(&'static str, String)> {
    let lines = include_str!("statements.txt").lines().filter(|line| !line.is_empty());
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(verdict, statement)| (verdict, serde_json::from_str(statement).unwrap()))
        .collect()
}

/// The tools that a client sees.
pub(crate) async fn listed(client: &Client) -> Vec<Value> {
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let list = client.rpc(list).await;
    list["result"]["tools"].as_array().unwrap().clone()
}

/// An engine with all that stands behind it.
fn engines() -> Vec<Vec<(&'static str, String)>> {
    let official = dremios_own().into_iter().map(|server| vec![("MCP_SERVER_COMMAND", server)]);
    std::iter::once(vec![("MCP_ENGINE", "native".to_owned())]).chain(official).collect()
}

async fn setting(engine: &[(&'static str, String)], more: &[(&str, &str)]) -> Setting {
    let mut settings: Vec<(&str, &str)> =
        engine.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend(more);
    Setting::with(&settings).await
}

#[tokio::test]
async fn reads_pass_and_nothing_else_does_with_either_engine() {
    let corpus = corpus();
    let reads = corpus.iter().filter(|(verdict, _)| *verdict == "read").count();
    assert!(reads > 100 && corpus.len() - reads > 140, "{reads} of {}", corpus.len());
    for engine in engines() {
        let setting = setting(&engine, &[]).await;
        for (verdict, statement) in &corpus {
            let before = setting.sandbox.control().jobs().len();
            let arguments = json!({ "query": statement });
            let answer = setting.client.text("RunSqlQuery", arguments).await;
            let is_sent = setting.sandbox.control().jobs().len() > before;
            let is_refused = answer.contains("Nothing was sent to Dremio");
            assert_eq!(
                (is_sent, is_refused),
                (*verdict == "read", *verdict != "read"),
                "{engine:?}: {verdict} {statement}: {answer}"
            );
        }
        let metrics = setting.gateway.metrics().await;
        for (verdict, _) in corpus.iter().filter(|(verdict, _)| *verdict != "read") {
            let count = corpus.iter().filter(|(other, _)| other == verdict).count();
            let expected =
                format!("dremio_mcp_statements_refused_total{{reason=\"{verdict}\"}} {count}");
            assert!(metrics.contains(&expected), "{engine:?}: {expected}: {metrics}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn annotations_say_whether_statements_may_write() {
    for engine in engines() {
        for (switch, reads_only) in [("false", true), ("true", false)] {
            let setting = setting(&engine, &[("MCP_ALLOW_WRITES", switch)]).await;
            let tools = listed(&setting.client).await;
            let tool = tools.iter().find(|tool| tool["name"] == "RunSqlQuery").unwrap();
            let hint = |name: &str| tool["annotations"][name].as_bool();
            assert_eq!(hint("readOnlyHint"), Some(reads_only), "{engine:?}: {tool}");
            assert_eq!(hint("destructiveHint"), Some(!reads_only), "{engine:?}: {tool}");
            setting.gateway.stop().await;
        }
    }
}
