//! The messages of one child: requests go out with ids of our own, and each answer and each
//! progress notification goes back to its call only.

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
/// send more.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many copies of an answer exist at most: as the child wrote it, and as the client gets it.
const ANSWER_COPIES: usize = 2;

/// Messages that wait for the child to read its input. Beyond that, callers wait.
const OUTBOX_MAX: usize = 256;

/// How much is written to the child at once if several lines wait.
const LINES_BYTES: usize = 64 * 1024;

/// How long a child may take to answer a ping before a call is given up as forgotten. A busy child
/// is asked again.
const PING_WAIT_MAX: Duration = Duration::from_secs(5);

/// The connection to one child.
#[derive(Debug)]
pub(super) struct Connection {
    outbox: mpsc::Sender<Queued>,
    pending: Pending,
    ids: AtomicU64,
    /// Number of lines that the child has written: if it grows, the child is alive.
    heard: AtomicU64,
    /// The id of the latest client call that it has answered.
    answered: AtomicU64,
    callers: Mutex<Callers>,
    owners: TaskOwners,
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

    /// Sends `request` and waits for its answer. Dropping the future sends the child a
    /// cancellation.
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
            self.note_caller(caller.principal());
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

    /// Sends one of the gateway's own requests.
    ///
    /// # Errors
    /// As for [`Connection::call`].
    pub(super) async fn ask(&self, method: &str, params: &str) -> Answer {
        self.call(&Message::request(method, params), None).await
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
        self.outbox.send(text.to_owned().into()).await.map_err(|_| CallError::EngineLost)
    }

    /// Resolves when the child has neither written a line nor answered a ping for `silence_max`,
    /// because it is stopped or stuck. Cancel safe.
    pub(super) async fn stuck(&self, silence_max: Duration) {
        loop {
            let heard = self.heard.load(Ordering::Relaxed);
            tokio::time::sleep(silence_max / 2).await;
            if self.heard.load(Ordering::Relaxed) != heard {
                continue;
            }
            // The content of the answer does not matter, only that one comes.
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

    /// Ends the calls that the child has forgotten: for `silence_max` it had no request open at the
    /// egress proxy and none of its jobs ran, so it was working on none of them, while it answered
    /// a later call and then a ping. Over stdio a request cannot be matched to a call, so while the
    /// child is using Dremio, no call is ended. Never resolves.
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
            let forgotten = self.overtaken_for(silence_max);
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

    /// The client calls that have waited for `silence_max` while a later one was answered.
    fn overtaken_for(&self, silence_max: Duration) -> Vec<u64> {
        let answered = self.answered.load(Ordering::Relaxed);
        let pending = self.pending.lock();
        let is_outrun = |(id, waiting): &(&u64, &Waiting)| {
            **id < answered && waiting.context.is_some() && waiting.since.elapsed() >= silence_max
        };
        pending.iter().flatten().filter(is_outrun).map(|(id, _)| *id).collect()
    }

    /// Sends the child a cancellation of a call.
    fn tell_cancelled(&self, id: u64, reason: &str) {
        let params = format!(r#"{{"requestId":{id},"reason":"{reason}"}}"#);
        let text = Message::notification(methods::CANCELLED, Some(&params)).text().to_owned();
        if self.outbox.try_send(text.into()).is_err() {
            tracing::debug!(id, "cancellation not sent: the child does not read");
        }
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

    fn take(&self, id: u64) -> Option<Waiting> {
        self.pending.lock().as_mut()?.remove(&id)
    }

    /// Handles a line. Returns a notification that belongs to no call.
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
                // The reader of the child cannot wait: all other answers come behind this one.
                let room = waiting.context.as_ref().map(|context| {
                    context.try_take(budget::Kind::Answers, message.text().len() * ANSWER_COPIES)
                });
                let _gone = waiting.answer.send(match room {
                    Some(Ok(charge)) => Ok(message.charged(charge)),
                    Some(Err(cause)) => Err(CallError::NoRoom(cause)),
                    None => Ok(message),
                });
            }
            // Usual after a cancellation: the server answers all the same.
            None => tracing::debug!("an answer that no call waits for"),
        }
    }

    /// The child may not call the client: with a shared child it is unclear which client it means.
    fn refuse(&self, message: &Message) {
        let id = message.id().unwrap_or("null");
        let text = if message.method() == methods::PING {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
        } else {
            format!(
                concat!(
                    r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"#,
                    r#""message":"not supported by this client"}}}}"#,
                ),
                id = id
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
