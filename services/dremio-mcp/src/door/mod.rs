//! Who may come in. Three checks before a byte of the body is read: the Host (a page that rebinds its name to
//! this address must not get in), the Origin (a page of another site must not either), and the key, which may have a rate limit.

mod hosts;
mod keys;
mod rate;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service_kit::http::Peer;

pub(crate) use self::hosts::HostRules;
pub use self::hosts::{AllowedHost, AllowedOrigin, BadElement};
pub use self::keys::KeyRingError;
pub(crate) use self::keys::{KeyRing, Principal};
pub use self::rate::Rate;
pub(crate) use self::rate::RateLimit;
use crate::metrics::Metrics;
use crate::rpc::{ErrorCode, RpcError};

/// How callers prove who they are.
#[derive(Debug)]
pub(crate) enum Auth {
    /// By a key of the ring.
    Keys(Arc<KeyRing>),
    /// Not at all: everybody is the same principal.
    Open,
}

/// The checks at the door of `/mcp`.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) hosts: HostRules,
    pub(crate) auth: Auth,
    /// Without it, a key may ask as often as it likes.
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Lets a request through with its [`Principal`] in the extensions, or answers 403 or 401.
pub(crate) async fn guard(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    if !door.hosts.host_allowed(request.headers(), request.uri()) {
        return door.deny(
            &request,
            StatusCode::FORBIDDEN,
            "host_not_allowed",
            "The Host header is not one of this server's names. Add it to MCP_ALLOWED_HOSTS.",
        );
    }
    if origin.as_ref().is_some_and(|origin| !door.hosts.origin_allowed(origin)) {
        return door.deny(
            &request,
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "Pages of this origin may not use this server. Add it to MCP_ALLOWED_ORIGINS.",
        );
    }
    // A preflight carries no key by design (Fetch standard, "CORS-preflight fetch").
    if request.method() == Method::OPTIONS {
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let mut response = with_cors(StatusCode::NO_CONTENT.into_response(), origin);
        allow_param_headers(&mut response, asked.as_ref());
        return response;
    }
    match door.principal(&request) {
        Ok(principal) => {
            if let Some(Err(wait)) = door.rate_limit.as_ref().map(|limit| limit.count(&principal)) {
                return with_cors(door.slow_down(&request, wait), origin);
            }
            request.extensions_mut().insert(principal);
            with_cors(next.run(request).await, origin)
        }
        Err(reason) => {
            let message = match reason {
                "key_missing" => "This server needs a key: send `Authorization: Bearer <key>` with a key of MCP_API_KEYS_FILE.",
                _ => "The key is not one of this server's.",
            };
            with_cors(door.deny(&request, StatusCode::UNAUTHORIZED, reason, message), origin)
        }
    }
}

impl Door {
    fn principal(&self, request: &Request) -> Result<Principal, &'static str> {
        let ring = match &self.auth {
            Auth::Open => return Ok(Principal::anyone()),
            Auth::Keys(ring) => ring,
        };
        let presented = request.headers().get(header::AUTHORIZATION).ok_or("key_missing")?;
        let key = bearer(presented.as_bytes()).ok_or("key_malformed")?;
        ring.find(key).ok_or("key_unknown")
    }

    /// RFC 6585 §4. `Retry-After` has whole seconds, rounded up so that the retry succeeds.
    fn slow_down(&self, request: &Request, wait: Duration) -> Response {
        let message = "This key makes too many requests (MCP_RATE_LIMIT). Wait as long as Retry-After says.";
        let mut response = self.deny(request, StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
        response
    }

    fn deny(&self, request: &Request, status: StatusCode, reason: &'static str, message: &str) -> Response {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_string()).unwrap_or_default();
        tracing::info!(target: "audit", event = "access_denied", reason, peer, "request turned away");
        self.metrics.access_denied(reason);
        let body = RpcError::new(ErrorCode::InvalidRequest, message).response(None);
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3: no error code when no credentials were sent.
            let challenge = match reason {
                "key_missing" => r#"Bearer realm="dremio-mcp""#,
                _ => r#"Bearer realm="dremio-mcp", error="invalid_token""#,
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// The credentials of `Bearer <credentials>`; the scheme is case-insensitive (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, credentials) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(credentials.trim_ascii()).filter(|credentials| !credentials.is_empty())
}

/// Lets a page of an allowed origin read the answer, and the session id in it.
fn with_cors(mut response: Response, origin: Option<HeaderValue>) -> Response {
    let Some(origin) = origin else { return response };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id",
        ),
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("mcp-session-id, www-authenticate"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets a page also send those of the `asked` headers that repeat arguments of tools, whose names are the tools' own (2026-07-28, "Custom
/// Headers from Tool Parameters").
fn allow_param_headers(response: &mut Response, asked: Option<&HeaderValue>) {
    let asked = asked.and_then(|asked| asked.to_str().ok()).unwrap_or_default().split(',').map(str::trim);
    let is_param = |name: &&str| name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("mcp-param-"));
    for name in asked.filter(is_param).filter_map(|name| HeaderValue::from_str(name).ok()) {
        response.headers_mut().append(header::ACCESS_CONTROL_ALLOW_HEADERS, name);
    }
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn bearer_credentials() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("BEARER   abc ", Some("abc")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Basic abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(value.as_bytes()), expected.map(str::as_bytes), "{value}");
        }
    }
}
