//! The paths of the agents' address, and the order in which a request is checked there.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::{Access, preflight, with_cors};
use crate::conditions::Readiness;
use crate::session::{self, Gateway};

/// The agents' address.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) access: Arc<Access>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) readiness: Readiness,
}

impl Front {
    /// Answers one request. Written by hand instead of as layers of a router, because each layer
    /// would copy the request and allocate, for every call.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path();
        if matches!(path, "/healthz" | "/readyz") {
            return self.probe(&request);
        }
        // Every reference server accepts the slash, and some clients add it.
        let is_mcp = matches!(path, "/mcp" | "/mcp/");
        let origin = match self.access.admit(&request) {
            Ok(origin) => origin,
            Err(response) => return *response,
        };
        if request.method() == Method::OPTIONS {
            return preflight(&request, origin);
        }
        let response = if is_mcp {
            match self.access.require_key(&request) {
                Ok(identity) => session::answer(Arc::clone(&self.gateway), identity, request).await,
                Err(response) => *response,
            }
        } else {
            self.access.elsewhere(&request)
        };
        with_cors(response, origin)
    }

    /// For load balancers and health checks, which have no key and any `Host`.
    fn probe(&self, request: &Request) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")])
                .into_response();
        }
        match request.uri().path() {
            "/readyz" if !self.readiness.report().ready => {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
            }
            "/readyz" => "ready\n".into_response(),
            _ => "ok\n".into_response(),
        }
    }
}
