//! Sees to it that there is a gateway key. It is one for all accounts, and tokens do not depend on
//! it, so a failure is only reported, and retried later.

use parking_lot::Mutex;
use token_file::gateway_key::Ensured;

use crate::metrics::Metrics;
use crate::volume::Volume;

/// Makes the gateway key when it is missing; asked with every check of a token.
pub(crate) struct KeyKeeper {
    volume: Volume,
    metrics: Metrics,
    /// The current failure.
    failure: Mutex<Option<&'static str>>,
}

impl KeyKeeper {
    pub(crate) fn new(volume: Volume, metrics: Metrics) -> Self {
        Self { volume, metrics, failure: Mutex::new(None) }
    }

    /// Creates the gateway key if there is none.
    pub(crate) async fn see_to_it(&self) {
        let failure = match self.volume.ensure_key().await {
            Ok(Ensured::Present) => None,
            Ok(Ensured::Made) => {
                tracing::info!(
                    "made a new gateway key: session ids that were signed with another are not \
                     known any more"
                );
                None
            }
            Err(cause) => Some(cause.failure()),
        };
        let reason = failure.as_ref().map(|failure| failure.reason);
        let before = std::mem::replace(&mut *self.failure.lock(), reason);
        if let Some(failure) = failure {
            self.metrics.failed("key", failure.reason);
            if before != reason {
                tracing::warn!(
                    reason = failure.reason,
                    error = failure.message,
                    "there is no usable gateway key; sessions of clients end with their gateway"
                );
            }
        }
    }
}
