//! `/mcp`: parses an HTTP request, determines its era, and hands it on.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::value::RawValue;
use service_kit::http::Peer;

use super::asker::{Asker, caller_at};
use super::call::{Call, Client};
use super::{Gateway, LEGACY_VERSIONS, MODERN_VERSION, audit, legacy, modern, news, subscription};
use crate::budget::{self, Charge, Held, NoRoom};
use crate::engine::{Caller, LogLevel, view};
use crate::methods;
use crate::policy::Identity;
use crate::principal::Principal;
use crate::rpc::{Kind, Message, ParseError, Refusal, RpcError, json_response, read_json};
use crate::telemetry::TraceParent;

/// Largest request. Tool calls are text; this leaves room for long SQL and pasted data.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How many copies of a body's text exist at most: as received, as the engine gets it, in Dremio's
/// JSON, and one being made.
const BODY_COPIES: usize = 4;

/// How long a body waits for room before it is refused. It is not read meanwhile; clients give up
/// after 30 to 60 s.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);

/// When a client that found no room may try again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Answers a request to the MCP endpoint of whom access control has found.
pub(crate) async fn answer(
    gateway: Arc<Gateway>,
    identity: Arc<Identity>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().copied().unwrap_or(Peer::UNKNOWN);
    let parent = head.headers.get(TraceParent::NAME).and_then(|value| value.to_str().ok());
    let asker = Asker { identity, peer, parent: parent.and_then(TraceParent::read) };
    match head.method {
        Method::POST => receive(gateway, asker, &head.headers, body).await,
        Method::GET => listen(gateway, &asker, &head.headers),
        Method::DELETE => close(&gateway, &asker, &head.headers),
        _ => {
            (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST, GET, DELETE")]).into_response()
        }
    }
}

async fn receive(gateway: Arc<Gateway>, asker: Asker, headers: &HeaderMap, body: Body) -> Response {
    let (message, may_stream) = match read(&gateway, asker.principal(), headers, body).await {
        Ok(Received::Message(message, may_stream)) => (message, may_stream),
        Ok(Received::Batch(text, _held)) if !claims_modern(headers) => {
            return Box::pin(legacy::handle_batch(gateway, &asker, headers, &text)).await;
        }
        Ok(Received::Batch(..)) => {
            let error = ParseError::Batch.to_rpc();
            return Refusal::new(StatusCode::BAD_REQUEST, error).response(None);
        }
        Err(Unread::Invalid(refusal, id)) => {
            let status = refusal.status();
            gateway.metrics.refused(match status {
                StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
                StatusCode::REQUEST_TIMEOUT => "body_too_slow",
                StatusCode::BAD_REQUEST => "unreadable",
                _ => "media_type",
            });
            let response = refusal.response(id.as_deref());
            return if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT)
            {
                closing(response)
            } else {
                response
            };
        }
        Err(Unread::NoRoom(cause)) => {
            gateway.metrics.refused(cause.name());
            return no_room(cause);
        }
    };
    let Ok(params) = message.params() else {
        let refusal = Refusal::invalid_params("`params` is not an object of the right shape");
        audit::call_refused(&gateway, &asker, &message, "bad_params");
        return refusal.response(message.id());
    };
    if !is_modern(headers, &message, params.meta.protocol_version.is_some()) {
        return legacy::handle(gateway, &asker, headers, message, may_stream).await;
    }
    if message.kind() != Kind::Request {
        // This revision defines no notifications to the server over HTTP, and forbids responses.
        return match message.kind() {
            Kind::Notification => StatusCode::ACCEPTED.into_response(),
            _ => {
                let message = "A client must not send responses";
                Refusal::invalid(StatusCode::BAD_REQUEST, message).response(None)
            }
        };
    }
    if let Err(refusal) = modern::check(headers, &message, &params, &gateway.engine.tools()) {
        audit::call_refused(&gateway, &asker, &message, "bad_request");
        return refusal.response(message.id());
    }
    match message.method() {
        methods::SERVER_DISCOVER => {
            let finished = modern::discover(&gateway, &message).await;
            let body = finished.body.map(Held::into_bytes).unwrap_or_default();
            json_response(finished.status, body)
        }
        methods::SUBSCRIPTIONS_LISTEN => subscription::listen(gateway, asker, &message),
        _ => {
            let log_level = params.meta.log_level.and_then(LogLevel::read);
            let shows_ui = params.meta.client_capabilities.is_some_and(view::is_shown_by);
            let (peer, parent) = (asker.peer, asker.parent);
            let caller = Caller { shows_ui, ..caller_at(asker) };
            let client = Client::Modern;
            Call { request: message, caller, peer, parent, client, may_stream, log_level }
                .answer(gateway)
                .await
        }
    }
}

fn listen(gateway: Arc<Gateway>, asker: &Asker, headers: &HeaderMap) -> Response {
    if !Accepted::of(headers).stream {
        let message = "GET opens a stream: send `Accept: text/event-stream`";
        return Refusal::invalid(StatusCode::NOT_ACCEPTABLE, message).response(None);
    }
    if claims_modern(headers) {
        return not_in_this_revision();
    }
    news::listen(gateway, asker, headers)
}

fn close(gateway: &Gateway, asker: &Asker, headers: &HeaderMap) -> Response {
    if claims_modern(headers) {
        return not_in_this_revision();
    }
    legacy::close(gateway, asker, headers)
}

fn not_in_this_revision() -> Response {
    let message = format!("Protocol revision {MODERN_VERSION} has no GET and no DELETE");
    Refusal::invalid(StatusCode::METHOD_NOT_ALLOWED, message)
        .with_header(header::ALLOW, HeaderValue::from_static("POST"))
        .response(None)
}

/// The content of a request.
enum Received {
    /// A message, and whether its client accepts a stream.
    Message(Message, bool),
    /// The text of an array, and its room.
    Batch(String, Charge),
}

/// Why a request has no content.
enum Unread {
    /// With the id of the message, if it could be read.
    Invalid(Refusal, Option<String>),
    NoRoom(NoRoom),
}

impl From<(ParseError, Option<String>)> for Unread {
    fn from((cause, id): (ParseError, Option<String>)) -> Self {
        Self::Invalid(Refusal::new(StatusCode::BAD_REQUEST, cause.to_rpc()), id)
    }
}

impl From<NoRoom> for Unread {
    fn from(cause: NoRoom) -> Self {
        Self::NoRoom(cause)
    }
}

/// Makes it the last answer on its connection, because the rest of the body is still unread there.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The answer to a body without room.
fn no_room(cause: NoRoom) -> Response {
    let (status, message) = match cause {
        NoRoom::Share => (
            StatusCode::TOO_MANY_REQUESTS,
            "Requests of this key, and answers that it has not read yet, hold as many bytes as \
             one key may. Wait for some of them, then send this again.",
        ),
        NoRoom::All => (
            StatusCode::SERVICE_UNAVAILABLE,
            "This server holds as many bytes of requests and answers as it may. Send this again \
             in a moment.",
        ),
    };
    let refusal = Refusal::new(status, RpcError::internal("no_room", message))
        .with_header(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
    closing(refusal.response(None))
}

async fn read(
    gateway: &Gateway,
    principal: &Principal,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, Unread> {
    let invalid = |status, message: &str| Unread::Invalid(Refusal::invalid(status, message), None);
    let accepted = Accepted::of(headers);
    if !accepted.json && !accepted.stream {
        return Err(invalid(
            StatusCode::NOT_ACCEPTABLE,
            "Send `Accept: application/json, text/event-stream`",
        ));
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !essence(content_type).eq_ignore_ascii_case("application/json") {
        return Err(invalid(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send `Content-Type: application/json`",
        ));
    }
    let too_large =
        || invalid(StatusCode::PAYLOAD_TOO_LARGE, "The body was cut off, or is larger than 4 MiB");
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > BODY_BYTES_MAX {
        return Err(too_large());
    }
    let charge = room_for(gateway, principal, announced).await?;
    let body =
        tokio::time::timeout(BODY_READ_TIMEOUT, collect(body, announced, charge)).await.map_err(
            |_| invalid(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
        )??;
    let (body, charge) = body.ok_or_else(too_large)?;
    let text = String::from_utf8(body).map_err(|_| Unread::from((ParseError::NotJson, None)))?;
    if text.trim_start().starts_with('[') && read_json::<&RawValue>(&text).is_ok() {
        return Ok(Received::Batch(text, charge));
    }
    let message = Message::parse_strictly(text)?;
    Ok(Received::Message(message.charged(charge), accepted.stream))
}

/// Waits for room for a body of `announced` bytes and its copies, up to a limit.
async fn room_for(
    gateway: &Gateway,
    principal: &Principal,
    announced: usize,
) -> Result<Charge, NoRoom> {
    let bytes = announced * BODY_COPIES;
    match tokio::time::timeout(
        ROOM_WAIT_MAX,
        gateway.budget.take(principal, budget::Kind::Bodies, bytes),
    )
    .await
    {
        Ok(taken) => taken,
        // For the reason, unless there is room just now.
        Err(_) => gateway.budget.try_take(principal, budget::Kind::Bodies, bytes),
    }
}

/// The whole body; `None` if it is cut off or too large. Without an announced length it takes its
/// room as it arrives.
async fn collect(
    body: Body,
    announced: usize,
    mut charge: Charge,
) -> Result<Option<(Vec<u8>, Charge)>, NoRoom> {
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::with_capacity(announced);
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return Ok(None) };
        let bytes = whole.len() + chunk.len();
        if bytes > BODY_BYTES_MAX {
            return Ok(None);
        }
        if bytes > announced {
            charge.resize(bytes * BODY_COPIES)?;
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Some((whole, charge)))
}

/// Whether a message belongs to the modern era: `_meta` says so, or at least the headers.
fn is_modern(headers: &HeaderMap, message: &Message, says_so_in_meta: bool) -> bool {
    says_so_in_meta || claims_modern(headers) || methods::NEW_IN_MODERN.contains(&message.method())
}

/// Whether the version header names a revision after the last one with a handshake. Revisions are
/// dates.
fn claims_modern(headers: &HeaderMap) -> bool {
    let said = headers
        .get("mcp-protocol-version")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_date =
        said.len() == 10 && said.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_date && LEGACY_VERSIONS.last().is_some_and(|last| said > *last)
}

/// Which of the two forms of an answer a client accepts.
struct Accepted {
    json: bool,
    stream: bool,
}

impl Accepted {
    /// Reads the `Accept` header; without it, anything is allowed (RFC 9110 §12.5.1).
    fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self { json: false, stream: false };
        let mut is_said = false;
        for value in headers.get_all(header::ACCEPT) {
            for range in value.to_str().into_iter().flat_map(|value| value.split(',')) {
                let is = |wanted| essence(range).eq_ignore_ascii_case(wanted);
                is_said = true;
                accepted.json |= is("application/json") || is("application/*") || is("*/*");
                accepted.stream |= is("text/event-stream") || is("text/*") || is("*/*");
            }
        }
        if is_said { accepted } else { Self { json: true, stream: true } }
    }
}

/// A media type without its parameters.
fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim_ascii()
}
