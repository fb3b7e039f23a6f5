//! Which resources clients want to hear of, kept at whichever child there is. A subscription is one for the whole child, which all
//! clients share: so only the last of them takes it back, and a new child is told of all that there are.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use url::Url;

use super::CurrentChild;
use super::connection::Connection;
use crate::door::Principal;
use crate::engine::mailbox::{Mailbox, Subject};
use crate::engine::{CallError, ProgressSink};
use crate::rpc::{Message, string_literal};

/// Bytes of subscriptions of one key, and of all keys. A guess with room: 2,000 URIs of 100 bytes, and 16,000.
const KEY_BYTES_MAX: usize = 512 * 1024;
const ALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a subscription takes besides its URI.
const OVERHEAD_BYTES: usize = 156;

/// How many subscriptions a child is told of at a time without a client waiting, and how long it may take over one.
const HOUSEKEEPING_MAX: usize = 16;
const HOUSEKEEPING_WAIT_MAX: Duration = Duration::from_secs(30);

/// The subscriptions of all clients.
#[derive(Debug, Default)]
pub(super) struct Watches {
    watched: Mutex<HashMap<String, Watched>>,
    /// Woken when somebody has left.
    left: Arc<Notify>,
}

/// A resource, known by its URI as the clients write it.
#[derive(Debug)]
struct Watched {
    /// The URI as a server that parses it writes it.
    normal: String,
    holders: Vec<Holder>,
    told: Arc<AsyncMutex<Told>>,
}

/// A client that wants to hear of a resource.
#[derive(Debug)]
struct Holder {
    principal: Principal,
    mailbox: Weak<Mailbox>,
}

/// Which child was told of a resource. Locked while one is asked, so that what it hears last is what is meant.
#[derive(Debug, Default)]
struct Told {
    child: Weak<Connection>,
    /// Whether it has agreed; else it may or may not have heard.
    is_sure: bool,
}

/// A client among the holders of a resource, until this is dropped, or for good.
struct Place<'w> {
    watches: &'w Watches,
    uri: &'w str,
    mailbox: &'w Arc<Mailbox>,
    stays: bool,
}

impl Watches {
    /// Relays `request`, which subscribes the caller's `mailbox` to `uri`. If the child agrees, the mailbox gets what the child says of
    /// that resource, until it is gone. Dropping the future takes the subscription back.
    ///
    /// # Errors
    /// As of any call, and [`CallError::TooManySubscriptions`].
    pub(super) async fn subscribe(
        &self,
        uri: &str,
        mailbox: &Arc<Mailbox>,
        request: &Message,
        progress: &ProgressSink,
        child: &CurrentChild,
    ) -> Result<Message, CallError> {
        let (mut place, told) = self.hold(uri, mailbox, progress)?;
        let mut told = told.lock().await;
        let connection = child.get().await?;
        *told = Told { child: Arc::downgrade(&connection), is_sure: false };
        let answer = connection.call(request, Some(progress)).await?;
        told.is_sure = answer.result().is_some();
        place.stays |= told.is_sure;
        Ok(answer)
    }

    /// Relays `request`, which takes a subscription back, unless others still want it: then it is answered here. Either way the mailbox
    /// gets no more of that resource.
    ///
    /// # Errors
    /// As of any call.
    pub(super) async fn unsubscribe(
        &self,
        uri: &str,
        mailbox: &Arc<Mailbox>,
        request: &Message,
        progress: &ProgressSink,
        child: &CurrentChild,
    ) -> Result<Message, CallError> {
        let (mut place, told) = self.hold(uri, mailbox, progress)?;
        place.stays = false;
        let mut told = told.lock().await;
        if self.is_held(uri, Some(mailbox)) {
            return Ok(Message::from_result("{}"));
        }
        let answer = child.get().await?.call(request, Some(progress)).await?;
        if answer.result().is_some() {
            *told = Told::default();
        }
        Ok(answer)
    }

    /// The child says that the resource `uri` has changed. It "might be a sub-resource of the one that the client actually subscribed
    /// to" (2025-11-25, schema, `ResourceUpdatedNotificationParams`).
    pub(super) fn updated(&self, uri: &str, message: Message) {
        let (normal, message) = (normalised(uri), Arc::new(message));
        let watched = self.lock();
        for holder in watched.values().filter(|watched| is_within(&normal, &watched.normal)).flat_map(|watched| &watched.holders) {
            if let Some(mailbox) = holder.mailbox.upgrade() {
                mailbox.put(Subject::Resource(normal.clone()), Arc::clone(&message));
            }
        }
    }

    /// Tells a new child of every resource that is watched, and the clients that they may have missed something; then takes back what
    /// nobody wants any more, as long as the child lives.
    pub(super) async fn keep(&self, child: &Arc<Connection>) -> Infallible {
        let watched: Vec<String> = self.lock().keys().cloned().collect();
        stream::iter(watched).for_each_concurrent(HOUSEKEEPING_MAX, async |uri| self.renew(&uri, child).await).await;
        loop {
            let left = self.left.notified();
            stream::iter(self.orphans()).for_each_concurrent(HOUSEKEEPING_MAX, async |uri| self.withdraw(&uri, child).await).await;
            left.await;
        }
    }

    async fn renew(&self, uri: &str, child: &Arc<Connection>) {
        let Some(told) = self.told(uri) else { return };
        let mut told = told.lock().await;
        if !self.is_held(uri, None) || (told.is_sure && told.is_about(child)) {
            return;
        }
        *told = Told { child: Arc::downgrade(child), is_sure: false };
        told.is_sure = ask(child, "resources/subscribe", uri).await;
        self.updated(uri, Message::notification("notifications/resources/updated", Some(&params(uri))));
    }

    async fn withdraw(&self, uri: &str, child: &Arc<Connection>) {
        let Some(told) = self.told(uri) else { return };
        let mut told = told.lock().await;
        if self.is_held(uri, None) {
            return;
        }
        if told.is_about(child) {
            ask(child, "resources/unsubscribe", uri).await;
            *told = Told::default();
        }
        let mut watched = self.lock();
        // Who has come meanwhile waits for the lock that is held here, so the entry must stay.
        if watched.get(uri).is_some_and(|watched| watched.holders.is_empty()) {
            watched.remove(uri);
        }
    }

    /// A place for `mailbox` among those that hear of `uri`; one that it had before stays.
    fn hold<'w>(
        &'w self,
        uri: &'w str,
        mailbox: &'w Arc<Mailbox>,
        progress: &ProgressSink,
    ) -> Result<(Place<'w>, Arc<AsyncMutex<Told>>), CallError> {
        // Only calls of clients come here; the gateway's own ones name no mailbox.
        let principal = progress.caller.as_ref().map_or_else(Principal::anyone, |caller| caller.principal.clone());
        let mut all = self.lock();
        let stays = all.get(uri).is_some_and(|watched| watched.holders.iter().any(|holder| holder.is(mailbox)));
        if !stays {
            make_room(&mut all, uri.len() + OVERHEAD_BYTES, &principal)?;
        }
        let watched =
            all.entry(uri.to_owned()).or_insert_with(|| Watched { normal: normalised(uri), holders: Vec::new(), told: Arc::default() });
        if !stays {
            mailbox.mourned_by(&self.left);
            watched.holders.push(Holder { principal, mailbox: Arc::downgrade(mailbox) });
        }
        Ok((Place { watches: self, uri, mailbox, stays }, Arc::clone(&watched.told)))
    }

    /// The resources that nobody wants any more.
    fn orphans(&self) -> Vec<String> {
        let mut all = self.lock();
        all.values_mut().for_each(Watched::forget_the_gone);
        all.iter().filter(|(_, watched)| watched.holders.is_empty()).map(|(uri, _)| uri.clone()).collect()
    }

    fn told(&self, uri: &str) -> Option<Arc<AsyncMutex<Told>>> {
        self.lock().get(uri).map(|watched| Arc::clone(&watched.told))
    }

    /// Whether anybody but `except` wants to hear of `uri`.
    fn is_held(&self, uri: &str, except: Option<&Arc<Mailbox>>) -> bool {
        self.lock().get_mut(uri).is_some_and(|watched| {
            watched.forget_the_gone();
            watched.holders.iter().any(|holder| !except.is_some_and(|mailbox| holder.is(mailbox)))
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Some(watched) = self.watches.lock().get_mut(self.uri) {
            watched.holders.retain(|holder| !holder.is(self.mailbox));
        }
        self.watches.left.notify_one();
    }
}

impl Watched {
    fn forget_the_gone(&mut self) {
        self.holders.retain(|holder| holder.mailbox.strong_count() > 0);
    }
}

impl Holder {
    fn is(&self, mailbox: &Arc<Mailbox>) -> bool {
        std::ptr::eq(self.mailbox.as_ptr(), Arc::as_ptr(mailbox))
    }
}

impl Told {
    fn is_about(&self, child: &Arc<Connection>) -> bool {
        std::ptr::eq(self.child.as_ptr(), Arc::as_ptr(child))
    }
}

/// Refuses a subscription of `bytes` if it is over a limit.
fn make_room(all: &mut HashMap<String, Watched>, bytes: usize, principal: &Principal) -> Result<(), CallError> {
    let (mut by_all, mut by_key) = (bytes, bytes);
    for (uri, watched) in all {
        watched.forget_the_gone();
        for holder in &watched.holders {
            by_all += uri.len() + OVERHEAD_BYTES;
            if holder.principal == *principal {
                by_key += uri.len() + OVERHEAD_BYTES;
            }
        }
    }
    if by_all > ALL_BYTES_MAX || by_key > KEY_BYTES_MAX { Err(CallError::TooManySubscriptions) } else { Ok(()) }
}

/// Whether the child agreed.
async fn ask(child: &Connection, method: &'static str, uri: &str) -> bool {
    let answer = tokio::time::timeout(HOUSEKEEPING_WAIT_MAX, child.ask(method, &params(uri))).await;
    let has_agreed = matches!(&answer, Ok(Ok(answer)) if answer.result().is_some());
    if !has_agreed {
        tracing::debug!(method, "the MCP server process did not agree");
    }
    has_agreed
}

fn params(uri: &str) -> String {
    format!(r#"{{"uri":{}}}"#, string_literal(uri))
}

/// A URI as a parser writes it; the Python SDK parses those that it gets.
fn normalised(uri: &str) -> String {
    Url::parse(uri).map_or_else(|_| uri.to_owned(), String::from)
}

/// Whether `uri` is `ancestor`, or below it.
fn is_within(uri: &str, ancestor: &str) -> bool {
    uri.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || ancestor.ends_with('/') || rest.starts_with(['/', '?', '#']))
}

#[cfg(test)]
mod tests;
