//! The tools, with the names and arguments of the official server's, made for Dremio Community
//! Edition.
//!
//! One call goes: `listing` (which tool?) → `handlers` (are the arguments what it expects?) → for a
//! query the gate of [`crate::guard`] → `job` (submit, wait, cancel when dropped) → `rows` (as many
//! as fit); for a schema `table_name` → `table_schema`. All of them reach Dremio through
//! [`crate::dremio`], and fail with a `failure`, which says what helps. `listing` and
//! `system_tables` are the texts.
//!
//! A new tool is an entry in `listing::TOOLS`, its function in `handlers`, and the shape of its
//! arguments there.
//!
//! MCP is not known here: an engine makes a result of what a tool returns.

mod failure;
mod handlers;
mod job;
mod listing;
mod progress;
mod rows;
mod system_tables;
mod table_name;
mod table_schema;

use std::sync::Arc;

pub(super) use self::failure::Failure;
pub(super) use self::handlers::ToolCall;
pub(super) use self::listing::{TOOLS, Tool, initialize_result, tools_list};
pub(super) use self::progress::{Holds, Progress};
#[cfg(test)]
pub(super) use self::system_tables::SYSTEM_TABLES;
use crate::answer::AnswerConfig;
use crate::catalog::Catalog;
use crate::dremio::{Handles, JobCustody, KeptJobs};
use crate::guard::gate::Gate;

/// What all tools work with.
#[derive(Debug)]
pub(crate) struct ToolRoom {
    /// Jobs, and Dremio.
    pub(super) jobs: JobCustody,
    /// Decides what SQL may run.
    pub(super) gate: Gate,
    /// What Dremio has.
    #[allow(dead_code, reason = "the tools that use it come next")]
    pub(super) catalog: Arc<Catalog>,
    /// Names that clients have for their jobs.
    #[allow(dead_code, reason = "the tools that use it follow")]
    pub(super) handles: Handles,
    /// Jobs that go on after their call.
    #[allow(dead_code, reason = "the tools that use it follow")]
    pub(super) kept_jobs: Arc<KeptJobs>,
    /// How answers are written.
    #[allow(dead_code, reason = "the tools that use it follow")]
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
        let catalog = Arc::new(Catalog::new(jobs.clone()));
        Self { catalog, jobs, gate, handles, kept_jobs, answers }
    }
}
