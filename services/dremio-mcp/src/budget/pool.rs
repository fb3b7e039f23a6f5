//! The room for some kinds of bytes, with its holders and its queue.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::oneshot;

use super::{Kind, NoRoom, SMALL_BYTES_MAX};
use crate::metrics::Metrics;
use crate::principal::{ByPrincipal, Principal};

/// The room for some kinds of bytes.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total: usize,
    share: usize,
    /// By kind.
    held: [Gauge; Kind::ALL.len()],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) held: usize,
    pub(super) held_by: ByPrincipal<usize>,
    /// The principals that wait, in the order of their turns, and what each waits for.
    pub(super) order: VecDeque<Principal>,
    pub(super) waiting: ByPrincipal<VecDeque<Waiting>>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    kind: Kind,
    bytes: usize,
    granted: oneshot::Sender<Charge>,
}

impl Pool {
    pub(super) fn of(total: usize, share: usize, metrics: &Metrics) -> Self {
        let held = Kind::ALL.map(|kind| metrics.bytes_held(kind.name()));
        Self(Arc::new(Shared { total, share, held, state: Mutex::default() }))
    }

    pub(super) fn try_take(
        &self,
        principal: &Principal,
        kind: Kind,
        bytes: usize,
    ) -> Result<Charge, NoRoom> {
        let mut charge = Charge { of: Some((self.clone(), principal.clone(), kind)), bytes: 0 };
        charge.try_grow(bytes).map(|()| charge)
    }

    pub(super) async fn take(
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
            // Entries that have left the queue are removed each time it has doubled.
            if own.len().is_power_of_two() {
                own.retain(|waiting| !waiting.granted.is_closed());
            }
            own.push_back(Waiting { kind, bytes, granted });
            answer
        };
        let mut waiting = Wait { pool: self, granted };
        // Only the budget has the sender, and never drops it without an answer.
        (&mut waiting.granted).await.map_err(|_| NoRoom::All)
    }

    /// Counts `bytes` as held by `principal`.
    fn charge(&self, state: &mut State, principal: &Principal, kind: Kind, bytes: usize) -> Charge {
        state.add(principal, bytes);
        self.0.count(kind, bytes, 0);
        Charge { of: Some((self.clone(), principal.clone(), kind)), bytes }
    }

    fn give_back(&self, principal: &Principal, kind: Kind, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.0.count(kind, 0, bytes);
        let mut state = self.lock();
        state.remove(principal, bytes);
        self.grant_what_fits(state);
    }

    /// Serves the queue as far as there is room.
    fn grant_what_fits(&self, mut state: MutexGuard<'_, State>) {
        let granted = self.grant(&mut state);
        drop(state);
        // Outside the lock: if a receiver has left meanwhile, its room is released here.
        for (waiting, charge) in granted {
            let _left = waiting.send(charge);
        }
    }

    /// What can be granted: one entry per principal in turn, until no first entry fits.
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

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }
}

/// An entry in the queue. When dropped, it makes way for others.
struct Wait<'p> {
    pool: &'p Pool,
    granted: oneshot::Receiver<Charge>,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.granted.close();
        // Granted between two polls: release it, which serves others.
        drop(self.granted.try_recv());
        self.pool.grant_what_fits(self.pool.lock());
    }
}

impl Shared {
    /// Counts `more` bytes as held, and `fewer` as released.
    fn count(&self, kind: Kind, more: usize, fewer: usize) {
        let Some(gauge) = self.held.get(kind as usize) else { return };
        gauge.inc_by(i64::try_from(more).unwrap_or(i64::MAX));
        gauge.dec_by(i64::try_from(fewer).unwrap_or(i64::MAX));
    }

    /// Whether `principal` may hold `more` bytes for something that has `held` already.
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

/// Room that is taken; released when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    /// `None` for what the gateway itself holds: that is not counted.
    of: Option<(Pool, Principal, Kind)>,
    bytes: usize,
}

impl Charge {
    /// A charge that is not counted.
    pub(crate) fn free() -> Self {
        Self { of: None, bytes: 0 }
    }

    /// Takes room for `more` bytes, if available now.
    ///
    /// # Errors
    /// The limit that is reached; what was taken before stays taken.
    pub(crate) fn try_grow(&mut self, more: usize) -> Result<(), NoRoom> {
        let Some((budget, principal, kind)) = &self.of else { return Ok(()) };
        {
            let mut state = budget.lock();
            budget.0.fits(&state, principal, self.bytes, more)?;
            state.add(principal, more);
        }
        budget.0.count(*kind, more, 0);
        self.bytes += more;
        Ok(())
    }

    /// Releases what is beyond `bytes`.
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
    /// The limit that is reached; what was taken before stays taken.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.try_grow(more),
            None => {
                self.shrink_to(bytes);
                Ok(())
            }
        }
    }

    /// Takes over the room of `other`, which is of the same principal and kind, or free.
    pub(super) fn absorb(&mut self, mut other: Self) {
        if self.of.is_none() {
            *self = other;
        } else {
            self.bytes += std::mem::take(&mut other.bytes);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}
