//! The child's jobs at Dremio: waited for on its behalf, and cancelled when abandoned.
//!
//! The official server polls a job's status once a second. Here a poll is answered when the job is
//! done: the egress proxy polls Dremio itself, often at first and less often later. The official
//! server also never cancels a job, so a cancelled call would keep Dremio busy. The egress proxy
//! notices that a poll was dropped, or that none comes any more, and cancels the job.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use dremio_client::{JobId, JobState};
use serde::Deserialize;
use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;

use super::calls::CallRecord;
use super::forward::{Incoming, unanswered};
use super::refusal;
use crate::audit::CallAudit;
use crate::budget::Charge;
use crate::dremio::{AskedJobs, DremioCaller, JobCustody, Question, poll};

/// Below the 300 s after which the official server's HTTP client gives up. The child then polls
/// again.
const HOLD_MAX: Duration = Duration::from_secs(60);

/// How long a job may go without a poll before it counts as abandoned. The child polls at once and
/// then every second.
const UNASKED_MAX: Duration = Duration::from_secs(20);

/// Interval between two searches for abandoned jobs.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Largest job status: a few hundred bytes, more with error messages and lists of reflections.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The jobs that the child started and that are not known to be over, each with its call.
pub(super) struct Jobs {
    custody: JobCustody,
    running: AskedJobs<Arc<CallRecord>>,
}

#[derive(Deserialize)]
struct Submitted {
    id: String,
}

#[derive(Deserialize)]
struct JobStatus {
    #[serde(rename = "jobState")]
    state: JobState,
}

/// An answer of Dremio, read to its end.
struct Answer {
    status: StatusCode,
    content_type: HeaderValue,
    body: Vec<u8>,
}

impl Jobs {
    pub(super) fn new(dremio: DremioCaller) -> Arc<Self> {
        Arc::new(Self { custody: JobCustody::new(dremio), running: AskedJobs::default() })
    }

    /// Whether a job is known to run.
    pub(super) fn any_runs(&self) -> bool {
        !self.running.is_empty()
    }

    /// `POST /api/v3/sql`, for `call`. If the child goes away meanwhile, the submission still
    /// finishes and its job is cancelled; so it is if the call has ended. `room` is that of the
    /// statement.
    pub(super) async fn submit(
        self: &Arc<Self>,
        incoming: Incoming,
        room: Charge,
        call: Arc<CallRecord>,
    ) -> Response {
        let custody = self.custody.at(incoming.dremio.clone());
        let submission = async move {
            let answer = ask(&incoming).await?;
            drop((incoming, room));
            let job = answer.job_id().map(|id| custody.hold(id));
            if let Some(job) = &job {
                CallAudit::note_job(job.id());
            }
            Ok((answer, job))
        };
        match self.custody.submit(submission).await {
            Some(Ok((answer, job))) => {
                if let Some(job) = job.and_then(|job| call.start(job)) {
                    self.running.insert(job, call);
                }
                answer.into_response()
            }
            Some(Err(response)) => response,
            None => refusal(StatusCode::BAD_GATEWAY, "the query was not submitted"),
        }
    }

    /// `GET /api/v3/job/{id}`: the status of the job once it is terminal or the hold is over.
    /// Dropping the future cancels the job: the child drops its poll when its call is cancelled.
    pub(super) async fn wait(&self, id: &str, incoming: Incoming) -> Response {
        let question = id.parse().ok().and_then(|id| self.running.question(&id));
        let call = question.as_ref().map(|question| Arc::clone(question.note()));
        let answer = polled(id, question, &incoming);
        // Over stdio the child asks in its own name.
        match call {
            Some(call) => call.scope(answer).await,
            None => answer.await,
        }
    }

    /// Cancels abandoned jobs until `shutdown` drains, then all that are left, and finishes the
    /// cancellations under way.
    pub(super) async fn sweep(&self, shutdown: Shutdown) {
        self.running.sweep(&shutdown, SWEEP_INTERVAL, UNASKED_MAX).await;
        drop(self.running.take_all());
        self.custody.finish().await;
    }
}

async fn ask(incoming: &Incoming) -> Result<Answer, Response> {
    let answer = incoming.send().await.map_err(|cause| unanswered(&cause))?;
    Answer::read(answer).await
}

/// The status of the job once it is terminal or the hold is over. A job that was not started here
/// has no question, and is left alone.
async fn polled(
    id: &str,
    question: Option<Question<'_, Arc<CallRecord>>>,
    incoming: &Incoming,
) -> Response {
    let deadline = Instant::now() + HOLD_MAX;
    let end = poll(id, deadline, || ask(incoming), |answer| !answer.is_unfinished()).await;
    match (question, &end) {
        (Some(question), Ok(answer)) if !answer.is_unfinished() => question.mark_over(),
        (Some(question), _) => question.runs_on(),
        (None, _) => {}
    }
    end.map_or_else(|response| response, Answer::into_response)
}

impl Answer {
    async fn read(mut answer: reqwest::Response) -> Result<Self, Response> {
        let status = answer.status();
        let content_type = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .cloned()
            .unwrap_or(HeaderValue::from_static("application/json"));
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(refusal(
                        StatusCode::BAD_GATEWAY,
                        "Dremio's answer about the job is larger than 4 MiB",
                    ));
                }
                Ok(None) => return Ok(Self { status, content_type, body }),
                Err(_) => {
                    return Err(refusal(
                        StatusCode::BAD_GATEWAY,
                        "the connection to Dremio was lost in the middle of its answer",
                    ));
                }
            }
        }
    }

    /// The id of the job that Dremio started.
    fn job_id(&self) -> Option<JobId> {
        let submitted = serde_json::from_slice::<Submitted>(&self.body).ok()?;
        submitted.id.parse().ok().filter(|_| self.status == StatusCode::OK)
    }

    fn is_unfinished(&self) -> bool {
        let status = serde_json::from_slice::<JobStatus>(&self.body);
        self.status == StatusCode::OK && status.is_ok_and(|job| !job.state.is_terminal())
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, self.content_type);
        response
    }
}
