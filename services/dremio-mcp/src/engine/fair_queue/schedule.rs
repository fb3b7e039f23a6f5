//! Which call has a permit and which is next: a pure state, without clocks and tasks.

use std::collections::{HashMap, VecDeque};

use crate::engine::{CallContext, ClientId};
use crate::principal::{ByPrincipal, Principal};

/// Calls of one client that may wait. A guess: no agent reads a thousand answers, and each waiting
/// call holds a connection.
pub(super) const WAITING_MAX: usize = 1000;

/// How many calls may work at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// In all.
    pub(crate) total: usize,
    /// Of one key.
    pub(crate) key: usize,
    /// Of one client.
    pub(crate) client: usize,
    /// Of one batch.
    pub(crate) batch: usize,
    /// The last of the permits, which only keys get that have none.
    pub(crate) last: usize,
}

/// Who a permit is for.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    pub(crate) principal: Principal,
    pub(crate) client: ClientId,
    /// The batch that the call is a part of.
    pub(crate) batch: Option<u64>,
}

impl Requester {
    /// For the call of this context.
    pub(crate) fn of(context: &CallContext) -> Self {
        let caller = context.caller();
        let principal = caller.principal().clone();
        Self { principal, client: caller.client, batch: caller.batch }
    }

    /// For the gateway's own calls.
    pub(crate) fn gateway() -> Self {
        Self { principal: Principal::anyone(), client: ClientId::Gateway, batch: None }
    }
}

/// What stands in the queue.
pub(super) trait Waiting {
    /// Whether its call has gone away.
    fn is_gone(&self) -> bool;
}

/// Too many calls of this client wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

#[derive(Debug)]
pub(super) struct Schedule<W> {
    limits: Limits,
    held: usize,
    keys: ByPrincipal<Key<W>>,
    batches: HashMap<u64, usize>,
    /// The keys that wait, in the order of their turns.
    turns: VecDeque<Principal>,
}

#[derive(Debug)]
struct Key<W> {
    held: usize,
    clients: HashMap<ClientId, Client<W>>,
    /// The clients that wait, in the order of their turns.
    turns: VecDeque<ClientId>,
}

#[derive(Debug)]
struct Client<W> {
    held: usize,
    waiting: VecDeque<(Option<u64>, W)>,
}

impl<W: Waiting> Schedule<W> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            held: 0,
            keys: ByPrincipal::default(),
            batches: HashMap::new(),
            turns: VecDeque::new(),
        }
    }

    /// The permits that are taken.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Takes a permit, if `requester` may have one now. No waiting call is passed over: those
    /// that wait may have none.
    pub(super) fn take(&mut self, requester: &Requester) -> bool {
        let key = self.keys.get(&requester.principal);
        let client = key.and_then(|key| key.clients.get(&requester.client));
        let may = self.has_place_for_key(key.map_or(0, |key| key.held))
            && client.map_or(0, |client| client.held) < self.limits.client
            && has_room(&self.batches, requester.batch, self.limits.batch);
        if may {
            self.hold(requester);
        }
        may
    }

    /// Puts a call at the end of its client's queue.
    ///
    /// # Errors
    /// When that queue is full.
    pub(super) fn wait(&mut self, requester: Requester, call: W) -> Result<(), TooMany> {
        let key = self.keys.entry(requester.principal.clone()).or_insert_with(Key::new);
        let client = key.clients.entry(requester.client).or_insert_with(Client::new);
        let has_turn = !client.waiting.is_empty();
        if client.waiting.len() >= WAITING_MAX {
            // Calls that went away while they waited do not count.
            client.waiting.retain(|(_, call)| !call.is_gone());
            if client.waiting.len() >= WAITING_MAX {
                return Err(TooMany);
            }
        }
        client.waiting.push_back((requester.batch, call));
        if !has_turn {
            if key.turns.is_empty() {
                self.turns.push_back(requester.principal);
            }
            key.turns.push_back(requester.client);
        }
        Ok(())
    }

    /// Gives a permit to the call whose turn it is, if one of those that wait may have one now.
    pub(super) fn next(&mut self) -> Option<(Requester, W)> {
        let mut turn = 0;
        while let Some(principal) = self.turns.get(turn).cloned() {
            let may = self.keys.get(&principal).is_some_and(|key| self.has_place_for_key(key.held));
            let Some(key) = self.keys.get_mut(&principal).filter(|_| may) else {
                turn += 1;
                continue;
            };
            let next = key.next(&self.limits, &self.batches);
            let waits_on = !key.turns.is_empty();
            if next.is_none() && waits_on {
                turn += 1;
                continue;
            }
            self.turns.remove(turn);
            if waits_on {
                self.turns.push_back(principal.clone());
            }
            match next {
                Some((client, batch, call)) => {
                    let requester = Requester { principal, client, batch };
                    self.hold(&requester);
                    return Some((requester, call));
                }
                None => self.forget_if_idle(&principal),
            }
        }
        None
    }

    /// Ends what [`Schedule::take`] or [`Schedule::next`] gave.
    pub(super) fn give_back(&mut self, requester: &Requester) {
        self.held = self.held.saturating_sub(1);
        if let Some(key) = self.keys.get_mut(&requester.principal) {
            key.held = key.held.saturating_sub(1);
            if let Some(client) = key.clients.get_mut(&requester.client) {
                client.held = client.held.saturating_sub(1);
                if client.is_idle() {
                    key.clients.remove(&requester.client);
                }
            }
        }
        self.forget_if_idle(&requester.principal);
        if let Some(batch) = requester.batch
            && let Some(held) = self.batches.get_mut(&batch)
        {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.batches.remove(&batch);
            }
        }
    }

    fn hold(&mut self, requester: &Requester) {
        self.held += 1;
        let key = self.keys.entry(requester.principal.clone()).or_insert_with(Key::new);
        key.held += 1;
        key.clients.entry(requester.client).or_insert_with(Client::new).held += 1;
        if let Some(batch) = requester.batch {
            *self.batches.entry(batch).or_default() += 1;
        }
    }

    fn has_place_for_key(&self, held_by_key: usize) -> bool {
        let free = self.limits.total.saturating_sub(self.held);
        free > 0 && held_by_key < self.limits.key && (free > self.limits.last || held_by_key == 0)
    }

    fn forget_if_idle(&mut self, principal: &Principal) {
        if self.keys.get(principal).is_some_and(|key| key.held == 0 && key.clients.is_empty()) {
            self.keys.remove(principal);
        }
    }
}

impl<W: Waiting> Key<W> {
    fn new() -> Self {
        Self { held: 0, clients: HashMap::new(), turns: VecDeque::new() }
    }

    /// Takes out the first call that may have a permit, of the first client that has one.
    fn next(
        &mut self,
        limits: &Limits,
        batches: &HashMap<u64, usize>,
    ) -> Option<(ClientId, Option<u64>, W)> {
        let mut turn = 0;
        while let Some(name) = self.turns.get(turn).copied() {
            let Some(client) = self.clients.get_mut(&name) else {
                self.turns.remove(turn);
                continue;
            };
            let next =
                if client.held < limits.client { client.next(limits, batches) } else { None };
            let waits_on = !client.waiting.is_empty();
            if next.is_none() && waits_on {
                turn += 1;
                continue;
            }
            self.turns.remove(turn);
            if waits_on {
                self.turns.push_back(name);
            }
            match next {
                Some((batch, call)) => return Some((name, batch, call)),
                None if client.is_idle() => drop(self.clients.remove(&name)),
                None => {}
            }
        }
        None
    }
}

impl<W: Waiting> Client<W> {
    fn new() -> Self {
        Self { held: 0, waiting: VecDeque::new() }
    }

    /// Takes out the first call that may have a permit. A batch that has all it may have holds up
    /// no call behind it.
    fn next(&mut self, limits: &Limits, batches: &HashMap<u64, usize>) -> Option<(Option<u64>, W)> {
        let mut at = 0;
        while let Some((batch, call)) = self.waiting.get(at) {
            if call.is_gone() {
                self.waiting.remove(at);
            } else if has_room(batches, *batch, limits.batch) {
                return self.waiting.remove(at);
            } else {
                at += 1;
            }
        }
        None
    }

    fn is_idle(&self) -> bool {
        self.held == 0 && self.waiting.is_empty()
    }
}

fn has_room(batches: &HashMap<u64, usize>, batch: Option<u64>, max: usize) -> bool {
    batch.is_none_or(|batch| batches.get(&batch).copied().unwrap_or_default() < max)
}

#[cfg(test)]
mod tests;
