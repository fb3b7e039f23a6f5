//! The stream of a legacy session outside of calls, and the resumption of streams.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Gateway;
use super::asker::Asker;
use super::legacy::session;
use super::legacy_session::{Running, Session};
use super::replay::{Lost, Replay, Start};
use super::sse::{event, event_stream};
use crate::budget;
use crate::engine::{Changes, List, Notifications};
use crate::rpc::{Refusal, RpcError, member};

/// `GET`: the stream outside of calls: changes of lists and of subscribed resources. With
/// `Last-Event-ID`: the rest of the stream that has this event.
pub(super) fn listen(gateway: Arc<Gateway>, asker: &Asker, headers: &HeaderMap) -> Response {
    let session = match session(&gateway, asker, headers) {
        Ok(session) => session,
        Err(refusal) => return refusal.response(None),
    };
    // A session with an open stream is in use.
    let in_use = session.begin(None);
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    match last.map(|last| (session.find_replay(last), Lost::of(last))) {
        Some((Some((replay, number)), _)) if replay.is_over_after(number) => stream_over(),
        Some((Some((replay, number)), _)) => replay.read(Start::After(number), in_use),
        // This process does not have the rest of the stream: another one has begun it, or the
        // stream was dropped.
        Some((None, Lost::Call(id))) => lost_call(&id),
        Some((None, Lost::Over)) => stream_over(),
        Some((None, Lost::News)) | None => {
            read_news(&gateway, &session, in_use).unwrap_or_else(|_| no_stream())
        }
    }
}

/// The specification's answer for "no stream here", and the only refusal after which clients do not
/// retry.
fn stream_over() -> Response {
    let message = "The stream of the event in Last-Event-ID is over.";
    Refusal::invalid(StatusCode::METHOD_NOT_ALLOWED, message)
        .with_header(header::ALLOW, HeaderValue::from_static("GET, POST, DELETE"))
        .response(None)
}

fn no_stream() -> Response {
    let message = "No stream could be opened. Try again.";
    Refusal::invalid(StatusCode::SERVICE_UNAVAILABLE, message).response(None)
}

/// The end of a call's stream whose rest is lost, because the client waits for an answer that will
/// not come.
fn lost_call(id: &str) -> Response {
    let error = RpcError::internal(
        "stream_lost",
        "The connection was lost while this call ran, and the process that ran it is gone, or no \
         longer keeps its answer. The call may or may not have taken effect. Repeating a \
         read-only call is safe.",
    );
    event_stream(Body::from(event(&error.response(Some(id)), Some(Lost::OVER))))
}

/// The stream outside of calls, from its first unread event.
fn read_news(
    gateway: &Arc<Gateway>,
    session: &Arc<Session>,
    in_use: Running,
) -> Result<Response, getrandom::Error> {
    let replay = session.open_news(|replay| {
        let changes = gateway.engine.changes();
        tokio::spawn(tell(Arc::clone(gateway), Arc::clone(session), changes, replay));
    })?;
    let response = replay.read(Start::Unread, in_use);
    session.prime(&replay);
    Ok(response)
}

/// Writes the session's notifications to its stream while there is a reader; until then they wait.
async fn tell(
    gateway: Arc<Gateway>,
    session: Arc<Session>,
    mut changes: Changes,
    replay: Arc<Replay>,
) {
    let notifications = session.notifications();
    if session.is_resumed {
        tokio::select! {
            () = tell_what_may_be_missed(&gateway, &replay) => {}
            () = session.closed() => {}
            () = gateway.shutdown.draining() => {}
        }
    }
    loop {
        tokio::select! {
            // First what came before the stop.
            biased;
            news = next_news(&replay, &mut changes, &notifications) => for text in news {
                let (principal, kind) = (session.principal(), budget::Kind::Streams);
                match gateway.budget.try_take(principal, kind, text.len()) {
                    Ok(charge) => replay.push(charge.hold(text)),
                    Err(cause) => tracing::debug!(%cause, "news dropped: the client does not read"),
                }
            },
            () = session.closed() => break,
            () = gateway.shutdown.draining() => break,
        }
    }
    replay.finish();
}

/// Notifications from before a session was resumed are lost, and so are its subscriptions. A client
/// that is notified of changed lists reads them again and renews its subscriptions.
async fn tell_what_may_be_missed(gateway: &Gateway, replay: &Replay) {
    let introduction = loop {
        match gateway.engine.introduction().await {
            Ok(introduction) => break introduction,
            Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    };
    let capabilities = member(&introduction.result, "capabilities").unwrap_or("{}");
    let can = |list: List, what: &str| {
        member(capabilities, list.capability()).and_then(|one| member(one, what)) == Some("true")
    };
    for list in [List::Tools, List::Prompts, List::Resources] {
        if can(list, "listChanged") || can(list, "subscribe") {
            replay.push(list.changed().text().to_owned().into());
        }
    }
}

/// What comes next, once there is a reader. Cancel safe.
async fn next_news(
    replay: &Replay,
    changes: &mut Changes,
    notifications: &Notifications,
) -> Vec<String> {
    replay.is_read().await;
    tokio::select! {
        lists = changes.next() => {
            lists.into_iter().map(|(_, said)| said.text().to_owned()).collect()
        }
        message = notifications.next() => vec![message.text().to_owned()],
    }
}
