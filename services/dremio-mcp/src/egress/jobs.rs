//! Waits for a job on the child's behalf. The official server asks once, then sleeps a whole second; here the
//! first question is answered only when the job is done, found out by asking Dremio often at first and seldom later.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use tokio::time::Instant;

use super::forward::{Forwarder, Incoming};
use super::refusal;
use crate::dremio::Pauses;

/// Below the 300 s after which the official server's HTTP client gives up. Then the child simply asks again.
const HOLD_MAX: Duration = Duration::from_secs(60);

/// A job status is a few hundred bytes; error messages and reflection lists can make it longer.
const STATUS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The states that a job never leaves (contract §4.2).
const TERMINAL: [&str; 3] = ["COMPLETED", "CANCELED", "FAILED"];

#[derive(Deserialize)]
struct JobStatus {
    #[serde(rename = "jobState")]
    state: String,
}

/// The status of the job that `incoming` asks for, once it is terminal (or the hold is over).
/// Dropping the future, as a child does that was told to cancel, ends the questions.
pub(super) async fn wait(forwarder: &Forwarder, incoming: Incoming) -> Response {
    let deadline = Instant::now() + HOLD_MAX;
    let mut pauses = Pauses::new();
    loop {
        let answer = match forwarder.send(&incoming).await {
            Ok(answer) => answer,
            Err(cause) => return cause.response(),
        };
        let status = answer.status();
        let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
        let body = match read(answer).await {
            Ok(body) => body,
            Err(response) => return response,
        };
        let unfinished =
            status == StatusCode::OK && serde_json::from_slice::<JobStatus>(&body).is_ok_and(|job| !TERMINAL.contains(&job.state.as_str()));
        let pause = pauses.next();
        if !unfinished || Instant::now() + pause > deadline {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/json"));
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            return response;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, Response> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= STATUS_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(refusal(StatusCode::BAD_GATEWAY, "Dremio's answer about the job is larger than 4 MiB")),
            Ok(None) => return Ok(body),
            Err(_) => return Err(refusal(StatusCode::BAD_GATEWAY, "the connection to Dremio was lost in the middle of its answer")),
        }
    }
}
