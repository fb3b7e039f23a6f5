//! One request and its answer: recorded, changed by a fault or handled, and given the headers that
//! Dremio puts on everything (contract §0.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::clock;
use crate::faults::Fault;
use crate::instance::Instance;
use crate::rest::{ApiError, credentials, page};
use crate::shaping;

/// Dremio has no limit of its own (contract §0.4); this one protects the process that runs the
/// tests.
const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;

const EVERYWHERE: [(HeaderName, HeaderValue); 5] = [
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("SAMEORIGIN")),
    (HeaderName::from_static("x-xss-protection"), HeaderValue::from_static("1; mode=block")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("origin")),
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(
            "default-src 'self' 'unsafe-inline' blob: ws: wss: *.dremio.com; img-src 'self' blob: \
                data: *;",
        ),
    ),
];

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(crate) struct Dropped;

/// Answers one request. `reset` is raised when the connection is to end with RST.
pub(crate) async fn answer(
    instance: Arc<Instance>,
    router: Router,
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    if instance.gate.is_closed() {
        return Err(Dropped);
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|_| Dropped)?.to_bytes();
    let number = instance.journal.arrived(
        parts.method.clone(),
        path.clone(),
        credentials::presented(&parts.headers),
        &body,
        clock::now(),
    );
    let fault = instance.faults.take(&parts.method, &path);
    let on_api = path.starts_with("/apiv2") || path.starts_with("/api/");
    let handle = || async {
        let request = Request::from_parts(parts, Body::from(body));
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    let mut response = match &fault {
        Some(Fault::Stall) => std::future::pending().await,
        Some(Fault::Status(status)) => status_fault(*status),
        Some(Fault::Html) => page::ui(),
        Some(Fault::Unauthorized) => ApiError::Unauthorized.into_response(),
        Some(Fault::BadJson) => json(Body::from("{\"jobState\":\"COMPLETED\",\"rowCount\":")),
        Some(Fault::Oversized(size)) => json(shaping::oversized(*size)),
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(*delay).await;
            handle().await
        }
        Some(Fault::Drip { .. } | Fault::ResetMidAnswer) | None => handle().await,
    };
    response.headers_mut().extend(EVERYWHERE);
    if on_api {
        let no_cache = HeaderValue::from_static("no-cache, no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_cache);
    }
    instance.journal.answered(number, response.status().as_u16());
    match fault {
        Some(Fault::Drip { bytes_per_chunk, interval }) => {
            Ok(reshape(response, |body| shaping::drip(body, bytes_per_chunk, interval)).await)
        }
        Some(Fault::ResetMidAnswer) => {
            let mut empty = false;
            let response = reshape(response, |body| {
                empty = body.is_empty();
                shaping::cut(body, Arc::clone(&reset))
            })
            .await;
            if empty {
                reset.store(true, Ordering::Release);
                return Err(Dropped);
            }
            Ok(response)
        }
        _ => Ok(response),
    }
}

/// Replaces the body by a shaped form of the same bytes, under the length that the whole one has.
async fn reshape(response: Response<Body>, shape: impl FnOnce(Bytes) -> Body) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    // Bodies of ours are in memory: collecting one cannot fail.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if !body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    Response::from_parts(parts, shape(body))
}

fn status_fault(status: u16) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Injected Fault");
    ApiError::mapped(status, format!("HTTP {} {reason}", status.as_u16())).into_response()
}

fn json(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
