//! Which call of which client a query of the child belongs to. Over stdio the child does not say:
//! so the gateway puts a mark behind the query of a call, a comment with 128 random bits, and the
//! egress proxy takes it off before anybody reads the statement.
//!
//! A mark is good while its call lasts, and only at the very end of a statement. Clients never see
//! one, and what they write themselves to look like it is a comment as any other.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use dremio_client::JobId;
use parking_lot::Mutex;

use crate::dremio::HeldJob;
use crate::guard::Refusal;
use crate::principal::Principal;
use crate::random::hex_128;

/// What stands around the random part. On a line of its own, so that it is a comment whatever the
/// query ends with.
const START: &str = "\n/*dremio-mcp:call=";
const END: &str = "*/";

/// The calls whose queries can be told apart. Cheap to clone; all clones are of one egress proxy.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    open: Arc<Mutex<HashMap<String, Arc<Followed>>>>,
}

/// A call whose query can be told from others until this is dropped. That cancels its job, if the
/// gateway waits for it.
#[derive(Debug)]
pub(crate) struct FollowedCall {
    calls: Calls,
    mark: String,
    followed: Arc<Followed>,
}

/// A call as the egress proxy has it.
pub(super) struct Followed {
    principal: Principal,
    waits: Waits,
    state: Mutex<State>,
}

/// What is known of the query of a call.
enum State {
    /// The child has not submitted it yet.
    Awaited,
    /// The guard has refused it.
    Refused(Refusal),
    /// Its job, for the gateway.
    OfGateway(Box<HeldJob>),
    /// The gateway has taken the job.
    Taken(JobId),
    /// The call has ended.
    Ended,
}

/// Who waits for the job of a query, and reads its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The child, and it makes the answer of them.
    Child,
    /// The gateway. The child is told at once that the job is done and has no rows.
    Gateway,
}

/// What has become of the query of a call.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// The child has submitted nothing.
    Nothing,
    /// The guard has refused it; nothing was sent to Dremio.
    Refused(Refusal),
    /// This job is at Dremio.
    Job(Box<HeldJob>),
}

/// The mark at the end of a statement is of no call that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call that this query belongs to has ended")]
pub(super) struct CallEnded;

impl Calls {
    /// Follows the query of a call of `principal`.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub(crate) fn follow(
        &self,
        principal: &Principal,
        waits: Waits,
    ) -> Result<FollowedCall, getrandom::Error> {
        let mark = hex_128()?;
        let state = Mutex::new(State::Awaited);
        let followed = Arc::new(Followed { principal: principal.clone(), waits, state });
        self.open.lock().insert(mark.clone(), Arc::clone(&followed));
        Ok(FollowedCall { calls: self.clone(), mark, followed })
    }

    /// Takes the mark off the end of `sql`: what is left, and whose query it is. Without a mark it
    /// is a query of the child's own.
    ///
    /// # Errors
    /// When the call has ended: nobody waits for the rows.
    pub(super) fn take_mark<'s>(
        &self,
        sql: &'s str,
    ) -> Result<(&'s str, Option<Arc<Followed>>), CallEnded> {
        let marked = sql.strip_suffix(END).and_then(|sql| sql.rsplit_once(START));
        match marked.filter(|(_, mark)| is_mark(mark)) {
            Some((sql, mark)) => {
                let call = self.open.lock().get(mark).cloned().ok_or(CallEnded)?;
                Ok((sql, Some(call)))
            }
            None => Ok((sql, None)),
        }
    }

    /// Whether the gateway waits for this job, of one of these calls.
    pub(super) fn gateway_waits_for(&self, id: &str) -> bool {
        let is_for_gateway = |call: &Arc<Followed>| match &*call.state.lock() {
            State::OfGateway(job) => job.id().as_str() == id,
            State::Taken(job) => job.as_str() == id,
            _ => false,
        };
        self.open.lock().values().any(is_for_gateway)
    }
}

fn is_mark(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("open", &self.open.lock().len()).finish()
    }
}

impl FollowedCall {
    /// What is to be put behind the query.
    pub(crate) fn mark(&self) -> String {
        format!("{START}{}{END}", self.mark)
    }

    /// What has become of the query. Its job, if the gateway waits for it, is the caller's from now
    /// on: dropping it cancels it.
    pub(crate) fn submitted(&self) -> Submitted {
        let mut state = self.followed.state.lock();
        match &*state {
            State::Refused(refusal) => return Submitted::Refused(refusal.clone()),
            State::OfGateway(_) => {}
            _ => return Submitted::Nothing,
        }
        match std::mem::replace(&mut *state, State::Awaited) {
            State::OfGateway(job) => {
                *state = State::Taken(job.id().clone());
                Submitted::Job(job)
            }
            _ => Submitted::Nothing,
        }
    }
}

impl Drop for FollowedCall {
    fn drop(&mut self) {
        self.calls.open.lock().remove(&self.mark);
        let state = std::mem::replace(&mut *self.followed.state.lock(), State::Ended);
        drop(state);
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Followed {
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(super) fn note_refusal(&self, refusal: &Refusal) {
        let mut state = self.state.lock();
        if matches!(*state, State::Awaited) {
            *state = State::Refused(refusal.clone());
        }
    }

    /// Gives the call the job of its query. It comes back if the child waits for it; if the call
    /// has ended, it is cancelled.
    pub(super) fn start(&self, job: HeldJob) -> Option<HeldJob> {
        let mut state = self.state.lock();
        let (before, job) = match (&*state, self.waits) {
            (State::Ended, _) => (State::OfGateway(Box::new(job)), None),
            (_, Waits::Gateway) => {
                let new = State::OfGateway(Box::new(job));
                (std::mem::replace(&mut *state, new), None)
            }
            (_, Waits::Child) => (State::Awaited, Some(job)),
        };
        drop(state);
        drop(before);
        job
    }
}

#[cfg(test)]
mod tests {
    use super::{CallEnded, Calls, Waits};
    use crate::principal::Principal;

    #[test]
    fn a_mark_is_good_at_the_end_and_while_its_call_lasts() {
        let calls = Calls::default();
        let (ada, bob) = (Principal::of_key(&[1; 32]), Principal::of_key(&[2; 32]));
        let of_ada = calls.follow(&ada, Waits::Child).unwrap();
        let of_bob = calls.follow(&bob, Waits::Gateway).unwrap();
        let (marks, forged) = ([of_ada.mark(), of_bob.mark()], "a".repeat(32));
        assert_ne!(marks[0], marks[1]);
        let taken = |sql: &str| {
            calls.take_mark(sql).map(|(sql, call)| {
                (sql.to_owned(), call.map(|call| (call.principal().clone(), call.waits)))
            })
        };
        let ended = |sql: &str| assert_eq!(taken(sql), Err(CallEnded), "{sql}");
        for sql in ["SELECT 1", "SELECT 1 -- a", "SELECT '", "", "SELECT 1 /*", "a\n/*x*/"] {
            assert_eq!(taken(sql), Ok((sql.to_owned(), None)));
            let [ada_s, bob_s] = marks.each_ref().map(|mark| format!("{sql}{mark}"));
            assert_eq!(taken(&ada_s), Ok((sql.to_owned(), Some((ada.clone(), Waits::Child)))));
            assert_eq!(taken(&bob_s), Ok((sql.to_owned(), Some((bob.clone(), Waits::Gateway)))));
            // What a client writes is a comment, whatever it looks like: the gateway's is behind.
            for look_alike in [marks[1].clone(), marks[1].replace(&of_bob.mark, &forged)] {
                let text = format!("{sql}{look_alike}");
                let expected = (text.clone(), Some((ada.clone(), Waits::Child)));
                assert_eq!(taken(&format!("{text}{}", marks[0])), Ok(expected));
            }
            ended(&format!("{sql}{}", marks[0].replace(&of_ada.mark, &forged)));
        }
        for other in [
            format!("SELECT 1{} ", marks[0]),
            format!("SELECT 1{}", marks[0].to_uppercase()),
            format!("SELECT 1{}", marks[0].replace(&of_ada.mark, "a")),
            format!("SELECT 1{}", marks[0].trim_start()),
        ] {
            assert_eq!(taken(&other), Ok((other.clone(), None)));
        }
        drop(of_ada);
        ended(&format!("SELECT 1{}", marks[0]));
        assert!(taken(&format!("SELECT 1{}", marks[1])).is_ok());
    }
}
