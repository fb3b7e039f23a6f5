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
use crate::engine::mailbox::{Mailbox, Subject};
use crate::engine::places::{Limits, Places, Seat};
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

/// What the child is asked about subscriptions at a time. They have places of their own, so that a
/// client whose calls wait for theirs holds up nobody else's subscription.
const ASKED_MAX: usize = 16;
const ASKED_LIMITS: Limits = Limits { places: ASKED_MAX, key: 12, client: 8, batch: 8, last: 2 };

/// How long the child may take over one, and when it is asked again if it took longer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// The subscriptions of all clients.
#[derive(Debug)]
pub(super) struct Watches {
    watched: Mutex<HashMap<String, Watched>>,
    /// Woken when somebody has left.
    left: Arc<Notify>,
    places: Places,
}

/// A resource, known by its URI as the clients write it.
#[derive(Debug)]
struct Watched {
    /// The URI as a server that parses it writes it.
    normal: String,
    holders: Vec<Holder>,
    /// Who is charged for it when nobody holds it and the child may still know of it.
    last: Principal,
    told: Arc<AsyncMutex<Told>>,
}

/// A client that wants to hear of a resource.
#[derive(Debug)]
struct Holder {
    principal: Principal,
    mailbox: Weak<Mailbox>,
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

/// A client among the holders of a resource while it asks.
struct Place<'w> {
    watches: &'w Watches,
    uri: &'w str,
    mailbox: &'w Arc<Mailbox>,
    told: Arc<AsyncMutex<Told>>,
}

impl Watches {
    pub(super) fn new() -> Self {
        Self {
            watched: Mutex::default(),
            left: Arc::default(),
            places: Places::new(ASKED_LIMITS, None),
        }
    }

    /// Relays `request`, which subscribes the caller's `mailbox` to `uri`, unless the child has
    /// agreed to that for somebody else: then it is answered here. The mailbox gets what the
    /// child says of that resource, until it is gone. Dropping the future takes it back.
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
    ) -> Answer {
        let place = self.hold(uri, mailbox, progress)?;
        let mut told = place.told.lock().await;
        let child = child.get().await?;
        if told.is_sure && told.is_about(&child) {
            place.stay(&child);
            return Ok(Message::from_result("{}"));
        }
        *told = Told { child: Arc::downgrade(&child), is_sure: false };
        let answer = self.exchange(&child, request, Some(progress)).await?;
        if answer.result().is_some() {
            told.is_sure = true;
            place.stay(&child);
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
        mailbox: &Arc<Mailbox>,
        request: &Message,
        progress: &ProgressSink,
        child: &CurrentChild,
    ) -> Answer {
        let place = self.hold(uri, mailbox, progress)?;
        let mut told = place.told.lock().await;
        place.leave();
        if self.is_held(uri, Some(mailbox)) {
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
        let watched = self.lock();
        let concerned: Vec<&Watched> =
            watched.values().filter(|watched| is_within(&normal, &watched.normal)).collect();
        let Some(closest) = concerned.iter().map(|watched| watched.normal.len()).max() else {
            return;
        };
        let at_the_closest = concerned.iter().filter(|watched| watched.normal.len() == closest);
        let keys: Vec<&Principal> = at_the_closest.flat_map(|watched| watched.keys()).collect();
        let mut told = HashSet::new();
        for holder in concerned
            .iter()
            .flat_map(|watched| &watched.holders)
            .filter(|holder| keys.contains(&&holder.principal))
        {
            // Who holds it and one above it is told once.
            if told.insert(holder.mailbox.as_ptr())
                && let Some(mailbox) = holder.mailbox.upgrade()
            {
                mailbox.put(Subject::Resource(normal.clone()), Arc::clone(&message));
            }
        }
    }

    /// Tells a new child of every resource that is watched, and the clients that they may have
    /// missed something; then takes back what nobody wants any more, as long as the child
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
        let Some(Watched { normal, holders, .. }) = all.get_mut(uri) else { return };
        for holder in holders.iter_mut().filter(|holder| holder.stays && !is(&holder.child, child))
        {
            holder.child = Arc::downgrade(child);
            if let Some(mailbox) = holder.mailbox.upgrade() {
                mailbox.put(Subject::Resource(normal.clone()), Arc::clone(&message));
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
        let mut watched = self.lock();
        // Who has come meanwhile waits for the lock that is held here, so the entry must stay.
        if watched.get(uri).is_some_and(|watched| watched.holders.is_empty()) {
            watched.remove(uri);
        }
    }

    /// A place for `mailbox` among those that hear of `uri`.
    fn hold<'w>(
        &'w self,
        uri: &'w str,
        mailbox: &'w Arc<Mailbox>,
        progress: &ProgressSink,
    ) -> Result<Place<'w>, CallError> {
        // Only calls of clients come here; the gateway's own ones name no mailbox.
        let principal = progress
            .caller
            .as_ref()
            .map_or_else(Principal::anyone, |caller| caller.principal.clone());
        if uri.len() > URI_BYTES_MAX {
            return Err(CallError::TooManySubscriptions);
        }
        let normal = normalised(uri);
        let mut all = self.lock();
        let is_new = all.get(uri).is_none_or(|watched| {
            !watched.holders.iter().any(|holder| is(&holder.mailbox, mailbox))
        });
        if is_new {
            make_room(&mut all, uri.len() + normal.len() + OVERHEAD_BYTES, &principal)?;
            mailbox.mourned_by(&self.left);
        }
        let watched = all.entry(uri.to_owned()).or_insert_with(|| Watched {
            normal,
            holders: Vec::new(),
            last: principal.clone(),
            told: Arc::default(),
        });
        if is_new {
            let mailbox = Arc::downgrade(mailbox);
            watched.holders.push(Holder {
                principal,
                mailbox,
                asking: 0,
                stays: false,
                child: Weak::new(),
            });
        }
        watched.change(mailbox, |holder| holder.asking += 1);
        Ok(Place { watches: self, uri, mailbox, told: Arc::clone(&watched.told) })
    }

    /// A question about a subscription, asked in turn. The limit is for all of it, since others may
    /// wait for the same lock.
    async fn exchange(
        &self,
        child: &Connection,
        request: &Message,
        progress: Option<&ProgressSink>,
    ) -> Answer {
        let seat = progress.map_or_else(Seat::of_gateway, ProgressSink::seat);
        let answered = async {
            let _place = self.places.take(seat).await?;
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
        for holder in self.lock().get(uri).into_iter().flat_map(|watched| &watched.holders) {
            child.note_caller(&holder.principal);
        }
    }

    /// The resources that nobody wants any more.
    fn orphans(&self) -> Vec<String> {
        let mut all = self.lock();
        all.values_mut().for_each(Watched::forget_the_gone);
        all.iter()
            .filter(|(_, watched)| watched.holders.is_empty())
            .map(|(uri, _)| uri.clone())
            .collect()
    }

    fn told(&self, uri: &str) -> Option<Arc<AsyncMutex<Told>>> {
        self.lock().get(uri).map(|watched| Arc::clone(&watched.told))
    }

    /// Whether anybody but `except` wants to hear of `uri`.
    fn is_held(&self, uri: &str, except: Option<&Arc<Mailbox>>) -> bool {
        self.lock().get_mut(uri).is_some_and(|watched| {
            watched.forget_the_gone();
            watched
                .holders
                .iter()
                .any(|holder| !except.is_some_and(|mailbox| is(&holder.mailbox, mailbox)))
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        self.watched.lock()
    }
}

impl Place<'_> {
    /// The client stays after this; `child` has agreed.
    fn stay(&self, child: &Arc<Connection>) {
        self.change(|holder| {
            holder.stays = true;
            holder.child = Arc::downgrade(child);
        });
    }

    /// The client does not stay after this.
    fn leave(&self) {
        self.change(|holder| holder.stays = false);
    }

    fn change(&self, change: impl FnOnce(&mut Holder)) {
        if let Some(watched) = self.watches.lock().get_mut(self.uri) {
            watched.change(self.mailbox, change);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.watches.lock();
        if let Some(watched) = all.get_mut(self.uri) {
            watched.change(self.mailbox, |holder| holder.asking -= 1);
            watched.holders.retain(|holder| holder.asking > 0 || holder.stays);
            if watched.is_of_no_use() {
                all.remove(self.uri);
            }
        }
        drop(all);
        self.watches.left.notify_one();
    }
}

impl Watched {
    fn change(&mut self, mailbox: &Arc<Mailbox>, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.holders.iter_mut().find(|holder| is(&holder.mailbox, mailbox)) {
            self.last.clone_from(&holder.principal);
            change(holder);
        }
    }

    /// Whose it is; without holders, of the key for which the child may still speak of it.
    fn keys(&self) -> impl Iterator<Item = &Principal> {
        let last = Some(&self.last).filter(|_| self.holders.is_empty());
        self.holders.iter().map(|holder| &holder.principal).chain(last)
    }

    fn forget_the_gone(&mut self) {
        self.holders.retain(|holder| holder.mailbox.strong_count() > 0);
    }

    /// Whether nobody holds it, and no child can know of it.
    fn is_of_no_use(&self) -> bool {
        self.holders.is_empty()
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
    all: &mut HashMap<String, Watched>,
    bytes: usize,
    principal: &Principal,
) -> Result<(), CallError> {
    all.retain(|_, watched| {
        watched.forget_the_gone();
        !watched.is_of_no_use()
    });
    let (mut by_all, mut by_key) = (bytes, bytes);
    for (uri, watched) in all {
        let each = uri.len() + watched.normal.len() + OVERHEAD_BYTES;
        let own = watched.holders.iter().filter(|holder| holder.principal == *principal).count();
        let orphans = usize::from(watched.holders.is_empty());
        by_all += each * (watched.holders.len() + orphans);
        by_key += each * (own + if watched.last == *principal { orphans } else { 0 });
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
