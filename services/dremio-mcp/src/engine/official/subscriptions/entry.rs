//! One resource that clients subscribed to, and one client among its subscribers.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::SubscriptionRegistry;
use crate::engine::Notifications;
use crate::engine::official::connection::Connection;
use crate::principal::Principal;

/// A resource, known by its URI as the clients write it.
#[derive(Debug)]
pub(super) struct Subscription {
    /// The URI as a server that parses it writes it.
    pub(super) normal: String,
    pub(super) subscribers: Vec<Subscriber>,
    /// Who is charged for it when nobody holds it and the child may still know of it.
    pub(super) last: Principal,
    pub(super) agreement: Arc<AsyncMutex<Agreement>>,
}

/// A client that wants to hear of a resource.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) principal: Principal,
    pub(super) notifications: Weak<Notifications>,
    /// Its requests about this resource that are under way.
    pub(super) asking: usize,
    /// Whether it goes on when they are over.
    pub(super) stays: bool,
    /// The child whose word it last had on the resource.
    pub(super) child: Weak<Connection>,
}

/// Which child was told of a resource. Locked while one is asked, so that what it hears last is
/// what is meant.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub(super) child: Weak<Connection>,
    /// Whether it has agreed; else it may or may not have heard.
    pub(super) is_sure: bool,
}

/// A client among the subscribers of a resource while it asks.
pub(super) struct Entry<'w> {
    pub(super) registry: &'w SubscriptionRegistry,
    pub(super) uri: &'w str,
    pub(super) notifications: &'w Arc<Notifications>,
    pub(super) agreement: Arc<AsyncMutex<Agreement>>,
}

impl Entry<'_> {
    /// The client stays after this; `child` has agreed.
    pub(super) fn stay(&self, child: &Arc<Connection>) {
        self.change(|subscriber| {
            subscriber.stays = true;
            subscriber.child = Arc::downgrade(child);
        });
    }

    /// The client does not stay after this.
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
            if subscription.is_of_no_use() {
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

    /// Whose it is; without subscribers, of the key for which the child may still speak of it.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Principal> {
        let last = Some(&self.last).filter(|_| self.subscribers.is_empty());
        self.subscribers.iter().map(|subscriber| &subscriber.principal).chain(last)
    }

    pub(super) fn forget_the_gone(&mut self) {
        self.subscribers.retain(|subscriber| subscriber.notifications.strong_count() > 0);
    }

    /// Whether nobody holds it, and no child can know of it.
    pub(super) fn is_of_no_use(&self) -> bool {
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

/// A URI as a parser writes it; the Python SDK parses those that it gets.
pub(super) fn normalised(uri: &str) -> String {
    Url::parse(uri).map_or_else(|_| uri.to_owned(), String::from)
}

/// Whether `uri` is `ancestor`, or below it.
pub(super) fn is_within(uri: &str, ancestor: &str) -> bool {
    uri.strip_prefix(ancestor).is_some_and(|rest| {
        rest.is_empty() || ancestor.ends_with('/') || rest.starts_with(['/', '?', '#'])
    })
}
