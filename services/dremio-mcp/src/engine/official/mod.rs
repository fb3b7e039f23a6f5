//! The official server: one shared child process that speaks MCP over stdio, whatever the number of clients.
//!
//! - `process`: starts a child so that it cannot outlive the gateway, see its secrets or leave anything behind
//! - `connection`: the messages of one child: ids out, answers and progress in
//! - `supervisor`: keeps exactly one child alive, and replaces it with back-off

mod connection;
mod lines;
mod process;
mod supervisor;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use self::connection::Connection;
pub(crate) use self::process::Launch;
pub(crate) use self::supervisor::Supervisor;
use super::{CallError, ProgressSink, ToolList};
use crate::rpc::Message;

/// How long a call waits for a child that is starting. The official server needs 3.5 s on a quiet machine
/// and 10 s and more on a loaded one; clients give up after 30 to 60 s.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The running child as callers see it, and what it said about itself.
#[derive(Debug)]
pub(crate) struct Official {
    current: watch::Receiver<Option<Arc<Connection>>>,
    facts: Arc<Facts>,
}

/// What the first child said and the next ones will say again: it survives restarts, so that `initialize` and
/// the lists are answered while a child is being replaced.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    initialize: watch::Sender<Option<Arc<str>>>,
    lists: Mutex<HashMap<&'static str, Arc<Message>>>,
    tools: Mutex<Arc<ToolList>>,
}

/// The requests whose first page never changes while a child declares no `listChanged`, with the capability
/// that says whether the child has them.
const LISTS: [(&str, &str); 4] =
    [("tools/list", "tools"), ("prompts/list", "prompts"), ("resources/list", "resources"), ("resources/templates/list", "resources")];

impl Facts {
    fn set_initialize(&self, result: &str) {
        self.initialize.send_replace(Some(Arc::from(result)));
    }

    fn set_lists(&self, lists: HashMap<&'static str, Arc<Message>>) {
        let tools = lists.get("tools/list").map(|list| ToolList::read(list)).unwrap_or_default();
        *self.tools.lock().unwrap_or_else(PoisonError::into_inner) = tools;
        *self.lists.lock().unwrap_or_else(PoisonError::into_inner) = lists;
    }

    fn forget_list(&self, method: &str) {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).remove(method);
    }

    fn list(&self, method: &str) -> Option<Arc<Message>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(method).cloned()
    }
}

impl Official {
    /// The first answer to `initialize` that a child gave, waiting for it if need be.
    pub(crate) async fn initialize_result(&self) -> Result<Arc<str>, CallError> {
        let mut seen = self.facts.initialize.subscribe();
        let known = tokio::time::timeout(READY_WAIT_MAX, seen.wait_for(Option::is_some)).await;
        known.ok().and_then(Result::ok).and_then(|result| result.clone()).ok_or(CallError::NotReady)
    }

    /// Relays one request to the child, waiting for a child that is being replaced.
    pub(crate) async fn call(&self, request: &Message, progress: &ProgressSink) -> Result<Message, CallError> {
        if let Some(list) = self.facts.list(request.method()).filter(|_| request.params().is_ok_and(|params| params.cursor.is_none())) {
            return Ok(list.as_ref().clone());
        }
        let mut current = self.current.clone();
        let connection = tokio::time::timeout(READY_WAIT_MAX, current.wait_for(Option::is_some)).await;
        let connection = connection.ok().and_then(Result::ok).and_then(|found| found.clone()).ok_or(CallError::NotReady)?;
        connection.call(request, Some(progress)).await
    }

    /// The tools that the child listed when it started.
    pub(crate) fn tools(&self) -> Arc<ToolList> {
        Arc::clone(&self.facts.tools.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
