//! The guard and the client's policy at the place where an engine sends SQL: what they refuse is
//! counted and written to the audit log, without the SQL.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::identity::Identity;
use super::names::{NameSet, set_of};
use super::reads;
use super::refusal::{NotAllowed, Refusal};
use super::schemas::{OF_DREMIO, Schemas};
use super::spending::OverBudget;
use crate::audit::CallAudit;
use crate::guard::{Guard, Statement, Token, shape};
use crate::metrics::Metrics;

/// The names of the spaces and sources that Dremio has, as far as they were read. Cheap to clone;
/// all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct TopNames(Arc<ArcSwap<NameSet>>);

impl Default for TopNames {
    fn default() -> Self {
        Self(Arc::new(ArcSwap::from_pointee(set_of(OF_DREMIO.into_iter()))))
    }
}

impl TopNames {
    pub(crate) fn set<'n>(&self, names: impl Iterator<Item = &'n str>) {
        self.0.store(Arc::new(set_of(names.chain(OF_DREMIO))));
    }
}

/// The gate of one engine, to all calls or to those of one caller.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    guard: Guard,
    engine: &'static str,
    metrics: Arc<Metrics>,
    tops: TopNames,
    caller: Option<Arc<Identity>>,
    /// What is of no caller does not pass: it might be of one who is limited.
    is_for_callers_only: bool,
}

impl Gate {
    pub(crate) fn new(guard: Guard, engine: &'static str, metrics: Arc<Metrics>) -> Self {
        let (tops, caller) = (TopNames::default(), None);
        Self { guard, engine, metrics, tops, caller, is_for_callers_only: false }
    }

    /// The same, and what is of no caller does not pass.
    pub(crate) fn for_callers_only(self) -> Self {
        Self { is_for_callers_only: true, ..self }
    }

    /// The gate to this caller.
    pub(crate) fn of(&self, caller: &Arc<Identity>) -> Self {
        Self { caller: Some(Arc::clone(caller)), ..self.clone() }
    }

    /// The caller to whom it is.
    pub(crate) fn caller(&self) -> Option<&Arc<Identity>> {
        self.caller.as_ref()
    }

    /// What is allowed to everybody.
    pub(crate) fn guard(&self) -> Guard {
        self.guard
    }

    /// Where the names of spaces and sources go.
    pub(crate) fn tops(&self) -> TopNames {
        self.tops.clone()
    }

    /// As [`Guard::check`], and as the caller's policy says.
    ///
    /// # Errors
    /// The reason and its cure. It has been reported.
    pub(crate) fn check(&self, sql: &str) -> Result<Statement, Refusal> {
        // Written down with the call that it is for.
        let note = |tokens: &[Token<'_>]| {
            CallAudit::note_statement(shape::class(tokens), sql, || shape::shape(tokens));
        };
        self.decide(sql, note).inspect_err(|refusal| self.refused(refusal.reason()))
    }

    /// Whether a statement would pass. Nothing is reported.
    pub(crate) fn lets_pass(&self, sql: &str) -> bool {
        self.decide(sql, |_| ()).is_ok()
    }

    /// Checks the path in which Dremio looks up names that a statement does not qualify. Who may
    /// name only some paths has none: it would stand before each of them.
    ///
    /// # Errors
    /// The reason and its cure. It has been reported.
    pub(crate) fn check_context<'c>(
        &self,
        context: impl Iterator<Item = &'c str>,
    ) -> Result<(), Refusal> {
        self.decide_context(context).inspect_err(|refusal| self.refused(refusal.reason()))
    }

    fn decide_context<'c>(
        &self,
        mut context: impl Iterator<Item = &'c str>,
    ) -> Result<(), Refusal> {
        if let Some(schemas) = self.schemas() {
            let cause = NotAllowed::Unclear("it has a context");
            return match context.next() {
                Some(_) => Err(refusal(cause, schemas)),
                None => Ok(()),
            };
        }
        Ok(self.guard.check_context(context)?)
    }

    /// `note` gets the tokens of a statement that can be read.
    fn decide(&self, sql: &str, note: impl FnOnce(&[Token<'_>])) -> Result<Statement, Refusal> {
        if self.caller.is_none() && self.is_for_callers_only {
            return Err(Refusal::Nobody);
        }
        let Some(schemas) = self.schemas() else { return Ok(self.guard.check_seen(sql, note)?) };
        let tops = self.tops.0.load();
        let mut judged = Ok(());
        // What other statements read is not told. The guard sends the tokens that it has read.
        let guard = Guard { allow_writes: false, ..self.guard };
        let statement = guard.check_seen(sql, |tokens| {
            note(tokens);
            judged = reads::check(tokens, schemas, &tops);
        })?;
        match judged {
            Ok(()) => Ok(statement),
            Err(cause) => Err(refusal(cause, schemas)),
        }
    }

    fn schemas(&self) -> Option<&Schemas> {
        self.caller.as_ref().and_then(|caller| caller.schemas())
    }

    /// Reports a refusal, and to whom it is, where that is known. `reason` is a stable word.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.metrics.statement_refused(reason);
        CallAudit::note_denial(reason);
        tracing::info!(
            target: "audit",
            event = "statement_refused",
            engine = self.engine,
            principal = self.principal(),
            reason,
            "statement not sent to Dremio",
        );
    }

    /// Reports that a budget is used up.
    pub(crate) fn over_budget(&self, cause: &OverBudget) {
        self.metrics.over_budget(cause.name());
        CallAudit::note_over_budget(cause.name());
        tracing::info!(
            target: "audit",
            event = "over_budget",
            engine = self.engine,
            principal = self.principal(),
            budget = cause.name(),
            "a budget is used up",
        );
    }

    fn principal(&self) -> Option<tracing::field::DisplayValue<&crate::principal::Principal>> {
        self.caller.as_ref().map(|caller| tracing::field::display(caller.principal()))
    }
}

fn refusal(cause: NotAllowed, schemas: &Schemas) -> Refusal {
    Refusal::Schemas { cause, allowed: schemas.as_str().to_owned() }
}

#[cfg(test)]
mod tests;
