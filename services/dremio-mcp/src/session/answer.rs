//! How a call's answer goes out: as plain JSON if it is ready soon and nothing came before it,
//! otherwise as a stream of server-sent events with progress, a keep-alive every few seconds, and
//! the answer at the end.
//!
//! If a modern client stops reading, its call ends: the body owns the call. A legacy client may
//! come back (see `replay`).

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use service_kit::lifecycle::Shutdown;
use tokio::sync::mpsc;

use super::legacy_session::Session;
use super::replay::{Replay, Start};
use super::sse::{Events, Gone, event_stream};
use crate::budget::Held;
use crate::rpc::json_response;

/// A call that is silent for this long gets a stream, so that proxies (nginx: 60 s) see
/// keep-alives.
const STREAM_AFTER: Duration = Duration::from_secs(10);

/// The end of a call.
#[derive(Debug)]
pub(super) struct Finished {
    /// For an answer that is not a stream.
    pub(super) status: StatusCode,
    /// The JSON-RPC response; `None` if the client has cancelled and expects none.
    pub(super) body: Option<Held>,
}

/// How a client receives an answer that takes a while.
pub(super) enum Delivery {
    /// It accepts no stream, so it waits.
    Whole,
    /// As a stream; leaving it cancels the call (2026-07-28, "Cancellation").
    Stream,
    /// As a stream that it can resume after a lost connection; with the raw id of its request.
    Resumable(Arc<Session>, String),
}

/// A running call. Boxed from the start, because it is large and handed on.
pub(super) type Running = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// What comes before the answer; `None` if the client wants nothing.
pub(super) type Progress = Option<mpsc::Receiver<Held>>;

async fn next(progress: &mut Progress) -> Option<Held> {
    progress.as_mut()?.recv().await
}

/// Runs `call` and answers with its result. `progress` must end when `call` does.
pub(super) async fn answer(
    mut call: Running,
    mut progress: Progress,
    delivery: Delivery,
    shutdown: Shutdown,
) -> Response {
    let may_stream = !matches!(delivery, Delivery::Whole);
    let first = tokio::select! {
        biased;
        Some(first) = next(&mut progress), if may_stream => Some(first),
        finished = &mut call => return json(finished),
        () = tokio::time::sleep(STREAM_AFTER), if may_stream => None,
    };
    if let Delivery::Resumable(session, request_id) = delivery
        && let Some(replay) = session.open_replay(&request_id)
    {
        let response = replay.read(Start::After(0), ());
        tokio::spawn(resumable(call, progress, first, replay, shutdown));
        return response;
    }
    let (events, response) = Events::channel();
    tokio::spawn(streamed(call, progress, first, events));
    response
}

async fn streamed(
    mut call: Running,
    mut progress: Progress,
    mut latest: Option<Held>,
    events: Events,
) {
    loop {
        if let Some(text) = latest.take()
            && events.message(text).await.is_err()
        {
            return;
        }
        tokio::select! {
            biased;
            Some(text) = next(&mut progress) => latest = Some(text),
            finished = &mut call => {
                if let Some(text) = finished.body {
                    // If the reader has left, nothing can be done.
                    let _ = events.message(text).await;
                }
                return;
            }
            gone = events.keep_alive() => { let Gone = gone; return; }
        }
    }
}

async fn resumable(
    mut call: Running,
    mut progress: Progress,
    first: Option<Held>,
    replay: Arc<Replay>,
    shutdown: Shutdown,
) {
    if let Some(text) = first {
        replay.push(text);
    }
    loop {
        tokio::select! {
            biased;
            Some(text) = next(&mut progress) => replay.push(text),
            finished = &mut call => {
                if let Some(text) = finished.body {
                    replay.push(text);
                }
                break;
            }
            () = replay.abandoned(&shutdown) => break,
        }
    }
    replay.finish();
}

fn json(finished: Finished) -> Response {
    match finished.body {
        Some(text) => json_response(finished.status, text.into_bytes()),
        // A cancelled request gets no response (2025-11-25, "Cancellation"), only the end of the
        // stream.
        None => event_stream(Body::empty()),
    }
}
