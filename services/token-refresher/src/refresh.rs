//! `POST /refresh` on the admin address: someone found the token rejected and asks for an immediate
//! check.
//!
//! All that ask at the same time share one check, and checks on request keep a distance, so that
//! asking cannot be turned into a load on Dremio. Asking is harmless otherwise: the answer names
//! the token's id and expiry and holds nothing secret.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use token_file::Token;
use tokio::sync::{mpsc, oneshot};

use crate::trouble::Trouble;

/// How many may wait for a check at a time. A gateway asks once for all its calls.
pub(crate) const WAITING_MAX: usize = 64;

/// Distance between the end of a check on request and the start of the next: small against the 2 s
/// for which a caller waits, and at most four cheap calls a second for Dremio.
pub(crate) const SPACING: Duration = Duration::from_millis(250);

/// How long an answer is waited for. Dremio may need its whole time limit for the check, and again
/// for a login.
const ANSWER_MAX: Duration = Duration::from_secs(25);

/// What a check on request found or did.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Dremio accepts the token in the file.
    Valid(Token),
    /// It did not; there is a new one in the file.
    Renewed(Token),
    /// Neither could be had.
    Failed(Trouble),
}

/// A request for a check; the answer goes back through it.
pub(crate) type Nudge = oneshot::Sender<Outcome>;

/// The endpoint. What it receives goes to `nudges`.
pub(crate) fn router(nudges: mpsc::Sender<Nudge>) -> Router {
    Router::new().route("/refresh", post(refresh)).with_state(nudges)
}

async fn refresh(State(nudges): State<mpsc::Sender<Nudge>>) -> Response {
    let (reply, outcome) = oneshot::channel();
    if nudges.try_send(reply).is_err() {
        let trouble = Trouble::new(
            "too_many_waiting",
            "too many callers wait for a check already; try again in a second",
        );
        return answer(StatusCode::TOO_MANY_REQUESTS, "failed", Err(&trouble));
    }
    match tokio::time::timeout(ANSWER_MAX, outcome).await {
        Ok(Ok(Outcome::Valid(token))) => answer(StatusCode::OK, "valid", Ok(&token)),
        Ok(Ok(Outcome::Renewed(token))) => answer(StatusCode::OK, "renewed", Ok(&token)),
        Ok(Ok(Outcome::Failed(trouble))) => {
            answer(StatusCode::SERVICE_UNAVAILABLE, "failed", Err(&trouble))
        }
        Ok(Err(_)) => {
            let trouble = Trouble::new("stopping", "the service is stopping");
            answer(StatusCode::SERVICE_UNAVAILABLE, "failed", Err(&trouble))
        }
        Err(_) => {
            let trouble = Trouble::new(
                "timeout",
                "the check takes unusually long; /readyz tells how it ends",
            );
            answer(StatusCode::SERVICE_UNAVAILABLE, "failed", Err(&trouble))
        }
    }
}

fn answer(status: StatusCode, outcome: &str, detail: Result<&Token, &Trouble>) -> Response {
    let body = match detail {
        Ok(token) => json!({
            "outcome": outcome,
            "token_id": token.id().to_string(),
            "expires_at": token.expires_at().to_string(),
        }),
        Err(trouble) => {
            json!({ "outcome": outcome, "reason": trouble.reason, "message": trouble.message })
        }
    };
    (status, axum::Json(body)).into_response()
}
