//! One subscribed resource, and one of its subscribers.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::SubscriptionRegistry;
use crate::engine::Notifications;
use crate::engine::official::connection::Connection;
use crate::principal::Principal;

/// A resource, identified by its URI as the clients write it.
#[derive(Debug)]
pub(super) struct Subscription {
    /// The URI in normal form, as a server that parses it writes it.
    pub(super) normal: String,
    pub(super) subscribers: Vec<Subscriber>,
    /// The principal that is charged when there is no subscriber and the child may still know it.
    pub(super) last: Principal,
    pub(super) agreement: Arc<AsyncMutex<Agreement>>,
}

/// A client that is subscribed to a resource.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) principal: Principal,
    pub(super) notifications: Weak<Notifications>,
    /// Number of its requests about this resource that are under way.
    pub(super) asking: usize,
    /// Whether it is still subscribed when they are over.
    pub(super) stays: bool,
    /// The child at which it was last subscribed.
    pub(super) child: Weak<Connection>,
}

/// Which child the resource was last subscribed at. Locked during a request, so that the child's
/// last request is the one that counts.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub(super) child: Weak<Connection>,
    /// Whether the child has agreed; otherwise it may or may not have got the request.
    pub(super) is_sure: bool,
}

/// A client among the subscribers of a resource, during its request.
pub(super) struct Entry<'w> {
    pub(super) registry: &'w SubscriptionRegistry,
    pub(super) uri: &'w str,
    pub(super) notifications: &'w Arc<Notifications>,
    pub(super) agreement: Arc<AsyncMutex<Agreement>>,
}

impl Entry<'_> {
    /// The client stays subscribed; `child` has agreed.
    pub(super) fn stay(&self, child: &Arc<Connection>) {
        self.change(|subscriber| {
            subscriber.stays = true;
            subscriber.child = Arc::downgrade(child);
        });
    }

    /// The client is no longer subscribed after this.
    pub(super) fn leave(&self) {
        self.change(|subscriber| subscriber.stays = false);
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Subscriber)) {
        if let Some(subscription) = self.registry.lock().get_mut(self.uri) {
            subscription.change(self.notifications, change);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut all = self.registry.lock();
        if let Some(subscription) = all.get_mut(self.uri) {
            subscription.change(self.notifications, |subscriber| subscriber.asking -= 1);
            subscription.subscribers.retain(|subscriber| subscriber.asking > 0 || subscriber.stays);
            if subscription.is_unused() {
                all.remove(self.uri);
            }
        }
        drop(all);
        self.registry.left.notify_one();
    }
}

impl Subscription {
    pub(super) fn change(
        &mut self,
        notifications: &Arc<Notifications>,
        change: impl FnOnce(&mut Subscriber),
    ) {
        if let Some(subscriber) = self
            .subscribers
            .iter_mut()
            .find(|subscriber| is(&subscriber.notifications, notifications))
        {
            self.last.clone_from(&subscriber.principal);
            change(subscriber);
        }
    }

    /// The principals of its subscribers; without any, the last one, for which the child may still
    /// send updates.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Principal> {
        let last = Some(&self.last).filter(|_| self.subscribers.is_empty());
        self.subscribers.iter().map(|subscriber| &subscriber.principal).chain(last)
    }

    pub(super) fn forget_the_gone(&mut self) {
        self.subscribers.retain(|subscriber| subscriber.notifications.strong_count() > 0);
    }

    /// Whether it has no subscriber and no child can know of it.
    pub(super) fn is_unused(&self) -> bool {
        self.subscribers.is_empty()
            && self.agreement.try_lock().is_ok_and(|agreement| agreement.child.strong_count() == 0)
    }
}

impl Agreement {
    pub(super) fn is_about(&self, child: &Arc<Connection>) -> bool {
        is(&self.child, child)
    }
}

pub(super) fn is<T>(one: &Weak<T>, other: &Arc<T>) -> bool {
    std::ptr::eq(one.as_ptr(), Arc::as_ptr(other))
}

/// A URI in normal form; the Python SDK parses the URIs that it gets.
pub(super) fn normalised(uri: &str) -> String {
    Url::parse(uri).map_or_else(|_| uri.to_owned(), String::from)
}

/// Whether `uri` is `ancestor` or below it.
pub(super) fn is_within(uri: &str, ancestor: &str) -> bool {
    uri.strip_prefix(ancestor).is_some_and(|rest| {
        rest.is_empty() || ancestor.ends_with('/') || rest.starts_with(['/', '?', '#'])
    })
}
