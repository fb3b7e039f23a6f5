//! One tool call through the gateway, as an agent of revision 2026-07-28 makes it: one request, no
//! session.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::json;

use crate::table::Table;

/// Longer than the gateway's own limit for a call, so that its explanation arrives.
const ASK_TIMEOUT: Duration = Duration::from_secs(6 * 60);

const VERSION: &str = "2026-07-28";
const TOOL: &str = "RunSqlQuery";

#[derive(Deserialize)]
struct Answer {
    result: Option<ToolResult>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    message: String,
}

#[derive(Deserialize)]
struct ToolResult {
    #[serde(default)]
    content: Vec<Content>,
    #[serde(rename = "isError", default)]
    is_error: bool,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
}

/// What a failed tool says. Both engines use these members.
#[derive(Default, Deserialize)]
struct Failure {
    #[serde(default)]
    error: String,
}

/// Runs `sql` with the tool that agents use, and gives its rows.
///
/// # Errors
/// When the gateway refuses, the query fails, or the answer is not one of that tool.
pub(crate) async fn run_sql(mcp_uri: &str, sql: &str) -> anyhow::Result<Table> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {
            "name": "dremio-mcp-local",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": TOOL, "arguments": { "query": sql }, "_meta": meta });
    let body =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let http =
        reqwest::Client::builder().no_proxy().build().context("cannot make an HTTP client")?;
    let response = http
        .post(mcp_uri)
        .timeout(ASK_TIMEOUT)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", VERSION)
        .header("mcp-method", "tools/call")
        .header("mcp-name", TOOL)
        .body(body)
        .send()
        .await
        .context("the gateway does not answer")?;
    let streamed = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let text = response.text().await.context("the gateway's answer was cut off")?;
    // In a stream the answer is the last event; what came before is progress.
    let answer = if streamed {
        text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default()
    } else {
        &text
    };
    let answer: Answer =
        serde_json::from_str(answer).context("the gateway's answer is not JSON-RPC")?;
    if let Some(error) = answer.error {
        bail!("{}", error.message);
    }
    let result = answer.result.ok_or_else(|| anyhow!("the gateway's answer has no result"))?;
    let text = result.content.into_iter().next().unwrap_or(Content { text: String::new() }).text;
    if result.is_error {
        let failure: Failure = serde_json::from_str(&text).unwrap_or_default();
        bail!("{}", if failure.error.is_empty() { text } else { failure.error });
    }
    Table::from_tool_result(&text)
}
