//! Request heads that are not complete yet. A client without a key could send a long one and never
//! end it, and its bytes stay in memory; so only so many bytes of long heads are held at a time,
//! and a connection that brings more is closed. Heads of the usual length are not counted, so that
//! no honest request is affected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::gauge::Gauge;

/// What of a head is not counted: as much as hyper's buffer has at first. Most have less than 2
/// KiB.
const SHORT_BYTES_MAX: usize = 8 * 1024;

/// The long heads of one listener.
#[derive(Debug)]
pub(crate) struct LongHeads {
    bytes_max: usize,
    held: AtomicUsize,
    gauge: Gauge,
}

/// The head that is coming in on one connection.
#[derive(Debug)]
pub(crate) struct Head {
    all: Arc<LongHeads>,
    /// Which of the connection's heads it is.
    turn: u64,
    bytes: usize,
    counted: usize,
}

impl LongHeads {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, held: AtomicUsize::new(0), gauge: Gauge::default() })
    }

    /// Bytes beyond the usual length that are held now.
    pub(crate) fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    fn try_add(&self, bytes: usize) -> bool {
        let added = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.bytes_max);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added).is_ok()
    }
}

impl Head {
    pub(crate) fn new(all: Arc<LongHeads>) -> Self {
        Self { all, turn: 0, bytes: 0, counted: 0 }
    }

    /// Notes `bytes` more of the head of this `turn`; whether there is room for them.
    pub(crate) fn grow(&mut self, turn: u64, bytes: usize) -> bool {
        if turn != self.turn {
            self.end();
            self.turn = turn;
        }
        let whole = self.bytes.saturating_add(bytes);
        let more = whole.saturating_sub(SHORT_BYTES_MAX) - self.counted;
        if more > 0 && !self.all.try_add(more) {
            return false;
        }
        self.bytes = whole;
        self.counted += more;
        self.all.gauge.inc_by(i64::try_from(more).unwrap_or(i64::MAX));
        true
    }

    /// It is whole; what comes next is not part of it.
    pub(crate) fn end(&mut self) {
        self.all.held.fetch_sub(self.counted, Ordering::Relaxed);
        self.all.gauge.dec_by(i64::try_from(self.counted).unwrap_or(i64::MAX));
        (self.bytes, self.counted) = (0, 0);
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, LongHeads, SHORT_BYTES_MAX};

    #[test]
    fn long_heads_share_a_limit_and_short_ones_always_have_room() {
        let all = LongHeads::new(1000);
        let [mut first, mut second] = [(); 2].map(|()| Head::new(all.clone()));
        assert!(first.grow(0, SHORT_BYTES_MAX) && first.grow(0, 600));
        assert!(second.grow(0, SHORT_BYTES_MAX + 400));
        assert_eq!(all.gauge().get(), 1000);
        assert!(!second.grow(0, 1));
        let mut third = Head::new(all.clone());
        assert!(third.grow(0, SHORT_BYTES_MAX) && !third.grow(0, 1));
        first.end();
        assert_eq!(all.gauge().get(), 400);
        assert!(first.grow(0, SHORT_BYTES_MAX) && third.grow(0, 1));
        // The next request's head is another.
        assert!(second.grow(2, SHORT_BYTES_MAX));
        assert_eq!(all.gauge().get(), 1);
        drop((first, second, third));
        assert_eq!(all.gauge().get(), 0);
    }
}
