//! What the stand-in saw: every request, in order of arrival, with the status it was answered with.
//!
//! Bounded twice: the number of requests and the part of each body that is kept. Bodies are kept in
//! clear, passwords included.

use std::collections::VecDeque;

use http::Method;
use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

/// Requests kept; the oldest go first. A guess: far more than any test sends.
const REQUESTS_MAX: usize = 10_000;
/// Bytes kept of each body: enough for any SQL text or login that a test looks at.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The path with its query, as sent.
    pub path: String,
    /// The token that the `Authorization` header carried, without its scheme.
    pub token: Option<String>,
    /// The status of the answer; `None` while there is none, which for a stalled request is for
    /// ever.
    pub status: Option<u16>,
    /// The body, at most its first 16 KiB.
    pub body: String,
    /// When it arrived.
    pub at: Timestamp,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    requests: VecDeque<(u64, RecordedRequest)>,
}

impl Journal {
    /// Writes down a request that has arrived; the answer's status follows with
    /// [`Journal::answered`].
    pub(crate) fn arrived(
        &self,
        method: Method,
        path: String,
        token: Option<String>,
        body: &[u8],
        at: Timestamp,
    ) -> u64 {
        let kept = body.get(..BODY_BYTES_MAX).unwrap_or(body);
        let request = RecordedRequest {
            method,
            path,
            token,
            status: None,
            body: String::from_utf8_lossy(kept).into_owned(),
            at,
        };
        let mut inner = self.lock();
        let number = inner.next;
        inner.next = number.wrapping_add(1);
        if inner.requests.len() >= REQUESTS_MAX {
            inner.requests.pop_front();
        }
        inner.requests.push_back((number, request));
        number
    }

    pub(crate) fn answered(&self, number: u64, status: u16) {
        let mut inner = self.lock();
        // Answers follow their request closely: look from the young end.
        if let Some((_, request)) =
            inner.requests.iter_mut().rev().find(|(found, _)| *found == number)
        {
            request.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        let inner = self.lock();
        inner.requests.iter().map(|(_, request)| request.clone()).collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().requests.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}
