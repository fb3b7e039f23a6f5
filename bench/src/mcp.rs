//! An MCP client that is light enough to measure with: one keep-alive HTTP/1.1 connection, requests
//! as text, and answers of which only what must be checked is read. It speaks both eras. It does
//! not reconnect, retry or redirect.

mod news;
mod torn;

use std::borrow::Cow;
use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) use self::torn::Torn;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What every modern request says about itself.
const MODERN_META: &str = concat!(
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientCapabilities":{}"#,
);

/// How a client speaks: with a handshake and a session, or with everything in each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub(crate) const BOTH: [Self; 2] = [Self::Legacy, Self::Modern];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }
}

/// Where a server listens, and the key that it wants.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) addr: SocketAddr,
    pub(crate) key: Option<&'static str>,
}

/// A client with one connection.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
    era: Era,
    headers: HeaderMap,
}

/// A whole answer: its status, and its JSON-RPC messages in the order in which they came.
#[derive(Debug)]
pub(crate) struct Answer {
    /// That of the request.
    pub(crate) era: Era,
    pub(crate) status: u16,
    pub(crate) messages: Vec<String>,
}

/// The members of a response that are looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Reply<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) result: Option<ToolResult<'a>>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// A tool's result, or what looks like one.
#[derive(Debug, Deserialize)]
pub(crate) struct ToolResult<'a> {
    #[serde(borrow, default)]
    content: Vec<Content<'a>>,
    #[serde(borrow, rename = "protocolVersion")]
    protocol_version: Option<Cow<'a, str>>,
    /// Which every result of the modern era must have, and no other has.
    #[serde(borrow, rename = "resultType")]
    result_type: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl Client {
    /// Connects, and shakes hands if the era has that.
    ///
    /// # Errors
    /// When the server does not listen or does not speak this era.
    pub(crate) async fn connect(endpoint: &Endpoint, era: Era) -> anyhow::Result<Self> {
        let mut client = Self::silent(endpoint, era).await?;
        if era == Era::Legacy {
            client.initialize().await?;
        }
        Ok(client)
    }

    /// Connects and says nothing yet.
    ///
    /// # Errors
    /// When the server does not listen.
    pub(crate) async fn silent(endpoint: &Endpoint, era: Era) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(endpoint.addr).await.context("no connection")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::try_from(endpoint.addr.to_string())?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = endpoint.key {
            headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {key}"))?);
        }
        if era == Era::Modern {
            headers.insert(PROTOCOL_VERSION, HeaderValue::from_static("2026-07-28"));
        }
        Ok(Self { sender, connection, era, headers })
    }

    /// Opens a session; the one before, if any, is left to the server. Servers without sessions
    /// give none.
    ///
    /// # Errors
    /// When the handshake is refused.
    pub(crate) async fn initialize(&mut self) -> anyhow::Result<()> {
        self.headers.remove(SESSION_ID);
        self.headers.remove(PROTOCOL_VERSION);
        let params = concat!(
            r#"{"protocolVersion":"2025-11-25","capabilities":{},"#,
            r#""clientInfo":{"name":"bench","version":"0"}}"#,
        );
        let body = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#);
        let response = self.send(Method::POST, self.headers.clone(), body).await?;
        let session = response.headers().get(SESSION_ID).cloned();
        let answer = Answer::read(response, self.era).await?;
        let version = match answer.reply()?.result {
            Some(ToolResult { protocol_version: Some(version), .. }) => {
                HeaderValue::try_from(version.as_ref())?
            }
            _ => bail!("handshake refused: {} {:?}", answer.status, answer.messages),
        };
        self.headers.insert(PROTOCOL_VERSION, version);
        if let Some(session) = session {
            self.headers.insert(SESSION_ID, session);
        }
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let response =
            self.send(Method::POST, self.headers.clone(), initialized.to_owned()).await?;
        ensure!(
            response.status().is_success(),
            "notifications/initialized refused: {}",
            response.status()
        );
        response.into_body().collect().await?;
        Ok(())
    }

    /// The session that the server gave.
    pub(crate) fn session(&self) -> Option<HeaderValue> {
        self.headers.get(SESSION_ID).cloned()
    }

    /// Goes on with a session that was opened over another connection.
    pub(crate) fn resume(&mut self, session: HeaderValue) {
        self.headers.insert(SESSION_ID, session);
        self.headers.insert(PROTOCOL_VERSION, HeaderValue::from_static("2025-11-25"));
    }

    /// Calls a tool. `id` is raw JSON; `arguments` and `progress_token` are too.
    ///
    /// # Errors
    /// When the connection ends before the answer does. Cancel safe: dropping the future ends the
    /// connection.
    pub(crate) async fn call(
        &mut self,
        id: &str,
        tool: &str,
        arguments: &str,
        progress_token: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let params = self.tool_params(tool, arguments, progress_token);
        self.request(id, "tools/call", Some(tool), &params).await
    }

    /// Lists the tools.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub(crate) async fn list(&mut self, id: &str) -> anyhow::Result<Answer> {
        let params = if self.era == Era::Modern {
            format!(r#"{{"_meta":{{{MODERN_META}}}}}"#)
        } else {
            "{}".to_owned()
        };
        self.request(id, "tools/list", None, &params).await
    }

    /// Asks to hear of a resource, or not any more (2025-11-25, "Subscriptions").
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub(crate) async fn subscription(
        &mut self,
        id: &str,
        method: &'static str,
        uri: &str,
    ) -> anyhow::Result<Answer> {
        self.request(id, method, None, &format!(r#"{{"uri":"{uri}"}}"#)).await
    }

    /// Gives `text` to the tool `echo`, and checks that the answer is the answer to just this.
    ///
    /// # Errors
    /// When it is not, or none came.
    pub(crate) async fn echo(&mut self, id: u64, text: &str) -> anyhow::Result<()> {
        let answer =
            self.call(&id.to_string(), "echo", &format!(r#"{{"text":"{text}"}}"#), None).await?;
        ensure!(
            answer.is_text(&id.to_string(), text),
            "sent {id} {text:?}, got {} {:?}",
            answer.status,
            answer.messages
        );
        Ok(())
    }

    /// Sends a notification; whether it was accepted.
    ///
    /// # Errors
    /// When the connection ends first.
    pub(crate) async fn notify(&mut self, method: &str, params: &str) -> anyhow::Result<bool> {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
        let response = self.send(Method::POST, self.headers.clone(), body).await?;
        let accepted = response.status().is_success();
        response.into_body().collect().await?;
        Ok(accepted)
    }

    /// Ends the session; whether the server agreed.
    ///
    /// # Errors
    /// When the connection ends first.
    pub(crate) async fn delete(&mut self) -> anyhow::Result<bool> {
        let response = self.send(Method::DELETE, self.headers.clone(), String::new()).await?;
        let agreed = response.status().is_success();
        response.into_body().collect().await?;
        Ok(agreed)
    }

    fn tool_params(&self, tool: &str, arguments: &str, progress_token: Option<&str>) -> String {
        let mut meta =
            progress_token.map(|token| format!(r#""progressToken":{token}"#)).unwrap_or_default();
        if self.era == Era::Modern {
            let comma = if meta.is_empty() { "" } else { "," };
            meta = format!("{meta}{comma}{MODERN_META}");
        }
        format!(r#"{{"name":"{tool}","arguments":{arguments},"_meta":{{{meta}}}}}"#)
    }

    async fn request(
        &mut self,
        id: &str,
        method: &'static str,
        name: Option<&str>,
        params: &str,
    ) -> anyhow::Result<Answer> {
        Answer::read(self.post(id, method, name, params).await?, self.era).await
    }

    async fn post(
        &mut self,
        id: &str,
        method: &'static str,
        name: Option<&str>,
        params: &str,
    ) -> anyhow::Result<Response<Incoming>> {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let mut headers = self.headers.clone();
        if self.era == Era::Modern {
            headers.insert(METHOD, HeaderValue::from_static(method));
            if let Some(name) = name {
                headers.insert(NAME, HeaderValue::from_str(name)?);
            }
        }
        self.send(Method::POST, headers, body).await
    }

    async fn send(
        &mut self,
        method: Method,
        headers: HeaderMap,
        body: String,
    ) -> anyhow::Result<Response<Incoming>> {
        self.sender.ready().await?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = http::Uri::from_static("/mcp");
        *request.headers_mut() = headers;
        Ok(self.sender.send_request(request).await?)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Answer {
    async fn read(response: Response<Incoming>, era: Era) -> anyhow::Result<Self> {
        let (status, streamed) = (response.status().as_u16(), is_stream(&response));
        let body =
            response.into_body().collect().await.context("the answer was cut off")?.to_bytes();
        let text = std::str::from_utf8(&body)?;
        let messages = if streamed { messages(text) } else { vec![text.to_owned()] };
        Ok(Self { era, status, messages })
    }

    /// The response, which comes last.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn reply(&self) -> anyhow::Result<Reply<'_>> {
        let last = self.messages.last().context("a stream without an answer")?;
        serde_json::from_str(last)
            .with_context(|| format!("not a response: {} {last:.200}", self.status))
    }

    /// Whether it is the answer to the request with the raw `id`, says just `text`, and has what
    /// its era requires.
    pub(crate) fn is_text(&self, id: &str, text: &str) -> bool {
        let expected_type = (self.era == Era::Modern).then_some("complete");
        self.reply().is_ok_and(|reply| {
            let same = |result: &ToolResult<'_>| {
                matches!(result.content.as_slice(), [only] if only.text == text)
                    && result.result_type.as_deref() == expected_type
            };
            reply.id.is_some_and(|own| own.get() == id) && reply.result.as_ref().is_some_and(same)
        })
    }
}

fn is_stream(response: &Response<Incoming>) -> bool {
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    content_type.starts_with("text/event-stream")
}

/// The messages in the events of a stream. An event that only names an id to come back with has
/// none.
fn messages(events: &str) -> Vec<String> {
    let data = events.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    data.filter(|data| !data.is_empty()).map(str::to_owned).collect()
}
