//! One request of the child, sent to Dremio with the current token.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use dremio_client::{Error, Transport};
use secrecy::ExposeSecret;
use token_file::Token;

use super::refusal;
use crate::dremio::{DremioHealth, TokenError, TokenSource, Verdict};

/// Limit for one forwarded call, from the first byte sent to the last byte of the answer.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(120);

/// How error texts name a forwarded call.
const OPERATION: &str = "the call to Dremio failed";

/// Headers of the child that Dremio gets. Everything else is about the hop.
const REQUEST_HEADERS: [HeaderName; 2] = [header::ACCEPT, header::CONTENT_TYPE];

/// Headers of Dremio that the child gets.
const ANSWER_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];

/// A request of the child, its body read.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path_and_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
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
            Self::Token(TokenError::Rejected) => (StatusCode::UNAUTHORIZED, "; try again in a moment"),
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

    /// Sends `incoming` and streams the answer back.
    pub(super) async fn forward(&self, incoming: Incoming) -> Response {
        match self.send(&incoming).await {
            Ok(answer) => passed_on(answer),
            Err(cause) => cause.response(),
        }
    }

    /// Sends `incoming`, and once more if Dremio rejects the token.
    ///
    /// # Errors
    /// When there is no token, or no answer from Dremio. Any answer but 401 is a success here.
    pub(super) async fn send(&self, incoming: &Incoming) -> Result<reqwest::Response, ForwardError> {
        Ok(self.tokens.with_token(|token| self.send_with(incoming, token), verdict).await??)
    }

    async fn send_with(&self, incoming: &Incoming, token: Token) -> Result<reqwest::Response, Error> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.secret().expose_secret()))
            .map_err(|_| Error::RejectedCredentials { operation: OPERATION })?;
        authorization.set_sensitive(true);
        let mut request = self
            .transport
            .http()
            .request(incoming.method.clone(), self.transport.url(&incoming.path_and_query))
            .timeout(FORWARD_TIMEOUT)
            .header(header::AUTHORIZATION, authorization);
        for name in &REQUEST_HEADERS {
            if let Some(value) = incoming.headers.get(name) {
                request = request.header(name, value);
            }
        }
        if incoming.method != Method::GET {
            request = request.body(incoming.body.clone());
        }
        match request.send().await {
            Ok(answer) if !is_page(&answer) => {
                self.health.answered(outcome(answer.status()));
                Ok(answer)
            }
            Ok(page) => Err(self.failed(Error::NotDremioApi { operation: OPERATION, status: page.status().as_u16(), kind: "a web page" })),
            Err(cause) => Err(self.failed(Error::from_transport(OPERATION, FORWARD_TIMEOUT, cause))),
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

/// A web page where the API should be is no answer of Dremio's API, whatever its status (contract §0.1).
fn is_page(answer: &reqwest::Response) -> bool {
    let is_html = answer.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    is_html || answer.status().is_redirection()
}

/// The answer for the child.
pub(super) fn passed_on(answer: reqwest::Response) -> Response {
    let status = answer.status();
    let headers: Vec<_> = ANSWER_HEADERS.iter().filter_map(|name| Some((name.clone(), answer.headers().get(name)?.clone()))).collect();
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}
