//! The guard at the place where an engine sends SQL: its refusals are counted and written to the
//! audit log, without the SQL.

use std::sync::Arc;

use super::{Guard, Refusal, Statement, shape};
use crate::audit::CallAudit;
use crate::metrics::Metrics;
use crate::principal::Principal;

/// The guard of one engine.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    guard: Guard,
    engine: &'static str,
    metrics: Arc<Metrics>,
}

impl Gate {
    pub(crate) fn new(guard: Guard, engine: &'static str, metrics: Arc<Metrics>) -> Self {
        Self { guard, engine, metrics }
    }

    /// What is allowed.
    pub(crate) fn guard(&self) -> Guard {
        self.guard
    }

    /// As [`Guard::check`].
    ///
    /// # Errors
    /// The reason and its cure. It has been reported.
    pub(crate) fn check(&self, sql: &str) -> Result<Statement, Refusal> {
        self.read(sql).inspect_err(|refusal| self.refused(refusal.reason()))
    }

    /// As [`Gate::check`], for a statement of `principal`.
    ///
    /// # Errors
    /// With the reason and its cure. It has been reported.
    pub(crate) fn check_for(&self, principal: &Principal, sql: &str) -> Result<Statement, Refusal> {
        self.read(sql).inspect_err(|refusal| self.report(refusal.reason(), Some(principal)))
    }

    /// Checks a statement, and writes it down with the call that it is for.
    fn read(&self, sql: &str) -> Result<Statement, Refusal> {
        self.guard.check_seen(sql, |tokens| {
            CallAudit::note_statement(shape::class(tokens), sql, || shape::shape(tokens));
        })
    }

    /// Reports a refusal. `reason` is a stable word.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.report(reason, None);
    }

    /// Reports a refusal, and to whom it is, where that is known.
    fn report(&self, reason: &'static str, principal: Option<&Principal>) {
        self.metrics.statement_refused(reason);
        CallAudit::note_denial(reason);
        tracing::info!(
            target: "audit",
            event = "statement_refused",
            engine = self.engine,
            principal = principal.map(tracing::field::display),
            reason,
            "statement not sent to Dremio",
        );
    }
}

#[cfg(test)]
mod tests;
