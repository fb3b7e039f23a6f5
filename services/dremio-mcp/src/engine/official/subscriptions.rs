//! Which resources clients subscribed to, kept in step with the current child. All clients share
//! one subscription per resource at the child: so only the last of them cancels it, and a new child
//! gets all of them.

mod entry;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Mutex as AsyncMutex, Notify};

use self::entry::{Agreement, Entry, Subscriber, Subscription, is, is_within, normalised};
use super::CurrentChild;
use super::connection::{Answer, Connection};
use crate::engine::fair_queue::{FairQueue, Limits, Requester};
use crate::engine::notifications::{Notifications, Subject};
use crate::engine::{CallContext, CallError};
use crate::methods;
use crate::principal::Principal;
use crate::rpc::{Message, string_literal};

/// Bytes of subscriptions per key, and in total. A generous guess: 1,500 URIs of 100 bytes, and
/// 12,000.
const KEY_BYTES_MAX: usize = 512 * 1024;
const ALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Longest URI that can be subscribed to: the usual limit of browsers and servers.
const URI_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a subscription besides its URI.
const OVERHEAD_BYTES: usize = 156;

/// How many requests about subscriptions the child gets at a time. They have their own permits, so
/// that a client whose calls wait does not delay others' subscriptions.
const ASKED_MAX: usize = 16;
const ASKED_LIMITS: Limits = Limits { total: ASKED_MAX, key: 12, client: 8, batch: 8, last: 2 };

/// How long the child may take to answer one; after that it is asked again.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// The subscriptions of all clients.
#[derive(Debug)]
pub(super) struct SubscriptionRegistry {
    subscriptions: Mutex<HashMap<String, Subscription>>,
    /// Woken when a client has left.
    left: Arc<Notify>,
    queue: FairQueue,
}

/// A client's request to subscribe to a resource or to cancel the subscription.
#[derive(Clone, Copy)]
pub(super) struct Wish<'c> {
    /// Whether it subscribes; otherwise it cancels.
    pub(super) subscribes: bool,
    uri: &'c str,
    notifications: &'c Arc<Notifications>,
    request: &'c Message,
    context: &'c CallContext,
}

impl<'c> Wish<'c> {
    /// Parses `request`; `None` unless it is such a request, with a URI, of a client that can be
    /// notified.
    pub(super) fn of(request: &'c Message, context: &'c CallContext) -> Option<Self> {
        let subscribes = match request.method() {
            methods::RESOURCES_SUBSCRIBE => true,
            methods::RESOURCES_UNSUBSCRIBE => false,
            _ => return None,
        };
        let notifications = context.caller().notifications.as_ref()?;
        let uri = request.params().ok()?.uri?;
        Some(Self { subscribes, uri, notifications, request, context })
    }
}

impl SubscriptionRegistry {
    pub(super) fn new() -> Self {
        Self {
            subscriptions: Mutex::default(),
            left: Arc::default(),
            queue: FairQueue::new(ASKED_LIMITS, None),
        }
    }

    /// Relays a subscription, unless the child has already accepted it for another client: then the
    /// answer comes from here. The client's queue gets the child's updates of that resource until
    /// the queue is dropped. Dropping the future cancels the subscription.
    ///
    /// # Errors
    /// Those of any call, and [`CallError::TooManySubscriptions`].
    pub(super) async fn subscribe(&self, wish: Wish<'_>, child: &CurrentChild) -> Answer {
        let entry = self.enter(wish)?;
        let mut agreement = entry.agreement.lock().await;
        let child = child.get().await?;
        if agreement.is_sure && agreement.is_about(&child) {
            entry.stay(&child);
            return Ok(Message::from_result("{}"));
        }
        *agreement = Agreement { child: Arc::downgrade(&child), is_sure: false };
        let answer = self.exchange(&child, wish.request, Some(wish.context)).await?;
        if answer.result().is_some() {
            agreement.is_sure = true;
            entry.stay(&child);
        }
        Ok(answer)
    }

    /// Relays a cancellation, unless other clients are still subscribed: then the answer comes from
    /// here.
    ///
    /// # Errors
    /// Those of any call.
    pub(super) async fn unsubscribe(&self, wish: Wish<'_>, child: &CurrentChild) -> Answer {
        let entry = self.enter(wish)?;
        let mut agreement = entry.agreement.lock().await;
        entry.leave();
        if self.is_wanted(wish.uri, Some(wish.notifications)) {
            return Ok(Message::from_result("{}"));
        }
        let child = child.get().await?;
        // From here on the child may have cancelled it, however the request ends.
        agreement.is_sure = false;
        let answer = self.exchange(&child, wish.request, Some(wish.context)).await?;
        if answer.result().is_some() {
            *agreement = Agreement::default();
        }
        Ok(answer)
    }

    /// The child announced a change of the resource `uri`. It "might be a sub-resource of the one
    /// that the client actually subscribed to" (2025-11-25, schema,
    /// `ResourceUpdatedNotificationParams`). But if another key subscribed further down, the child
    /// may mean that subscription. So only the keys with the closest subscription are notified.
    pub(super) fn updated(&self, uri: &str, message: Message) {
        let (normal, message) = (normalised(uri), Arc::new(message));
        let all = self.lock();
        let concerned: Vec<&Subscription> =
            all.values().filter(|subscription| is_within(&normal, &subscription.normal)).collect();
        let Some(closest) = concerned.iter().map(|subscription| subscription.normal.len()).max()
        else {
            return;
        };
        let at_the_closest =
            concerned.iter().filter(|subscription| subscription.normal.len() == closest);
        let keys: Vec<&Principal> =
            at_the_closest.flat_map(|subscription| subscription.keys()).collect();
        let mut reached = HashSet::new();
        for subscriber in concerned
            .iter()
            .flat_map(|subscription| &subscription.subscribers)
            .filter(|subscriber| keys.contains(&&subscriber.principal))
        {
            // A client that subscribed to it and to a parent is notified once.
            if reached.insert(subscriber.notifications.as_ptr())
                && let Some(notifications) = subscriber.notifications.upgrade()
            {
                notifications.put(Subject::Resource(normal.clone()), Arc::clone(&message));
            }
        }
    }

    /// Subscribes a new child to every resource, and notifies the clients that they may have missed
    /// an update. Then cancels subscriptions that no client wants any more, as long as the child
    /// lives.
    pub(super) async fn keep(&self, child: &Arc<Connection>) -> Infallible {
        let mut to_tell: Vec<String> = self.lock().keys().cloned().collect();
        loop {
            let left = self.left.notified();
            let unanswered = stream::iter(to_tell)
                .map(async |uri| self.renew(&uri, child).await.err().map(|Unanswered| uri));
            to_tell = unanswered
                .buffer_unordered(ASKED_MAX)
                .filter_map(std::future::ready)
                .collect()
                .await;
            stream::iter(self.orphans())
                .for_each_concurrent(ASKED_MAX, async |uri| self.withdraw(&uri, child).await)
                .await;
            if to_tell.is_empty() {
                left.await;
            } else {
                // Whether a client has left or the time is over: ask again.
                let _ = tokio::time::timeout(ANSWER_WAIT_MAX, left).await;
            }
        }
    }

    async fn renew(&self, uri: &str, child: &Arc<Connection>) -> Result<(), Unanswered> {
        let Some(agreement) = self.agreement(uri) else { return Ok(()) };
        let mut agreement = agreement.lock().await;
        if !self.is_wanted(uri, None) {
            return Ok(());
        }
        if !(agreement.is_sure && agreement.is_about(child)) {
            *agreement = Agreement { child: Arc::downgrade(child), is_sure: false };
            self.note_subscribers(uri, child);
            agreement.is_sure = self.ask(child, methods::RESOURCES_SUBSCRIBE, uri).await?;
        }
        self.look_again(uri, child);
        Ok(())
    }

    /// Notifies the clients that were subscribed at another child that `uri` may have changed.
    fn look_again(&self, uri: &str, child: &Arc<Connection>) {
        let message =
            Arc::new(Message::notification(methods::RESOURCE_UPDATED, Some(&params(uri))));
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
        let Some(agreement) = self.agreement(uri) else { return };
        let mut agreement = agreement.lock().await;
        if self.is_wanted(uri, None) {
            return;
        }
        if agreement.is_about(child) {
            let _ = self.ask(child, methods::RESOURCES_UNSUBSCRIBE, uri).await;
        }
        *agreement = Agreement::default();
        let mut all = self.lock();
        // A client that arrived meanwhile waits for the lock that is held here: keep its entry.
        if all.get(uri).is_some_and(|subscription| subscription.subscribers.is_empty()) {
            all.remove(uri);
        }
    }

    /// Enters the client into the subscribers of the resource.
    fn enter<'w>(&'w self, wish: Wish<'w>) -> Result<Entry<'w>, CallError> {
        let Wish { uri, notifications, context, .. } = wish;
        let principal = context.caller().principal().clone();
        if uri.len() > URI_BYTES_MAX {
            return Err(CallError::TooManySubscriptions);
        }
        let normal = normalised(uri);
        let mut all = self.lock();
        let is_new = all.get(uri).is_none_or(|subscription| {
            !subscription
                .subscribers
                .iter()
                .any(|subscriber| is(&subscriber.notifications, notifications))
        });
        if is_new {
            make_room(&mut all, uri.len() + normal.len() + OVERHEAD_BYTES, &principal)?;
            notifications.notify_on_drop(&self.left);
        }
        let subscription = all.entry(uri.to_owned()).or_insert_with(|| Subscription {
            normal,
            subscribers: Vec::new(),
            last: principal.clone(),
            agreement: Arc::default(),
        });
        if is_new {
            let notifications = Arc::downgrade(notifications);
            subscription.subscribers.push(Subscriber {
                principal,
                notifications,
                asking: 0,
                stays: false,
                child: Weak::new(),
            });
        }
        subscription.change(notifications, |subscriber| subscriber.asking += 1);
        Ok(Entry {
            registry: self,
            uri,
            notifications,
            agreement: Arc::clone(&subscription.agreement),
        })
    }

    /// Sends a request about a subscription when there is a permit. The limit covers the wait as
    /// well, since others may wait for the same lock.
    async fn exchange(
        &self,
        child: &Connection,
        request: &Message,
        context: Option<&CallContext>,
    ) -> Answer {
        let requester = context.map_or_else(Requester::gateway, Requester::of);
        let answered = async {
            let _permit = self.queue.take(requester).await?;
            child.call(request, context, None).await
        };
        tokio::time::timeout(ANSWER_WAIT_MAX, answered).await.unwrap_or(Err(CallError::NotReady))
    }

    /// Sends the gateway's own request. Returns whether the child agrees.
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

    /// The child is about to work for the subscribers of `uri`.
    fn note_subscribers(&self, uri: &str, child: &Connection) {
        for subscriber in
            self.lock().get(uri).into_iter().flat_map(|subscription| &subscription.subscribers)
        {
            child.note_caller(&subscriber.principal);
        }
    }

    /// The resources without any subscriber.
    fn orphans(&self) -> Vec<String> {
        let mut all = self.lock();
        all.values_mut().for_each(Subscription::forget_the_gone);
        all.iter()
            .filter(|(_, subscription)| subscription.subscribers.is_empty())
            .map(|(uri, _)| uri.clone())
            .collect()
    }

    fn agreement(&self, uri: &str) -> Option<Arc<AsyncMutex<Agreement>>> {
        self.lock().get(uri).map(|subscription| Arc::clone(&subscription.agreement))
    }

    /// Whether a client other than `except` is subscribed to `uri`.
    fn is_wanted(&self, uri: &str, except: Option<&Arc<Notifications>>) -> bool {
        self.lock().get_mut(uri).is_some_and(|subscription| {
            subscription.forget_the_gone();
            subscription.subscribers.iter().any(|subscriber| {
                !except.is_some_and(|notifications| is(&subscriber.notifications, notifications))
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Subscription>> {
        self.subscriptions.lock()
    }
}

/// Refuses a subscription of `bytes` if it is over a limit.
fn make_room(
    all: &mut HashMap<String, Subscription>,
    bytes: usize,
    principal: &Principal,
) -> Result<(), CallError> {
    all.retain(|_, subscription| {
        subscription.forget_the_gone();
        !subscription.is_unused()
    });
    let (mut by_all, mut by_key) = (bytes, bytes);
    for (uri, subscription) in all {
        let each = uri.len() + subscription.normal.len() + OVERHEAD_BYTES;
        let own = subscription
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.principal == *principal)
            .count();
        let orphans = usize::from(subscription.subscribers.is_empty());
        by_all += each * (subscription.subscribers.len() + orphans);
        by_key += each * (own + if subscription.last == *principal { orphans } else { 0 });
    }
    if by_all > ALL_BYTES_MAX || by_key > KEY_BYTES_MAX {
        Err(CallError::TooManySubscriptions)
    } else {
        Ok(())
    }
}

/// The child did not answer in time.
struct Unanswered;

fn params(uri: &str) -> String {
    format!(r#"{{"uri":{}}}"#, string_literal(uri))
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
