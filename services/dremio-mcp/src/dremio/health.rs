//! Whether Dremio is reachable: learnt from the calls that are made anyway, and from a probe when
//! there are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dremio_client::{DremioClient, Error, ErrorClass};
use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;
use token_file::TokenId;
use tokio::time::Instant;

use super::outcome::{Outcome, Verdict};
use super::token::FILE_INTERVAL;
use super::{TokenSource, Tokens};
use crate::conditions::{ConditionName, Readiness};
use crate::metrics::Metrics;

/// Interval between two probes. A probe is one cheap call; the interval limits how long `/readyz`
/// may be wrong on an idle gateway.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// How long the probe waits. It asks for almost nothing, so a Dremio that does not answer in time
/// is unusable.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call waits for a Dremio that does not answer the probe. Clients give up after 60 s,
/// and one tool may make several calls.
pub(crate) const AWAY_TIMEOUT: Duration = Duration::from_secs(5);

/// The `dremio` condition, and the count of requests.
#[derive(Clone, Debug)]
pub(crate) struct DremioHealth {
    readiness: Readiness,
    metrics: Arc<Metrics>,
    tls_verify: bool,
    /// Whether the last probe had no answer, and no call has had one since.
    is_away: Arc<AtomicBool>,
}

impl DremioHealth {
    pub(crate) fn new(readiness: Readiness, metrics: Arc<Metrics>, tls_verify: bool) -> Self {
        Self { readiness, metrics, tls_verify, is_away: Arc::default() }
    }

    /// A call has ended: counts it, and returns the verdict on its token. Only a missing answer
    /// means that Dremio is not reachable.
    pub(super) fn heard(&self, outcome: Outcome<'_>) -> Verdict {
        self.metrics.dremio_request(outcome.word());
        match outcome {
            Outcome::Failed(error) if is_no_dremio(error) => {
                let condition = Condition::unmet(error.class().as_str(), error.to_string());
                self.readiness.set(ConditionName::Dremio, condition);
            }
            _ => self.is_there(),
        }
        outcome.verdict()
    }

    /// How long a quick call may take: `usual`, or less while the probe gets no answer.
    pub(crate) fn patience(&self, usual: Duration) -> Duration {
        if self.is_away() { usual.min(AWAY_TIMEOUT) } else { usual }
    }

    /// Whether the probe gets no answer.
    pub(crate) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    fn is_there(&self) {
        self.is_away.store(false, Ordering::Relaxed);
        let condition = if self.tls_verify {
            Condition::met()
        } else {
            Condition::met_with_warning(
                "tls_not_verified",
                "DREMIO_TLS_VERIFY=false: Dremio's certificate is not checked",
            )
        };
        self.readiness.set(ConditionName::Dremio, condition);
    }

    /// Probes until `shutdown` drains.
    pub(crate) async fn probe(self, client: DremioClient, tokens: Tokens, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(FILE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last: Option<(TokenId, Instant)> = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.draining() => return,
            }
            let sources = tokens.to_probe();
            let Some(Ok(token)) = sources.first().map(TokenSource::current) else { continue };
            // A first or a new token is checked at once.
            let is_due =
                last.is_none_or(|(id, at)| id != token.id() || at.elapsed() >= PROBE_INTERVAL);
            if is_due {
                for source in &sources {
                    self.look(&client, source).await;
                }
                last = Some((token.id(), Instant::now()));
            }
        }
    }

    async fn look(&self, client: &DremioClient, tokens: &TokenSource) {
        let Ok(token) = tokens.current() else { return };
        let answer = client.within(PROBE_TIMEOUT).probe(token.secret()).await;
        match self.heard(Outcome::of(&answer)) {
            Verdict::Accepted => tokens.accepted(),
            Verdict::Rejected => tokens.rejected(token.id()),
            Verdict::Unknown => {}
        }
        if let Err(cause) = &answer {
            self.is_away.store(is_silence(cause), Ordering::Relaxed);
        }
    }
}

/// Whether the server that was called is not Dremio, or not a working one.
fn is_no_dremio(error: &Error) -> bool {
    matches!(
        error.class(),
        ErrorClass::Unreachable
            | ErrorClass::Interrupted
            | ErrorClass::Timeout
            | ErrorClass::Tls
            | ErrorClass::NotDremioApi
            | ErrorClass::NoUserYet
    )
}

/// Whether there was no answer at all.
fn is_silence(error: &Error) -> bool {
    matches!(error.class(), ErrorClass::Unreachable | ErrorClass::Interrupted | ErrorClass::Timeout)
}

#[cfg(test)]
mod tests {
    use dremio_client::{ConnectConfig, Transport};
    use dremio_sandbox::{Sandbox, SandboxConfig};
    use prometheus_client::registry::Registry;
    use service_kit::Clock;
    use token_file::{Token, Writer};

    use super::*;

    #[tokio::test]
    async fn calls_get_less_time_while_the_probe_fails() {
        const USUAL: Duration = Duration::from_secs(30);
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let client = DremioClient::new(
            Transport::connect(&ConnectConfig::new(sandbox.uri().parse().unwrap())).unwrap(),
        );
        let login = client.login("dremio", &"dremio123".into()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        Writer::open(path.clone())
            .unwrap()
            .write(&Token::new(login.token, login.expires_at))
            .unwrap();
        let (tokens, _requester) = TokenSource::watch(&path, Clock::system(), None);
        let mut seen = tokens.subscribe();
        seen.wait_for(|state| state.is_ok()).await.unwrap();
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        let health = DremioHealth::new(Readiness::new(&[ConditionName::Dremio]), metrics, true);

        assert_eq!(health.patience(USUAL), USUAL, "nothing is known yet");
        let slow = Error::Timeout { operation: "a long one", limit: USUAL };
        health.heard(Outcome::Failed(&slow));
        assert_eq!(health.patience(USUAL), USUAL, "one slow call says nothing of the next");
        sandbox.control().set_refusing(true);
        health.look(&client, &tokens).await;
        assert_eq!(health.patience(USUAL), AWAY_TIMEOUT);
        assert_eq!(health.patience(Duration::from_secs(1)), Duration::from_secs(1));
        health.heard(Outcome::Done);
        assert_eq!(health.patience(USUAL), USUAL, "any answer will do");
        health.look(&client, &tokens).await;
        assert_eq!(health.patience(USUAL), AWAY_TIMEOUT);
        sandbox.control().set_refusing(false);
        health.look(&client, &tokens).await;
        assert_eq!(health.patience(USUAL), USUAL);
    }
}
