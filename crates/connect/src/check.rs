//! Asks the endpoint as the client would: with its revision of the protocol, and the same key.

mod answer;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::clients::{Client, Speaks};
use crate::endpoint::Endpoint;

/// Longer than listing tools takes even where the official server is just starting.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

const MODERN: &str = "2026-07-28";

/// A server with more pages of tools than this repeats itself.
const PAGES_MAX: usize = 20;

/// What the endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The revision of the protocol.
    pub revision: String,
    /// The names of its tools.
    pub tools: Vec<String>,
}

/// Why the client would not work.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The endpoint wants a key that is not known here.
    #[error("the key is not known here: give --key-file FILE, or set {variable}")]
    KeyUnknown {
        /// The variable of the key.
        variable: String,
    },
    /// A key that no header can hold.
    #[error("the key has characters that cannot stand in a header: is it the right file?")]
    KeyUnsendable,
    /// Nothing listens there, or the host does not answer.
    #[error(
        "nothing answers at {url}: is dremio-mcp running, and is this its address from here? In a \
         container, 127.0.0.1 is the container itself"
    )]
    NoAnswer {
        /// Where.
        url: String,
        /// What the network says.
        source: reqwest::Error,
    },
    /// It took too long.
    #[error("{url} takes the request and does not answer within {} s", REQUEST_TIMEOUT.as_secs())]
    TooSlow {
        /// Where.
        url: String,
    },
    /// 401.
    #[error("the server wants a key, and got none (401): give --key-file FILE or --key-env NAME")]
    NoKey,
    /// 401 for a key.
    #[error(
        "the server does not know this key (401): it is neither in its policy nor a line of its \
         keys file"
    )]
    WrongKey,
    /// 403.
    #[error("the server refuses this address (403): {said}")]
    Forbidden {
        /// What it says.
        said: String,
    },
    /// 404.
    #[error("nothing is served at this path (404): the address of dremio-mcp ends with /mcp")]
    NotFound,
    /// 3xx.
    #[error("the server redirects ({status}): use {to} as the address")]
    Redirected {
        /// The status.
        status: u16,
        /// The address that it names.
        to: String,
    },
    /// Another status.
    #[error("the server answers {status}: {said}")]
    Status {
        /// The status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// Something that is no MCP.
    #[error("something answers at {url}, but it does not speak MCP: is it the right port?")]
    NotMcp {
        /// Where.
        url: String,
    },
    /// The answer broke off.
    #[error("the answer broke off; try again")]
    BrokenOff {
        /// Why.
        source: reqwest::Error,
    },
    /// An error of the protocol.
    #[error("the server answers with an error: {said}")]
    Rpc {
        /// What it says.
        said: String,
    },
}

/// Asks the endpoint for its tools as `client` would. Redirects, proxies and trust are those of
/// `http`; it should follow no redirects, so that the key stays where it belongs.
///
/// # Errors
/// When the client would not work, with the cure.
pub async fn check(
    client: &Client,
    endpoint: &Endpoint,
    http: &reqwest::Client,
) -> Result<Checked, CheckError> {
    let caller = Caller { client, endpoint, http, authorization: authorization(endpoint)? };
    let (revision, session) = match client.speaks {
        Speaks::Modern => (MODERN.to_owned(), None),
        Speaks::Handshake(revision) => caller.open(revision).await?,
    };
    let listed = caller.tools(&revision, session.as_ref()).await;
    if let Some(session) = session {
        // It is tidy, and no more: the server forgets it by itself.
        let request = caller.http.delete(endpoint.url()).timeout(REQUEST_TIMEOUT);
        let request = caller.signed(request).header("mcp-session-id", session);
        let _ended = request.send().await;
    }
    Ok(Checked { revision, tools: listed? })
}

fn authorization(endpoint: &Endpoint) -> Result<Option<HeaderValue>, CheckError> {
    let Some(key) = endpoint.key() else { return Ok(None) };
    let Some(value) = &key.value else {
        return Err(CheckError::KeyUnknown { variable: key.variable.clone() });
    };
    let mut header = HeaderValue::from_str(&format!("Bearer {}", value.expose_secret()))
        .map_err(|_| CheckError::KeyUnsendable)?;
    header.set_sensitive(true);
    Ok(Some(header))
}

struct Caller<'c> {
    client: &'c Client,
    endpoint: &'c Endpoint,
    http: &'c reqwest::Client,
    authorization: Option<HeaderValue>,
}

impl Caller<'_> {
    /// The revision that the server chose, and the session.
    async fn open(&self, revision: &str) -> Result<(String, Option<HeaderValue>), CheckError> {
        let params = json!({
            "protocolVersion": revision,
            "capabilities": {},
            "clientInfo": self.client_info(),
        });
        let response = self.send("initialize", &params, None, None).await?;
        let session = response.headers().get("mcp-session-id").cloned();
        let result = self.result(response).await?;
        let chosen = result.get("protocolVersion").and_then(Value::as_str);
        let chosen = chosen.ok_or_else(|| self.not_mcp())?.to_owned();
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.post(&note, Some(&chosen), session.as_ref(), None).await?;
        Ok((chosen, session))
    }

    async fn tools(
        &self,
        revision: &str,
        session: Option<&HeaderValue>,
    ) -> Result<Vec<String>, CheckError> {
        let mut tools = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let mut params = serde_json::Map::new();
            if revision == MODERN {
                let meta = json!({
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientInfo": self.client_info(),
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                params.insert("_meta".to_owned(), meta);
            }
            if let Some(cursor) = cursor.take() {
                params.insert("cursor".to_owned(), cursor);
            }
            let params = Value::Object(params);
            let response = self.send("tools/list", &params, Some(revision), session).await?;
            let result = self.result(response).await?;
            let page = result.get("tools").and_then(Value::as_array);
            let page = page.ok_or_else(|| self.not_mcp())?;
            let names = page.iter().filter_map(|tool| tool.get("name")?.as_str());
            tools.extend(names.map(str::to_owned));
            match result.get("nextCursor") {
                Some(next) if next.is_string() => cursor = Some(next.clone()),
                _ => break,
            }
        }
        Ok(tools)
    }

    fn client_info(&self) -> Value {
        json!({ "name": self.client.name, "version": "0" })
    }

    async fn send(
        &self,
        method: &str,
        params: &Value,
        revision: Option<&str>,
        session: Option<&HeaderValue>,
    ) -> Result<Response, CheckError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let named = (revision == Some(MODERN)).then_some(method);
        self.post(&body, revision, session, named).await
    }

    async fn post(
        &self,
        body: &Value,
        revision: Option<&str>,
        session: Option<&HeaderValue>,
        method: Option<&str>,
    ) -> Result<Response, CheckError> {
        let url = || self.endpoint.url().to_owned();
        let mut request = self
            .signed(self.http.post(self.endpoint.url()))
            .timeout(REQUEST_TIMEOUT)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .body(body.to_string());
        if let Some(revision) = revision {
            request = request.header("mcp-protocol-version", revision);
        }
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        if let Some(method) = method {
            request = request.header("mcp-method", method);
        }
        let response = request.send().await.map_err(|source| {
            if source.is_timeout() && !source.is_connect() {
                CheckError::TooSlow { url: url() }
            } else {
                CheckError::NoAnswer { url: url(), source }
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        Err(match (status, to) {
            (StatusCode::UNAUTHORIZED, _) if self.authorization.is_some() => CheckError::WrongKey,
            (StatusCode::UNAUTHORIZED, _) => CheckError::NoKey,
            (StatusCode::NOT_FOUND, _) => CheckError::NotFound,
            (StatusCode::FORBIDDEN, _) => {
                CheckError::Forbidden { said: answer::said(response).await }
            }
            (status, Some(to)) if status.is_redirection() => CheckError::Redirected {
                status: status.as_u16(),
                to: to.chars().filter(|letter| !letter.is_control()).take(300).collect(),
            },
            (status, _) => {
                CheckError::Status { status: status.as_u16(), said: answer::said(response).await }
            }
        })
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    async fn result(&self, response: Response) -> Result<Value, CheckError> {
        let mut message = answer::message(response)
            .await
            .map_err(|source| CheckError::BrokenOff { source })?
            .ok_or_else(|| self.not_mcp())?;
        if let Some(error) = message.get("error") {
            return Err(CheckError::Rpc { said: answer::message_of(error) });
        }
        message.get_mut("result").map(Value::take).ok_or_else(|| self.not_mcp())
    }

    fn not_mcp(&self) -> CheckError {
        CheckError::NotMcp { url: self.endpoint.url().to_owned() }
    }
}
