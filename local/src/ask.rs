//! Questions through the gateway, as an agent of revision 2026-07-28 asks them: one request each,
//! no session.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Next, running_job};

/// Longer than the gateway's own limit for a call, so that its explanation arrives.
const ASK_TIMEOUT: Duration = Duration::from_secs(6 * 60);

const VERSION: &str = "2026-07-28";

#[derive(Deserialize)]
struct Response {
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

/// What a failed tool says, where that is JSON.
#[derive(Default, Deserialize)]
struct Failure {
    #[serde(default)]
    error: String,
}

/// A client of the gateway.
pub(crate) struct Agent {
    http: reqwest::Client,
    mcp_uri: String,
}

impl Agent {
    /// One that shows the first key of `keys_file`, if there is such a file.
    ///
    /// # Errors
    /// When the file has no key, or there can be no HTTP client.
    pub(crate) fn new(mcp_uri: String, keys_file: Option<&Path>) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(file) = keys_file {
            headers.insert(AUTHORIZATION, first_key(file).context("--api-keys-file")?);
        }
        let http = reqwest::Client::builder().no_proxy().default_headers(headers).build();
        Ok(Self { http: http.context("cannot make an HTTP client")?, mcp_uri })
    }

    /// Runs `sql` with the tool that agents use, and gives its rows, as many as an answer holds.
    ///
    /// # Errors
    /// When the gateway refuses, the query fails, or the answer is not one of that tool.
    pub(crate) async fn run_sql(&self, sql: &str) -> anyhow::Result<Answer> {
        self.rows("RunSqlQuery", &json!({ "query": sql, "format": "json" })).await
    }

    /// Gives the rows that follow those of an answer.
    ///
    /// # Errors
    /// As [`Agent::run_sql`].
    pub(crate) async fn read_on(&self, Next { job_id, offset }: &Next) -> anyhow::Result<Answer> {
        self.rows(
            "GetQueryResult",
            &json!({ "job_id": job_id, "offset": offset, "format": "json" }),
        )
        .await
    }

    /// Waits for a job that takes longer than one call may wait, too.
    async fn rows(&self, tool: &str, arguments: &Value) -> anyhow::Result<Answer> {
        let mut text = self.call(tool, arguments).await?;
        while let Some(job_id) = running_job(&text) {
            let arguments = json!({ "job_id": job_id, "format": "json" });
            text = self.call("GetQueryResult", &arguments).await?;
        }
        Answer::parse(&text)
    }

    /// The text with which a tool answers.
    async fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<String> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {
                "name": "dremio-mcp-local",
                "version": env!("CARGO_PKG_VERSION"),
            },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let response = self
            .http
            .post(&self.mcp_uri)
            .timeout(ASK_TIMEOUT)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION)
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .body(body.to_string())
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
        let answer: Response =
            serde_json::from_str(answer).context("the gateway's answer is not JSON-RPC")?;
        if let Some(error) = answer.error {
            bail!("{}", error.message);
        }
        let result = answer.result.ok_or_else(|| anyhow!("the gateway's answer has no result"))?;
        let text =
            result.content.into_iter().next().unwrap_or(Content { text: String::new() }).text;
        if result.is_error {
            let failure: Failure = serde_json::from_str(&text).unwrap_or_default();
            bail!("{}", if failure.error.is_empty() { text } else { failure.error });
        }
        Ok(text)
    }
}

/// The first key of a file that holds one a line, as a header. The gateway has read it before.
fn first_key(file: &Path) -> anyhow::Result<HeaderValue> {
    let text = service_kit::read_secret_bytes(file)?;
    let key = connect::first_key(&String::from_utf8_lossy(&text)).context("holds no key")?;
    let shown = format!("Bearer {}", key.expose_secret());
    let mut header = HeaderValue::from_str(&shown).context("its first key cannot be sent")?;
    header.set_sensitive(true);
    Ok(header)
}
