//! `SELECT 1` as the token's user: the shortest way through Dremio's engine.

use std::time::Duration;

use dremio_client::{DremioClient, Error, JobId, JobState, JobStatus};
use secrecy::SecretString;
use tokio::time::{Instant, timeout, timeout_at};

use super::seconds;
use crate::doctor::Doctor;
use crate::doctor::accounts::Held;
use crate::doctor::finding::Finding;
use crate::dremio::poll;

/// How long a query that is given up may take to be cancelled.
const CANCEL_MAX: Duration = Duration::from_secs(1);

/// What the query may take, so that cancelling it stays within the limit of a check.
const QUERY_MAX: Duration = Duration::from_secs(4);

/// Why there is no row.
enum Failure {
    Call(Error),
    /// The job did not complete, and this is what Dremio says of it.
    Ended(JobState, Option<String>),
    Late,
}

impl From<Error> for Failure {
    fn from(cause: Error) -> Self {
        Self::Call(cause)
    }
}

pub(super) async fn check(doctor: &Doctor, client: &DremioClient, held: &Held) -> Finding {
    let started = Instant::now();
    let (text, cure) = match run(client, &held.token).await {
        Ok(()) => {
            let took = started.elapsed().as_millis();
            return Finding::good("query", format!("SELECT 1 works, in {took} ms"));
        }
        Err(Failure::Call(Error::RejectedCredentials { .. })) => {
            let of = held.account.as_ref().map_or(String::new(), |it| format!(" of account {it}"));
            (
                format!("Dremio does not accept the token{of} any more, although it has not ended"),
                doctor.site.refresh(),
            )
        }
        Err(Failure::Call(cause)) => (cause.to_string(), doctor.site.restart_dremio()),
        Err(Failure::Ended(state, said)) => {
            let said = said.unwrap_or_else(|| format!("{state:?}"));
            (format!("Dremio does not run SELECT 1: {said}"), doctor.site.restart_dremio())
        }
        Err(Failure::Late) => {
            let limit = seconds(QUERY_MAX);
            (
                format!("SELECT 1 takes longer than {limit}: Dremio is overloaded"),
                doctor.site.restart_dremio(),
            )
        }
    };
    Finding::bad("query", text, cure)
}

async fn run(client: &DremioClient, token: &SecretString) -> Result<(), Failure> {
    let deadline = Instant::now() + QUERY_MAX;
    let submitted = timeout_at(deadline, client.submit_sql(token, "SELECT 1", &[]));
    let job = submitted.await.map_err(|_| Failure::Late)??;
    let done = timeout_at(deadline, row(client, token, &job, deadline)).await;
    let done = done.unwrap_or(Err(Failure::Late));
    if matches!(done, Err(Failure::Late)) {
        // It is ours, and nobody waits for it any more.
        let _ = timeout(CANCEL_MAX, client.cancel(token, &job)).await;
    }
    done
}

async fn row(
    client: &DremioClient,
    token: &SecretString,
    job: &JobId,
    deadline: Instant,
) -> Result<(), Failure> {
    let is_over = |status: &JobStatus| status.state.is_terminal();
    let status = poll(job.as_str(), deadline, || client.job(token, job), is_over).await?;
    match status.state {
        JobState::Completed => {}
        state if state.is_terminal() => {
            let said = status.error_message.or(status.cancellation_reason);
            return Err(Failure::Ended(state, said.map(|said| said.as_str().to_owned())));
        }
        _ => return Err(Failure::Late),
    }
    client.results(token, job, 0, 1, CHECK_BYTES_MAX).await?;
    Ok(())
}

/// A row with a number.
const CHECK_BYTES_MAX: usize = 64 * 1024;
