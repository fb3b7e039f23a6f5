//! The child's log messages, which do not say which call they are about.

use std::collections::HashMap;

use super::{Callers, Connection};
use crate::engine::LogLevel;
use crate::principal::Principal;
use crate::rpc::Message;

impl Connection {
    pub(in crate::engine::official) fn has_only_worked_for(&self, principal: &Principal) -> bool {
        matches!(&*self.callers.lock(), Callers::One(only) if only == principal)
    }

    /// A log message does not say which call it is about, and it may contain rows. So a client gets
    /// it only if it cannot be about any other: the child has only ever worked for that client's
    /// key, works on this call alone now, and the client asked for messages of this level.
    pub(super) fn log(&self, message: &Message) {
        let pending = self.pending.lock();
        let mut calls = pending.iter().flat_map(HashMap::values);
        let only = calls
            .next()
            .filter(|_| calls.next().is_none())
            .and_then(|waiting| waiting.context.as_ref());
        let alone =
            only.is_some_and(|context| self.has_only_worked_for(context.caller().principal()));
        match (only, LogLevel::of(message)) {
            (Some(context), Some(level)) if alone && context.wants_log(level) => {
                context.notify(message.text().to_owned());
            }
            _ => {
                tracing::debug!(
                    target: "dremio_mcp::child",
                    bytes = message.text().len(),
                    "log notification of the child, not forwarded",
                );
            }
        }
    }
}
