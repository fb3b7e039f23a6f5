//! Server-sent events (HTML, "Server-sent events"): how a JSON-RPC message becomes an event, and
//! the writing end of a stream of them.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::mpsc;

use crate::budget::Held;

/// Interval between two keep-alives of a silent stream.
pub(super) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// A comment, which clients ignore (HTML, "Server-sent events").
pub(super) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Events that the network has not taken yet. Beyond that, progress is dropped earlier on the way.
const EVENTS_MAX: usize = 8;

/// How long one event may wait for a slow reader before the stream is given up.
const SLOW_READER_MAX: Duration = Duration::from_secs(60);

/// The writing end of a stream of events.
pub(super) struct Events(mpsc::Sender<Bytes>);

/// The reader has left, or reads too slowly.
pub(super) struct Gone;

impl Events {
    /// A stream, and the response that carries it.
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

    /// Sends keep-alives until the reader has left. Cancel safe.
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

/// One event with a JSON-RPC message, and an event id for resuming if there is one.
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
