//! The error bodies (contract §0.3): Dremio has several shapes, and clients tell them apart.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// What Dremio answers for a blank message.
const BLANK: &str = "Something went wrong.";

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// Thrown and mapped: `moreInfo`, no `stackTrace`.
    Mapped(StatusCode, String),
    /// Built by hand in a resource: with an empty `stackTrace`.
    ByHand(StatusCode, String),
    /// A user exception, always 400: with a `context`.
    User(String),
    /// A conflict: 409 without `moreInfo`.
    Conflict(String),
    /// The body was not JSON: 400 with the parser's message as plain text (contract §0.2).
    Malformed(String),
    /// The token is missing, unknown or expired: 401 with nothing at all.
    Unauthorized,
}

impl ApiError {
    pub(crate) fn mapped(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Mapped(status, message.into())
    }

    pub(crate) fn by_hand(status: StatusCode, message: impl Into<String>) -> Self {
        Self::ByHand(status, message.into())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::mapped(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::mapped(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::mapped(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Mapped(status, message) => {
                (status, json!({"errorMessage": or_blank(message), "moreInfo": ""}))
            }
            Self::ByHand(status, message) => (
                status,
                json!({"errorMessage": or_blank(message), "moreInfo": "", "stackTrace": []}),
            ),
            Self::User(message) => (
                StatusCode::BAD_REQUEST,
                json!({"errorMessage": or_blank(message), "context": [], "moreInfo": ""}),
            ),
            Self::Conflict(message) => {
                (StatusCode::CONFLICT, json!({"errorMessage": or_blank(message)}))
            }
            Self::Malformed(message) => {
                let plain = HeaderValue::from_static("text/plain");
                return (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, plain)], message).into_response();
            }
            Self::Unauthorized => return StatusCode::UNAUTHORIZED.into_response(),
        };
        (status, axum::Json(body)).into_response()
    }
}

fn or_blank(message: String) -> String {
    if message.trim().is_empty() { BLANK.to_owned() } else { message }
}
