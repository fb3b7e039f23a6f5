//! How often a job is polled: a quick query is noticed within milliseconds, a slow one costs Dremio
//! four requests a second.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(4);
const MAX: Duration = Duration::from_millis(250);

/// The pauses between two polls of one job, growing by half each time.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 3 / 2).min(MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX, Pauses};

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut pauses = Pauses::new();
        let first: Vec<_> = (0..4).map(|_| pauses.next().as_micros()).collect();
        assert_eq!(first, [4_000, 6_000, 9_000, 13_500]);
        let total: Duration = (0..20).map(|_| pauses.next()).sum();
        assert!(total > Duration::from_secs(2) && pauses.next() == MAX);
    }
}
