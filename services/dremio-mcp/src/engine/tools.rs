//! The tools, with the names and arguments of the official server's, made for Dremio Community
//! Edition.
//!
//! One call goes: `listing` (which tool?) → its file (are the arguments what it expects?) → for a
//! query the gate of [`crate::guard`] → `job` (submit, wait) → `result` (done? then `rows`, as many
//! as fit; else a handle for `get_query_result`); for a table `names` → `object` → `schema`,
//! `description` or `lineage`, as `lines`. All of them reach Dremio through [`crate::dremio`] and
//! [`crate::catalog`], and fail with a `failure`, which says what helps and is `permitted`.
//! `introduction`, `listing` and `system_tables` are the texts.
//!
//! A new tool is an entry in `listing::TOOLS`, and a file with its function and the shape of its
//! arguments.
//!
//! MCP is not known here: an engine makes a result of what a tool returns.

mod budgets;
mod description;
mod failure;
mod get_query_result;
mod introduction;
mod job;
mod lineage;
mod lines;
mod listing;
mod names;
mod object;
mod permitted;
mod progress;
mod result;
mod rows;
mod run_sql_query;
mod schema;
mod search;
mod system_tables;
mod tool_call;
mod values;
mod wanted;

use std::sync::Arc;

pub(super) use self::failure::Failure;
pub(super) use self::introduction::{initialize_result, prompt, prompts_list};
pub(crate) use self::listing::TOOL_NAMES;
#[cfg(test)]
pub(super) use self::listing::TOOLS;
pub(super) use self::listing::{Tool, tools_list};
pub(super) use self::progress::{Holds, Progress};
pub(super) use self::run_sql_query::RunSqlQuery;
#[cfg(test)]
pub(super) use self::system_tables::{FAILED_QUERIES, SYSTEM_TABLES};
pub(super) use self::tool_call::ToolCall;
use crate::answer::AnswerConfig;
use crate::catalog::Catalog;
use crate::dremio::{Handles, JobCustody, KeptJobs};
use crate::policy::Gate;

/// What all tools work with.
#[derive(Debug)]
pub(crate) struct ToolRoom {
    /// Jobs, and Dremio.
    pub(super) jobs: JobCustody,
    /// Decides what SQL may run.
    pub(super) gate: Gate,
    /// What Dremio has.
    pub(super) catalog: Catalog,
    /// Names that clients have for their jobs.
    pub(super) handles: Arc<Handles>,
    /// Jobs that go on after their call.
    pub(super) kept_jobs: Arc<KeptJobs>,
    /// How answers are written.
    pub(super) answers: AnswerConfig,
}

impl ToolRoom {
    /// Tools over this Dremio. Nothing is sent yet, and neither Dremio nor a token needs to be
    /// there.
    pub(crate) fn new(
        jobs: JobCustody,
        kept_jobs: Arc<KeptJobs>,
        gate: Gate,
        handles: Handles,
        answers: AnswerConfig,
    ) -> Self {
        let catalog = Catalog::new(jobs.clone(), gate.guard().allow_job_history, gate.tops());
        Self { catalog, jobs, gate, handles: Arc::new(handles), kept_jobs, answers }
    }

    /// For a stop: gives up the reading of the catalog, and lets the jobs that nobody waits for be
    /// cancelled, for a while.
    pub(in crate::engine) async fn finish(&self) {
        self.catalog.stop();
        self.jobs.finish().await;
    }
}
