//! The gateway's one room for Dremio.
//!
//! - `token`: the token to send
//! - `caller`: makes a call with it, and reports how that ended
//! - `outcome`: how a call ended, and what that says about the token
//! - `health`: whether Dremio answers
//! - `custody`: jobs that must not outlive the wish for them
//! - `kept_jobs`: jobs that go on although the call that started them has ended
//! - `handles`: how a client names a job of its own later
//! - `pauses`: how often a job is asked for

mod caller;
mod custody;
#[allow(dead_code, reason = "the tools that use it follow")]
mod handles;
mod health;
#[allow(dead_code, reason = "the tools that use it follow")]
mod kept_jobs;
mod outcome;
mod pauses;
mod token;

pub(crate) use caller::{DremioCaller, DremioError};
pub(crate) use custody::{HeldJob, JobCustody};
#[allow(unused_imports, reason = "the tools that use it follow")]
pub(crate) use handles::{BadHandle, Handles};
pub(crate) use health::{AWAY_TIMEOUT, DremioHealth};
#[allow(unused_imports, reason = "the tools that use it follow")]
pub(crate) use kept_jobs::{KeptJobs, Question};
pub(crate) use pauses::Pauses;
pub(crate) use token::{TokenError, TokenSource};
