//! A JSON-RPC error as an HTTP response.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::{ErrorCode, RpcError};

/// A request that is answered with an error: the HTTP status, the JSON-RPC error, and a header that
/// says more.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: RpcError,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: RpcError) -> Self {
        Self { status, error, header: None }
    }

    /// Of a request that is not valid.
    pub(crate) fn invalid(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, RpcError::new(ErrorCode::InvalidRequest, message))
    }

    /// Of a request whose parameters are not usable.
    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        let error = RpcError::new(ErrorCode::InvalidParams, message);
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// The same for a client that may try again after `wait`: whole seconds, rounded up so that the
    /// retry succeeds (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, wait.as_secs().saturating_add(1).into())
    }

    /// The same with this header, which takes the place of an earlier one.
    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn error(&self) -> &RpcError {
        &self.error
    }

    /// The answer to the request with this raw `id`; without, to one whose id is not known.
    pub(crate) fn response(self, id: Option<&str>) -> Response {
        let mut response = json_response(self.status, self.error.response(id));
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A response whose body is JSON.
pub(crate) fn json_response(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}
