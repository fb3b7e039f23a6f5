//! `POST /refresh` on the admin address: a client found the token rejected and requests an
//! immediate check.
//!
//! Concurrent requests share one check, and checks on request keep a minimum distance, so requests
//! cannot become a load on Dremio. Requests are harmless otherwise: the answer has the token's id
//! and expiry, and no secret.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use token_file::Token;
use tokio::sync::{mpsc, oneshot};

use crate::failure::Failure;

/// How many requests may wait for a check. A gateway sends one for all its calls.
pub(crate) const WAITING_MAX: usize = 64;

/// Time between the end of a check on request and the start of the next: small against the 5 s for
/// which a gateway waits, and at most four cheap calls a second for Dremio.
pub(crate) const SPACING: Duration = Duration::from_millis(250);

/// How long a request waits for its answer. Dremio may need its whole time limit for the check, and
/// again for a login.
const ANSWER_MAX: Duration = Duration::from_secs(25);

/// The result of a check on request.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Dremio accepts the token in the file.
    Valid(Token),
    /// Dremio rejected it; there is a new one in the file.
    Renewed(Token),
    /// Neither.
    Failed(Failure),
}

/// A request for a check, with the channel for its answer.
pub(crate) type RefreshRequest = oneshot::Sender<Outcome>;

/// The endpoint. It passes requests on to `requests`.
pub(crate) fn router(requests: mpsc::Sender<RefreshRequest>) -> Router {
    Router::new().route("/refresh", post(refresh)).with_state(requests)
}

async fn refresh(State(requests): State<mpsc::Sender<RefreshRequest>>) -> Response {
    let (reply, outcome) = oneshot::channel();
    if requests.try_send(reply).is_err() {
        let failure = Failure::new(
            "too_many_waiting",
            "too many callers wait for a check already; try again in a second",
        );
        return answer(StatusCode::TOO_MANY_REQUESTS, "failed", Err(&failure));
    }
    match tokio::time::timeout(ANSWER_MAX, outcome).await {
        Ok(Ok(Outcome::Valid(token))) => answer(StatusCode::OK, "valid", Ok(&token)),
        Ok(Ok(Outcome::Renewed(token))) => answer(StatusCode::OK, "renewed", Ok(&token)),
        Ok(Ok(Outcome::Failed(failure))) => {
            answer(StatusCode::SERVICE_UNAVAILABLE, "failed", Err(&failure))
        }
        Ok(Err(_)) => {
            let failure = Failure::new("stopping", "the service is stopping");
            answer(StatusCode::SERVICE_UNAVAILABLE, "failed", Err(&failure))
        }
        Err(_) => {
            let failure = Failure::new(
                "timeout",
                "the check takes unusually long; /readyz tells how it ends",
            );
            answer(StatusCode::SERVICE_UNAVAILABLE, "failed", Err(&failure))
        }
    }
}

fn answer(status: StatusCode, outcome: &str, detail: Result<&Token, &Failure>) -> Response {
    let body = match detail {
        Ok(token) => json!({
            "outcome": outcome,
            "token_id": token.id().to_string(),
            "expires_at": token.expires_at().to_string(),
        }),
        Err(failure) => {
            json!({ "outcome": outcome, "reason": failure.reason, "message": failure.message })
        }
    };
    (status, axum::Json(body)).into_response()
}
