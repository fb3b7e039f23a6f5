//! What the child says: each answer and each progress notification goes back to its call only.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::super::lines::{Line, id_in_head};
use super::super::task_owners::Origin;
use super::{ANSWER_COPIES, Connection, LINE_BYTES_MAX};
use crate::budget;
use crate::engine::CallError;
use crate::methods;
use crate::rpc::{Kind, Message};

impl Connection {
    /// The child has said something.
    pub(super) fn note_life(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// Handles a line. Returns a notification that belongs to no call.
    pub(super) fn receive(&self, line: Line) -> Option<Message> {
        self.note_life();
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

    pub(super) fn answer(&self, message: Message) {
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
        self.try_send(text);
    }

    pub(super) fn notification(&self, message: Message) -> Option<Message> {
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
