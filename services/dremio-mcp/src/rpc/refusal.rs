//! A JSON-RPC error as an HTTP response.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::RpcError;

/// An error answer with a JSON-RPC body.
pub(crate) fn refuse(status: StatusCode, error: &RpcError, id: Option<&str>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], error.response(id)).into_response()
}
