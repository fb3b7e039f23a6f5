//! Streams that a legacy client can resume after it lost its connection (2025-11-25, "Resumability
//! and Redelivery"): each event has an id, and `GET` with `Last-Event-ID` returns those after it.
//! Of several readers only the newest gets events: the others may be lost connections, and a
//! message must not be sent twice.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::stream;
use parking_lot::{Mutex, MutexGuard};
use service_kit::lifecycle::Shutdown;
use tokio::sync::watch;
use tokio::time::Instant;

use super::sse::{KEEP_ALIVE, KEEP_ALIVE_INTERVAL, event, event_stream};
use crate::budget::Held;
use crate::random;

/// How long a call goes on, and how long its answer is kept, without a reader. Clients come back
/// within seconds.
const RETURN_MAX: Duration = Duration::from_secs(30);

/// Readers of one stream at a time. Beyond it the oldest is ended: it is a lost connection, or the
/// client opens streams without end.
const READERS_MAX: usize = 8;

/// Longer request ids are not repeated in event ids, which go into a header. Clients count, or send
/// a UUID.
const REQUEST_ID_BYTES_MAX: usize = 256;

/// How the id of a call's stream begins.
const CALL: &str = "call";
const NEWS: &str = "news";

/// A stream that a client wants to resume and that this process does not have, as described by an
/// event id. The client may have made the id up; only its own answer depends on it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Of a call whose request has this raw id.
    Call(String),
    /// The stream outside of calls, presumably.
    News,
    /// It was complete.
    Over,
}

impl Lost {
    /// The event after which nothing follows.
    pub(super) const OVER: &str = "over";

    pub(super) fn of(last_event_id: &str) -> Self {
        let mut parts = last_event_id.split('.');
        match (parts.next(), parts.next()) {
            (Some(Self::OVER), None) => Self::Over,
            (Some(CALL), Some(request)) => {
                let id = BASE64_URL_SAFE_NO_PAD
                    .decode(request)
                    .ok()
                    .and_then(|raw| String::from_utf8(raw).ok());
                id.filter(|id| is_request_id(id)).map_or(Self::Over, Self::Call)
            }
            _ => Self::News,
        }
    }
}

/// Whether this is a JSON string or number: it becomes part of a message.
fn is_request_id(raw: &str) -> bool {
    matches!(
        serde_json::from_str(raw),
        Ok(serde_json::Value::String(_) | serde_json::Value::Number(_))
    )
}

/// The events of one stream.
#[derive(Debug)]
pub(super) struct Replay {
    id: String,
    /// Bytes of events that are kept for a reader that lags or comes back. The oldest are dropped
    /// first: progress, not the answer.
    kept_bytes_max: usize,
    state: Mutex<State>,
    /// Changes when there is something new to read.
    news: watch::Sender<u64>,
    readers: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    events: VecDeque<(u64, Bytes)>,
    bytes: usize,
    last: u64,
    /// The last event that a reader got.
    given: u64,
    /// The number of readers so far, the current ones by number, and the active one: the newest.
    opened: u64,
    living: BTreeSet<u64>,
    reading: u64,
    finished_at: Option<Instant>,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// After the event of this number.
    After(u64),
    /// After what other readers got.
    Unread,
}

/// A reader of a stream, and how far it has read.
struct Reader {
    replay: Arc<Replay>,
    number: u64,
    after: u64,
    news: watch::Receiver<u64>,
}

impl Replay {
    /// The empty stream of the call with this raw id.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub(super) fn of_call(
        request_id: &str,
        kept_bytes_max: usize,
    ) -> Result<Arc<Self>, getrandom::Error> {
        let request = if request_id.len() > REQUEST_ID_BYTES_MAX {
            String::new()
        } else {
            BASE64_URL_SAFE_NO_PAD.encode(request_id)
        };
        Self::named(format!("{CALL}.{request}.{}", random::hex_64()?), kept_bytes_max)
    }

    /// An empty stream outside of calls.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub(super) fn of_news(kept_bytes_max: usize) -> Result<Arc<Self>, getrandom::Error> {
        Self::named(format!("{NEWS}.{}", random::hex_64()?), kept_bytes_max)
    }

    fn named(id: String, kept_bytes_max: usize) -> Result<Arc<Self>, getrandom::Error> {
        let state = State {
            events: VecDeque::new(),
            bytes: 0,
            last: 0,
            given: 0,
            opened: 0,
            living: BTreeSet::new(),
            reading: 0,
            finished_at: None,
        };
        let (news, readers) = (watch::Sender::new(0), watch::Sender::new(0));
        Ok(Arc::new(Self { id, kept_bytes_max, state: Mutex::new(state), news, readers }))
    }

    /// Adds a message. An empty one tells the client an event id for resuming ("prime the client to
    /// reconnect").
    pub(super) fn push(&self, message: Held) {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        let id = format!("{}-{number}", self.id);
        let event = message.map(|message| event(message, Some(&id))).into_bytes();
        state.bytes += event.len();
        state.events.push_back((number, event));
        while state.bytes > self.kept_bytes_max && state.events.len() > 1 {
            if let Some((_, oldest)) = state.events.pop_front() {
                state.bytes -= oldest.len();
            }
        }
        drop(state);
        self.news.send_replace(number);
    }

    /// Marks the stream as complete.
    pub(super) fn finish(&self) {
        self.lock().finished_at = Some(Instant::now());
        self.news.send_modify(|_| {});
    }

    /// Resolves when there is a reader. Cancel safe.
    pub(super) async fn is_read(&self) {
        // The sender lives in `self`, so this ends only by the condition.
        drop(self.readers.subscribe().wait_for(|&readers| readers > 0).await);
    }

    /// Resolves when there was no reader for so long that none will come back, or when there is
    /// none and `shutdown` drains. Cancel safe.
    pub(super) async fn abandoned(&self, shutdown: &Shutdown) {
        let mut readers = self.readers.subscribe();
        loop {
            // The sender lives in `self`, so neither wait can fail.
            drop(readers.wait_for(|&readers| readers == 0).await);
            tokio::select! {
                _back = readers.wait_for(|&readers| readers > 0) => {}
                () = tokio::time::sleep(RETURN_MAX) => return,
                () = shutdown.draining() => return,
            }
        }
    }

    /// Whether it is complete and was kept long enough.
    pub(super) fn is_stale(&self) -> bool {
        *self.readers.borrow() == 0
            && self.lock().finished_at.is_some_and(|at| at.elapsed() > RETURN_MAX)
    }

    /// Whether nothing follows the event of this number, now or later.
    pub(super) fn is_over_after(&self, number: u64) -> bool {
        let state = self.lock();
        state.finished_at.is_some() && number >= state.last
    }

    /// The number of the event `last_event_id`, if it belongs to this stream.
    pub(super) fn number_of(&self, last_event_id: &str) -> Option<u64> {
        let (stream, number) = last_event_id.rsplit_once('-')?;
        let number = number.parse().ok()?;
        (stream == self.id && number <= self.lock().last).then_some(number)
    }

    /// The events from `start`, including future ones, until a newer reader comes. `kept` is
    /// dropped with the reader.
    pub(super) fn read<K: Send + 'static>(self: &Arc<Self>, start: Start, kept: K) -> Response {
        let (number, after) = {
            let mut state = self.lock();
            state.opened += 1;
            let number = state.opened;
            state.living.insert(number);
            state.reading = number;
            if state.living.len() > READERS_MAX {
                state.living.pop_first();
                self.news.send_modify(|_| {});
            }
            let after = match start {
                Start::After(after) => after,
                Start::Unread => state.given,
            };
            (number, after)
        };
        self.readers.send_modify(|readers| *readers += 1);
        let reader =
            Reader { replay: Arc::clone(self), number, after, news: self.news.subscribe() };
        let chunks = stream::unfold((reader, kept), async |(mut reader, kept)| {
            reader.next().await.map(|chunk| (Ok::<_, Infallible>(chunk), (reader, kept)))
        });
        event_stream(Body::from_stream(chunks))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Reader {
    /// The next event, or a keep-alive; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Marked as seen before looking, so that an event in between wakes it again.
            self.news.borrow_and_update();
            {
                let mut state = self.replay.lock();
                if state.living.last() == Some(&self.number) {
                    if let Some(event) = state.next_for(self.number, &mut self.after) {
                        return Some(event);
                    }
                } else if !state.living.contains(&self.number) {
                    return None;
                }
                if state.finished_at.is_some() {
                    return None;
                }
            }
            match tokio::time::timeout(KEEP_ALIVE_INTERVAL, self.news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Bytes::from_static(KEEP_ALIVE)),
            }
        }
    }
}

impl State {
    /// What the newest reader gets next; advances `after`. A reader that replaces another goes on
    /// where that one was.
    fn next_for(&mut self, reader: u64, after: &mut u64) -> Option<Bytes> {
        if self.reading != reader {
            self.reading = reader;
            *after = self.given.max(*after);
        }
        // The numbers are consecutive.
        let (first, _) = self.events.front()?;
        let place = usize::try_from((*after + 1).saturating_sub(*first)).ok()?;
        let (number, event) = self.events.get(place)?;
        *after = *number;
        self.given = self.given.max(*number);
        Some(event.clone())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.replay.lock().living.remove(&self.number);
        // An older reader may be the newest now.
        self.replay.news.send_modify(|_| {});
        self.replay.readers.send_modify(|readers| *readers -= 1);
    }
}

#[cfg(test)]
mod tests;
