//! The messages of one child: requests go out under ids of our own, and each answer and each
//! progress notification goes back to the one call that it belongs to, and to nobody else.

mod halves;
mod logs;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::lines::{Line, id_in_head, next_line};
use super::task_owners::{Origin, TaskOwners};
use crate::budget::{self, Charge};
use crate::egress::Activity;
use crate::engine::{CallContext, CallError};
use crate::methods;
use crate::principal::Principal;
use crate::rpc::{Kind, Message};

/// Largest message from the child. The official server stops at 200 KiB of rows; other tools may
/// say more.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How often an answer is there at a time at most: as the child wrote it, and as the client gets
/// it.
const ANSWER_COPIES: usize = 2;

/// Messages that wait for the child to read its input. Beyond that, callers wait.
const OUTBOX_MAX: usize = 256;

/// How much goes to the child at once, if several lines wait.
const LINES_BYTES: usize = 64 * 1024;

/// How long a child may take to answer a ping before a call is given up as one that it will never
/// answer. One that is busy is asked again.
const PING_WAIT_MAX: Duration = Duration::from_secs(5);

/// The connection to one child.
#[derive(Debug)]
pub(super) struct Connection {
    outbox: mpsc::Sender<Queued>,
    pending: Pending,
    ids: AtomicU64,
    /// Lines that the child has written: a number that grows is a sign of life.
    heard: AtomicU64,
    /// The id of the latest call of a client that it has answered.
    answered: AtomicU64,
    callers: Mutex<Callers>,
    owners: TaskOwners,
}

/// Whose calls a child has worked on since it started.
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
    /// Of a client's call; the gateway's own have none.
    context: Option<CallContext>,
    /// Whether a task was asked for.
    is_task: bool,
    /// When it was sent, or the child last reported its progress.
    since: Instant,
}

/// A line that the child has not taken yet. A call that is given up leaves its line behind, which
/// is in the call's room still.
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

/// The two halves that the owner of the child must drive.
pub(super) struct Halves {
    pub(super) connection: Arc<Connection>,
    outbox: mpsc::Receiver<Queued>,
}

impl Connection {
    pub(super) fn open() -> Halves {
        let (tx, outbox) = mpsc::channel(OUTBOX_MAX);
        let connection = Self {
            outbox: tx,
            pending: Arc::new(Mutex::new(Some(HashMap::new()))),
            ids: AtomicU64::new(1),
            heard: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            callers: Mutex::new(Callers::Nobody),
            owners: TaskOwners::default(),
        };
        Halves { connection: Arc::new(connection), outbox }
    }

    /// Sends `request` and waits for its answer. Dropping the future tells the child that it was
    /// cancelled.
    ///
    /// # Errors
    /// [`CallError::EngineLost`] when the child ends first, [`CallError::AnswerTooLarge`],
    /// [`CallError::Forgotten`].
    pub(super) async fn call(&self, request: &Message, context: Option<&CallContext>) -> Answer {
        let caller = context.map(CallContext::caller);
        if let Some(refusal) = self.owners.refuse(request, caller) {
            return Ok(refusal);
        }
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let id_text = id.to_string();
        let params = request.params().unwrap_or_default();
        let token = params.meta.progress_token.map(str::to_owned);
        let line = request.to_line(&id_text, Some(&id_text));
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            answer,
            token,
            context: context.cloned(),
            is_task: params.asks_for_task,
            since: Instant::now(),
        };
        if let Some(caller) = caller {
            self.note_caller(&caller.principal);
        }
        match self.pending.lock().as_mut() {
            Some(pending) => pending.insert(id, waiting),
            None => return Err(CallError::EngineLost),
        };
        let mut guard = CancelOnDrop { connection: self, id, sent: false };
        self.outbox
            .send(Queued { line, _room: request.room() })
            .await
            .map_err(|_| CallError::EngineLost)?;
        guard.sent = true;
        let answer = answered.await.unwrap_or(Err(CallError::EngineLost))?;
        Ok(self.owners.without_others(request, caller, answer))
    }

    /// Sends a request of the gateway's own.
    ///
    /// # Errors
    /// Those of [`Connection::call`].
    pub(super) async fn ask(&self, method: &str, params: &str) -> Answer {
        self.call(&Message::request(method, params), None).await
    }

    /// Must come before the child can know of the call.
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
        self.outbox.send(text.to_owned().into()).await.map_err(|_| CallError::EngineLost)
    }

    /// Resolves when the child has neither written a line nor answered a ping for `silence_max`: it
    /// is stopped, or stuck. Cancel safe.
    pub(super) async fn stuck(&self, silence_max: Duration) {
        loop {
            let heard = self.heard.load(Ordering::Relaxed);
            tokio::time::sleep(silence_max / 2).await;
            if self.heard.load(Ordering::Relaxed) != heard {
                continue;
            }
            // Nobody waits for the answer; that one comes counts.
            let id = self.ids.fetch_add(1, Ordering::Relaxed);
            let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{}"}}"#, methods::PING);
            if self.outbox.try_send(ping.into()).is_err() {
                tracing::debug!("the child does not read its input");
            }
            tokio::time::sleep(silence_max / 2).await;
            if self.heard.load(Ordering::Relaxed) == heard {
                return;
            }
        }
    }

    /// Ends the calls that the child will never answer: for `silence_max` it had no request at the
    /// egress at all and no job of its ran, so it did nothing for any of them, while it answered a
    /// call that came later, and then a ping. Over stdio nobody knows for which call a request
    /// is; so while the child asks Dremio for anything, no call is ended. Never resolves.
    pub(super) async fn end_forgotten(
        &self,
        egress: &Activity,
        silence_max: Duration,
    ) -> Infallible {
        loop {
            tokio::time::sleep(silence_max / 10).await;
            let Some(quiet_since) =
                egress.quiet_since().filter(|since| since.elapsed() >= silence_max)
            else {
                continue;
            };
            let forgotten = self.outrun_for(silence_max);
            if forgotten.is_empty() {
                continue;
            }
            let ping = tokio::time::timeout(PING_WAIT_MAX, self.ask(methods::PING, "{}")).await;
            if !matches!(ping, Ok(Ok(_))) || egress.quiet_since() != Some(quiet_since) {
                continue;
            }
            for id in forgotten {
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

    /// The calls of clients that have waited for so long, while a later one was answered.
    fn outrun_for(&self, silence_max: Duration) -> Vec<u64> {
        let answered = self.answered.load(Ordering::Relaxed);
        let pending = self.pending.lock();
        let is_outrun = |(id, waiting): &(&u64, &Waiting)| {
            **id < answered && waiting.context.is_some() && waiting.since.elapsed() >= silence_max
        };
        pending.iter().flatten().filter(is_outrun).map(|(id, _)| *id).collect()
    }

    /// Tells the child that nobody waits for the answer to a call any more.
    fn tell_cancelled(&self, id: u64, reason: &str) {
        let params = format!(r#"{{"requestId":{id},"reason":"{reason}"}}"#);
        let text = Message::notification(methods::CANCELLED, Some(&params)).text().to_owned();
        if self.outbox.try_send(text.into()).is_err() {
            tracing::debug!(id, "cancellation not sent: the child does not read");
        }
    }

    /// Fails every call that waits, and all later ones.
    pub(super) fn close(&self) -> usize {
        let pending = self.pending.lock().take().unwrap_or_default();
        let failed = pending.len();
        for (_, waiting) in pending {
            let _gone = waiting.answer.send(Err(CallError::EngineLost));
        }
        failed
    }

    fn take(&self, id: u64) -> Option<Waiting> {
        self.pending.lock().as_mut()?.remove(&id)
    }

    /// Deals with a line; what is left is a notification that belongs to no call.
    fn receive(&self, line: Line) -> Option<Message> {
        self.heard.fetch_add(1, Ordering::Relaxed);
        let text = match line {
            Line::Whole(bytes) if bytes.is_empty() => return None,
            Line::Whole(bytes) => match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return ignored("a line that is not UTF-8"),
            },
            Line::TooLong(head) => {
                let Some(waiting) = id_in_head(&head).and_then(|id| self.take(id)) else {
                    return ignored("a line over the limit that belongs to no call");
                };
                let _gone = waiting
                    .answer
                    .send(Err(CallError::AnswerTooLarge { bytes_max: LINE_BYTES_MAX }));
                return None;
            }
        };
        let Ok(message) = Message::parse(text) else {
            return ignored("a line that is not JSON-RPC");
        };
        match message.kind() {
            Kind::Response => self.answer(message),
            Kind::Request => self.refuse(&message),
            Kind::Notification => return self.notification(message),
        }
        None
    }

    fn answer(&self, message: Message) {
        let id = message.id().and_then(|id| id.parse().ok()).unwrap_or_default();
        match self.take(id) {
            Some(waiting) => {
                if let Some(context) = &waiting.context {
                    self.answered.fetch_max(id, Ordering::Relaxed);
                    let origin = Origin {
                        id,
                        caller: context.caller(),
                        token: waiting.token.as_deref(),
                        is_task: waiting.is_task,
                    };
                    self.owners.note(&origin, &message);
                }
                // Who reads the child cannot wait: all others' answers come behind this one.
                let room = waiting.context.as_ref().map(|context| {
                    context.try_take(budget::Kind::Answers, message.text().len() * ANSWER_COPIES)
                });
                let _gone = waiting.answer.send(match room {
                    Some(Ok(charge)) => Ok(message.charged(charge)),
                    Some(Err(cause)) => Err(CallError::NoRoom(cause)),
                    None => Ok(message),
                });
            }
            // Usual after a cancellation: the server answers it although nobody waits.
            None => tracing::debug!("an answer that no call waits for"),
        }
    }

    /// The child may not call the client: over a shared child nobody knows which client it means.
    fn refuse(&self, message: &Message) {
        let id = message.id().unwrap_or("null");
        let text = if message.method() == methods::PING {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
        } else {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"not supported by this client"}}}}"#
            )
        };
        if self.outbox.try_send(text.into()).is_err() {
            tracing::debug!("the child asked for something and does not read the answer");
        }
    }

    fn notification(&self, message: Message) -> Option<Message> {
        match message.method() {
            methods::LOG_MESSAGE => {
                self.log(&message);
                None
            }
            methods::PROGRESS => {
                let token: u64 = message.params().ok()?.progress_token?.parse().ok()?;
                let mut pending = self.pending.lock();
                let Some(waiting) = pending.as_mut()?.get_mut(&token) else {
                    drop(pending);
                    return self.owners.tell(message);
                };
                waiting.since = Instant::now();
                let line = message.to_line("", Some(waiting.token.as_ref()?));
                waiting.context.as_ref()?.notify(line);
                None
            }
            _ => self.owners.tell(message),
        }
    }
}

fn ignored(what: &'static str) -> Option<Message> {
    tracing::debug!(target: "dremio_mcp::child", what, "ignored from the child");
    None
}

/// Tells the child when nobody waits for an answer any more.
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
