//! What a principal has used of its budgets: in memory, in fixed windows from the full hour or
//! minute, UTC. Each replica counts by itself.
//!
//! Something is counted when it passes. Whoever finds anything left may go on with one piece: a
//! row, a statement, an answer. So a budget is never exceeded by more than that piece, whatever
//! the number of calls.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use service_kit::Clock;

use super::limits::{Each, Limit, Limits, Resource};

/// What was used, by one principal.
#[derive(Debug)]
pub(crate) struct Spending {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: Each<Used>,
    jobs: usize,
}

/// What was used of one resource in the window that began then.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    window_start: i64,
    amount: u64,
}

/// A budget is used up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverBudget {
    /// Of what is counted by the hour or minute.
    #[error(
        "the budget {} = \"{limit}\" of this key is used up: {used} of {} {}",
        .resource.name(), .limit.amount, .resource.name()
    )]
    Window {
        resource: Resource,
        limit: Limit,
        used: u64,
        /// When the next window begins.
        resets_at: Timestamp,
        /// How long until then, in seconds.
        wait_seconds: i64,
    },
    /// As many queries run as may.
    #[error(
        "the budget jobs = {limit} of this key is used up: {limit} of its queries run at Dremio"
    )]
    Jobs { limit: usize },
}

impl OverBudget {
    /// Which budget, for logs and metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Window { resource, .. } => resource.name(),
            Self::Jobs { .. } => "jobs",
        }
    }

    /// What helps.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Window { resets_at, wait_seconds, .. } => format!(
                "It resets at {resets_at}, in {wait_seconds} s. Until then, nothing more of it can \
                 be had; the operator of dremio-mcp can give more (MCP_POLICY_FILE)."
            ),
            Self::Jobs { .. } => {
                "Wait until one of them has ended, and try again; the operator of dremio-mcp can \
                 give more (MCP_POLICY_FILE)."
                    .to_owned()
            }
        }
    }
}

/// The place of a query among those that may run at a time. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct JobPlace(Arc<Spending>);

impl Drop for JobPlace {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.jobs = state.jobs.saturating_sub(1);
    }
}

impl Spending {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    /// Whether anything is left of each of these resources.
    ///
    /// # Errors
    /// With the first that is used up.
    pub(super) fn check(&self, limits: &Limits, resources: &[Resource]) -> Result<(), OverBudget> {
        let now = self.clock.now();
        let state = self.state.lock();
        resources.iter().try_for_each(|resource| state.check(limits, *resource, now))
    }

    /// Counts one piece: so much of each of these resources, or nothing of any.
    ///
    /// # Errors
    /// When nothing is left of one of them.
    pub(super) fn take(
        &self,
        limits: &Limits,
        pieces: &[(Resource, u64)],
    ) -> Result<(), OverBudget> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        for (resource, _) in pieces {
            state.check(limits, *resource, now)?;
        }
        for (resource, amount) in pieces {
            state.count(limits, *resource, *amount, now);
        }
        Ok(())
    }

    /// Gives back what was taken for a piece that did not pass.
    pub(super) fn give_back(&self, limits: &Limits, pieces: &[(Resource, u64)]) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        for (resource, amount) in pieces {
            let used = state.used.of_mut(*resource);
            if limits
                .of(*resource)
                .is_some_and(|limit| limit.window.start(now) == used.window_start)
            {
                used.amount = used.amount.saturating_sub(*amount);
            }
        }
    }

    /// Counts one statement, and takes a place for its job.
    ///
    /// # Errors
    /// When no budget for it is left, of rows, bytes and tokens too: its answer could not pass.
    pub(super) fn begin_query(self: &Arc<Self>, limits: &Limits) -> Result<JobPlace, OverBudget> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        for resource in Resource::ALL {
            state.check(limits, resource, now)?;
        }
        if let Some(limit) = limits.jobs.filter(|limit| state.jobs >= *limit) {
            return Err(OverBudget::Jobs { limit });
        }
        state.count(limits, Resource::Queries, 1, now);
        state.jobs += 1;
        drop(state);
        Ok(JobPlace(Arc::clone(self)))
    }
}

impl State {
    fn check(&self, limits: &Limits, resource: Resource, now: Timestamp) -> Result<(), OverBudget> {
        let Some(limit) = limits.of(resource) else { return Ok(()) };
        let start = limit.window.start(now);
        let Used { window_start, amount: used } = *self.used.of(resource);
        if window_start != start || used < limit.amount {
            return Ok(());
        }
        let resets_at = limit.window.end(start);
        let wait_seconds = (resets_at.as_second() - now.as_second()).max(1);
        Err(OverBudget::Window { resource, limit, used, resets_at, wait_seconds })
    }

    fn count(&mut self, limits: &Limits, resource: Resource, amount: u64, now: Timestamp) {
        let Some(limit) = limits.of(resource) else { return };
        let start = limit.window.start(now);
        let used = self.used.of_mut(resource);
        if used.window_start != start {
            *used = Used { window_start: start, amount: 0 };
        }
        used.amount = used.amount.saturating_add(amount);
    }
}

#[cfg(test)]
mod tests;
