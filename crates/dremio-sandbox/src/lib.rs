//! A stand-in for Dremio Community Edition 25.2: its REST surface over a real SQL engine, with
//! faults on demand.
//!
//! Two audiences. Integration tests start it in process on port 0, make it fail through [`Control`]
//! and assert what it saw; a newcomer without a Dremio starts the binary of the same name and has
//! something to talk to. It follows the REST contract (section numbers in the module docs refer to
//! it) and shares no type with our Dremio client: a shared type would be a shared mistake.
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use dremio_sandbox::{Fault, Sandbox, SandboxConfig, Scope};
//!
//! let sandbox = Sandbox::start(SandboxConfig::default()).await?;
//! let control = sandbox.control();
//! control.inject(Fault::Status(503), Scope::path("/apiv2/login").times(2));
//! // … talk to `sandbox.uri()` …
//! assert!(control.requests().iter().all(|request| request.token.is_none()));
//! sandbox.stop().await;
//! # Ok(()) }
//! ```
//!
//! # What it deliberately does not do
//! * It writes nothing: the demo data is read-only, and every statement that changes data or
//!   catalog is a FAILED job that says so (`ALTER SYSTEM SET` works, because tests of token
//!   lifetime need it).
//! * No TLS, no Arrow Flight, no UI, no gzip, no versioned (Nessie) sources, no user-defined
//!   functions, no reflections.
//! * It is no SQL conformance suite: a query becomes a syntax tree, gets names and types, and is
//!   written anew for SQLite. What it cannot answer as Dremio would is a FAILED job that says so,
//!   never a guess.
//! * Passwords are kept and recorded in clear: never give it one that matters.

mod accept;
mod accounts;
mod catalog;
mod clock;
mod commands;
mod config;
mod control;
mod control_port;
mod data;
mod engine;

mod exchange;
mod faults;
mod gate;
mod ids;
mod instance;
mod jobs;
mod journal;
mod lifetime;
mod options;
mod rest;
mod run;
mod sandbox;
mod shaping;
mod sql;
mod tokens;
mod values;

pub use config::{SandboxConfig, StartError};
pub use control::Control;
pub use control_port::ControlPort;
pub use faults::{Fault, Scope};
pub use jobs::{JobRecord, JobState, SlowQuery};
pub use journal::RecordedRequest;
pub use lifetime::parse_token_lifetime;
pub use sandbox::Sandbox;
