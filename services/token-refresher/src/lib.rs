//! Logs in to Dremio with user name and password and keeps a fresh token in a file that other
//! services read.
//!
//! ```text
//! Config ─▶ App ─┬─ accounts ─▶ renewal   owns the token of one account; asks `schedule` what to
//!                │                        do next and does it
//!                ├─ revoker  logs replaced tokens out, after their grace
//!                └─ admin    /healthz /readyz /metrics, POST /refresh ──▶ renewal
//! ```
//!
//! Only an account's renewal loop changes anything, one step at a time; [`schedule::next`] decides
//! the next step without I/O. With only one account there is one renewal loop: nothing else is
//! different. The binary is a thin shell around [`App`], and `dremio-mcp-local` runs the
//! same [`App`] in its own process.
//!
//! It never serves agents, and its only output is token files.

mod account_folder;
mod accounts;
mod app;
mod audit;
mod conditions;
pub mod config;
mod credentials;
mod failure;
mod first_user;
mod gateway_key;
mod metrics;
mod refresh;
mod renewal;
mod revoker;
pub mod schedule;
mod status;
mod volume;

pub use app::{App, RunningApp, StartError};
pub use config::{Config, Login};
pub use first_user::{FirstUserError, first_user};
