//! Whether Dremio is there: learnt from the calls that are made anyway, and from a probe when there are none.

use std::sync::Arc;
use std::time::Duration;

use dremio_client::{DremioClient, Error, ErrorClass};
use service_kit::admin::{Condition, Readiness};
use service_kit::lifecycle::Shutdown;

use super::TokenSource;
use crate::metrics::Metrics;

/// How often Dremio is asked. A probe is one cheap call; the interval bounds how long `/readyz` may be wrong on an idle gateway.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// The `dremio` condition, and the count of requests.
#[derive(Clone, Debug)]
pub(crate) struct DremioHealth {
    readiness: Readiness,
    metrics: Arc<Metrics>,
    tls_verify: bool,
}

impl DremioHealth {
    pub(crate) fn new(readiness: Readiness, metrics: Arc<Metrics>, tls_verify: bool) -> Self {
        Self { readiness, metrics, tls_verify }
    }

    /// Dremio answered; `outcome` is how, for the metrics.
    pub(crate) fn answered(&self, outcome: &'static str) {
        self.metrics.dremio_request(outcome);
        self.is_there();
    }

    fn is_there(&self) {
        let condition = if self.tls_verify {
            Condition::met()
        } else {
            Condition::met_with_warning("tls_not_verified", "DREMIO_TLS_VERIFY=false: Dremio's certificate is not checked")
        };
        self.readiness.set("dremio", condition);
    }

    /// A call to Dremio failed. Only failures to get an answer at all say something about Dremio.
    pub(crate) fn failed(&self, error: &Error) {
        self.metrics.dremio_request(error.class().as_str());
        match error.class() {
            ErrorClass::Unreachable | ErrorClass::Interrupted | ErrorClass::Timeout | ErrorClass::Tls | ErrorClass::NotDremioApi => {
                self.readiness.set("dremio", Condition::unmet(error.class().as_str(), error.to_string()));
            }
            ErrorClass::NoUserYet => self.readiness.set("dremio", Condition::unmet(error.class().as_str(), error.to_string())),
            _ => self.is_there(),
        }
    }

    /// Probes until `shutdown` drains.
    pub(crate) async fn probe(self, client: DremioClient, tokens: TokenSource, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(PROBE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut changed = tokens.subscribe();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                // A first or a new token is worth a look at once.
                seen = changed.changed() => if seen.is_err() { shutdown.draining().await },
                () = shutdown.draining() => return,
            }
            let Ok(token) = tokens.current() else { continue };
            match client.probe(token.secret()).await {
                Ok(()) => {
                    self.answered("ok");
                    tokens.accepted();
                }
                Err(error) => {
                    self.failed(&error);
                    if error.class() == ErrorClass::RejectedCredentials {
                        tokens.rejected(token.id());
                    }
                }
            }
        }
    }
}
