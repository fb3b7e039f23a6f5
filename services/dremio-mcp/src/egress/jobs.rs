//! The child's jobs at Dremio: waited for on its behalf, and cancelled when it no longer wants
//! them.
//!
//! The official server asks for a job's status once, then sleeps a whole second; here the first
//! question is answered only when the job is done, found out by asking Dremio often at first and
//! seldom later. And it never cancels a job: a call that its client cancels would keep Dremio busy.
//! The egress proxy sees that a question was dropped, or that no question comes, and cancels the
//! job itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use parking_lot::{Mutex, MutexGuard};
use serde::Deserialize;
use service_kit::lifecycle::Shutdown;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::forward::{ForwardError, Forwarder, Incoming};
use super::refusal;
use crate::budget::Charge;
use crate::dremio::Pauses;

/// Below the 300 s after which the official server's HTTP client gives up. Then the child simply
/// asks again.
const HOLD_MAX: Duration = Duration::from_secs(60);

/// How long a job may go without a question before it counts as abandoned. The child asks at once
/// and then every second.
const UNASKED_MAX: Duration = Duration::from_secs(20);

/// How often abandoned jobs are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// How long the cancellation of one job is tried, and how long a stop waits for those under way.
const CANCEL_MAX: Duration = Duration::from_secs(15);
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// A job status is a few hundred bytes; error messages and reflection lists can make it longer.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The states that a job never leaves (contract §4.2).
const TERMINAL: [&str; 3] = ["COMPLETED", "CANCELED", "FAILED"];

/// The jobs that the child has started and that are not known to be over.
pub(super) struct Jobs {
    forwarder: Forwarder,
    running: Mutex<HashMap<String, Asked>>,
    cancellations: TaskTracker,
}

/// When a job was last asked for, and whether a question is waiting now.
#[derive(Clone, Copy)]
struct Asked {
    last: Instant,
    waiting: usize,
}

#[derive(Deserialize)]
struct Submitted {
    id: String,
}

#[derive(Deserialize)]
struct JobStatus {
    #[serde(rename = "jobState")]
    state: String,
}

/// An answer of Dremio's that was read whole.
struct Answer {
    status: StatusCode,
    content_type: HeaderValue,
    body: Vec<u8>,
}

impl Jobs {
    pub(super) fn new(forwarder: Forwarder) -> Arc<Self> {
        Arc::new(Self { forwarder, running: Mutex::default(), cancellations: TaskTracker::new() })
    }

    /// Whether a job runs, as far as is known.
    pub(super) fn any_runs(&self) -> bool {
        !self.running().is_empty()
    }

    pub(super) fn forwarder(&self) -> &Forwarder {
        &self.forwarder
    }

    /// `POST /api/v3/sql`. The submission finishes even if the child goes away in the middle,
    /// because only then the job's id is known; a job that nobody is told of is cancelled.
    /// `room` is that of the statement.
    pub(super) async fn submit(self: &Arc<Self>, incoming: Incoming, room: Charge) -> Response {
        let (told, answered) = oneshot::channel();
        let jobs = Arc::clone(self);
        self.cancellations.spawn(async move {
            let answer = jobs.ask(&incoming).await;
            drop((incoming, room));
            let id = answer
                .as_ref()
                .ok()
                .filter(|answer| answer.status == StatusCode::OK)
                .and_then(Answer::job_id);
            if let Some(id) = &id {
                jobs.running().insert(id.clone(), Asked { last: Instant::now(), waiting: 0 });
            }
            if let (Err(_), Some(id)) = (told.send(answer), id) {
                jobs.cancel(&id).await;
            }
        });
        match answered.await {
            Ok(answer) => answer.map_or_else(|response| response, Answer::into_response),
            Err(_) => refusal(StatusCode::BAD_GATEWAY, "the query was not submitted"),
        }
    }

    /// `GET /api/v3/job/{id}`: the status of the job once it is terminal, or the hold is over.
    /// Dropping the future, as happens when the child is told that its call was cancelled,
    /// cancels the job.
    pub(super) async fn wait(self: &Arc<Self>, id: &str, incoming: Incoming) -> Response {
        let mut question = Question::new(self, id);
        let deadline = Instant::now() + HOLD_MAX;
        let mut pauses = Pauses::new();
        loop {
            let answer = match self.ask(&incoming).await {
                Ok(answer) => answer,
                Err(response) => {
                    question.answered();
                    return response;
                }
            };
            let unfinished = answer.is_unfinished();
            let pause = pauses.next();
            if !unfinished || Instant::now() + pause > deadline {
                question.answered();
                if !unfinished {
                    self.running().remove(id);
                }
                return answer.into_response();
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Cancels jobs that nobody asks for any more until `shutdown` drains, then finishes the
    /// cancellations under way.
    pub(super) async fn sweep(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                () = shutdown.draining() => break,
            }
            let abandoned = |(_, asked): &(&String, &Asked)| {
                asked.waiting == 0 && asked.last.elapsed() > UNASKED_MAX
            };
            let ids: Vec<String> =
                self.running().iter().filter(abandoned).map(|(id, _)| id.clone()).collect();
            for id in ids {
                self.cancel_in_background(id);
            }
        }
        let left: Vec<String> = self.running().keys().cloned().collect();
        for id in left {
            self.cancel_in_background(id);
        }
        self.cancellations.close();
        let _in_time = tokio::time::timeout(STOP_WAIT_MAX, self.cancellations.wait()).await;
    }

    fn cancel_in_background(self: &Arc<Self>, id: String) {
        let jobs = Arc::clone(self);
        self.cancellations.spawn(async move { jobs.cancel(&id).await });
    }

    async fn cancel(&self, id: &str) {
        self.running().remove(id);
        let path_and_query = format!("/api/v3/job/{id}/cancel");
        let incoming = Incoming {
            method: Method::POST,
            path_and_query,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            is_bulk: false,
        };
        match tokio::time::timeout(CANCEL_MAX, self.forwarder.send(&incoming)).await {
            // 404 is Dremio's answer for a job that is over.
            Ok(Ok(answer)) => tracing::info!(
                job = id,
                status = answer.status().as_u16(),
                "cancelled a job that nobody waits for"
            ),
            Ok(Err(cause)) => {
                tracing::warn!(job = id, error = %cause, "could not cancel a job that nobody waits for");
            }
            Err(_) => {
                tracing::warn!(job = id, "could not cancel a job that nobody waits for in time");
            }
        }
    }

    async fn ask(&self, incoming: &Incoming) -> Result<Answer, Response> {
        let answer =
            self.forwarder.send(incoming).await.map_err(|cause: ForwardError| cause.response())?;
        Answer::read(answer).await
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.running.lock()
    }
}

/// A question for a job that waits for its answer.
struct Question<'j> {
    jobs: &'j Arc<Jobs>,
    id: &'j str,
    is_answered: bool,
}

impl<'j> Question<'j> {
    fn new(jobs: &'j Arc<Jobs>, id: &'j str) -> Self {
        if let Some(asked) = jobs.running().get_mut(id) {
            asked.waiting += 1;
        }
        Self { jobs, id, is_answered: false }
    }

    fn answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut running = self.jobs.running();
        // Jobs that the child did not start through this egress proxy are none of its business.
        let Some(asked) = running.get_mut(self.id) else { return };
        asked.waiting = asked.waiting.saturating_sub(1);
        asked.last = Instant::now();
        let is_abandoned = !self.is_answered && asked.waiting == 0;
        drop(running);
        if is_abandoned {
            self.jobs.cancel_in_background(self.id.to_owned());
        }
    }
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

    fn job_id(&self) -> Option<String> {
        serde_json::from_slice::<Submitted>(&self.body)
            .ok()
            .map(|submitted| submitted.id)
            .filter(|id| is_job_id(id))
    }

    fn is_unfinished(&self) -> bool {
        let status = serde_json::from_slice::<JobStatus>(&self.body);
        self.status == StatusCode::OK
            && status.is_ok_and(|job| !TERMINAL.contains(&job.state.as_str()))
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, self.content_type);
        response
    }
}

/// Whether a text that came from outside may become a part of a path (contract §4.1: hex digits and
/// dashes).
fn is_job_id(text: &str) -> bool {
    text.len() <= 64
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
