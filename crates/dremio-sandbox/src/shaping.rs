//! Bodies that arrive the way a fault wants them to: in drops, cut off, or far too large.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

/// Time for the first part of a cut answer to reach the peer before the RST, which would overtake
/// it otherwise.
const PAUSE_BEFORE_RESET: Duration = Duration::from_millis(25);
/// Size of the pieces of an oversized body.
const PADDING: &[u8] = &[b'x'; 16 * 1024];
const OVERSIZED_HEAD: &[u8] = b"{\"padding\":\"";
const OVERSIZED_TAIL: &[u8] = b"\"}";

/// The same bytes, a few at a time.
pub(crate) fn drip(body: Bytes, bytes_per_chunk: usize, interval: Duration) -> Body {
    let step = bytes_per_chunk.max(1);
    Body::from_stream(stream::unfold((body, true), move |(mut rest, first)| async move {
        if rest.is_empty() {
            return None;
        }
        if !first {
            tokio::time::sleep(interval).await;
        }
        let chunk = rest.split_to(step.min(rest.len()));
        Some((Ok::<_, Infallible>(chunk), (rest, false)))
    }))
}

/// About half of the bytes, then a failure; `reset` tells the connection to end with RST.
pub(crate) fn cut(body: Bytes, reset: Arc<AtomicBool>) -> Body {
    let half = body.slice(..body.len() / 2);
    Body::from_stream(stream::unfold(Some(half), move |half| {
        let reset = Arc::clone(&reset);
        async move {
            if let Some(half) = half {
                return Some((Ok(half), None));
            }
            tokio::time::sleep(PAUSE_BEFORE_RESET).await;
            reset.store(true, Ordering::Release);
            Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
        }
    }))
}

/// A JSON object of exactly `size` bytes (or the smallest possible one), never held in memory as a
/// whole.
pub(crate) fn oversized(size: usize) -> Body {
    let padding = size.saturating_sub(OVERSIZED_HEAD.len() + OVERSIZED_TAIL.len());
    let padding = stream::unfold(padding, |left| async move {
        let chunk = PADDING.get(..left.min(PADDING.len()))?;
        (!chunk.is_empty())
            .then(|| (Ok::<_, Infallible>(Bytes::from_static(chunk)), left - chunk.len()))
    });
    let head = stream::iter([Ok(Bytes::from_static(OVERSIZED_HEAD))]);
    let tail = stream::iter([Ok(Bytes::from_static(OVERSIZED_TAIL))]);
    Body::from_stream(head.chain(padding).chain(tail))
}
