//! Revisions 2024-11-05 to 2025-11-25: `initialize` opens a session, and `Mcp-Session-Id` names it
//! afterwards.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use serde_json::value::RawValue;
use service_kit::runtime::compute;

use super::asker::{Asker, count_more};
use super::audit::ClientInfo;
use super::call::{Call, Client};
use super::id::{Opening, Unknown};
use super::legacy_session::Session;
use super::table::{FindError, Found};
use super::{Gateway, LEGACY_VERSIONS, audit};
use crate::budget::Held;
use crate::engine::{Caller, ClientId, LogLevel};
use crate::methods;
use crate::rpc::{
    ErrorCode, Kind, Message, Params, Refusal, RpcError, json_response, read_json, replace_member,
    string_literal,
};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The newest revision with a handshake, for clients that ask for an unknown one.
const LATEST: &str = "2025-11-25";

/// The revisions in which several messages may come as an array.
const WITH_BATCHES: [&str; 2] = ["2024-11-05", "2025-03-26"];

/// Messages in one batch. A guess: no client was seen to send any, and each may hold a permit of
/// the engine.
const BATCH_MAX: usize = 64;

/// Handles one legacy message.
pub(super) async fn handle(
    gateway: Arc<Gateway>,
    asker: &Asker,
    headers: &HeaderMap,
    message: Message,
    may_stream: bool,
) -> Response {
    if message.kind() == Kind::Request && message.method() == methods::INITIALIZE {
        return initialize(&gateway, asker, &message).await;
    }
    let session = match session(&gateway, asker, headers) {
        Ok(session) => session,
        Err(refusal) => {
            audit::call_refused(&gateway, asker, &message, "no_session");
            return refusal.response(message.id());
        }
    };
    match sort(&session, asker, message, may_stream, None) {
        Sorted::Call(call) => call.answer(gateway).await,
        Sorted::Answered(text) => json(text.into()),
        Sorted::Taken => StatusCode::ACCEPTED.into_response(),
    }
}

/// Handles an array of messages (2025-03-26, "Sending Messages to the Server"): the answers form
/// one array, in the order of the requests, sent when the last of them is ready. It has no place
/// for progress.
pub(super) async fn handle_batch(
    gateway: Arc<Gateway>,
    asker: &Asker,
    headers: &HeaderMap,
    text: &str,
) -> Response {
    let invalid = |message: &str| Refusal::invalid(StatusCode::BAD_REQUEST, message).response(None);
    let session = match session(&gateway, asker, headers) {
        Ok(session) => session,
        Err(refusal) => return refusal.response(None),
    };
    if !WITH_BATCHES.contains(&session.protocol_version()) {
        return invalid(
            "The body is an array: batches are not part of this session's protocol version",
        );
    }
    let parts: Vec<&RawValue> = read_json(text).unwrap_or_default();
    if parts.is_empty() || parts.len() > BATCH_MAX {
        return invalid("A batch has 1 to 64 messages");
    }
    if let Err(refusal) = count_more(&gateway, asker, parts.len() - 1) {
        return refusal.response(None);
    }
    let batch = gateway.batches.fetch_add(1, Ordering::Relaxed);
    let answers = parts.iter().map(|part| {
        // The batch may be long although none of its messages is.
        let parsed = compute(text.len(), || Message::parse_strictly(part.get().to_owned()));
        let sorted = match parsed {
            Ok(message) if message.method() == methods::INITIALIZE => {
                let error = RpcError::new(
                    ErrorCode::InvalidRequest,
                    "`initialize` must not be part of a batch",
                );
                Sorted::Answered(error.response(message.id()))
            }
            Ok(message) => sort(&session, asker, message, false, Some(batch)),
            Err((cause, id)) => Sorted::Answered(cause.to_rpc().response(id.as_deref())),
        };
        let gateway = Arc::clone(&gateway);
        async move {
            match sorted {
                Sorted::Call(call) => call.finish(&gateway).await,
                Sorted::Answered(text) => Some(text.into()),
                Sorted::Taken => None,
            }
        }
    });
    let answers: Vec<Held> = join_all(answers).await.into_iter().flatten().collect();
    if answers.is_empty() {
        StatusCode::ACCEPTED.into_response()
    } else {
        json(Held::array(answers))
    }
}

/// What to do with a message of a session.
enum Sorted {
    /// Call the engine.
    Call(Box<Call>),
    /// Return this answer.
    Answered(String),
    /// Return nothing.
    Taken,
}

fn sort(
    session: &Arc<Session>,
    asker: &Asker,
    message: Message,
    may_stream: bool,
    batch: Option<u64>,
) -> Sorted {
    match message.kind() {
        Kind::Request => match message.method() {
            methods::PING => Sorted::Answered(reply(&message, "{}")),
            methods::LOGGING_SET_LEVEL => Sorted::Answered(set_log_level(session, &message)),
            _ => {
                let client = Client::Legacy(session.begin(message.id()));
                let caller = Caller {
                    identity: Arc::clone(&asker.identity),
                    client: ClientId::Session(session.claims.serial.number()),
                    batch,
                    shows_ui: session.claims.opening.shows_ui,
                    notifications: Some(session.notifications()),
                };
                Sorted::Call(Box::new(Call {
                    request: message,
                    caller,
                    peer: asker.peer,
                    parent: asker.parent,
                    client,
                    may_stream,
                    log_level: session.log_level(),
                }))
            }
        },
        Kind::Notification => {
            if message.method() == methods::CANCELLED
                && let Ok(Params { request_id: Some(id), .. }) = message.params()
            {
                session.cancel(id);
            }
            Sorted::Taken
        }
        // The engines never call the client, so this answers nothing; the specification requires
        // that it is accepted.
        Kind::Response => Sorted::Taken,
    }
}

/// `DELETE`: the client ends its session.
pub(super) fn close(gateway: &Gateway, asker: &Asker, headers: &HeaderMap) -> Response {
    let Some(id) = session_id(headers) else { return no_session().response(None) };
    match gateway.sessions.close(id, asker.principal()) {
        Ok(claims) => {
            audit::ended(asker, &claims);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(unknown) => unknown_session(gateway, asker, unknown).response(None),
    }
}

/// The child is not informed: it is shared, so its level would be everyone's.
fn set_log_level(session: &Session, message: &Message) -> String {
    let Some(level) = LogLevel::of(message) else {
        return RpcError::new(ErrorCode::InvalidParams, "`level` is not a log level")
            .response(message.id());
    };
    session.set_log_level(level);
    reply(message, "{}")
}

async fn initialize(gateway: &Gateway, asker: &Asker, message: &Message) -> Response {
    let Ok(params) = message.params() else {
        let refusal = Refusal::invalid_params("`params` of initialize are not usable");
        return refusal.response(message.id());
    };
    let asked = params.protocol_version.unwrap_or_default();
    let version = LEGACY_VERSIONS.into_iter().find(|&known| known == asked).unwrap_or(LATEST);
    let introduction = match gateway.engine.introduction().await {
        Ok(introduction) => introduction,
        Err(cause) => {
            return Refusal::new(StatusCode::OK, cause.to_rpc()).response(message.id());
        }
    };
    let client = ClientInfo::of(message);
    let opening = Opening { protocol_version: version, log_level: None, shows_ui: client.shows_ui };
    let session = match gateway.sessions.open(asker.principal(), opening) {
        Ok(session) => session,
        Err(cause) => {
            tracing::warn!(error = %cause, "no session opened");
            return full(gateway, asker).response(message.id());
        }
    };
    audit::opened(asker, &session.claims, &client);
    let result = gateway.engine.introduction_for(client.shows_ui, &introduction);
    let result = replace_member(&result, "protocolVersion", &string_literal(version));
    let mut response = json(reply(message, &result).into());
    if let Ok(id) = HeaderValue::from_str(&session.id) {
        response.headers_mut().insert(SESSION_ID, id);
    }
    response
}

/// The id names no session of this client here. The specification's remedy for a 404 is what
/// clients do by themselves: initialize again.
fn unknown_session(gateway: &Gateway, asker: &Asker, unknown: Unknown) -> Refusal {
    audit::refused(gateway, asker, unknown.reason());
    let why = match unknown {
        Unknown::Forged | Unknown::FromTheFuture => {
            "this server has not issued its id, or signs with another gateway key now"
        }
        Unknown::Foreign => "it belongs to another key",
        Unknown::TooOld => "it is older than 30 days",
        Unknown::Ended => "it was ended",
    };
    let message = format!("Session not found: {why}. Send `initialize` again.");
    Refusal::new(StatusCode::NOT_FOUND, RpcError::new(ErrorCode::SessionNotFound, message))
}

/// The table of sessions is full.
fn full(gateway: &Gateway, asker: &Asker) -> Refusal {
    audit::refused(gateway, asker, "full");
    let message = "This server has no room for another session. Close one, or try again later.";
    let error = RpcError::internal("too_many_sessions", message);
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("30"))
}

fn no_session() -> Refusal {
    let message = "The Mcp-Session-Id header is missing. Send `initialize` first.";
    Refusal::invalid(StatusCode::BAD_REQUEST, message)
}

/// The session that a request names.
///
/// # Errors
/// Why the request belongs to none.
pub(super) fn session(
    gateway: &Gateway,
    asker: &Asker,
    headers: &HeaderMap,
) -> Result<Arc<Session>, Refusal> {
    // Without the header, it is the negotiated revision; with it, any that we speak.
    if let Some(said) =
        headers.get("mcp-protocol-version").map(|value| value.to_str().unwrap_or("?"))
        && !LEGACY_VERSIONS.contains(&said)
    {
        let said: String = said.chars().take(40).collect();
        let message = format!(
            "Unsupported protocol version '{said}' in MCP-Protocol-Version; supported: {}",
            LEGACY_VERSIONS.join(", ")
        );
        return Err(Refusal::invalid(StatusCode::BAD_REQUEST, message));
    }
    let id = session_id(headers).ok_or_else(no_session)?;
    match gateway.sessions.find(id, asker.principal()) {
        Ok(Found { session, is_new_here }) => {
            if is_new_here {
                audit::resumed(asker, &session.claims);
            }
            Ok(session)
        }
        Err(FindError::Unknown(unknown)) => Err(unknown_session(gateway, asker, unknown)),
        Err(FindError::Full) => Err(full(gateway, asker)),
    }
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_ID).and_then(|value| value.to_str().ok())
}

fn reply(request: &Message, result: &str) -> String {
    Message::from_result(result).with_id(request.id().unwrap_or("null"))
}

fn json(body: Held) -> Response {
    json_response(StatusCode::OK, body.into_bytes())
}
