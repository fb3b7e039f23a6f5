//! How a call's answer goes out: as plain JSON when it is there soon and nothing came before it,
//! else as a stream of server-sent events with progress, a sign of life every few seconds, and the
//! answer last.
//!
//! A modern client that stops reading stops the call: it is dropped with the body. A legacy client
//! may come back (see `replay`).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use service_kit::lifecycle::Shutdown;
use tokio::sync::mpsc;

use super::replay::{Replay, Start};
use super::table::Session;
use crate::budget::Held;

/// A call that is silent for this long gets a stream, so that proxies (nginx: 60 s) see a sign of
/// life.
const STREAM_AFTER: Duration = Duration::from_secs(10);

/// How often a silent stream says that it lives.
pub(super) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// A comment, which clients ignore (HTML, "Server-sent events").
pub(super) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Events that the network has not taken yet. Beyond, progress is dropped before it gets here.
const EVENTS_MAX: usize = 8;

/// How long one event may wait for a reader that does not read, before the stream is given up.
const SLOW_READER_MAX: Duration = Duration::from_secs(60);

/// The end of a call.
#[derive(Debug)]
pub(super) struct Finished {
    /// For an answer that is not a stream.
    pub(super) status: StatusCode,
    /// The JSON-RPC response; `None` when the client cancelled and waits for none.
    pub(super) body: Option<Held>,
}

/// How a client can take an answer that is not there yet.
pub(super) enum Delivery {
    /// It accepts no stream, so it waits.
    Whole,
    /// As a stream; who leaves it has cancelled the call (2026-07-28, "Cancellation").
    Stream,
    /// As a stream that it can read on after it lost its connection; with the raw id of its
    /// request.
    Resumable(Arc<Session>, String),
}

/// A call on its way. Boxed where it begins: it is large, and handed on.
pub(super) type Running = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// Runs `call` and answers with what it gives. `progress` must end when `call` does.
pub(super) async fn answer(
    mut call: Running,
    mut progress: mpsc::Receiver<Held>,
    delivery: Delivery,
    shutdown: Shutdown,
) -> Response {
    let may_stream = !matches!(delivery, Delivery::Whole);
    let first = tokio::select! {
        biased;
        Some(first) = progress.recv(), if may_stream => Some(first),
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
    mut progress: mpsc::Receiver<Held>,
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
            Some(next) = progress.recv() => latest = Some(next),
            finished = &mut call => {
                if let Some(text) = finished.body {
                    // A reader that has gone cannot be told.
                    let _gone = events.message(text).await;
                }
                return;
            }
            gone = events.keep_alive() => { let Gone = gone; return; }
        }
    }
}

async fn resumable(
    mut call: Running,
    mut progress: mpsc::Receiver<Held>,
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
            Some(next) = progress.recv() => replay.push(next),
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
        Some(text) => {
            (finished.status, [(header::CONTENT_TYPE, "application/json")], text.into_bytes())
                .into_response()
        }
        // A cancelled request gets no response (2025-11-25, "Cancellation"): a stream that ends
        // says so.
        None => event_stream(Body::empty()),
    }
}

/// The writing end of a stream of events.
pub(super) struct Events(mpsc::Sender<Bytes>);

/// The reader went away, or reads too slowly.
pub(super) struct Gone;

impl Events {
    /// A stream and the response that carries it.
    pub(super) fn channel() -> (Self, Response) {
        let (tx, rx) = mpsc::channel::<Bytes>(EVENTS_MAX);
        let chunks = stream::unfold(rx, async |mut rx| {
            rx.recv().await.map(|chunk| (Ok::<_, Infallible>(chunk), rx))
        });
        (Self(tx), event_stream(Body::from_stream(chunks)))
    }

    /// Sends one JSON-RPC message.
    pub(super) async fn message(&self, text: Held) -> Result<(), Gone> {
        self.send(text.map(|text| event(text, None)).into_bytes()).await
    }

    /// Sends signs of life until the reader is gone. Cancel safe.
    pub(super) async fn keep_alive(&self) -> Gone {
        loop {
            tokio::select! {
                () = self.0.closed() => return Gone,
                () = tokio::time::sleep(KEEP_ALIVE_INTERVAL) => {}
            }
            if self.send(Bytes::from_static(KEEP_ALIVE)).await.is_err() {
                return Gone;
            }
        }
    }

    async fn send(&self, chunk: Bytes) -> Result<(), Gone> {
        self.0.send_timeout(chunk, SLOW_READER_MAX).await.map_err(|_| Gone)
    }
}

/// One event with a JSON-RPC message, and the id to come back with if there is one.
pub(super) fn event(message: &str, id: Option<&str>) -> String {
    let mut event = String::with_capacity(message.len() + 64);
    event.push_str("event: message\n");
    if let Some(id) = id {
        event.push_str("id: ");
        event.push_str(id);
        event.push('\n');
    }
    for line in message.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

pub(super) fn event_stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
