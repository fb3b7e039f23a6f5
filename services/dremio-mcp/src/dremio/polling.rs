//! How the end of a job is awaited: by asking for its status again and again. A quick query is
//! noticed within milliseconds, a slow one costs Dremio four requests a second.

use std::time::Duration;

use dremio_client::{JobId, JobStatus};
use tokio::time::Instant;

use super::{DremioCaller, DremioError};
use crate::audit::CallAudit;
use crate::telemetry;

const PAUSE_MIN: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// A pause is this part of the job's age, so that no more than this is added to its time.
const PAUSE_SHARE: u32 = 10;

impl DremioCaller {
    /// Waits for the end of a job, however it ends. Gives its last status, which is that of a job
    /// that still runs if the `deadline` came first. `seen` gets every status on the way.
    ///
    /// # Errors
    /// When Dremio cannot be asked.
    pub(crate) async fn job_end(
        &self,
        id: &JobId,
        deadline: Instant,
        seen: impl Fn(&JobStatus),
    ) -> Result<JobStatus, DremioError> {
        let ask = || self.read(|client, token| async move { client.job(token.secret(), id).await });
        let is_over = |status: &JobStatus| {
            seen(status);
            status.state.is_terminal()
        };
        poll(id.as_str(), deadline, ask, is_over).await
    }
}

/// Asks about `job` until it is over or the `deadline` has come, and gives the last answer. All of
/// it is time at Dremio, for the audit log and for traces.
///
/// # Errors
/// The first failure of a question.
pub(crate) async fn poll<A, E, F>(
    job: &str,
    deadline: Instant,
    ask: impl Fn() -> F,
    is_over: impl Fn(&A) -> bool,
) -> Result<A, E>
where
    F: Future<Output = Result<A, E>>,
{
    let _waiting = CallAudit::at_dremio();
    let started = Instant::now();
    let polled = async {
        loop {
            let answer = ask().await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if is_over(&answer) || left.is_zero() {
                return Ok(answer);
            }
            tokio::time::sleep(pause(started.elapsed()).min(left)).await;
        }
    };
    telemetry::job_wait(job).run(polled).await
}

/// The pause before the next question about a job of this age.
fn pause(age: Duration) -> Duration {
    (age / PAUSE_SHARE).clamp(PAUSE_MIN, PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{pause, poll};

    #[test]
    fn pauses_are_a_tenth_of_the_jobs_age() {
        for (age, expected) in [(0, 4), (40, 4), (100, 10), (1000, 100), (2500, 250), (60_000, 250)]
        {
            assert_eq!(pause(Duration::from_millis(age)), Duration::from_millis(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_is_asked_for_until_it_is_over_or_the_deadline_comes() {
        // Answers within 10 s: 4 ms apart at first, 250 ms in the end.
        for (over_after, limit, last) in [(1, 10, 1), (30, 10, 30), (1000, 0, 1), (1000, 10, 84)] {
            let (asked, started) = (Cell::new(0), Instant::now());
            let limit = Duration::from_secs(limit);
            let ask = async || {
                asked.set(asked.get() + 1);
                Ok::<_, Infallible>(asked.get())
            };
            let answer = poll("1", started + limit, ask, |count| *count == over_after).await;
            assert_eq!((answer, asked.get()), (Ok(last), last));
            assert!(started.elapsed() <= limit, "{:?}", started.elapsed());
        }
    }
}
