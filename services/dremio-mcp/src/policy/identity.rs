//! Who calls, as everything behind access control treats the call.

use std::sync::Arc;

use token_file::AccountName;

use super::grant::Grant;
use super::limits::Resource;
use super::schemas::Schemas;
use super::spending::{JobPlace, OverBudget, Spending};
use crate::principal::Principal;

/// Who calls, and what they may do. One value for each principal and version of the policy, shared
/// by its calls: cheap to hand on.
#[derive(Debug)]
pub(crate) struct Identity {
    principal: Principal,
    /// Without it, everything is allowed.
    limited: Option<(Arc<Grant>, Arc<Spending>)>,
}

impl Identity {
    /// Of somebody whom no policy concerns: everything is allowed.
    pub(crate) fn unlimited(principal: Principal) -> Arc<Self> {
        Arc::new(Self { principal, limited: None })
    }

    /// Of somebody who may do what `grant` says, and has used what `spending` says.
    pub(super) fn limited(
        principal: Principal,
        grant: Arc<Grant>,
        spending: Arc<Spending>,
    ) -> Arc<Self> {
        Arc::new(Self { principal, limited: Some((grant, spending)) })
    }

    /// To whom sessions, results and memory belong.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The Dremio account whose token the calls carry, if it is not the single one.
    pub(crate) fn account(&self) -> Option<&AccountName> {
        self.grant()?.account.as_ref()
    }

    /// Whether a policy says what is allowed.
    pub(crate) fn is_limited(&self) -> bool {
        self.limited.is_some()
    }

    /// Whether this tool may be called.
    pub(crate) fn may_call(&self, tool: &str) -> bool {
        self.grant().is_none_or(|grant| grant.tools.include(tool))
    }

    /// The paths that may be named; without them any.
    pub(crate) fn schemas(&self) -> Option<&Schemas> {
        self.grant()?.schemas.as_ref()
    }

    /// What its results depend on besides whose they are: a client whose paths or account are
    /// others now reads no result from before. Empty without a policy.
    pub(crate) fn rights(&self) -> String {
        let account = self.account().map_or("", AccountName::as_str);
        match self.schemas() {
            Some(schemas) => format!("{account}\0{}", schemas.as_str()),
            None => account.to_owned(),
        }
    }

    /// Whether anything is left of these budgets.
    ///
    /// # Errors
    /// With the first that is used up.
    pub(crate) fn check_budgets(&self, resources: &[Resource]) -> Result<(), OverBudget> {
        self.budgets().map_or(Ok(()), |(grant, spent)| spent.check(&grant.limits, resources))
    }

    /// Counts one piece: so much of each of these resources, or nothing of any.
    ///
    /// # Errors
    /// When nothing is left of one of them. The piece must not pass then.
    pub(crate) fn spend(&self, pieces: &[(Resource, u64)]) -> Result<(), OverBudget> {
        self.budgets().map_or(Ok(()), |(grant, spent)| spent.take(&grant.limits, pieces))
    }

    /// Gives back what was spent on a piece that did not pass after all.
    pub(crate) fn give_back(&self, pieces: &[(Resource, u64)]) {
        if let Some((grant, spent)) = self.budgets() {
            spent.give_back(&grant.limits, pieces);
        }
    }

    /// Whether anything is counted.
    pub(crate) fn has_budgets(&self) -> bool {
        self.budgets().is_some()
    }

    /// Counts a statement that is going to Dremio. What comes back is to be kept until its job is
    /// over.
    ///
    /// # Errors
    /// When a budget is used up: of queries or jobs, or of what its answer would need.
    pub(crate) fn begin_query(&self) -> Result<Option<JobPlace>, OverBudget> {
        let Some((grant, spent)) = self.budgets() else { return Ok(None) };
        spent.begin_query(&grant.limits).map(Some)
    }

    pub(super) fn grant(&self) -> Option<&Arc<Grant>> {
        self.limited.as_ref().map(|(grant, _)| grant)
    }

    pub(super) fn spending(&self) -> Option<&Arc<Spending>> {
        self.limited.as_ref().map(|(_, spending)| spending)
    }

    /// What is counted, if anything is.
    fn budgets(&self) -> Option<&(Arc<Grant>, Arc<Spending>)> {
        self.limited.as_ref().filter(|(grant, _)| grant.limits != super::Limits::default())
    }
}
