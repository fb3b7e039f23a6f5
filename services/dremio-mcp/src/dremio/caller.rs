//! The one way in which agents' calls reach Dremio, whichever engine they come from: with the
//! current token, once more with another if Dremio rejects it, and with less patience while Dremio
//! is known to be away. How each call ended is reported once, here.

use std::time::Duration;

use dremio_client::{DremioClient, Error, ErrorClass, Transport};
use token_file::{AccountName, Token};

use super::outcome::Outcome;
use super::{DremioHealth, TokenError, TokenSource, Tokens};
use crate::audit::CallAudit;
use crate::telemetry;

/// How often a call that only reads is made before its failure counts. Dremio itself asks to
/// "please retry" (contract §4.2), and one lost connection should not cost the result of a long
/// query.
const READ_ATTEMPTS_MAX: u32 = 3;

/// Pause before the second attempt; the next one is twice as long. Without jitter: two repetitions
/// of one call are no herd.
const READ_PAUSE_FIRST: Duration = Duration::from_millis(250);

/// Why there is no answer of Dremio's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DremioError {
    /// There is no token to send, or none that Dremio takes.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The call failed.
    #[error(transparent)]
    Dremio(#[from] Error),
}

impl DremioError {
    /// A stable word for the kind of failure.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Token(_) => "no_token",
            Self::Dremio(cause) => cause.class().as_str(),
        }
    }
}

/// Dremio, as whoever has the current token sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct DremioCaller {
    client: DremioClient,
    tokens: TokenSource,
    /// Those of other accounts.
    accounts: Option<Tokens>,
    health: DremioHealth,
}

impl DremioCaller {
    pub(crate) fn new(client: DremioClient, tokens: TokenSource, health: DremioHealth) -> Self {
        Self { client, tokens, accounts: None, health }
    }

    /// The same, for callers with accounts of their own too.
    pub(crate) fn with_accounts(self, accounts: Tokens) -> Self {
        Self { accounts: Some(accounts), ..self }
    }

    /// Dremio as the user of this account sees it; the single one's, if it is none.
    pub(crate) fn of(&self, account: Option<&AccountName>) -> Self {
        match (account, &self.accounts) {
            (Some(_), Some(accounts)) => Self { tokens: accounts.of(account), ..self.clone() },
            _ => self.clone(),
        }
    }

    /// The connections, for what is passed on as it came.
    pub(crate) fn transport(&self) -> &Transport {
        self.client.transport()
    }

    /// Whether there is a token to send. Waits a little for one, as every call does.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn check_token(&self) -> Result<(), DremioError> {
        self.tokens.check().await.map_err(|none| TokenError::from(none).into())
    }

    /// Makes one call. `call` gets copies and not references, because a future that borrows its
    /// arguments cannot be shown to be `Send` for every lifetime.
    ///
    /// # Errors
    /// When there is no token to send, or the call fails.
    pub(crate) async fn ask<T, F>(
        &self,
        call: impl Fn(DremioClient, Token) -> F,
    ) -> Result<T, DremioError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let send = |token, patience| call(self.client.within(patience), token);
        self.call(send, |answer| Outcome::of(answer)).await
    }

    /// Makes one call that changes nothing, and repeats it a little while it fails in passing. Not
    /// after a timeout: that has already taken as long as a caller should wait.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub(crate) async fn read<T, F>(
        &self,
        call: impl Fn(DremioClient, Token) -> F,
    ) -> Result<T, DremioError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pause = READ_PAUSE_FIRST;
        for _ in 1..READ_ATTEMPTS_MAX {
            match self.ask(&call).await {
                Err(DremioError::Dremio(cause))
                    if cause.is_transient() && cause.class() != ErrorClass::Timeout => {}
                answer => return answer,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.ask(call).await
    }

    /// Makes one call whose answer is passed on as it came. `send` gets the token, and how long a
    /// quick answer may take.
    ///
    /// # Errors
    /// When there is no token to send, or no answer. Any status but 401 is an answer here.
    pub(crate) async fn pass_on<F>(
        &self,
        send: impl Fn(Token, Duration) -> F,
    ) -> Result<reqwest::Response, DremioError>
    where
        F: Future<Output = Result<reqwest::Response, Error>>,
    {
        self.call(send, |answer| Outcome::of_passed_on(answer)).await
    }

    async fn call<A, F>(
        &self,
        send: impl Fn(Token, Duration) -> F,
        outcome: impl Fn(&Result<A, Error>) -> Outcome<'_>,
    ) -> Result<A, DremioError>
    where
        F: Future<Output = Result<A, Error>>,
    {
        let _waiting = CallAudit::at_dremio();
        let span = telemetry::part("dremio request");
        let usual = self.transport().request_timeout();
        let send = |token| send(token, self.health.patience(usual));
        let answer = self.tokens.with_token(send, |answer| self.health.heard(outcome(answer)));
        let answer = answer.await.map_err(DremioError::from);
        let failure = match &answer {
            Ok(answer) => outcome(answer).error(),
            Err(cause) => Some(cause.class()),
        };
        if let Some(failure) = failure {
            span.failed(failure);
        }
        Ok(answer??)
    }
}
