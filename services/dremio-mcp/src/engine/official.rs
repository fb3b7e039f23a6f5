//! The official server: one shared child process, whatever the number of clients. It speaks MCP
//! over stdio, or over HTTP where its calls must be told apart
//! ([decision 10](../../../../../docs/decisions/0010-tickets.md)).
//!
//! - `process`: starts a child so that it cannot outlive the gateway, see its secrets or leave
//!   anything behind
//! - `last_words`: what a child that never came up wrote to standard error
//! - `port`: where a child over HTTP is to listen
//! - `connection`: the messages of one child: ids out, answers and progress in
//! - `task_owners`: which principal owns the tasks that a child has created
//! - `subscriptions`: which resources clients subscribed to, kept in step with the current child
//! - `repair`: changes to what Dremio's own server says
//! - `supervisor`: keeps exactly one child alive, and replaces it with back-off

mod confinement;
mod connection;
mod last_words;
mod lines;
mod port;
mod process;
mod repair;
mod subscriptions;
mod supervisor;
mod task_owners;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use service_kit::lifecycle::Shutdown;
use tokio::sync::watch;

pub(crate) use self::confinement::Confinement;
use self::connection::{Answer, Connection};
pub(crate) use self::process::{ChildTransport, Launch};
pub(crate) use self::repair::Repair;
use self::subscriptions::{SubscriptionRegistry, Wish};
pub(crate) use self::supervisor::Supervisor;
use super::changes::{Changes, List, Versions};
use super::fair_queue::Requester;
use super::tools::Holds;
use super::{CallContext, CallError, FairQueue, Introduction, ToolList};
use crate::egress::OpenCall;
use crate::methods;
use crate::rpc::Message;
use crate::telemetry;

/// The newest revision that the official server's SDK speaks. A child may answer with an older one.
const PROTOCOL_VERSION: &str = "2025-11-25";

/// How long a call waits for a child that is starting. The official server needs 3.5 s on a quiet
/// machine and 10 s and more on a loaded one; clients give up after 30 to 60 s.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long Dremio's own server may do nothing for a call before the call counts as forgotten. The
/// server's own pauses are one second.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// Longest notification that is passed on: a copy may wait for each client that it concerns.
const NEWS_BYTES_MAX: usize = 16 * 1024;

/// The running child as callers see it, and what it said about itself.
#[derive(Debug)]
pub(crate) struct Official {
    child: CurrentChild,
    queue: FairQueue,
    info: Arc<ServerInfo>,
}

/// The current child, if there is one.
#[derive(Debug)]
pub(crate) struct CurrentChild(watch::Receiver<Option<Arc<Connection>>>);

impl CurrentChild {
    /// The child. Waits for one that is starting.
    ///
    /// # Errors
    /// [`CallError::NotReady`] when none comes up within the limit.
    async fn get(&self) -> Result<Arc<Connection>, CallError> {
        let mut current = self.0.clone();
        let child = tokio::time::timeout(READY_WAIT_MAX, current.wait_for(Option::is_some)).await;
        child.ok().and_then(Result::ok).and_then(|found| found.clone()).ok_or(CallError::NotReady)
    }

    /// Relays a request of a client, as [`Connection::call`]. Waits for a child that is starting.
    async fn call(
        &self,
        request: &Message,
        context: &CallContext,
        open: Option<&OpenCall>,
    ) -> Answer {
        let relayed = async { self.get().await?.call(request, Some(context), open).await };
        telemetry::part("child").run(relayed).await
    }
}

/// What the first child said and the next ones will say again. It survives restarts, so that
/// `initialize` and the lists are answered while a child is being replaced.
#[derive(Debug)]
pub(crate) struct ServerInfo {
    introduction: watch::Sender<Option<Arc<Introduction>>>,
    lists: Mutex<HashMap<&'static str, Arc<Message>>>,
    tools: Mutex<Arc<ToolList>>,
    versions: watch::Sender<Versions>,
    subscriptions: SubscriptionRegistry,
    /// What is changed in what it says, if it is Dremio's own server.
    repair: Repair,
    is_dremios_own: AtomicBool,
}

/// The requests whose first page stays the same until the child announces a change, and what they
/// list.
const LISTS: [(&str, List); 4] = [
    (methods::TOOLS_LIST, List::Tools),
    (methods::PROMPTS_LIST, List::Prompts),
    (methods::RESOURCES_LIST, List::Resources),
    (methods::RESOURCE_TEMPLATES_LIST, List::Resources),
];

impl ServerInfo {
    fn new(repair: Repair) -> Self {
        let (introduction, versions) =
            (watch::Sender::new(None), watch::Sender::new(Versions::default()));
        Self {
            introduction,
            lists: Mutex::default(),
            tools: Mutex::default(),
            versions,
            subscriptions: SubscriptionRegistry::new(),
            repair,
            is_dremios_own: AtomicBool::new(false),
        }
    }

    /// How the child is repaired: not at all, unless it is Dremio's own server.
    fn repair(&self) -> Option<&Repair> {
        self.is_dremios_own.load(Ordering::Relaxed).then_some(&self.repair)
    }

    /// What a new child says of itself, and lists. Where its lists are not those of the child
    /// before, they have changed. Gives whether it is Dremio's own.
    fn set(&self, introduction: Introduction, lists: HashMap<&'static str, Message>) -> bool {
        let is_dremios_own = repair::is_dremios_own(&introduction.result);
        self.is_dremios_own.store(is_dremios_own, Ordering::Relaxed);
        let repaired = |(method, list)| match self.repair() {
            Some(repair) => (method, Arc::new(repair.list(method, list, true))),
            None => (method, Arc::new(list)),
        };
        self.set_lists(lists.into_iter().map(repaired).collect());
        let introduction = match self.repair() {
            Some(repair) => repair.introduction(introduction),
            None => introduction,
        };
        self.introduction.send_replace(Some(Arc::new(introduction)));
        is_dremios_own
    }

    /// Stores the lists of a new child. Those that differ from the previous child's have changed.
    fn set_lists(&self, lists: HashMap<&'static str, Arc<Message>>) {
        let tools =
            lists.get(methods::TOOLS_LIST).map(|list| ToolList::read(list)).unwrap_or_default();
        *self.tools.lock() = tools;
        let before = std::mem::replace(&mut *self.lists.lock(), lists.clone());
        let result = |lists: &HashMap<_, Arc<Message>>, method| {
            lists.get(method).and_then(|list| list.result().map(str::to_owned))
        };
        for (method, list) in LISTS {
            if before.contains_key(method) && result(&before, method) != result(&lists, method) {
                self.versions.send_modify(|versions| versions.bump(list, list.changed()));
            }
        }
    }

    /// Handles a notification that belongs to no call.
    fn hear(&self, notification: Message) {
        let is_short = notification.text().len() <= NEWS_BYTES_MAX;
        let uri = notification.params().ok().and_then(|params| params.uri.map(str::to_owned));
        match (List::of_notification(notification.method()), notification.method(), uri) {
            // Even if it is too long to pass on, the change must be noted.
            (Some(list), ..) => {
                self.list_changed(list, if is_short { notification } else { list.changed() });
            }
            (None, methods::RESOURCE_UPDATED, Some(uri)) if is_short => {
                self.subscriptions.updated(&uri, notification);
            }
            _ => {
                tracing::debug!(
                    target: "dremio_mcp::child",
                    "ignored from the child: a notification that is too long, or not relayed",
                );
            }
        }
    }

    /// The child announced a change of this list.
    fn list_changed(&self, changed: List, said: Message) {
        // Locked until the change is noted, so that no older list can be stored in between.
        let mut lists = self.lists.lock();
        lists.retain(|method, _| !LISTS.contains(&(*method, changed)));
        self.versions.send_modify(|versions| versions.bump(changed, said));
    }

    /// Stores a list that was requested at `asked_at`, unless something has changed since: then it
    /// may be outdated.
    fn learn(&self, method: &'static str, list: &Message, asked_at: [u64; 3]) {
        let mut lists = self.lists.lock();
        if list.result().is_none() || self.versions.borrow().numbers() != asked_at {
            return;
        }
        if method == methods::TOOLS_LIST {
            *self.tools.lock() = ToolList::read(list);
        }
        lists.insert(method, Arc::new(list.clone().uncharged()));
    }

    fn list(&self, method: &str) -> Option<Arc<Message>> {
        self.lists.lock().get(method).cloned()
    }
}

impl Official {
    /// The first child's answer to `initialize`; waits for it if necessary.
    pub(crate) async fn introduction(&self) -> Result<Arc<Introduction>, CallError> {
        if let Some(known) = self.known_introduction() {
            return Ok(known);
        }
        let mut seen = self.info.introduction.subscribe();
        let known = tokio::time::timeout(READY_WAIT_MAX, seen.wait_for(Option::is_some)).await;
        known.ok().and_then(Result::ok).and_then(|result| result.clone()).ok_or(CallError::NotReady)
    }

    /// The same, if there is one by now.
    pub(crate) fn known_introduction(&self) -> Option<Arc<Introduction>> {
        self.info.introduction.borrow().clone()
    }

    /// Relays one request to the child; waits while the child is being replaced.
    pub(crate) async fn call(&self, request: &Message, context: &CallContext) -> Answer {
        let (subscriptions, child) = (&self.info.subscriptions, &self.child);
        // The rare branch is boxed: a call's future is as large as its largest branch.
        match Wish::of(request, context) {
            Some(wish) if wish.subscribes => Box::pin(subscriptions.subscribe(wish, child)).await,
            Some(wish) => Box::pin(subscriptions.unsubscribe(wish, child)).await,
            None => self.call_or_recall(request, context).await,
        }
    }

    /// Answers from a known list, and relays otherwise.
    async fn call_or_recall(&self, request: &Message, context: &CallContext) -> Answer {
        let list =
            LISTS.iter().map(|(method, _)| *method).find(|&method| method == request.method());
        let first_page =
            list.filter(|_| request.params().is_ok_and(|params| params.is_first_page()));
        if let Some(list) = first_page.and_then(|method| self.info.list(method)) {
            return Ok(list.as_ref().clone());
        }
        let repair = self.info.repair();
        if let Some(answer) = repair.and_then(|repair| repair.own_answer(request)) {
            return Ok(answer);
        }
        let permit = self.queue.take(Requester::of(context)).await?;
        let asked_at = self.info.versions.borrow().numbers();
        let answer = match repair {
            Some(repair) => {
                let holds = Holds { _room: request.room(), _permit: Some(Arc::new(permit)) };
                Box::pin(repair.call(&self.child, request, context, holds)).await?
            }
            None => {
                let _permit = permit;
                self.child.call(request, context, None).await?
            }
        };
        let answer = match (list, repair) {
            (Some(method), Some(repair)) => repair.list(method, answer, first_page.is_some()),
            _ => answer,
        };
        if let Some(method) = first_page {
            self.info.learn(method, &answer, asked_at);
        }
        Ok(answer)
    }

    /// Whether our own tools answer in place of the child's.
    pub(crate) fn has_own_tools(&self) -> bool {
        self.info.repair().is_some_and(Repair::has_tools)
    }

    /// The changes of the child's lists from now on.
    pub(crate) fn changes(&self) -> Changes {
        Changes::of(self.info.versions.subscribe())
    }

    /// Once `shutdown` drains, lets the jobs that nobody waits for be cancelled, for a while.
    pub(crate) async fn finish(self: Arc<Self>, shutdown: Shutdown) {
        shutdown.draining().await;
        self.info.repair.finish().await;
    }

    /// The tools that the child listed when it started.
    pub(crate) fn tools(&self) -> Arc<ToolList> {
        Arc::clone(&self.info.tools.lock())
    }
}

#[cfg(test)]
mod tests;
