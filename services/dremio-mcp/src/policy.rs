//! Who calls, and what they may do: tools, paths in Dremio, and how much. Without a policy file,
//! everybody may do everything.
//!
//! - `identity`: what every call carries from access control to Dremio
//! - `file`: the policy file; `store`: the policy in force, which follows it
//! - `grant`: what one client may do; `limits`: its budgets as written, `spending`: what it used
//! - `schemas`: the paths that it may name; `reads`: whether a statement names others
//! - `names`: sets of names
//! - `gate`: what every statement passes before it is sent; `refusal`: why one does not
//! - `keys`: makes keys, and lists those of the file

#[cfg(test)]
mod figures;
mod file;
mod gate;
mod grant;
mod identity;
mod keys;
mod limits;
mod names;
mod reads;
mod refusal;
mod schemas;
mod spending;
mod store;

pub(crate) use self::file::{Found, check as check_file};
pub use self::file::{PolicyError, Problem};
pub(crate) use self::gate::{Gate, TopNames};
pub(crate) use self::identity::Identity;
pub use self::keys::{KeyError, NewKey, list_keys};
use self::limits::Limits;
pub(crate) use self::limits::Resource;
pub(crate) use self::refusal::Refusal;
pub(crate) use self::spending::{JobPlace, OverBudget};
pub(crate) use self::store::PolicyStore;
