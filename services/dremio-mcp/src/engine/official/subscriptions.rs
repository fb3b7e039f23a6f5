//! Which resources clients want to hear of, kept at whichever child there is. A subscription is one
//! for the whole child, which all clients share: so only the last of them takes it back, and a new
//! child is told of all that there are.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use url::Url;

use super::CurrentChild;
use super::connection::{Answer, Connection};
use crate::engine::fair_queue::{FairQueue, Limits, Requester};
use crate::engine::notifications::{Notifications, Subject};
use crate::engine::{CallError, ProgressSink};
use crate::principal::Principal;
use crate::rpc::{Message, string_literal};

/// Bytes of subscriptions of one key, and of all keys. A guess with room: 1,500 URIs of 100 bytes,
/// and 12,000.
const KEY_BYTES_MAX: usize = 512 * 1024;
const ALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Length of a URI that can be subscribed to: browsers and servers take no longer ones either.
const URI_BYTES_MAX: usize = 8 * 1024;

/// What a subscription takes besides its URI.
const OVERHEAD_BYTES: usize = 156;

/// What the child is asked about subscriptions at a time. They have permits of their own, so that a
/// client whose calls wait for theirs holds up nobody else's subscription.
const ASKED_MAX: usize = 16;
const ASKED_LIMITS: Limits = Limits { total: ASKED_MAX, key: 12, client: 8, batch: 8, last: 2 };

/// How long the child may take over one, and when it is asked again if it took longer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// The subscriptions of all clients.
#[derive(Debug)]
pub(super) struct SubscriptionRegistry {
    subscriptions: Mutex<HashMap<String, Subscription>>,
    /// Woken when somebody has left.
    left: Arc<Notify>,
    queue: FairQueue,
}

/// A resource, known by its URI as the clients write it.
#[derive(Debug)]
struct Subscription {
    /// The URI as a server that parses it writes it.
    normal: String,
    subscribers: Vec<Subscriber>,
    /// Who is charged for it when nobody holds it and the child may still know of it.
    last: Principal,
    told: Arc<AsyncMutex<Told>>,
}

/// A client that wants to hear of a resource.
#[derive(Debug)]
struct Subscriber {
    principal: Principal,
    notifications: Weak<Notifications>,
    /// Its requests about this resource that are under way.
    asking: usize,
    /// Whether it goes on when they are over.
    stays: bool,
    /// The child whose word it last had on the resource.
    child: Weak<Connection>,
}

/// Which child was told of a resource. Locked while one is asked, so that what it hears last is
/// what is meant.
#[derive(Debug, Default)]
struct Told {
    child: Weak<Connection>,
    /// Whether it has agreed; else it may or may not have heard.
    is_sure: bool,
}

/// A client among the subscribers of a resource while it asks.
struct Permit<'w> {
    subscriptions: &'w SubscriptionRegistry,
    uri: &'w str,
    notifications: &'w Arc<Notifications>,
    told: Arc<AsyncMutex<Told>>,
}

impl SubscriptionRegistry {
    pub(super) fn new() -> Self {
        Self {
            subscriptions: Mutex::default(),
            left: Arc::default(),
            queue: FairQueue::new(ASKED_LIMITS, None),
        }
    }

    /// Relays `request`, which subscribes the caller's `notifications` to `uri`, unless the child
    /// has agreed to that for somebody else: then it is answered here. The queue gets what the
    /// child says of that resource, until it is gone. Dropping the future takes it back.
    ///
    /// # Errors
    /// As of any call, and [`CallError::TooManySubscriptions`].
    pub(super) async fn subscribe(
        &self,
        uri: &str,
        notifications: &Arc<Notifications>,
        request: &Message,
        progress: &ProgressSink,
        child: &CurrentChild,
    ) -> Answer {
        let entry = self.hold(uri, notifications, progress)?;
        let mut told = entry.told.lock().await;
        let child = child.get().await?;
        if told.is_sure && told.is_about(&child) {
            entry.stay(&child);
            return Ok(Message::from_result("{}"));
        }
        *told = Told { child: Arc::downgrade(&child), is_sure: false };
        let answer = self.exchange(&child, request, Some(progress)).await?;
        if answer.result().is_some() {
            told.is_sure = true;
            entry.stay(&child);
        }
        Ok(answer)
    }

    /// Relays `request`, which takes a subscription back, unless others still want it: then it is
    /// answered here.
    ///
    /// # Errors
    /// As of any call.
    pub(super) async fn unsubscribe(
        &self,
        uri: &str,
        notifications: &Arc<Notifications>,
        request: &Message,
        progress: &ProgressSink,
        child: &CurrentChild,
    ) -> Answer {
        let entry = self.hold(uri, notifications, progress)?;
        let mut told = entry.told.lock().await;
        entry.leave();
        if self.is_held(uri, Some(notifications)) {
            return Ok(Message::from_result("{}"));
        }
        let child = child.get().await?;
        // Whatever becomes of the question, nobody knows any more that the child would tell.
        told.is_sure = false;
        let answer = self.exchange(&child, request, Some(progress)).await?;
        if answer.result().is_some() {
            *told = Told::default();
        }
        Ok(answer)
    }

    /// The child says that the resource `uri` has changed. It "might be a sub-resource of the one
    /// that the client actually subscribed to" (2025-11-25, schema,
    /// `ResourceUpdatedNotificationParams`). But where another key subscribed further down, the
    /// child may say it for that one's sake: so only the keys that subscribed closest to it are
    /// told.
    pub(super) fn updated(&self, uri: &str, message: Message) {
        let (normal, message) = (normalised(uri), Arc::new(message));
        let subscriptions = self.lock();
        let concerned: Vec<&Subscription> = subscriptions
            .values()
            .filter(|subscriptions| is_within(&normal, &subscriptions.normal))
            .collect();
        let Some(closest) = concerned.iter().map(|subscriptions| subscriptions.normal.len()).max()
        else {
            return;
        };
        let at_the_closest =
            concerned.iter().filter(|subscriptions| subscriptions.normal.len() == closest);
        let keys: Vec<&Principal> =
            at_the_closest.flat_map(|subscriptions| subscriptions.keys()).collect();
        let mut told = HashSet::new();
        for subscriber in concerned
            .iter()
            .flat_map(|subscriptions| &subscriptions.subscribers)
            .filter(|subscriber| keys.contains(&&subscriber.principal))
        {
            // Who holds it and one above it is told once.
            if told.insert(subscriber.notifications.as_ptr())
                && let Some(notifications) = subscriber.notifications.upgrade()
            {
                notifications.put(Subject::Resource(normal.clone()), Arc::clone(&message));
            }
        }
    }

    /// Tells a new child of every resource that is subscribed to, and the clients that they may
    /// have missed something; then takes back what nobody wants any more, as long as the child
    /// lives.
    pub(super) async fn keep(&self, child: &Arc<Connection>) -> Infallible {
        let mut to_tell: Vec<String> = self.lock().keys().cloned().collect();
        loop {
            let left = self.left.notified();
            let told = stream::iter(to_tell)
                .map(async |uri| self.renew(&uri, child).await.err().map(|Unanswered| uri));
            to_tell =
                told.buffer_unordered(ASKED_MAX).filter_map(std::future::ready).collect().await;
            stream::iter(self.orphans())
                .for_each_concurrent(ASKED_MAX, async |uri| self.withdraw(&uri, child).await)
                .await;
            if to_tell.is_empty() {
                left.await;
            } else {
                // Whether somebody has left or not: it is time to ask again.
                let _left = tokio::time::timeout(ANSWER_WAIT_MAX, left).await;
            }
        }
    }

    async fn renew(&self, uri: &str, child: &Arc<Connection>) -> Result<(), Unanswered> {
        let Some(told) = self.told(uri) else { return Ok(()) };
        let mut told = told.lock().await;
        if !self.is_held(uri, None) {
            return Ok(());
        }
        if !(told.is_sure && told.is_about(child)) {
            *told = Told { child: Arc::downgrade(child), is_sure: false };
            self.note_holders(uri, child);
            told.is_sure = self.ask(child, "resources/subscribe", uri).await?;
        }
        self.look_again(uri, child);
        Ok(())
    }

    /// Tells those who had the word of another child on `uri` that it may have changed since.
    fn look_again(&self, uri: &str, child: &Arc<Connection>) {
        let message =
            Arc::new(Message::notification("notifications/resources/updated", Some(&params(uri))));
        let mut all = self.lock();
        let Some(Subscription { normal, subscribers, .. }) = all.get_mut(uri) else { return };
        for subscriber in subscribers
            .iter_mut()
            .filter(|subscriber| subscriber.stays && !is(&subscriber.child, child))
        {
            subscriber.child = Arc::downgrade(child);
            if let Some(notifications) = subscriber.notifications.upgrade() {
                notifications.put(Subject::Resource(normal.clone()), Arc::clone(&message));
            }
        }
    }

    async fn withdraw(&self, uri: &str, child: &Arc<Connection>) {
        let Some(told) = self.told(uri) else { return };
        let mut told = told.lock().await;
        if self.is_held(uri, None) {
            return;
        }
        if told.is_about(child) {
            let _whatever_it_says = self.ask(child, "resources/unsubscribe", uri).await;
        }
        *told = Told::default();
        let mut subscriptions = self.lock();
        // Who has come meanwhile waits for the lock that is held here, so the entry must stay.
        if subscriptions.get(uri).is_some_and(|subscriptions| subscriptions.subscribers.is_empty())
        {
            subscriptions.remove(uri);
        }
    }

    /// An entry for `notifications` among those that hear of `uri`.
    fn hold<'w>(
        &'w self,
        uri: &'w str,
        notifications: &'w Arc<Notifications>,
        progress: &ProgressSink,
    ) -> Result<Permit<'w>, CallError> {
        // Only calls of clients come here; the gateway's own ones have no queue.
        let principal = progress
            .caller
            .as_ref()
            .map_or_else(Principal::anyone, |caller| caller.principal.clone());
        if uri.len() > URI_BYTES_MAX {
            return Err(CallError::TooManySubscriptions);
        }
        let normal = normalised(uri);
        let mut all = self.lock();
        let is_new = all.get(uri).is_none_or(|subscriptions| {
            !subscriptions
                .subscribers
                .iter()
                .any(|subscriber| is(&subscriber.notifications, notifications))
        });
        if is_new {
            make_room(&mut all, uri.len() + normal.len() + OVERHEAD_BYTES, &principal)?;
            notifications.notify_on_drop(&self.left);
        }
        let subscriptions = all.entry(uri.to_owned()).or_insert_with(|| Subscription {
            normal,
            subscribers: Vec::new(),
            last: principal.clone(),
            told: Arc::default(),
        });
        if is_new {
            let notifications = Arc::downgrade(notifications);
            subscriptions.subscribers.push(Subscriber {
                principal,
                notifications,
                asking: 0,
                stays: false,
                child: Weak::new(),
            });
        }
        subscriptions.change(notifications, |subscriber| subscriber.asking += 1);
        Ok(Permit {
            subscriptions: self,
            uri,
            notifications,
            told: Arc::clone(&subscriptions.told),
        })
    }

    /// A question about a subscription, asked in turn. The limit is for all of it, since others may
    /// wait for the same lock.
    async fn exchange(
        &self,
        child: &Connection,
        request: &Message,
        progress: Option<&ProgressSink>,
    ) -> Answer {
        let requester = progress.map_or_else(Requester::gateway, ProgressSink::requester);
        let answered = async {
            let _permit = self.queue.take(requester).await?;
            child.call(request, progress).await
        };
        tokio::time::timeout(ANSWER_WAIT_MAX, answered).await.unwrap_or(Err(CallError::NotReady))
    }

    /// The gateway's own question: whether the child agrees.
    async fn ask(
        &self,
        child: &Connection,
        method: &'static str,
        uri: &str,
    ) -> Result<bool, Unanswered> {
        let answer = self
            .exchange(child, &Message::request(method, &params(uri)), None)
            .await
            .map_err(|_| Unanswered)?;
        Ok(answer.result().is_some())
    }

    /// The child is about to work for those who want to hear of `uri`.
    fn note_holders(&self, uri: &str, child: &Connection) {
        for subscriber in
            self.lock().get(uri).into_iter().flat_map(|subscriptions| &subscriptions.subscribers)
        {
            child.note_caller(&subscriber.principal);
        }
    }

    /// The resources that nobody wants any more.
    fn orphans(&self) -> Vec<String> {
        let mut all = self.lock();
        all.values_mut().for_each(Subscription::forget_the_gone);
        all.iter()
            .filter(|(_, subscriptions)| subscriptions.subscribers.is_empty())
            .map(|(uri, _)| uri.clone())
            .collect()
    }

    fn told(&self, uri: &str) -> Option<Arc<AsyncMutex<Told>>> {
        self.lock().get(uri).map(|subscriptions| Arc::clone(&subscriptions.told))
    }

    /// Whether anybody but `except` wants to hear of `uri`.
    fn is_held(&self, uri: &str, except: Option<&Arc<Notifications>>) -> bool {
        self.lock().get_mut(uri).is_some_and(|subscriptions| {
            subscriptions.forget_the_gone();
            subscriptions.subscribers.iter().any(|subscriber| {
                !except.is_some_and(|notifications| is(&subscriber.notifications, notifications))
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Subscription>> {
        self.subscriptions.lock()
    }
}

impl Permit<'_> {
    /// The client stays after this; `child` has agreed.
    fn stay(&self, child: &Arc<Connection>) {
        self.change(|subscriber| {
            subscriber.stays = true;
            subscriber.child = Arc::downgrade(child);
        });
    }

    /// The client does not stay after this.
    fn leave(&self) {
        self.change(|subscriber| subscriber.stays = false);
    }

    fn change(&self, change: impl FnOnce(&mut Subscriber)) {
        if let Some(subscriptions) = self.subscriptions.lock().get_mut(self.uri) {
            subscriptions.change(self.notifications, change);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut all = self.subscriptions.lock();
        if let Some(subscriptions) = all.get_mut(self.uri) {
            subscriptions.change(self.notifications, |subscriber| subscriber.asking -= 1);
            subscriptions
                .subscribers
                .retain(|subscriber| subscriber.asking > 0 || subscriber.stays);
            if subscriptions.is_of_no_use() {
                all.remove(self.uri);
            }
        }
        drop(all);
        self.subscriptions.left.notify_one();
    }
}

impl Subscription {
    fn change(&mut self, notifications: &Arc<Notifications>, change: impl FnOnce(&mut Subscriber)) {
        if let Some(subscriber) = self
            .subscribers
            .iter_mut()
            .find(|subscriber| is(&subscriber.notifications, notifications))
        {
            self.last.clone_from(&subscriber.principal);
            change(subscriber);
        }
    }

    /// Whose it is; without subscribers, of the key for which the child may still speak of it.
    fn keys(&self) -> impl Iterator<Item = &Principal> {
        let last = Some(&self.last).filter(|_| self.subscribers.is_empty());
        self.subscribers.iter().map(|subscriber| &subscriber.principal).chain(last)
    }

    fn forget_the_gone(&mut self) {
        self.subscribers.retain(|subscriber| subscriber.notifications.strong_count() > 0);
    }

    /// Whether nobody holds it, and no child can know of it.
    fn is_of_no_use(&self) -> bool {
        self.subscribers.is_empty()
            && self.told.try_lock().is_ok_and(|told| told.child.strong_count() == 0)
    }
}

impl Told {
    fn is_about(&self, child: &Arc<Connection>) -> bool {
        is(&self.child, child)
    }
}

fn is<T>(one: &Weak<T>, other: &Arc<T>) -> bool {
    std::ptr::eq(one.as_ptr(), Arc::as_ptr(other))
}

/// Refuses a subscription of `bytes` if it is over a limit.
fn make_room(
    all: &mut HashMap<String, Subscription>,
    bytes: usize,
    principal: &Principal,
) -> Result<(), CallError> {
    all.retain(|_, subscriptions| {
        subscriptions.forget_the_gone();
        !subscriptions.is_of_no_use()
    });
    let (mut by_all, mut by_key) = (bytes, bytes);
    for (uri, subscriptions) in all {
        let each = uri.len() + subscriptions.normal.len() + OVERHEAD_BYTES;
        let own = subscriptions
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.principal == *principal)
            .count();
        let orphans = usize::from(subscriptions.subscribers.is_empty());
        by_all += each * (subscriptions.subscribers.len() + orphans);
        by_key += each * (own + if subscriptions.last == *principal { orphans } else { 0 });
    }
    if by_all > ALL_BYTES_MAX || by_key > KEY_BYTES_MAX {
        Err(CallError::TooManySubscriptions)
    } else {
        Ok(())
    }
}

/// The child has said nothing in time.
struct Unanswered;

fn params(uri: &str) -> String {
    format!(r#"{{"uri":{}}}"#, string_literal(uri))
}

/// A URI as a parser writes it; the Python SDK parses those that it gets.
fn normalised(uri: &str) -> String {
    Url::parse(uri).map_or_else(|_| uri.to_owned(), String::from)
}

/// Whether `uri` is `ancestor`, or below it.
fn is_within(uri: &str, ancestor: &str) -> bool {
    uri.strip_prefix(ancestor).is_some_and(|rest| {
        rest.is_empty() || ancestor.ends_with('/') || rest.starts_with(['/', '?', '#'])
    })
}

#[cfg(test)]
mod tests;
