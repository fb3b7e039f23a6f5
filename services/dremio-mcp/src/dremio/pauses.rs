//! How often a job is polled: a quick query is noticed within milliseconds, a slow one costs Dremio
//! four requests a second.

use std::time::Duration;

use tokio::time::Instant;

const MIN: Duration = Duration::from_millis(4);
const MAX: Duration = Duration::from_millis(250);

/// A pause is this part of the job's age, so that no more than this is added to its time.
const SHARE: u32 = 10;

/// The pauses between the questions about one job.
#[derive(Debug)]
pub(crate) struct Pauses {
    started: Instant,
}

impl Pauses {
    /// For a job that starts now.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now() }
    }

    /// The next pause.
    pub(crate) fn next(&self) -> Duration {
        (self.started.elapsed() / SHARE).clamp(MIN, MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pauses;

    #[tokio::test(start_paused = true)]
    async fn pauses_are_a_tenth_of_the_jobs_age() {
        let pauses = Pauses::new();
        for (age, pause) in [(0, 4), (40, 4), (100, 10), (1000, 100), (2500, 250), (60_000, 250)] {
            let age = Duration::from_millis(age);
            tokio::time::advance(age.saturating_sub(pauses.started.elapsed())).await;
            assert_eq!(pauses.next(), Duration::from_millis(pause), "{age:?}");
        }
    }
}
