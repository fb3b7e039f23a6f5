//! `SELECT 1` as the token's user: the shortest way through Dremio's engine.

use std::time::{Duration, Instant};

use dremio_client::{DremioClient, Error, JobId, JobState};
use secrecy::SecretString;

use super::seconds;
use crate::doctor::Doctor;
use crate::doctor::finding::Finding;

/// First pause before the job is asked for, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(20);

/// How long a query that is given up may take to be cancelled.
const CANCEL_MAX: Duration = Duration::from_secs(1);

/// What the query may take, so that cancelling it stays within the limit of a check.
const QUERY_MAX: Duration = Duration::from_secs(4);

/// Why there is no row.
enum Trouble {
    Call(Error),
    /// The job did not complete, and this is what Dremio says of it.
    Ended(JobState, Option<String>),
    Late,
}

impl From<Error> for Trouble {
    fn from(cause: Error) -> Self {
        Self::Call(cause)
    }
}

pub(super) async fn check(doctor: &Doctor, client: &DremioClient, token: &SecretString) -> Finding {
    let started = Instant::now();
    let (text, cure) = match run(client, token).await {
        Ok(()) => {
            let took = started.elapsed().as_millis();
            return Finding::good("query", format!("SELECT 1 works, in {took} ms"));
        }
        Err(Trouble::Call(Error::RejectedCredentials { .. })) => (
            "Dremio does not accept the token any more, although it has not ended".to_owned(),
            doctor.site.refresh(),
        ),
        Err(Trouble::Call(cause)) => (cause.to_string(), doctor.site.restart_dremio()),
        Err(Trouble::Ended(state, said)) => {
            let said = said.unwrap_or_else(|| format!("{state:?}"));
            (format!("Dremio does not run SELECT 1: {said}"), doctor.site.restart_dremio())
        }
        Err(Trouble::Late) => {
            let limit = seconds(QUERY_MAX);
            (
                format!("SELECT 1 takes longer than {limit}: Dremio is overloaded"),
                doctor.site.restart_dremio(),
            )
        }
    };
    Finding::bad("query", text, cure)
}

async fn run(client: &DremioClient, token: &SecretString) -> Result<(), Trouble> {
    let started = Instant::now();
    let submitted = tokio::time::timeout(QUERY_MAX, client.submit_sql(token, "SELECT 1", &[]));
    let job = submitted.await.map_err(|_| Trouble::Late)??;
    let left = QUERY_MAX.saturating_sub(started.elapsed());
    if let Ok(done) = tokio::time::timeout(left, row(client, token, &job)).await {
        return done;
    }
    // It is ours, and nobody waits for it any more.
    let _ = tokio::time::timeout(CANCEL_MAX, client.cancel(token, &job)).await;
    Err(Trouble::Late)
}

async fn row(client: &DremioClient, token: &SecretString, job: &JobId) -> Result<(), Trouble> {
    let mut pause = PAUSE_FIRST;
    loop {
        let status = client.job(token, job).await?;
        match status.state {
            JobState::Completed => break,
            state if state.is_terminal() => {
                let said = status.error_message.or(status.cancellation_reason);
                return Err(Trouble::Ended(state, said.map(|said| said.as_str().to_owned())));
            }
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    client.results(token, job, 0, 1, CHECK_BYTES_MAX).await?;
    Ok(())
}

/// A row with a number.
const CHECK_BYTES_MAX: usize = 64 * 1024;
