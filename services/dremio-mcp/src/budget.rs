//! How many bytes of clients' messages the gateway holds: so many in all, and so many for one
//! principal, whoever sends or fetches them and however slowly. What is to be held takes its room
//! first ([`Budget::try_take`], [`Budget::take`]) and has it until the [`Charge`] is dropped; a
//! text that goes out keeps its charge until the network has it ([`Held`]).
//!
//! It counts bytes and allocates nothing. What is smaller than a page of memory and lives for the
//! length of a call (ids, names) is not counted: connections and calls have limits of their own.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::principal::{ByPrincipal, Principal};

/// Bytes of messages held at a time. The gateway is to stay below 400 MB, of which 16,384
/// connections may take half.
const TOTAL_BYTES: usize = 128 * 1024 * 1024;

/// Of these, what one principal may hold.
const SHARE_BYTES: usize = TOTAL_BYTES / 2;

/// Bytes of rows held at a time. A call waits for these while it holds its request, so they must
/// not be what requests can use up.
const PAGES_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// Of these, what one principal may hold; the MCP server process, which fetches for all, is one.
const PAGES_SHARE_BYTES: usize = 48 * 1024 * 1024;

/// What counts as small. The last eighth of every limit is for what is small, so that a question
/// and a short answer get through beside those who move megabytes with the same key.
const SMALL_BYTES_MAX: usize = 256 * 1024;

/// What bytes are held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests, from their first byte until their call has ended.
    Bodies,
    /// Rows that come from Dremio.
    Pages,
    /// Answers, until the network has taken them.
    Answers,
    /// What waits for the reader of a stream, or is kept for one that comes back.
    Streams,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 4] = [Self::Bodies, Self::Pages, Self::Answers, Self::Streams];

    /// A stable word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Pages => "pages",
            Self::Answers => "answers",
            Self::Streams => "streams",
        }
    }
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoom {
    /// This principal holds what one may.
    #[error("this key holds as many bytes as one key may")]
    Share,
    /// All together hold what they may.
    #[error("all clients together hold as many bytes as they may")]
    All,
}

impl NoRoom {
    /// A stable word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Share => "bytes_of_key",
            Self::All => "bytes_of_all",
        }
    }
}

/// The room there is. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    messages: Pool,
    pages: Pool,
}

/// The room for some kinds of bytes.
#[derive(Clone, Debug)]
struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total: usize,
    share: usize,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    held_by: ByPrincipal<usize>,
    /// The principals that wait, in the order of their turns, and what each waits for.
    order: VecDeque<Principal>,
    waiting: ByPrincipal<VecDeque<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    kind: Kind,
    bytes: usize,
    granted: oneshot::Sender<Charge>,
}

/// Room that is taken, given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    /// Of nobody, for what the gateway itself holds: that is not counted.
    of: Option<(Pool, Principal, Kind)>,
    bytes: usize,
}

/// A text on its way out, with the room that it takes.
#[derive(Debug)]
pub(crate) struct Held {
    text: String,
    charge: Charge,
}

impl Budget {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        let messages = Pool::of(TOTAL_BYTES, SHARE_BYTES, Arc::clone(&metrics));
        Self { messages, pages: Pool::of(PAGES_TOTAL_BYTES, PAGES_SHARE_BYTES, metrics) }
    }

    /// One for tests: `total` bytes of each, half of them for one principal.
    #[cfg(test)]
    pub(crate) fn small(total: usize) -> Self {
        let metrics =
            Arc::new(Metrics::register(&mut prometheus_client::registry::Registry::default()));
        let messages = Pool::of(total, total / 2, Arc::clone(&metrics));
        Self { messages, pages: Pool::of(total, total / 2, metrics) }
    }

    /// Room for `bytes`, if there is any now.
    ///
    /// # Errors
    /// Whose limit is reached.
    pub(crate) fn try_take(
        &self,
        principal: &Principal,
        kind: Kind,
        bytes: usize,
    ) -> Result<Charge, NoRoom> {
        self.pool(kind).try_take(principal, kind, bytes)
    }

    /// Room for `bytes`, waiting for it: behind what the principal waits for already, and in turn
    /// with other principals. Cancel safe.
    ///
    /// # Errors
    /// When it is more than one principal may ever have.
    pub(crate) async fn take(
        &self,
        principal: &Principal,
        kind: Kind,
        bytes: usize,
    ) -> Result<Charge, NoRoom> {
        self.pool(kind).take(principal, kind, bytes).await
    }

    fn pool(&self, kind: Kind) -> &Pool {
        match kind {
            Kind::Pages => &self.pages,
            Kind::Bodies | Kind::Answers | Kind::Streams => &self.messages,
        }
    }
}

impl Pool {
    fn of(total: usize, share: usize, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Shared { total, share, metrics, state: Mutex::default() }))
    }

    fn try_take(&self, principal: &Principal, kind: Kind, bytes: usize) -> Result<Charge, NoRoom> {
        let mut charge = Charge { of: Some((self.clone(), principal.clone(), kind)), bytes: 0 };
        charge.try_grow(bytes).map(|()| charge)
    }

    async fn take(
        &self,
        principal: &Principal,
        kind: Kind,
        bytes: usize,
    ) -> Result<Charge, NoRoom> {
        if bytes > self.0.share_for(bytes) {
            return Err(NoRoom::Share);
        }
        let granted = {
            let mut state = self.lock();
            let is_queued = state
                .waiting
                .get(principal)
                .is_some_and(|own| own.iter().any(|other| !other.granted.is_closed()));
            let waits = is_queued && bytes > SMALL_BYTES_MAX;
            if !waits && self.0.fits(&state, principal, 0, bytes).is_ok() {
                return Ok(self.charge(&mut state, principal, kind, bytes));
            }
            let (granted, answer) = oneshot::channel();
            if !state.waiting.contains_key(principal) {
                state.order.push_back(principal.clone());
            }
            let own = state.waiting.entry(principal.clone()).or_default();
            // Who has left the queue is looked for each time that it has doubled.
            if own.len().is_power_of_two() {
                own.retain(|waiting| !waiting.granted.is_closed());
            }
            own.push_back(Waiting { kind, bytes, granted });
            answer
        };
        let mut waiting = Wait { pool: self, granted };
        // Only the budget has the other end, and it never lets go of it unanswered.
        (&mut waiting.granted).await.map_err(|_| NoRoom::All)
    }

    /// Counts `bytes` as held by `principal`.
    fn charge(&self, state: &mut State, principal: &Principal, kind: Kind, bytes: usize) -> Charge {
        state.add(principal, bytes);
        self.0.metrics.bytes_held(kind, bytes, 0);
        Charge { of: Some((self.clone(), principal.clone(), kind)), bytes }
    }

    fn give_back(&self, principal: &Principal, kind: Kind, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.0.metrics.bytes_held(kind, 0, bytes);
        let mut state = self.lock();
        state.remove(principal, bytes);
        self.grant_what_fits(state);
    }

    /// Serves those who wait as far as there is room.
    fn grant_what_fits(&self, mut state: MutexGuard<'_, State>) {
        let granted = self.grant(&mut state);
        drop(state);
        // Outside of the lock: who has left meanwhile gives its room back here.
        for (waiting, charge) in granted {
            let _left = waiting.send(charge);
        }
    }

    /// What can be given to those who wait: one each in turn, until nobody's first wish fits.
    fn grant(&self, state: &mut State) -> Vec<(oneshot::Sender<Charge>, Charge)> {
        let mut granted = Vec::new();
        let mut passed = 0;
        while passed < state.order.len() {
            let Some(principal) = state.order.pop_front() else { break };
            let mut own = state.waiting.remove(&principal).unwrap_or_default();
            while own.front().is_some_and(|first| first.granted.is_closed()) {
                own.pop_front();
            }
            let fits = own
                .front()
                .is_some_and(|first| self.0.fits(state, &principal, 0, first.bytes).is_ok());
            match own.pop_front() {
                Some(first) if fits => {
                    let charge = self.charge(state, &principal, first.kind, first.bytes);
                    granted.push((first.granted, charge));
                    passed = 0;
                }
                Some(first) => {
                    own.push_front(first);
                    passed += 1;
                }
                None => {}
            }
            if !own.is_empty() {
                state.waiting.insert(principal.clone(), own);
                state.order.push_back(principal);
            }
        }
        granted
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }
}

/// Somebody who waits for room. Whoever leaves the queue may have stood in the way of others.
struct Wait<'p> {
    pool: &'p Pool,
    granted: oneshot::Receiver<Charge>,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.granted.close();
        // Granted between two polls: it goes back now, and serves others by that.
        drop(self.granted.try_recv());
        self.pool.grant_what_fits(self.pool.lock());
    }
}

impl Shared {
    /// Whether `principal` may hold `more` bytes for what has `held` already.
    fn fits(
        &self,
        state: &State,
        principal: &Principal,
        held: usize,
        more: usize,
    ) -> Result<(), NoRoom> {
        let whole = held.saturating_add(more);
        let own = state.held_by.get(principal).copied().unwrap_or_default();
        if own.saturating_add(more) > self.share_for(whole) {
            return Err(NoRoom::Share);
        }
        if state.held.saturating_add(more) > part_for(self.total, whole) {
            return Err(NoRoom::All);
        }
        Ok(())
    }

    fn share_for(&self, bytes: usize) -> usize {
        part_for(self.share, bytes)
    }
}

/// The part of a limit that something of this size may use.
fn part_for(limit: usize, bytes: usize) -> usize {
    if bytes > SMALL_BYTES_MAX { limit - limit / 8 } else { limit }
}

impl State {
    fn add(&mut self, principal: &Principal, bytes: usize) {
        self.held += bytes;
        *self.held_by.entry(principal.clone()).or_default() += bytes;
    }

    fn remove(&mut self, principal: &Principal, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
        let Some(own) = self.held_by.get_mut(principal) else { return };
        *own = own.saturating_sub(bytes);
        if *own == 0 {
            self.held_by.remove(principal);
        }
    }
}

impl Charge {
    /// For what is not counted.
    pub(crate) fn free() -> Self {
        Self { of: None, bytes: 0 }
    }

    /// Takes room for `more` bytes, if there is any now.
    ///
    /// # Errors
    /// Whose limit is reached; what was taken before stays taken.
    pub(crate) fn try_grow(&mut self, more: usize) -> Result<(), NoRoom> {
        let Some((budget, principal, kind)) = &self.of else { return Ok(()) };
        {
            let mut state = budget.lock();
            budget.0.fits(&state, principal, self.bytes, more)?;
            state.add(principal, more);
        }
        budget.0.metrics.bytes_held(*kind, more, 0);
        self.bytes += more;
        Ok(())
    }

    /// Gives back what is beyond `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        if let Some((budget, principal, kind)) = &self.of {
            budget.give_back(principal, *kind, surplus);
        }
    }

    /// Makes it a charge for `bytes`.
    ///
    /// # Errors
    /// Whose limit is reached; what was taken before stays taken.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.try_grow(more),
            None => {
                self.shrink_to(bytes);
                Ok(())
            }
        }
    }

    /// Takes over what `other` has, which is of the same principal and kind, or free.
    fn absorb(&mut self, mut other: Self) {
        if self.of.is_none() {
            *self = other;
        } else {
            self.bytes += std::mem::take(&mut other.bytes);
        }
    }

    /// `text` with this as its room.
    pub(crate) fn hold(self, text: String) -> Held {
        Held { text, charge: self }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

impl Held {
    /// The text, out of its room.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The texts as one JSON array, in the room of all of them.
    pub(crate) fn array(elements: Vec<Self>) -> Self {
        let mut text = String::with_capacity(
            elements.iter().map(|element| element.text.len() + 1).sum::<usize>() + 1,
        );
        let mut charge = Charge::free();
        for element in elements {
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&element.text);
            charge.absorb(element.charge);
        }
        text.push(']');
        Self { text, charge }
    }

    /// The text in another form, of about the same size, in the same room.
    pub(crate) fn map(self, form: impl FnOnce(&str) -> String) -> Self {
        Self { text: form(&self.text), charge: self.charge }
    }

    /// The bytes of the text. The room is given back when the last copy of them is gone.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// A text of the gateway's own, which is short and not counted.
impl From<String> for Held {
    fn from(text: String) -> Self {
        Charge::free().hold(text)
    }
}

#[cfg(test)]
mod tests;
