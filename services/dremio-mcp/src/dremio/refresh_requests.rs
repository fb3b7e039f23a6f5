//! Asks the refresher to look at a token at once: for each account one request at a time, whatever
//! the number of callers, and none waits for another account's.

use std::sync::Arc;
use std::time::Duration;

use service_kit::lifecycle::Shutdown;
use token_file::{AccountName, State, TokenId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Limit for one request: the refresher answers when its check is done.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the refresher is asked to look at its token.
#[derive(Clone, Copy, Debug)]
pub(super) enum RefreshRequest {
    /// Dremio said no.
    Rejected(TokenId),
    /// The token is past its end, and was not sent.
    Expired(TokenId),
}

/// Asks for one account, as long as its token source is there.
#[derive(Debug)]
pub(crate) struct AccountRequests {
    pub(super) account: Option<AccountName>,
    pub(super) requests: mpsc::Receiver<RefreshRequest>,
    pub(super) state: watch::Receiver<Arc<State>>,
    /// `POST /refresh` of the refresher, with the account's name.
    pub(super) url: Option<url::Url>,
}

/// Asks for all accounts.
pub(crate) struct RefreshRequester {
    pub(super) accounts: mpsc::UnboundedReceiver<AccountRequests>,
}

impl RefreshRequester {
    /// Sends requests until `shutdown` drains.
    pub(crate) async fn run(mut self, http: reqwest::Client, shutdown: Shutdown) {
        let mut accounts = JoinSet::new();
        loop {
            tokio::select! {
                Some(account) = self.accounts.recv() => {
                    accounts.spawn(account.run(http.clone()));
                }
                Some(_ended) = accounts.join_next() => {}
                () = shutdown.draining() => return,
            }
        }
    }
}

/// The refresher's endpoint for this account.
pub(super) fn refresh_url(refresher: &url::Url, account: Option<&AccountName>) -> Option<url::Url> {
    let mut url = refresher.join("refresh").ok()?;
    if let Some(account) = account {
        url.query_pairs_mut().append_pair("account", account.as_str());
    }
    Some(url)
}

impl AccountRequests {
    async fn run(mut self, http: reqwest::Client) {
        while let Some(request) = self.requests.recv().await {
            let (RefreshRequest::Rejected(id) | RefreshRequest::Expired(id)) = request;
            let still_current =
                self.state.borrow().as_ref().as_ref().is_ok_and(|token| token.id() == id);
            if still_current {
                self.send(request, &http).await;
            }
        }
    }

    async fn send(&self, request: RefreshRequest, http: &reqwest::Client) {
        let account = self.account.as_ref().map(AccountName::as_str);
        match request {
            RefreshRequest::Rejected(id) => {
                tracing::warn!(
                    target: "audit",
                    event = "token_invalid",
                    account,
                    token_id = %id,
                    "Dremio rejected the token; asking the refresher for another",
                );
            }
            RefreshRequest::Expired(id) => {
                tracing::info!(
                    account,
                    token_id = %id,
                    "the token has expired; asking the refresher for another",
                );
            }
        }
        let Some(url) = &self.url else {
            tracing::warn!("REFRESHER_URL is not set: waiting for the refresher's own check");
            return;
        };
        match http.post(url.clone()).timeout(REQUEST_TIMEOUT).send().await {
            Ok(answer) => tracing::info!(
                account,
                status = answer.status().as_u16(),
                "the refresher was asked for a new token"
            ),
            Err(cause) => {
                tracing::warn!(
                    account,
                    error = %cause.without_url(),
                    "the refresher does not answer (REFRESHER_URL)",
                );
            }
        }
    }
}
