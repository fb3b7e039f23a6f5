//! Calls to Dremio with the current token. What each says about Dremio's health is reported.

use std::time::Duration;

use dremio_client::{DremioClient, Error, ErrorClass};
use token_file::Token;
use tokio_util::task::TaskTracker;

use crate::dremio::{DremioHealth, TokenError, TokenSource, Verdict};

/// How often a call that only reads is made before its failure counts. Dremio itself asks to
/// "please retry" (contract §4.2), and one lost connection should not cost the result of a long
/// query.
const READ_ATTEMPTS_MAX: u32 = 3;

/// Pause before the second attempt; the next one is twice as long. Without jitter: two repetitions
/// of one call are no herd.
const READ_PAUSE_FIRST: Duration = Duration::from_millis(250);

/// Why there is no answer of Dremio's.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Dremio(#[from] Error),
}

/// Dremio, as whoever has the current token sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Dremio {
    client: DremioClient,
    tokens: TokenSource,
    health: DremioHealth,
    background: TaskTracker,
}

impl Dremio {
    pub(super) fn new(client: DremioClient, tokens: TokenSource, health: DremioHealth) -> Self {
        Self { client, tokens, health, background: TaskTracker::new() }
    }

    /// The calls that no caller waits for.
    pub(super) fn background(&self) -> &TaskTracker {
        &self.background
    }

    /// Makes one call, and once more with another token if Dremio rejects the first. `call` gets
    /// copies and not references, because a future that borrows its arguments cannot be shown
    /// to be `Send` for every lifetime.
    ///
    /// # Errors
    /// When there is no token to send, or the call fails.
    pub(super) async fn ask<T, F>(
        &self,
        call: impl Fn(DremioClient, Token) -> F,
    ) -> Result<T, AskError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let patience = self.health.patience(self.client.transport().request_timeout());
        let observed =
            |token| async { self.observed(call(self.client.within(patience), token).await) };
        Ok(self.tokens.with_token(observed, verdict).await??)
    }

    /// Makes one call that changes nothing, and repeats it a little while it fails in passing. Not
    /// after a timeout: that has already taken as long as a caller should wait.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub(super) async fn read<T, F>(
        &self,
        call: impl Fn(DremioClient, Token) -> F,
    ) -> Result<T, AskError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pause = READ_PAUSE_FIRST;
        for _ in 1..READ_ATTEMPTS_MAX {
            match self.ask(&call).await {
                Err(AskError::Dremio(cause))
                    if cause.is_transient() && cause.class() != ErrorClass::Timeout => {}
                answer => return answer,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.ask(call).await
    }

    fn observed<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        match &answer {
            Ok(_) => self.health.answered("ok"),
            Err(cause) => self.health.failed(cause),
        }
        answer
    }
}

fn verdict<T>(answer: &Result<T, Error>) -> Verdict {
    match answer {
        Ok(_) => Verdict::Accepted,
        Err(cause) if cause.class() == ErrorClass::RejectedCredentials => Verdict::Rejected,
        Err(_) => Verdict::Unknown,
    }
}
