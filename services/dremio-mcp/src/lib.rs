//! The gateway: serves a Dremio to AI agents over MCP streamable HTTP, with the current token on
//! every call.
//!
//! ```text
//! agent ─HTTP─▶ access ─▶ session ─▶ engine ─┬─ official: one child, stdio ─▶ egress ─▶ Dremio
//!                                          └─ native: in process ─────────▶ Dremio
//! ```
//!
//! It never sees Dremio's password: the token comes from the token file, and another service keeps
//! it fresh.

mod access;
mod answer;
mod app;
mod audit;
mod budget;
mod catalog;
mod client_setup;
mod coach;
mod conditions;
mod config;
pub mod doctor;
mod dremio;
mod egress;
mod engine;
mod followed_file;
mod front;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
pub mod guard;
mod methods;
mod metrics;
mod policy;
mod principal;
mod random;
mod rpc;
mod session;
mod signer;
mod status;
mod telemetry;

pub use access::{AllowedHost, AllowedOrigin, BadElement, BadLine, KeyRingError, Rate};
pub use answer::{ADVICE, AnswerConfig, Format};
pub use app::{App, StartError};
pub use audit::{AuditArguments, AuditConfig, audit};
pub use client_setup::{Server, connect_client};
pub use conditions::{ConditionName, Readiness};
pub use config::{AuthConfig, Config, EngineConfig, policy_tools};
pub use policy::{KeyError, NewKey, PolicyError, Problem, list_keys};
pub use telemetry::TracesConfig;

/// The conditions without which the service is useless, and which a restart or waiting may cure
/// (see `healthcheck`).
pub const ESSENTIAL_CONDITIONS: [&str; 2] =
    [ConditionName::Engine.as_str(), ConditionName::Token.as_str()];
