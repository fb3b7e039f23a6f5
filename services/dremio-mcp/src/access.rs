//! Who may use the server. Three checks before the body is read: the Host (against pages that
//! rebind their name to this address), the Origin (against pages of other sites), and the key,
//! which may have a rate limit. Also the answers to clients without a key or with a wrong path.

mod credentials;
mod hosts;
mod keys;
mod keys_file;
mod rate;
mod refusals;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::http::{Connection, Peer};

use self::credentials::credentials;
pub(crate) use self::hosts::HostRules;
pub use self::hosts::{AllowedHost, AllowedOrigin, BadElement};
pub(crate) use self::keys::KeyRing;
pub use self::keys::{BadLine, KeyRingError};
pub use self::rate::Rate;
pub(crate) use self::rate::{RateLimit, RateSetting, TooMany};
pub(crate) use self::refusals::RefusalLog;
use crate::metrics::Metrics;
use crate::policy::{Identity, PolicyStore};
use crate::principal::Principal;
use crate::rpc::{Refusal, json_response};

/// How much of a path is logged.
const PATH_CHARS_MAX: usize = 100;

/// How callers authenticate.
#[derive(Debug)]
pub(crate) enum Auth {
    /// With a key of the ring.
    Keys(Arc<KeyRing>),
    /// With a key of the policy file; or of the ring, as far as the policy has rights for these.
    Policy(Arc<PolicyStore>, Option<Arc<KeyRing>>),
    /// Not at all: all are this one.
    Open(Arc<Identity>),
}

/// The checks in front of `/mcp`.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) hosts: HostRules,
    pub(crate) auth: Auth,
    /// `None` for no limit.
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) refusals: RefusalLog,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug)]
struct Denial {
    status: StatusCode,
    reason: &'static str,
    message: &'static str,
}

impl Denial {
    const fn new(status: StatusCode, reason: &'static str, message: &'static str) -> Self {
        Self { status, reason, message }
    }
}

impl Access {
    /// Checks that a request was meant for this server and does not come from another site's page.
    /// Returns its origin, if it is an allowed one.
    ///
    /// # Errors
    /// The response, 400 or 403.
    pub(crate) fn admit(&self, request: &Request) -> Result<Option<HeaderValue>, Box<Response>> {
        let deny = |status, reason, message| {
            Err(Box::new(self.deny(request, Denial::new(status, reason, message))))
        };
        if !self.hosts.host_allowed(request.headers(), request.uri()) {
            let message =
                "The Host header is not one of this server's names. Add it to MCP_ALLOWED_HOSTS.";
            return deny(StatusCode::FORBIDDEN, "host_not_allowed", message);
        }
        let Ok(origin) = only(request, &header::ORIGIN) else {
            let message = "The request has more than one Origin header.";
            return deny(StatusCode::BAD_REQUEST, "origin_repeated", message);
        };
        if origin.is_some_and(|origin| !self.hosts.origin_allowed(origin)) {
            let message =
                "Pages of this origin may not use this server. Add it to MCP_ALLOWED_ORIGINS.";
            return deny(StatusCode::FORBIDDEN, "origin_not_allowed", message);
        }
        Ok(origin.cloned())
    }

    /// Whose key the request has. Its connection counts as a known client's from now
    /// on.
    ///
    /// # Errors
    /// The response, 400, 401 or 429, when the key is missing, wrong or over its rate.
    pub(crate) fn require_key(&self, request: &Request) -> Result<Arc<Identity>, Box<Response>> {
        let identity =
            self.identity(request).map_err(|denial| Box::new(self.deny(request, denial)))?;
        if let Some(connection) = request.extensions().get::<Connection>() {
            connection.prove();
        }
        let principal = identity.principal();
        match self.rate_limit.as_ref().map_or(Ok(()), |limit| limit.count(principal)) {
            Ok(()) => Ok(identity),
            Err(wait) => Err(Box::new(self.slow_down(request, principal, wait))),
        }
    }

    /// The answer at all other paths, with or without a key. Clients that look for an OAuth login
    /// show a person the reason if it has the form of RFC 6749 §5.2; a 200 there would make them
    /// try to log in even with a good key.
    pub(crate) fn elsewhere(&self, request: &Request) -> Response {
        let path = request.uri().path();
        let is_login = matches!(
            path.trim_end_matches('/').rsplit('/').next(),
            Some("register" | "authorize" | "token")
        );
        let (status, reason) = match () {
            () if path.contains("/.well-known/") => (StatusCode::NOT_FOUND, "no_oauth_metadata"),
            () if is_login => (StatusCode::FORBIDDEN, "no_oauth_login"),
            () => (StatusCode::NOT_FOUND, "unknown_path"),
        };
        let message = match (reason, &self.auth) {
            ("unknown_path", _) => {
                "Nothing is served at this path. The MCP endpoint is /mcp, over streamable HTTP."
            }
            (_, Auth::Keys(_) | Auth::Policy(..)) => {
                "This server has no OAuth login. It needs a key, and your client sent none that it \
                 accepts. Ask whoever runs this server for a key, and have your client send the \
                 header `Authorization: Bearer KEY` with it."
            }
            (_, Auth::Open(_)) => {
                "This server has no OAuth login, and needs none: it is open to everybody who \
                 reaches it."
            }
        };
        let denial = Denial::new(status, reason, message);
        if reason == "unknown_path" {
            return self.deny(request, denial);
        }
        self.note(request, denial, None);
        let body = serde_json::json!({ "error": "access_denied", "error_description": message })
            .to_string();
        self.closing(request, json_response(status, body))
    }

    fn identity(&self, request: &Request) -> Result<Arc<Identity>, Denial> {
        let repeated = "The request has more than one Authorization header.";
        let presented = only(request, &header::AUTHORIZATION).map_err(|()| {
            Denial::new(StatusCode::BAD_REQUEST, "authorization_repeated", repeated)
        })?;
        let (policy, ring) = match &self.auth {
            Auth::Open(anyone) => return Ok(Arc::clone(anyone)),
            Auth::Keys(ring) => (None, Some(ring)),
            Auth::Policy(policy, ring) => (Some(policy), ring.as_ref()),
        };
        let refused = |reason, message| Denial::new(StatusCode::UNAUTHORIZED, reason, message);
        let missing = "This server needs a key: send `Authorization: Bearer <key>` with a key of \
                       MCP_API_KEYS_FILE.";
        let presented = presented.ok_or(refused("key_missing", missing))?;
        let key = credentials(presented.as_bytes())
            .map_err(|message| refused("key_malformed", message))?;
        let unknown = refused("key_unknown", "The key is not one of this server's.");
        let digest = keys::digest(key);
        if let Some(client) = policy.and_then(|policy| policy.client(&digest)) {
            return Ok(client);
        }
        let known = ring.and_then(|ring| ring.identify(&digest)).ok_or(unknown)?;
        let Some(policy) = policy else { return Ok(known) };
        let outside = "The key belongs to no client of this server's policy. Ask whoever runs it \
                       to name the key in MCP_POLICY_FILE.";
        policy.other(known.principal()).ok_or(refused("key_outside_policy", outside))
    }

    /// RFC 6585 §4.
    fn slow_down(&self, request: &Request, principal: &Principal, wait: Duration) -> Response {
        let message =
            "This key makes too many requests (MCP_RATE_LIMIT). Wait as long as Retry-After says.";
        let denial = Denial::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        self.note(request, denial, Some(principal));
        denial.refusal().retry_after(wait).response(None)
    }

    fn deny(&self, request: &Request, denial: Denial) -> Response {
        self.note(request, denial, None);
        let mut refusal = denial.refusal();
        if denial.status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3: no error code when no credentials were sent.
            let challenge = match denial.reason {
                "key_missing" => r#"Bearer realm="dremio-mcp""#,
                _ => r#"Bearer realm="dremio-mcp", error="invalid_token""#,
            };
            let challenge = HeaderValue::from_static(challenge);
            refusal = refusal.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        self.closing(request, refusal.response(None))
    }

    /// Counts `more` messages of a request that has already counted as one: all of them, or none.
    ///
    /// # Errors
    /// When they exceed the key's rate. The refusal is counted and logged here.
    pub(crate) fn count_more(
        &self,
        principal: &Principal,
        peer: IpAddr,
        more: usize,
    ) -> Result<(), TooMany> {
        let counted =
            self.rate_limit.as_ref().map_or(Ok(()), |limit| limit.count_more(principal, more));
        if counted.is_err() {
            let (event, reason) = ("access_denied", "rate_limited");
            self.metrics.access_denied(reason);
            if self.refusals.is_news(reason, peer, Some(principal)) {
                tracing::info!(
                    target: "audit",
                    event,
                    reason,
                    %peer,
                    %principal,
                    messages = more,
                    "request turned away",
                );
            }
        }
        counted
    }

    /// Counts and logs a refused request.
    fn note(&self, request: &Request, denial: Denial, principal: Option<&Principal>) {
        let Denial { status, reason, .. } = denial;
        self.metrics.access_denied(reason);
        let peer = request
            .extensions()
            .get::<Peer>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        if self.refusals.is_news(reason, peer, principal) {
            let (status, principal) = (status.as_u16(), principal.map(tracing::field::display));
            // Cut, because a stranger chose it. A URI has no control characters.
            let path: String = request.uri().path().chars().take(PATH_CHARS_MAX).collect();
            let (event, method) = ("access_denied", request.method().as_str());
            tracing::info!(
                target: "audit",
                event,
                reason,
                status,
                %peer,
                principal,
                method,
                path,
                "request turned away",
            );
        }
    }

    /// Ends the connection after a 401 or 403: a refused client must not keep a connection. That of
    /// a trusted proxy carries other clients too.
    fn closing(&self, request: &Request, mut response: Response) -> Response {
        let is_final =
            matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if is_final
            && !request.extensions().get::<Connection>().is_some_and(Connection::is_from_proxy)
        {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl Denial {
    fn refusal(self) -> Refusal {
        Refusal::invalid(self.status, self.message)
    }
}

/// The value of a header that may occur once; an error if there are several.
fn only<'r>(request: &'r Request, name: &HeaderName) -> Result<Option<&'r HeaderValue>, ()> {
    let mut values = request.headers().get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(()),
        (value, None) => Ok(value),
    }
}

/// The answer to a preflight, which by design carries no key (Fetch standard, "CORS-preflight
/// fetch").
pub(crate) fn preflight(request: &Request, origin: Option<HeaderValue>) -> Response {
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let mut response = with_cors(StatusCode::NO_CONTENT.into_response(), origin);
    allow_param_headers(&mut response, asked);
    response
}

/// Lets a page of an allowed origin read the answer and its session id.
pub(crate) fn with_cors(mut response: Response, origin: Option<HeaderValue>) -> Response {
    let Some(origin) = origin else { return response };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, \
             mcp-method, mcp-name, last-event-id",
        ),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("mcp-session-id, www-authenticate"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Also lets a page send those `asked` headers that repeat arguments of tools; each tool chooses
/// their names (2026-07-28, "Custom Headers from Tool Parameters").
fn allow_param_headers(response: &mut Response, asked: Option<&HeaderValue>) {
    let asked =
        asked.and_then(|asked| asked.to_str().ok()).unwrap_or_default().split(',').map(str::trim);
    let is_param =
        |name: &&str| name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("mcp-param-"));
    for name in asked.filter(is_param).filter_map(|name| HeaderValue::from_str(name).ok()) {
        response.headers_mut().append(header::ACCESS_CONTROL_ALLOW_HEADERS, name);
    }
}
