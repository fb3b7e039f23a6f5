//! The messages of one child: requests go out with ids of our own, and each answer and each
//! progress notification goes back to its call only.
//!
//! - `halves`: messages as lines on the child's standard input and output
//! - `http`: messages as requests of HTTP, each with the ticket of its call
//! - `incoming`, `logs`: what the child says
//! - `vitals`: whether it lives, and works on its calls

mod halves;
mod http;
mod incoming;
mod logs;
mod vitals;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use self::http::HttpChild;
use super::lines::next_line;
use super::task_owners::TaskOwners;
use crate::budget::Charge;
use crate::egress::{Activity, Calls, OpenCall, Waits};
use crate::engine::{CallContext, CallError};
use crate::methods;
use crate::principal::Principal;
use crate::rpc::Message;

/// Largest message from the child. The official server stops at 200 KiB of rows; other tools may
/// send more.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many copies of an answer exist at most: as the child wrote it, and as the client gets it.
const ANSWER_COPIES: usize = 2;

/// Messages that wait for the child to read its input. Beyond that, callers wait.
const OUTBOX_MAX: usize = 256;

/// How much is written to the child at once if several lines wait.
const LINES_BYTES: usize = 64 * 1024;

/// The connection to one child.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    pending: Pending,
    ids: AtomicU64,
    /// Number of messages that the child has written: if it grows, the child is alive.
    heard: AtomicU64,
    /// The id of the latest client call that it has answered.
    answered: AtomicU64,
    callers: Mutex<Callers>,
    owners: TaskOwners,
}

/// How messages reach the child.
#[derive(Debug)]
enum Wire {
    /// As lines, which the two [`Halves`] carry.
    Stdio(mpsc::Sender<Queued>),
    /// Each in a request of its own.
    Http(HttpChild),
}

/// The principals whose calls a child has worked on since it started.
#[derive(Debug, PartialEq, Eq)]
enum Callers {
    Nobody,
    One(Principal),
    Several,
}

type Pending = Arc<Mutex<Option<HashMap<u64, Waiting>>>>;
pub(super) type Answer = Result<Message, CallError>;

/// A call that waits for its answer.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    token: Option<String>,
    /// The client's call; `None` for the gateway's own.
    context: Option<CallContext>,
    /// Whether the call asked for a task.
    is_task: bool,
    /// When it was sent, or when the child last reported its progress.
    since: Instant,
    /// What the child does for it at the egress proxy, where that is known.
    activity: Option<Activity>,
}

/// A line that the child has not read yet. A call that is given up leaves its line behind, which
/// still uses the call's room.
#[derive(Debug)]
struct Queued {
    line: String,
    _room: Option<Arc<Charge>>,
}

impl From<String> for Queued {
    fn from(line: String) -> Self {
        Self { line, _room: None }
    }
}

/// The two halves of a connection, which the owner of the child must drive.
pub(super) struct Halves {
    pub(super) connection: Arc<Connection>,
    outbox: mpsc::Receiver<Queued>,
}

impl Connection {
    /// To a child that reads its standard input.
    pub(super) fn open() -> Halves {
        let (tx, outbox) = mpsc::channel(OUTBOX_MAX);
        Halves { connection: Arc::new(Self::over(Wire::Stdio(tx))), outbox }
    }

    /// To a child that listens on this loopback port, and presents the tickets of these calls.
    pub(super) fn over_http(port: u16, calls: Calls) -> Arc<Self> {
        Arc::new(Self::over(Wire::Http(HttpChild::new(port, calls))))
    }

    fn over(wire: Wire) -> Self {
        Self {
            wire,
            pending: Arc::new(Mutex::new(Some(HashMap::new()))),
            ids: AtomicU64::new(1),
            heard: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            callers: Mutex::new(Callers::Nobody),
            owners: TaskOwners::default(),
        }
    }

    /// Sends `request` and waits for its answer. The egress proxy knows it as `open`; if that is
    /// `None`, only over HTTP, and for as long as this takes. Dropping the future cancels the call
    /// at the child.
    ///
    /// # Errors
    /// [`CallError::EngineLost`] when the child ends first, [`CallError::BrokenOff`],
    /// [`CallError::AnswerTooLarge`], [`CallError::NoRoom`], [`CallError::Forgotten`].
    pub(super) async fn call(
        &self,
        request: &Message,
        context: Option<&CallContext>,
        open: Option<&OpenCall>,
    ) -> Answer {
        let caller = context.map(CallContext::caller);
        if let Some(refusal) = self.owners.refuse(request, caller) {
            return Ok(refusal);
        }
        let own = self.opened(context, open)?;
        let open = open.or(own.as_ref());
        if let Some(open) = open {
            open.trace();
        }
        let marked = open.and_then(|open| self.marked(request, open));
        let request = marked.as_ref().unwrap_or(request);

        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let id_text = id.to_string();
        let params = request.params().unwrap_or_default();
        let line = request.to_line(&id_text, Some(&id_text));
        let (answer, mut answered) = oneshot::channel();
        let waiting = Waiting {
            answer,
            token: params.meta.progress_token.map(str::to_owned),
            context: context.cloned(),
            is_task: params.asks_for_task,
            since: Instant::now(),
            activity: self.is_http().then(|| open.map(OpenCall::activity).cloned()).flatten(),
        };
        if let Some(caller) = caller {
            self.note_caller(caller.principal());
        }
        match self.pending.lock().as_mut() {
            Some(pending) => pending.insert(id, waiting),
            None => return Err(CallError::EngineLost),
        };
        let mut guard = CancelOnDrop { connection: self, id, sent: false };
        match (&self.wire, open) {
            (Wire::Stdio(outbox), _) => {
                let queued = Queued { line, _room: request.room() };
                outbox.send(queued).await.map_err(|_| CallError::EngineLost)?;
                guard.sent = true;
            }
            (Wire::Http(child), Some(open)) => tokio::select! {
                biased;
                // Before its answer: the child has ended, or has forgotten the call.
                given_up = &mut answered => return given_up.unwrap_or(Err(CallError::EngineLost)),
                answer = child.exchange(self, id, line, open, context) => self.answer(answer?),
            },
            (Wire::Http(_), None) => return Err(CallError::NotReady),
        }
        let answer = answered.await.unwrap_or(Err(CallError::EngineLost))?;
        Ok(self.owners.without_others(request, caller, answer))
    }

    /// Over HTTP, every request is one of a call: the call, if nobody has opened one.
    fn opened(
        &self,
        context: Option<&CallContext>,
        open: Option<&OpenCall>,
    ) -> Result<Option<OpenCall>, CallError> {
        let (Wire::Http(child), None) = (&self.wire, open) else { return Ok(None) };
        let opened = match context {
            Some(context) => child.calls().open(&context.caller().identity, Waits::Child),
            None => child.calls().open_for_child(),
        };
        // The operating system has no random numbers: as good as no child.
        opened.map(Some).map_err(|_| CallError::NotReady)
    }

    /// Over stdio, a query says for which call it is.
    fn marked(&self, request: &Message, open: &OpenCall) -> Option<Message> {
        if self.is_http() { None } else { request.with_longer_argument("query", &open.mark()) }
    }

    fn is_http(&self) -> bool {
        matches!(self.wire, Wire::Http(_))
    }

    /// Sends one of the gateway's own requests.
    ///
    /// # Errors
    /// As for [`Connection::call`].
    pub(super) async fn ask(&self, method: &str, params: &str) -> Answer {
        self.call(&Message::request(method, params), None, None).await
    }

    /// Records that the child works for `caller`. Must come before the child can know of the call.
    pub(super) fn note_caller(&self, caller: &Principal) {
        let mut callers = self.callers.lock();
        match &*callers {
            Callers::Nobody => *callers = Callers::One(caller.clone()),
            Callers::One(other) if other != caller => *callers = Callers::Several,
            Callers::One(_) | Callers::Several => {}
        }
    }

    /// Sends a notification, if the child still reads.
    pub(super) async fn notify(&self, text: &str) -> Result<(), CallError> {
        match &self.wire {
            Wire::Stdio(outbox) => {
                outbox.send(text.to_owned().into()).await.map_err(|_| CallError::EngineLost)
            }
            Wire::Http(child) => child.notify(text).await,
        }
    }

    /// Sends a line that nobody waits for, if the child reads lines and there is room for one.
    fn try_send(&self, line: String) {
        if let Wire::Stdio(outbox) = &self.wire
            && outbox.try_send(line.into()).is_err()
        {
            tracing::debug!("the child does not read its input");
        }
    }

    /// Tells the child that a call is cancelled.
    fn tell_cancelled(&self, id: u64, reason: &str) {
        let params = format!(r#"{{"requestId":{id},"reason":"{reason}"}}"#);
        // Over HTTP, the request is dropped.
        self.try_send(Message::notification(methods::CANCELLED, Some(&params)).text().to_owned());
    }

    /// Fails every waiting call, and all later ones.
    pub(super) fn close(&self) -> usize {
        let pending = self.pending.lock().take().unwrap_or_default();
        let failed = pending.len();
        for (_, waiting) in pending {
            let _gone = waiting.answer.send(Err(CallError::EngineLost));
        }
        failed
    }

    fn has_several_calls(&self) -> bool {
        self.pending.lock().as_ref().is_some_and(|pending| pending.len() > 1)
    }

    fn take(&self, id: u64) -> Option<Waiting> {
        self.pending.lock().as_mut()?.remove(&id)
    }
}

/// Tells the child that a call was given up.
struct CancelOnDrop<'c> {
    connection: &'c Connection,
    id: u64,
    sent: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.connection.take(self.id).is_none() || !self.sent {
            return;
        }
        self.connection.tell_cancelled(self.id, "the client cancelled or went away");
    }
}

#[cfg(test)]
mod tests;
