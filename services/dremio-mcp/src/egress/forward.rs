//! One request of the child, sent to Dremio with the current token.

use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use dremio_client::{Error, PAGE_PATIENCE, Transport, bearer};
use futures_util::stream;
use token_file::Token;

use super::refusal;
use crate::audit::CallAudit;
use crate::dremio::{AWAY_TIMEOUT, DremioCaller, DremioError, TokenError};

/// Why a call had less time than usual.
const AWAY: &str = "; it does not answer dremio-mcp's own checks either, so calls are given less \
                    time until it does";

/// The name of a forwarded call in error texts.
const OPERATION: &str = "the call to Dremio failed";

/// Headers of the child that go to Dremio. All others are about the egress proxy.
const REQUEST_HEADERS: [HeaderName; 2] = [header::ACCEPT, header::CONTENT_TYPE];

/// Headers of Dremio that go to the child.
const ANSWER_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];

/// A request of the child with its body.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path_and_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the answer may be long: a page of results. All others should be quick.
    pub(super) is_bulk: bool,
    /// Dremio, as the user sees it for whom the call is.
    pub(super) dremio: DremioCaller,
}

/// The child's answer when Dremio gave none, with a reason that the official server shows its user.
pub(super) fn unanswered(cause: &DremioError) -> Response {
    CallAudit::note_failure(cause.class());
    let (status, cure) = match cause {
        DremioError::Token(TokenError::None(_)) => (StatusCode::SERVICE_UNAVAILABLE, ""),
        DremioError::Token(TokenError::Rejected(_)) => {
            (StatusCode::UNAUTHORIZED, "; try again in a moment")
        }
        DremioError::Dremio(Error::Timeout { limit, .. }) if *limit == AWAY_TIMEOUT => {
            (StatusCode::GATEWAY_TIMEOUT, AWAY)
        }
        DremioError::Dremio(Error::Timeout { .. }) => (StatusCode::GATEWAY_TIMEOUT, ""),
        DremioError::Dremio(_) => (StatusCode::BAD_GATEWAY, ""),
    };
    refusal(status, &format!("{cause}{cure}"))
}

impl Incoming {
    /// How long Dremio may pause within an answer.
    pub(super) fn pause_max(&self) -> Duration {
        self.dremio.transport().request_timeout()
    }

    /// Sends the request and streams the answer back.
    pub(super) async fn forward(&self) -> Response {
        match self.send().await {
            Ok(answer) => passed_on(answer, self.pause_max()),
            Err(cause) => unanswered(&cause),
        }
    }

    /// Sends the request with the current token, and once more if Dremio rejects that.
    ///
    /// # Errors
    /// When there is no token, or no answer from Dremio. Any answer but 401 is a success here.
    pub(super) async fn send(&self) -> Result<reqwest::Response, DremioError> {
        let transport = self.dremio.transport();
        self.dremio.pass_on(|token, patience| self.send_with(transport, token, patience)).await
    }

    /// `patience` limits a quick answer as a whole, and the pauses of a long one.
    async fn send_with(
        &self,
        transport: &Transport,
        token: Token,
        patience: Duration,
    ) -> Result<reqwest::Response, Error> {
        let whole = if self.is_bulk { patience * PAGE_PATIENCE } else { patience };
        let authorization =
            bearer(token.secret()).ok_or(Error::RejectedCredentials { operation: OPERATION })?;
        // Never `None`: `Target` writes nothing that a URL would change.
        let url = transport
            .url(&self.path_and_query)
            .ok_or(Error::UnsafePath { operation: OPERATION })?;
        let mut request = transport
            .http()
            .request(self.method.clone(), url)
            .timeout(whole)
            .header(header::AUTHORIZATION, authorization);
        for name in &REQUEST_HEADERS {
            if let Some(value) = self.headers.get(name) {
                request = request.header(name, value);
            }
        }
        if self.method != Method::GET {
            request = request.body(self.body.clone());
        }
        match tokio::time::timeout(patience, request.send()).await {
            Ok(Ok(page)) if is_page(&page) => Err(Error::NotDremioApi {
                operation: OPERATION,
                status: page.status().as_u16(),
                kind: "a web page",
            }),
            Ok(sent) => sent.map_err(|cause| Error::from_transport(OPERATION, patience, cause)),
            Err(_) => Err(Error::Timeout { operation: OPERATION, limit: patience }),
        }
    }
}

/// A web page is never an answer of Dremio's API, whatever its status (contract §0.1).
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

/// The answer for the child. It breaks off if Dremio sends nothing for `pause_max`; time that the
/// child takes to read does not count.
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
