//! Whether the child lives, and works on its calls.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::{Connection, Waiting};
use crate::egress::Activity;
use crate::engine::CallError;
use crate::methods;

/// How long a child may take to answer a ping before a call is given up as forgotten. A busy child
/// is asked again.
const PING_WAIT_MAX: Duration = Duration::from_secs(5);

impl Connection {
    /// Resolves when the child has neither written a line nor answered a ping for `silence_max`,
    /// because it is stopped or stuck. Cancel safe.
    pub(in crate::engine::official) async fn stuck(&self, silence_max: Duration) {
        loop {
            let heard = self.heard.load(Ordering::Relaxed);
            tokio::time::sleep(silence_max / 2).await;
            if self.heard.load(Ordering::Relaxed) != heard {
                continue;
            }
            self.ping_for(silence_max / 2).await;
            if self.heard.load(Ordering::Relaxed) == heard {
                return;
            }
        }
    }

    /// Asks the child for a sign of life, and waits for so long. The content of the answer does not
    /// matter, only that one comes.
    async fn ping_for(&self, time: Duration) {
        let end = Instant::now() + time;
        if self.is_http() {
            let _answer = tokio::time::timeout_at(end, self.ask(methods::PING, "{}")).await;
        } else {
            // Not `ask`, which waits for a place in the queue.
            let id = self.ids.fetch_add(1, Ordering::Relaxed);
            self.try_send(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{}"}}"#, methods::PING));
        }
        tokio::time::sleep_until(end).await;
    }

    /// Ends the calls that the child has forgotten: for `silence_max` it has been working on none
    /// of them at `egress`, and then it answers a ping. Over HTTP it is known which request is for
    /// which call. Over stdio it is not: no call is ended while the child has any request open or
    /// any of its jobs runs, and only one that was overtaken by a later one. Never resolves.
    pub(in crate::engine::official) async fn end_forgotten(
        &self,
        egress: &Activity,
        silence_max: Duration,
    ) -> Infallible {
        loop {
            tokio::time::sleep(silence_max / 10).await;
            let suspects = self.silent_for(silence_max, egress);
            if suspects.is_empty() {
                continue;
            }
            let ping = tokio::time::timeout(PING_WAIT_MAX, self.ask(methods::PING, "{}")).await;
            if !matches!(ping, Ok(Ok(_))) {
                continue;
            }
            for Suspect { id, activity, quiet_since } in suspects {
                if activity.quiet_since() != Some(quiet_since) {
                    continue;
                }
                let Some(waiting) = self.take(id) else { continue };
                tracing::warn!(
                    id,
                    silence = ?silence_max,
                    "the MCP server process does not answer a call; it is given up",
                );
                self.tell_cancelled(id, "it was not answered");
                let _gone = waiting.answer.send(Err(CallError::Forgotten { silence: silence_max }));
            }
        }
    }

    /// The client calls that have waited for `silence_max` while nothing was seen of them.
    fn silent_for(&self, silence_max: Duration, egress: &Activity) -> Vec<Suspect> {
        let answered = self.answered.load(Ordering::Relaxed);
        let pending = self.pending.lock();
        let suspect = |(id, waiting): (&u64, &Waiting)| {
            let is_overtaken = waiting.activity.is_some() || *id < answered;
            let is_old = waiting.since.elapsed() >= silence_max;
            if waiting.context.is_none() || !is_overtaken || !is_old {
                return None;
            }
            let activity = waiting.activity.as_ref().unwrap_or(egress).clone();
            let quiet_since =
                activity.quiet_since().filter(|since| since.elapsed() >= silence_max)?;
            Some(Suspect { id: *id, activity, quiet_since })
        };
        pending.iter().flatten().filter_map(suspect).collect()
    }
}

/// A call that may have been forgotten.
struct Suspect {
    id: u64,
    activity: Activity,
    quiet_since: Instant,
}
