//! `POST /refresh` on the admin address: a client found the token of an account rejected and
//! requests an immediate check.
//!
//! Concurrent requests for one account share one check, and checks on request keep a minimum
//! distance, so requests cannot become a load on Dremio. Requests are harmless otherwise: the
//! answer has the token's id and expiry, and no secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use token_file::{AccountName, Token};
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

/// Where the requests of each account go. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Directory(
    Arc<Mutex<BTreeMap<Option<AccountName>, mpsc::Sender<RefreshRequest>>>>,
);

impl Directory {
    pub(crate) fn insert(
        &self,
        account: Option<AccountName>,
        requests: mpsc::Sender<RefreshRequest>,
    ) {
        self.0.lock().insert(account, requests);
    }

    pub(crate) fn remove(&self, account: &Option<AccountName>) {
        self.0.lock().remove(account);
    }

    fn find(&self, account: &Option<AccountName>) -> Option<mpsc::Sender<RefreshRequest>> {
        self.0.lock().get(account).cloned()
    }
}

/// The query of the endpoint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    account: Option<String>,
}

/// The endpoint: `POST /refresh` for the single account, `POST /refresh?account=NAME` for another.
pub(crate) fn router(directory: Directory) -> Router {
    Router::new().route("/refresh", post(refresh)).with_state(directory)
}

async fn refresh(
    State(directory): State<Directory>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(Asked { account })) = asked else {
        let failure = Failure::new(
            "bad_request",
            "the only parameter is `account`, once; without it the single account is meant",
        );
        return answer(StatusCode::BAD_REQUEST, "failed", Err(&failure));
    };
    let account = account.map(|name| name.parse::<AccountName>()).transpose();
    let Some(requests) = account.as_ref().ok().and_then(|account| directory.find(account)) else {
        // A name that no account can have is not repeated.
        let failure = unknown(account.ok().flatten().as_ref());
        return answer(StatusCode::NOT_FOUND, "failed", Err(&failure));
    };
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
            let failure = Failure::new("stopping", "this account, or the service, is stopping");
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

fn unknown(account: Option<&AccountName>) -> Failure {
    let message = match account {
        Some(account) => format!(
            "there is no account `{account}`; make the folder {account} in DREMIO_ACCOUNTS_DIR, \
             with the files username and password"
        ),
        None => "there is no account of that name; without DREMIO_USERNAME and DREMIO_PASSWORD \
                 there is none without a name either"
            .to_owned(),
    };
    Failure::new("unknown_account", message)
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
