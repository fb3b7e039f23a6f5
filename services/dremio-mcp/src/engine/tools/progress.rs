//! Tells a client that asked for it how far its call is.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use crate::budget::{Charge, Kind};
use crate::engine::CallContext;
use crate::engine::fair_queue::Permit;
use crate::methods;
use crate::rpc::string_literal;

/// How often a call reports. Also how long it is silent at first: an answer that comes sooner can
/// go out as plain JSON, without a stream.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// What a call holds: the room of its request, and its place. What goes on when the call is given
/// up holds them, too.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Holds {
    pub(in crate::engine) _room: Option<Arc<Charge>>,
    pub(in crate::engine) _permit: Option<Arc<Permit>>,
}

/// The progress of one call.
#[derive(Debug)]
pub(in crate::engine) struct Progress<'c> {
    context: &'c CallContext,
    holds: Holds,
    /// The client's own token, raw. Without one it wants no reports.
    token: Option<&'c str>,
    started: Instant,
    next: Instant,
}

impl<'c> Progress<'c> {
    /// Progress of a call that starts now.
    pub(in crate::engine) fn new(
        context: &'c CallContext,
        token: Option<&'c str>,
        holds: Holds,
    ) -> Self {
        let started = Instant::now();
        Self { context, holds, token, started, next: started + REPORT_INTERVAL }
    }

    /// What the call holds.
    pub(in crate::engine) fn holds(&self) -> Holds {
        self.holds.clone()
    }

    /// Room for `bytes` that come from Dremio, waiting for it. Cancel safe.
    pub(in crate::engine) async fn room(&self, bytes: usize) -> Result<Charge, Failure> {
        self.context
            .take(Kind::Pages, bytes)
            .await
            .map_err(|cause| Failure::new(cause.to_string(), "Ask for less."))
    }

    /// Reports that the call is busy with `what`, if a report is due. Its number is the seconds
    /// since the call's start, because nobody knows how much there is to do.
    pub(in crate::engine) fn report(&mut self, what: &str) {
        let now = Instant::now();
        let Some(token) = self.token.filter(|_| now >= self.next) else { return };
        self.next = now + REPORT_INTERVAL;
        let seconds = now.duration_since(self.started).as_secs();
        let message = string_literal(&format!("{what} ({seconds} s)"));
        self.context.notify(format!(
            r#"{{"jsonrpc":"2.0","method":"{}","params":{{"progressToken":{token},"progress":{seconds},"message":{message}}}}}"#,
            methods::PROGRESS
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CallContext, Holds, Progress};

    #[tokio::test(start_paused = true)]
    async fn reports_are_rare_and_their_number_grows() {
        let (context, mut sent) = CallContext::anyones();
        let mut progress = Progress::new(&context, Some("\"p\\\"1\""), Holds::default());
        for _ in 0..50 {
            progress.report("RUNNING \"q\"");
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(
            sent.try_recv().unwrap().into_text(),
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p\"1","progress":2,"message":"RUNNING \"q\" (2 s)"}}"#
        );
        assert!(sent.try_recv().unwrap().into_text().contains(r#""progress":4,"#));
        assert!(sent.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_without_a_token_gets_none() {
        let (context, mut sent) = CallContext::anyones();
        let mut progress = Progress::new(&context, None, Holds::default());
        tokio::time::advance(Duration::from_secs(60)).await;
        progress.report("RUNNING");
        assert!(sent.try_recv().is_err());
    }
}
