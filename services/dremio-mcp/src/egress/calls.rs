//! Which call of which client a request of the child is for. Every call has a *ticket*: 256 random
//! bits, good while the call lasts, of which only the digest is kept here.
//!
//! Over HTTP the child presents the ticket of the call on each of its requests, as it would a
//! user's token. Over stdio it cannot tell its calls apart: it presents one ticket of its own for
//! its whole life, and the gateway puts that of a call behind the call's query. This *mark* is a
//! comment that is taken off before anybody reads the statement.
//!
//! Clients see neither, and what they write themselves to look like a mark is a comment as any
//! other.

mod record;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(super) use self::record::CallRecord;
use self::record::State;
use super::Activity;
use crate::dremio::HeldJob;
use crate::policy::{Identity, Refusal};
use crate::random::hex_256;
use crate::telemetry;

/// What stands around the ticket in a mark. On a line of its own, so that it is a comment whatever
/// the query ends with.
const START: &str = "\n/*dremio-mcp:call=";
const END: &str = "*/";

/// Hex digits of a ticket.
const TICKET_CHARS: usize = 64;

/// The calls that go on. Cheap to clone; all clones are of one egress proxy.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    /// No more than there are permits, and a few of the gateway's own.
    open: Arc<Mutex<Vec<Arc<CallRecord>>>>,
}

/// A call that goes on until this is dropped. Then its ticket is worthless, what the child still
/// asks for it is broken off, and its jobs are cancelled.
#[derive(Debug)]
pub(crate) struct OpenCall {
    calls: Calls,
    ticket: SecretString,
    record: Arc<CallRecord>,
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
    /// Opens a call of `identity`.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub(crate) fn open(
        &self,
        identity: &Arc<Identity>,
        waits: Waits,
    ) -> Result<OpenCall, getrandom::Error> {
        self.enter(Some(Arc::clone(identity)), waits)
    }

    /// Opens what the child does of its own accord: for its whole life over stdio, and for one
    /// request of the gateway's own over HTTP.
    ///
    /// # Errors
    /// As for [`Calls::open`].
    pub(crate) fn open_for_child(&self) -> Result<OpenCall, getrandom::Error> {
        self.enter(None, Waits::Child)
    }

    fn enter(
        &self,
        identity: Option<Arc<Identity>>,
        waits: Waits,
    ) -> Result<OpenCall, getrandom::Error> {
        let ticket = hex_256()?;
        let record = Arc::new(CallRecord::new(digest(ticket.as_bytes()), identity, waits));
        self.open.lock().push(Arc::clone(&record));
        Ok(OpenCall { calls: self.clone(), ticket: ticket.into(), record })
    }

    /// The call whose ticket is `presented`. The time does not depend on how much of it is right.
    pub(super) fn find(&self, presented: &[u8]) -> Option<Arc<CallRecord>> {
        let digest = digest(presented);
        // No early exit: every ticket is compared.
        self.open.lock().iter().fold(None, |found, call| {
            if bool::from(call.digest.ct_eq(&digest)) { Some(Arc::clone(call)) } else { found }
        })
    }

    /// Takes the mark off the end of `sql`, if `asker` is the child itself and may have put one
    /// there: what is left, and whose query it is.
    ///
    /// # Errors
    /// When the call has ended: nobody waits for the rows.
    pub(super) fn take_mark<'s>(
        &self,
        asker: &Arc<CallRecord>,
        sql: &'s str,
    ) -> Result<(&'s str, Arc<CallRecord>), CallEnded> {
        let marked = sql.strip_suffix(END).and_then(|sql| sql.rsplit_once(START));
        match marked.filter(|(_, mark)| asker.identity().is_none() && is_ticket(mark)) {
            Some((sql, mark)) => Ok((sql, self.find(mark.as_bytes()).ok_or(CallEnded)?)),
            None => Ok((sql, Arc::clone(asker))),
        }
    }

    /// Whether the gateway waits for this job, of one of these calls.
    pub(super) fn gateway_waits_for(&self, id: &str) -> bool {
        self.open.lock().iter().any(|call| call.gateway_waits_for(id))
    }
}

fn digest(ticket: &[u8]) -> [u8; 32] {
    Sha256::digest(ticket).into()
}

fn is_ticket(text: &str) -> bool {
    text.len() == TICKET_CHARS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("open", &self.open.lock().len()).finish()
    }
}

impl OpenCall {
    /// What the child presents at the egress proxy for this call.
    pub(crate) fn ticket(&self) -> &SecretString {
        &self.ticket
    }

    /// What is to be put behind the query, for a child that does not present the ticket.
    pub(crate) fn mark(&self) -> String {
        format!("{START}{}{END}", self.ticket.expose_secret())
    }

    /// What the child does for this call at the egress proxy.
    pub(crate) fn activity(&self) -> &Activity {
        self.record.activity()
    }

    /// What the child does for this call is a part of the current span.
    pub(crate) fn trace(&self) {
        self.record.span.get_or_init(telemetry::here);
    }

    #[cfg(test)]
    pub(super) fn record(&self) -> &Arc<CallRecord> {
        &self.record
    }

    /// What has become of the query. Its job, if the gateway waits for it, is the caller's from now
    /// on: dropping it cancels it.
    pub(crate) fn submitted(&self) -> Submitted {
        let mut state = self.record.lock();
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

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.calls.open.lock().retain(|call| !Arc::ptr_eq(call, &self.record));
        self.record.end();
    }
}

#[cfg(test)]
mod tests;
