//! The current token: read from the token file, never cached beyond it, never handed out once it is
//! known to be expired, and replaced with the refresher's help when Dremio rejects it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use service_kit::Clock;
use service_kit::admin::{Condition, Readiness};
use service_kit::lifecycle::Shutdown;
use token_file::{State, Token, TokenId, Watcher};
use tokio::sync::{mpsc, watch};

use super::outcome::Verdict;
use crate::metrics::Metrics;

/// How often the token file is looked at. A rejected token costs its call this much, on average
/// half of it.
const FILE_INTERVAL: Duration = Duration::from_millis(100);

/// How long a call waits for the token that replaces a rejected one. A login takes Dremio 0.1 to 1
/// s.
const REPLACEMENT_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a call waits when there is no token at all: after a laptop slept for a night, the
/// refresher has the next one in a moment.
const FIRST_WAIT_MAX: Duration = Duration::from_secs(2);

/// Limit for one request: the refresher answers when its check is done.
const NUDGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no token to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoToken {
    /// The token file has none; the word is [`token_file::ReadError::reason`].
    #[error("no login token for Dremio ({0}); is token-refresher running, and can it log in?")]
    Unreadable(&'static str),
    /// It has one that is past its end.
    #[error(
        "the login token for Dremio expired at {0}; is token-refresher running, and can it log in?"
    )]
    Expired(Timestamp),
}

impl NoToken {
    fn reason(self) -> &'static str {
        match self {
            Self::Unreadable(reason) => reason,
            Self::Expired(_) => "token_expired",
        }
    }
}

/// Why there is no token that Dremio takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// There was none to send.
    #[error(transparent)]
    None(#[from] NoToken),
    /// Dremio rejected the one that there is, and no other came in time.
    #[error("Dremio rejected the login token, and token-refresher has no other yet")]
    Rejected,
}

/// Hands out the current token. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct TokenSource {
    state: watch::Receiver<Arc<State>>,
    clock: Clock,
    request: mpsc::Sender<RefreshRequest>,
    /// The token that Dremio has rejected and that was not replaced in time.
    refused: watch::Sender<Option<TokenId>>,
    _watcher: Arc<Watcher>,
}

/// Why the refresher is asked to look at its token.
#[derive(Clone, Copy, Debug)]
enum RefreshRequest {
    /// Dremio said no.
    Rejected(TokenId),
    /// The token is past its end, and was not sent.
    Expired(TokenId),
}

/// Asks the refresher to look at its token at once. One request at a time, whatever the number of
/// callers.
pub(crate) struct RefreshRequester {
    requests: mpsc::Receiver<RefreshRequest>,
    state: watch::Receiver<Arc<State>>,
    url: Option<url::Url>,
}

impl TokenSource {
    /// Follows the token file at `path`.
    pub(crate) fn watch(
        path: &Path,
        clock: Clock,
        refresher: Option<url::Url>,
    ) -> (Self, RefreshRequester) {
        let watcher = Watcher::spawn(path.to_owned(), FILE_INTERVAL);
        let (request, requests) = mpsc::channel(1);
        let state = watcher.subscribe();
        let url = refresher.and_then(|base| base.join("refresh").ok());
        let refresh_requester = RefreshRequester { requests, state: watcher.subscribe(), url };
        (
            Self {
                state,
                clock,
                request,
                refused: watch::Sender::new(None),
                _watcher: Arc::new(watcher),
            },
            refresh_requester,
        )
    }

    /// The token to send now.
    ///
    /// # Errors
    /// When the file has none, or one that has expired.
    pub(crate) fn current(&self) -> Result<Token, NoToken> {
        match self.state.borrow().as_ref() {
            Ok(token) if token.is_expired(self.clock.now()) => {
                Err(NoToken::Expired(token.expires_at()))
            }
            Ok(token) => Ok(token.clone()),
            Err(cause) => Err(NoToken::Unreadable(cause.reason())),
        }
    }

    /// Makes `call` with the current token; if Dremio rejects that, gets another and makes it once
    /// more. Dremio rejects before it does anything, so this repeats no effect, and a rotation
    /// is nobody else's business. `heard` is given each answer once, and says what it means for the
    /// token.
    ///
    /// # Errors
    /// When there is no token to send, or none that Dremio takes.
    pub(super) async fn with_token<A, F>(
        &self,
        call: impl Fn(Token) -> F,
        heard: impl Fn(&A) -> Verdict,
    ) -> Result<A, TokenError>
    where
        F: Future<Output = A>,
    {
        let token = self.usable().await?;
        let id = token.id();
        let answer = call(token).await;
        match heard(&answer) {
            Verdict::Accepted => {
                self.accepted();
                return Ok(answer);
            }
            Verdict::Unknown => return Ok(answer),
            Verdict::Rejected => {}
        }
        let token = self.replacement_for(id).await.ok_or(TokenError::Rejected)?;
        let id = token.id();
        let answer = call(token).await;
        if heard(&answer) == Verdict::Rejected {
            self.rejected(id);
            return Err(TokenError::Rejected);
        }
        Ok(answer)
    }

    /// The token to send now, waiting a little if there is none, or only an expired one. Cancel
    /// safe.
    ///
    /// # Errors
    /// When there is still none.
    async fn usable(&self) -> Result<Token, NoToken> {
        let none = match self.current() {
            Ok(token) => return Ok(token),
            Err(none) => none,
        };
        if let Ok(expired) = self.state.borrow().as_ref() {
            self.ask(RefreshRequest::Expired(expired.id()));
        }
        let mut state = self.state.clone();
        let fresh = state.wait_for(|state| {
            state.as_ref().as_ref().is_ok_and(|token| !token.is_expired(self.clock.now()))
        });
        let waited = tokio::time::timeout(FIRST_WAIT_MAX, fresh).await.is_ok();
        if waited { self.current() } else { Err(none) }
    }

    /// Changes of the file.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.state.clone()
    }

    /// Dremio has rejected token `id`, outside of a call that waits for another: the refresher is
    /// told, and readiness falls.
    pub(crate) fn rejected(&self, id: TokenId) {
        self.ask(RefreshRequest::Rejected(id));
        self.refused.send_replace(Some(id));
    }

    /// Dremio has accepted a token, whatever it said before.
    pub(crate) fn accepted(&self) {
        self.refused.send_if_modified(|refused| refused.take().is_some());
    }

    fn ask(&self, request: RefreshRequest) {
        // Full: one is already under way.
        let _under_way = self.request.try_send(request);
    }

    /// The token that replaces the rejected one `id`, waiting a little for it. Cancel safe.
    async fn replacement_for(&self, id: TokenId) -> Option<Token> {
        let other =
            |state: &Arc<State>| state.as_ref().as_ref().is_ok_and(|token| token.id() != id);
        let mut state = self.state.clone();
        if !other(&state.borrow()) {
            self.ask(RefreshRequest::Rejected(id));
        }
        let replaced = tokio::time::timeout(REPLACEMENT_WAIT_MAX, state.wait_for(other))
            .await
            .is_ok_and(|seen| seen.is_ok());
        if !replaced {
            self.refused.send_replace(Some(id));
            return None;
        }
        self.current().ok()
    }

    /// Keeps the `token` condition and the expiry metric true until `shutdown` drains.
    pub(crate) async fn report(
        self,
        readiness: Readiness,
        metrics: Arc<Metrics>,
        shutdown: Shutdown,
    ) {
        let (mut state, mut refused) = (self.state.clone(), self.refused.subscribe());
        // A token also expires without any event.
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            match self.current() {
                Ok(token) if *self.refused.borrow() == Some(token.id()) => {
                    metrics.token_expires(Some(token.expires_at()));
                    let message = format!(
                        "Dremio rejects token {}, and token-refresher has written no other",
                        token.id()
                    );
                    readiness.set("token", Condition::unmet("token_rejected", message));
                }
                Ok(token) => {
                    if last.replace(token.id()) != Some(token.id()) {
                        tracing::info!(
                            token_id = %token.id(),
                            expires_at = %token.expires_at(),
                            "using a new Dremio token",
                        );
                    }
                    metrics.token_expires(Some(token.expires_at()));
                    readiness.set(
                        "token",
                        Condition::met_by(format!(
                            "token {} expires at {}",
                            token.id(),
                            token.expires_at()
                        )),
                    );
                }
                Err(cause) => {
                    metrics.token_expires(None);
                    readiness.set("token", Condition::unmet(cause.reason(), cause.to_string()));
                }
            }
            tokio::select! {
                seen = state.changed() => if seen.is_err() { shutdown.draining().await },
                _ = refused.changed() => {}
                _ = ticks.tick() => {}
                () = shutdown.draining() => {}
            }
            if shutdown.is_draining() {
                return;
            }
        }
    }
}

impl RefreshRequester {
    /// Sends requests until `shutdown` drains.
    pub(crate) async fn run(mut self, http: reqwest::Client, shutdown: Shutdown) {
        loop {
            let request = tokio::select! {
                request = self.requests.recv() => request,
                () = shutdown.draining() => return,
            };
            let Some(request) = request else { return shutdown.draining().await };
            let (RefreshRequest::Rejected(id) | RefreshRequest::Expired(id)) = request;
            let still_current =
                self.state.borrow().as_ref().as_ref().is_ok_and(|token| token.id() == id);
            if !still_current {
                continue;
            }
            match request {
                RefreshRequest::Rejected(_) => {
                    tracing::warn!(
                        target: "audit",
                        event = "token_invalid",
                        token_id = %id,
                        "Dremio rejected the token; asking the refresher for another",
                    );
                }
                RefreshRequest::Expired(_) => {
                    tracing::info!(
                        token_id = %id,
                        "the token has expired; asking the refresher for another",
                    );
                }
            }
            let Some(url) = &self.url else {
                tracing::warn!("REFRESHER_URL is not set: waiting for the refresher's own check");
                continue;
            };
            match http.post(url.clone()).timeout(NUDGE_TIMEOUT).send().await {
                Ok(answer) => tracing::info!(
                    status = answer.status().as_u16(),
                    "the refresher was asked for a new token"
                ),
                Err(cause) => {
                    tracing::warn!(
                        error = %cause.without_url(),
                        "the refresher does not answer (REFRESHER_URL)",
                    );
                }
            }
        }
    }
}
