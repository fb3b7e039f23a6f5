//! `MCP_PUBLIC_URL`, called as an agent elsewhere would: whether a gateway is reached there, knows
//! our key, and what it streams arrives at once. The call leaves from this machine: what is
//! between agents and the address is not seen.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use service_kit::SecretSource;
use url::Url;

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, http, on_thread};
use crate::config::AuthConfig;
use crate::methods;

/// How long the first event may take. The gateway sends one at once; nginx, for one, keeps it until
/// the stream ends.
const FIRST_EVENT_MAX: Duration = Duration::from_secs(3);

const REVISION: &str = "2026-07-28";

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let Some(url) = &doctor.config.public_url else {
        let why = if doctor.is_wrong(&["MCP_PUBLIC_URL"]) {
            "MCP_PUBLIC_URL is wrong, see above"
        } else {
            "MCP_PUBLIC_URL is not set, so nobody knows what agents elsewhere call"
        };
        return vec![Finding::not_checked("public_url", why)];
    };
    let key = match &doctor.config.auth {
        AuthConfig::Open => None,
        AuthConfig::Policy { .. } => {
            let why = "MCP_POLICY_FILE has digests of keys, and no key to call it with";
            return vec![Finding::not_checked("public_url", why)];
        }
        AuthConfig::Keys(source) => match first_key(source.clone()).await {
            Some(key) => Some(key),
            None => {
                let why = "there is no key to call it with, see above";
                return vec![Finding::not_checked("public_url", why)];
            }
        },
    };
    let shown = url.as_str().trim_end_matches('/');
    let endpoint = format!("{shown}/mcp");
    let Some(http) = http::client(doctor, url) else {
        return vec![Finding::not_checked("public_url", "this machine trusts no authority")];
    };
    let agent = Agent { http, endpoint, key };
    vec![match agent.look().await {
        Ok(()) => {
            let text = format!(
                "{shown} leads to a gateway that takes our key and streams without a pause, as \
                 seen from this machine"
            );
            Finding::good("public_url", text)
        }
        Err(failure) => explain(url, shown, failure),
    }]
}

/// Why an agent would not be served.
#[derive(Debug)]
enum Failure {
    Unreached(reqwest::Error),
    Late,
    /// Sent elsewhere.
    Redirected(Option<String>),
    NoAuthorization,
    OtherKeys,
    HostRefused,
    /// Something else that is no gateway, or one that fails.
    Status(StatusCode),
    NotMcp,
    Buffered,
}

/// The cure stands on the proxy's side, for the one that most people have.
fn explain(url: &Url, shown: &str, failure: Failure) -> Finding {
    let host = url.host_str().unwrap_or_default();
    let proxy = |line: &str| Cure::Change(format!("in the proxy's configuration: {line}"));
    let to_gateway = || proxy("proxy_pass http://127.0.0.1:8000; (nginx)");
    let (text, cure) = match failure {
        Failure::Unreached(cause) => (
            format!(
                "{shown} is not reached: {}",
                anyhow::Error::from(cause.without_url()).root_cause()
            ),
            Cure::Run(format!("curl -v {shown}/healthz")),
        ),
        Failure::Late => (
            format!("{shown} takes the connection and does not answer"),
            Cure::Run(format!("curl -v {shown}/healthz")),
        ),
        Failure::Redirected(to) => {
            let to = to.unwrap_or_else(|| format!("https://{host}"));
            let text = format!("{shown} sends agents elsewhere, and most of them do not follow");
            (text, Cure::Set(format!("MCP_PUBLIC_URL={to}")))
        }
        Failure::NoAuthorization => (
            "the proxy takes the header `Authorization` away, so no key arrives".to_owned(),
            proxy("proxy_set_header Authorization $http_authorization; (nginx)"),
        ),
        Failure::OtherKeys => (
            format!("{shown} leads to a gateway that does not know the keys of this one"),
            to_gateway(),
        ),
        Failure::HostRefused => (
            format!("the gateway behind {shown} does not know the name that the proxy calls it by"),
            Cure::Set(format!("MCP_ALLOWED_HOSTS={host}")),
        ),
        Failure::Status(StatusCode::NOT_FOUND) => {
            (format!("nothing is served at {shown}/mcp: the proxy leads elsewhere"), to_gateway())
        }
        Failure::Status(status) if status.is_server_error() => (
            format!("{shown} answers {}: the proxy does not reach the gateway", status.as_u16()),
            to_gateway(),
        ),
        Failure::Status(status) => {
            (format!("{shown} answers {} and is no gateway", status.as_u16()), to_gateway())
        }
        Failure::NotMcp => {
            (format!("what answers at {shown}/mcp does not speak MCP"), to_gateway())
        }
        Failure::Buffered => (
            format!(
                "the proxy keeps what is streamed: nothing came within {} s",
                FIRST_EVENT_MAX.as_secs()
            ),
            proxy("proxy_buffering off; (nginx)"),
        ),
    };
    Finding::bad("public_url", text, cure)
}

struct Agent {
    http: Client,
    endpoint: String,
    key: Option<SecretString>,
}

impl Agent {
    async fn look(&self) -> Result<(), Failure> {
        let response = self.call(methods::SERVER_DISCOVER, json!({}), CHECK_MAX).await?;
        let said: Value =
            serde_json::from_slice(&http::body(response).await).map_err(|_| Failure::NotMcp)?;
        if said.get("jsonrpc").is_none() {
            return Err(Failure::NotMcp);
        }
        let wanted = json!({ "notifications": { "toolsListChanged": true } });
        let stream = async {
            let mut response = self.call(methods::SUBSCRIPTIONS_LISTEN, wanted, CHECK_MAX).await?;
            response.chunk().await.map_err(Failure::Unreached)
        };
        match tokio::time::timeout(FIRST_EVENT_MAX, stream).await {
            Ok(Ok(Some(_))) => Ok(()),
            Ok(Ok(None)) => Err(Failure::NotMcp),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Buffered),
        }
    }

    /// One request of revision 2026-07-28, which needs no session.
    async fn call(
        &self,
        method: &str,
        mut params: Value,
        limit: Duration,
    ) -> Result<Response, Failure> {
        if let Some(params) = params.as_object_mut() {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": REVISION,
                "io.modelcontextprotocol/clientInfo":
                    { "name": "dremio-mcp doctor", "version": env!("CARGO_PKG_VERSION") },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            params.insert("_meta".to_owned(), meta);
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = self
            .http
            .post(&self.endpoint)
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json")
            .header("mcp-protocol-version", REVISION)
            .header("mcp-method", method)
            .body(body.to_string());
        if let Some(key) = self.key.as_ref().and_then(dremio_client::bearer) {
            request = request.header(AUTHORIZATION, key);
        }
        let sent = tokio::time::timeout(limit, request.send()).await;
        let response = sent.map_err(|_| Failure::Late)?.map_err(|cause| {
            if cause.is_timeout() && !cause.is_connect() {
                Failure::Late
            } else {
                Failure::Unreached(cause)
            }
        })?;
        if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
    }
}

async fn refused(response: Response) -> Failure {
    let (status, headers) = (response.status(), response.headers());
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if status.is_redirection() {
        // Only an address without the endpoint is a setting.
        let to = header(LOCATION).and_then(|to| to.trim_end_matches('/').strip_suffix("/mcp"));
        return Failure::Redirected(to.filter(|to| to.contains("://")).map(str::to_owned));
    }
    // RFC 6750 §3.1: without credentials, the challenge names no error.
    let challenge = header(WWW_AUTHENTICATE).map(str::to_owned);
    match (status, challenge) {
        (StatusCode::UNAUTHORIZED, Some(challenge)) if challenge.contains("dremio-mcp") => {
            if challenge.contains("error=") {
                Failure::OtherKeys
            } else {
                Failure::NoAuthorization
            }
        }
        (StatusCode::FORBIDDEN, _) => {
            let said = http::body(response).await;
            let is_ours = String::from_utf8_lossy(&said).contains("MCP_ALLOWED_HOSTS");
            if is_ours { Failure::HostRefused } else { Failure::Status(status) }
        }
        _ => Failure::Status(status),
    }
}

/// The first key of the list.
async fn first_key(source: SecretSource) -> Option<SecretString> {
    let read = on_thread(CHECK_MAX, move || source.read()).await?.ok()?;
    connect::first_key(read.expose_secret())
}
