//! One request of the child, sent to Dremio with the current token.

use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use dremio_client::{Error, PAGE_PATIENCE, Transport};
use futures_util::stream;
use secrecy::ExposeSecret;
use token_file::Token;

use super::refusal;
use crate::dremio::{AWAY_TIMEOUT, DremioHealth, TokenError, TokenSource, Verdict};

/// Why a call was given less time than usual.
const AWAY: &str = "; it does not answer dremio-mcp's own checks either, so calls are given less time until it does";

/// How error texts name a forwarded call.
const OPERATION: &str = "the call to Dremio failed";

/// Headers of the child that Dremio gets. Everything else is about the egress proxy.
const REQUEST_HEADERS: [HeaderName; 2] = [header::ACCEPT, header::CONTENT_TYPE];

/// Headers of Dremio that the child gets.
const ANSWER_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];

/// A request of the child, its body read.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path_and_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the answer may be long: a page of results. Everything else should be quick.
    pub(super) is_bulk: bool,
}

/// Why there is no answer of Dremio's.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForwardError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Dremio(#[from] Error),
}

impl ForwardError {
    /// The answer that the child gets instead, with a reason that it shows its user.
    pub(super) fn response(&self) -> Response {
        let (status, cure) = match self {
            Self::Token(TokenError::None(_)) => (StatusCode::SERVICE_UNAVAILABLE, ""),
            Self::Token(TokenError::Rejected) => {
                (StatusCode::UNAUTHORIZED, "; try again in a moment")
            }
            Self::Dremio(Error::Timeout { limit, .. }) if *limit == AWAY_TIMEOUT => {
                (StatusCode::GATEWAY_TIMEOUT, AWAY)
            }
            Self::Dremio(Error::Timeout { .. }) => (StatusCode::GATEWAY_TIMEOUT, ""),
            Self::Dremio(_) => (StatusCode::BAD_GATEWAY, ""),
        };
        refusal(status, &format!("{self}{cure}"))
    }
}

/// Sends requests on with the current token.
pub(super) struct Forwarder {
    transport: Transport,
    tokens: TokenSource,
    health: DremioHealth,
}

impl Forwarder {
    pub(super) fn new(transport: Transport, tokens: TokenSource, health: DremioHealth) -> Self {
        Self { transport, tokens, health }
    }

    /// How long Dremio may pause in the middle of an answer.
    pub(super) fn pause_max(&self) -> Duration {
        self.transport.request_timeout()
    }

    /// Sends `incoming` and streams the answer back.
    pub(super) async fn forward(&self, incoming: Incoming) -> Response {
        match self.send(&incoming).await {
            Ok(answer) => passed_on(answer, self.pause_max()),
            Err(cause) => cause.response(),
        }
    }

    /// Sends `incoming`, and once more if Dremio rejects the token.
    ///
    /// # Errors
    /// When there is no token, or no answer from Dremio. Any answer but 401 is a success here.
    pub(super) async fn send(
        &self,
        incoming: &Incoming,
    ) -> Result<reqwest::Response, ForwardError> {
        Ok(self.tokens.with_token(|token| self.send_with(incoming, token), verdict).await??)
    }

    async fn send_with(
        &self,
        incoming: &Incoming,
        token: Token,
    ) -> Result<reqwest::Response, Error> {
        // A quick call may take this long, and a long answer may pause for this long.
        let patience = self.health.patience(self.transport.request_timeout());
        let whole = if incoming.is_bulk { patience * PAGE_PATIENCE } else { patience };
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", token.secret().expose_secret()))
                .map_err(|_| Error::RejectedCredentials { operation: OPERATION })?;
        authorization.set_sensitive(true);
        // Never without: `Target` writes nothing that a URL would change.
        let url = self
            .transport
            .url(&incoming.path_and_query)
            .ok_or(Error::UnsafePath { operation: OPERATION })?;
        let mut request = self
            .transport
            .http()
            .request(incoming.method.clone(), url)
            .timeout(whole)
            .header(header::AUTHORIZATION, authorization);
        for name in &REQUEST_HEADERS {
            if let Some(value) = incoming.headers.get(name) {
                request = request.header(name, value);
            }
        }
        if incoming.method != Method::GET {
            request = request.body(incoming.body.clone());
        }
        let sent = match tokio::time::timeout(patience, request.send()).await {
            Ok(sent) => sent.map_err(|cause| Error::from_transport(OPERATION, patience, cause)),
            Err(_) => Err(Error::Timeout { operation: OPERATION, limit: patience }),
        };
        match sent {
            Ok(answer) if !is_page(&answer) => {
                self.health.answered(outcome(answer.status()));
                Ok(answer)
            }
            Ok(page) => Err(self.failed(Error::NotDremioApi {
                operation: OPERATION,
                status: page.status().as_u16(),
                kind: "a web page",
            })),
            Err(cause) => Err(self.failed(cause)),
        }
    }

    fn failed(&self, error: Error) -> Error {
        self.health.failed(&error);
        error
    }
}

fn verdict(answer: &Result<reqwest::Response, Error>) -> Verdict {
    match answer {
        Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => Verdict::Rejected,
        Ok(_) => Verdict::Accepted,
        Err(_) => Verdict::Unknown,
    }
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "ok",
        401 => "rejected_credentials",
        400..=499 => "refused",
        _ => "server_status",
    }
}

/// A web page where the API should be is no answer of Dremio's API, whatever its status (contract
/// §0.1).
fn is_page(answer: &reqwest::Response) -> bool {
    let content_type = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_html = content_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/html"));
    is_html || answer.status().is_redirection()
}

/// The answer for the child. It breaks off if Dremio sends nothing for `pause_max`; time in which
/// the child does not read is its own.
pub(super) fn passed_on(answer: reqwest::Response, pause_max: Duration) -> Response {
    let status = answer.status();
    let headers: Vec<_> = ANSWER_HEADERS
        .iter()
        .filter_map(|name| Some((name.clone(), answer.headers().get(name)?.clone())))
        .collect();
    let chunks = stream::try_unfold(answer, move |mut answer| async move {
        let chunk = tokio::time::timeout(pause_max, answer.chunk()).await??;
        Ok::<_, BoxError>(chunk.map(|chunk| (chunk, answer)))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
mod tests;
