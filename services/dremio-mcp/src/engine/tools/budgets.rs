//! The room as one caller sees it, and what they spend there.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::failure::Failure;
use super::{Tool, ToolCall, ToolRoom};
use crate::answer::estimate;
use crate::engine::view::ROWS_OF;
use crate::policy::{Identity, JobPlace, OverBudget, Resource};

/// How often a call that waits looks whether its budgets have ended.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What an answer takes.
const OF_ANSWERS: [Resource; 3] = [Resource::Rows, Resource::Bytes, Resource::Tokens];

impl ToolRoom {
    /// The room as `caller` sees it: what it may not name is not there.
    pub(in crate::engine) fn of(&self, caller: &Arc<Identity>) -> Self {
        let jobs = self.jobs.of(caller.account());
        Self {
            catalog: self.catalog.of(caller, jobs.clone()),
            jobs,
            gate: self.gate.of(caller),
            handles: Arc::clone(&self.handles),
            kept_jobs: Arc::clone(&self.kept_jobs),
            answers: self.answers,
        }
    }

    /// Counts a statement that is going to Dremio. What comes back is to be kept with its job.
    ///
    /// # Errors
    /// When a budget for it is used up.
    pub(in crate::engine) fn begin_query(&self) -> Result<Option<JobPlace>, Failure> {
        let begun = self.gate.caller().map_or(Ok(None), |caller| caller.begin_query());
        begun.map_err(|cause| self.over(&cause))
    }

    /// Whether the caller may have any more rows.
    ///
    /// # Errors
    /// With the budget that is used up.
    pub(in crate::engine) fn check_budgets(&self) -> Result<(), Failure> {
        self.check(&OF_ANSWERS)
    }

    fn check(&self, resources: &[Resource]) -> Result<(), Failure> {
        let checked = self.gate.caller().map_or(Ok(()), |caller| caller.check_budgets(resources));
        checked.map_err(|cause| self.over(&cause))
    }

    /// Counts a row that passes to the caller.
    ///
    /// # Errors
    /// When none is left; the row must not pass then.
    pub(super) fn spend_row(&self, row: &RawValue) -> Result<(), Failure> {
        let spent = self.gate.caller().map_or(Ok(()), |caller| caller.spend(&pieces(row)));
        spent.map_err(|cause| self.over(&cause))
    }

    /// The row that was counted did not fit into the answer.
    pub(super) fn give_row_back(&self, row: &RawValue) {
        if let Some(caller) = self.gate.caller() {
            caller.give_back(&pieces(row));
        }
    }

    /// Resolves when a budget of the caller ends; never, if there is none. Cancel safe.
    pub(super) async fn budgets_end(&self) -> Failure {
        let Some(caller) = self.gate.caller().filter(|caller| caller.has_budgets()) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            if let Err(cause) = caller.check_budgets(&OF_ANSWERS) {
                return self.over(&cause);
            }
        }
    }

    /// The answer of a tool, if it may pass: its tokens are counted.
    ///
    /// # Errors
    /// That of the tool, or that the budget was used up meanwhile.
    pub(in crate::engine) fn counted(
        &self,
        answer: Result<String, Failure>,
    ) -> Result<String, Failure> {
        let Some(caller) = self.gate.caller().filter(|caller| caller.has_budgets()) else {
            return answer;
        };
        let spend = |text: &str| caller.spend(&[(Resource::Tokens, estimate(text) as u64)]);
        match answer {
            Ok(text) => spend(&text).map(|()| text).map_err(|cause| self.over(&cause)),
            Err(failure) => {
                // What is wrong is said in any case.
                let _over = spend(&failure.text());
                Err(failure)
            }
        }
    }

    fn over(&self, cause: &OverBudget) -> Failure {
        self.gate.over_budget(cause);
        Failure::new(cause.to_string(), cause.advice())
    }
}

fn pieces(row: &RawValue) -> [(Resource, u64); 2] {
    [(Resource::Rows, 1), (Resource::Bytes, row.get().len() as u64)]
}

impl Tool {
    /// Answers a call, within the budgets of its caller.
    pub(in crate::engine) async fn answer(&self, call: ToolCall<'_>) -> Result<String, Failure> {
        let room = call.room;
        // This one gives its job up before it says that there is nothing left for the rows.
        if self.name != ROWS_OF {
            room.check(&[Resource::Tokens])?;
        }
        room.counted((self.run)(call).await)
    }
}
