//! Tells a client that asked for it how far its call is.

use std::fmt::Display;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use crate::budget::{Charge, Kind};
use crate::engine::CallContext;
use crate::engine::fair_queue::Permit;
use crate::methods;
use crate::policy::Identity;
use crate::principal::Principal;
use crate::rpc::string_literal;

/// How often a call reports. Also how long it is silent at first: an answer that comes sooner can
/// go out as plain JSON, without a stream.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

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
    pub(in crate::engine) fn new(context: &'c CallContext, token: Option<&'c str>) -> Self {
        let started = Instant::now();
        let holds = Holds::default();
        Self { context, holds, token, started, next: started + REPORT_INTERVAL }
    }

    /// Whose call it is, and what they may do.
    pub(in crate::engine) fn caller(&self) -> &'c Arc<Identity> {
        &self.context.caller().identity
    }

    /// To whom the call belongs.
    pub(in crate::engine) fn principal(&self) -> &'c Principal {
        self.context.caller().principal()
    }

    /// The answer is about the job of this handle, from this row on.
    pub(in crate::engine) fn set_shown(&self, handle: &str, offset: u64) {
        self.context.set_shown(handle, offset);
    }

    /// The call holds this from now on.
    pub(in crate::engine) fn hold(&mut self, holds: Holds) {
        self.holds = holds;
    }

    /// What the call holds.
    pub(in crate::engine) fn holds(&self) -> Holds {
        self.holds.clone()
    }

    /// How long the call has run, in whole seconds.
    pub(in crate::engine) fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// Room for `bytes` that come from Dremio, waiting for it. Cancel safe.
    pub(in crate::engine) async fn room(&mut self, bytes: usize) -> Result<Charge, Failure> {
        let context = self.context;
        let room = self.during("WAITING_FOR_ROOM", context.take(Kind::Pages, bytes)).await;
        room.map_err(|cause| Failure::new(cause.to_string(), "Ask for less."))
    }

    /// Waits for `work`, and reports meanwhile that the call is busy with `doing`.
    pub(in crate::engine) async fn during<W: Future>(
        &mut self,
        doing: impl Display,
        work: W,
    ) -> W::Output {
        let mut work = pin!(work);
        if self.token.is_none() {
            return work.await;
        }
        loop {
            tokio::select! {
                biased;
                outcome = &mut work => return outcome,
                () = tokio::time::sleep_until(self.next) => self.report(&doing),
            }
        }
    }

    /// Its number is the seconds since the call's start, because nobody knows how much there is to
    /// do.
    fn report(&mut self, doing: &impl Display) {
        let Some(token) = self.token else { return };
        self.next = Instant::now() + REPORT_INTERVAL;
        let seconds = self.seconds();
        let message = string_literal(&format!("{doing} ({seconds} s)"));
        let params =
            format!(r#"{{"progressToken":{token},"progress":{seconds},"message":{message}}}"#);
        let method = methods::PROGRESS;
        self.context
            .notify(format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::{CallContext, Progress};

    #[tokio::test(start_paused = true)]
    async fn reports_are_rare_and_their_number_grows() {
        let (context, mut sent) = CallContext::anyones();
        let mut progress = Progress::new(&context, Some("\"p\\\"1\""));
        for _ in 0..5 {
            progress.during("QUEUED", sleep(Duration::from_millis(100))).await;
        }
        progress.during("RUNNING \"q\"", sleep(Duration::from_millis(2000))).await;
        assert_eq!(
            sent.try_recv().unwrap().into_text(),
            concat!(
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":"#,
                r#"{"progressToken":"p\"1","progress":1,"message":"RUNNING \"q\" (1 s)"}}"#
            )
        );
        assert!(sent.try_recv().unwrap().into_text().contains(r#""progress":2,"#));
        assert!(sent.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_without_a_token_gets_none() {
        let (context, mut sent) = CallContext::anyones();
        let mut progress = Progress::new(&context, None);
        progress.during("RUNNING", sleep(Duration::from_secs(60))).await;
        assert!(sent.try_recv().is_err());
    }
}
