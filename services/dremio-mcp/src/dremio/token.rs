//! The current token of an account: read from its token file, never cached beyond it, never handed
//! out once it is known to be expired, and replaced with the refresher's help when Dremio rejects
//! it.

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use service_kit::Clock;
use service_kit::admin::Condition;
use token_file::{AccountName, State, Token, TokenId, Watchers};
use tokio::sync::{mpsc, watch};

use super::outcome::Verdict;
use super::refresh_requests::{AccountRequests, RefreshRequest, refresh_url};

/// How often the token file is looked at. A rejected token costs its call this much, on average
/// half of it.
pub(super) const FILE_INTERVAL: Duration = Duration::from_millis(100);

/// How long a call waits for the token that replaces a rejected one. A login takes Dremio 0.1 to 1
/// s.
const REPLACEMENT_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a call waits when there is no token at all: after a laptop slept for a night, the
/// refresher has the next one in a moment.
const FIRST_WAIT_MAX: Duration = Duration::from_secs(2);

/// Whose token it is, in a sentence: nothing, or the account's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose(Option<AccountName>);

impl Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |account| write!(f, " of account `{account}`"))
    }
}

/// Why there is no token to send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoToken {
    /// The token file has none; the word is [`token_file::ReadError::reason`].
    #[error("no login token{0} for Dremio ({1}); is token-refresher running, and can it log in?")]
    Unreadable(Whose, &'static str),
    /// It has one that is past its end.
    #[error(
        "the login token{0} for Dremio expired at {1}; is token-refresher running, and can it log \
         in?"
    )]
    Expired(Whose, Timestamp),
}

impl NoToken {
    fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_, reason) => reason,
            Self::Expired(..) => "token_expired",
        }
    }
}

/// Why there is no token that Dremio takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// There was none to send.
    #[error(transparent)]
    None(#[from] NoToken),
    /// Dremio rejected the one that there is, and no other came in time.
    #[error("Dremio rejected the login token{0}, and token-refresher has no other yet")]
    Rejected(Whose),
}

/// Hands out the current token of one account. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct TokenSource {
    account: Option<AccountName>,
    state: watch::Receiver<Arc<State>>,
    clock: Clock,
    request: mpsc::Sender<RefreshRequest>,
    /// The token that Dremio has rejected and that was not replaced in time.
    refused: watch::Sender<Option<TokenId>>,
    /// Their thread reads the file.
    _watchers: Watchers,
}

impl TokenSource {
    /// Follows the token file of `account`, where `token_file` is that of the single account. The
    /// second value asks `refresher` for another token when that is needed.
    pub(super) fn follow(
        account: Option<AccountName>,
        token_file: &Path,
        watchers: &Watchers,
        clock: Clock,
        refresher: Option<&url::Url>,
    ) -> (Self, AccountRequests) {
        let path = account
            .as_ref()
            .map_or_else(|| token_file.to_owned(), |account| account.token_file(token_file));
        let state = watchers.watch(path);
        let (request, requests) = mpsc::channel(1);
        let url = refresher.and_then(|base| refresh_url(base, account.as_ref()));
        let requests =
            AccountRequests { account: account.clone(), requests, state: state.clone(), url };
        let refused = watch::Sender::new(None);
        (Self { account, state, clock, request, refused, _watchers: watchers.clone() }, requests)
    }

    /// Follows the token file of the single account, with a thread of its own.
    #[cfg(test)]
    pub(crate) fn watch(
        path: &Path,
        clock: Clock,
        refresher: Option<url::Url>,
    ) -> (Self, AccountRequests) {
        TokenSource::follow(None, path, &Watchers::spawn(FILE_INTERVAL), clock, refresher.as_ref())
    }

    fn whose(&self) -> Whose {
        Whose(self.account.clone())
    }

    /// The token to send now.
    ///
    /// # Errors
    /// When the file has none, or one that has expired.
    pub(crate) fn current(&self) -> Result<Token, NoToken> {
        match self.state.borrow().as_ref() {
            Ok(token) if token.is_expired(self.clock.now()) => {
                Err(NoToken::Expired(self.whose(), token.expires_at()))
            }
            Ok(token) => Ok(token.clone()),
            Err(cause) => Err(NoToken::Unreadable(self.whose(), cause.reason())),
        }
    }

    /// Makes `call` with the current token; if Dremio rejects that, gets another and makes it once
    /// more. Dremio rejects before it does anything, so this repeats no effect, and no caller
    /// notices a rotation. `heard` is given each answer once, and says what it means for the token.
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
        let token =
            self.replacement_for(id).await.ok_or_else(|| TokenError::Rejected(self.whose()))?;
        let id = token.id();
        let answer = call(token).await;
        if heard(&answer) == Verdict::Rejected {
            self.rejected(id);
            return Err(TokenError::Rejected(self.whose()));
        }
        Ok(answer)
    }

    /// Whether there is a token to send, waiting a little if there is none. Cancel safe.
    ///
    /// # Errors
    /// When there is still none.
    pub(super) async fn check(&self) -> Result<(), NoToken> {
        self.usable().await.map(drop)
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

    /// Whether Dremio has rejected the token that is there.
    pub(super) fn is_refused(&self) -> bool {
        self.current().is_ok_and(|token| self.has_refused(&token))
    }

    fn has_refused(&self, token: &Token) -> bool {
        *self.refused.borrow() == Some(token.id())
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

    /// The token that is there, if it is one to send, and what there is to say about that.
    pub(crate) fn condition(&self) -> (Option<Token>, Condition) {
        match self.current() {
            Ok(token) if self.has_refused(&token) => {
                let message = format!(
                    "Dremio rejects token {}, and token-refresher has written no other",
                    token.id()
                );
                (Some(token), Condition::unmet("token_rejected", message))
            }
            Ok(token) => {
                let message = format!("token {} expires at {}", token.id(), token.expires_at());
                (Some(token), Condition::met_by(message))
            }
            Err(cause) => (None, Condition::unmet(cause.reason(), cause.to_string())),
        }
    }
}
