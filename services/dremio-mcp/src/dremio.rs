//! The gateway's one room for Dremio.
//!
//! - `token`: the token to send, for one account
//! - `accounts`: the tokens of all accounts
//! - `refresh_requests`: how the refresher is asked for another token
//! - `caller`: makes a call with it, and reports how that ended
//! - `outcome`: how a call ended, and what that says about the token
//! - `health`: whether Dremio answers
//! - `custody`: jobs that must not outlive the wish for them
//! - `polling`: how the end of a job is awaited
//! - `asked_jobs`: jobs that are asked for until they are over, and then cancelled
//! - `kept_jobs`: jobs that go on although the call that started them has ended
//! - `handles`: how a client names a job of its own later

mod accounts;
mod asked_jobs;
mod caller;
mod custody;
mod handles;
mod health;
mod kept_jobs;
mod outcome;
mod polling;
mod refresh_requests;
mod token;

pub(crate) use accounts::Tokens;
pub(crate) use asked_jobs::{AskedJobs, Question};
pub(crate) use caller::{DremioCaller, DremioError};
pub(crate) use custody::{HeldJob, JobCustody};
pub(crate) use handles::{BadHandle, Handles};
pub(crate) use health::{AWAY_TIMEOUT, DremioHealth};
pub(crate) use kept_jobs::KeptJobs;
pub(crate) use polling::poll;
pub(crate) use token::{TokenError, TokenSource};
