//! The service in process against the stand-in, on free ports: what it does, what Dremio sees of
//! it, and that no secret is told.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod commands;
mod dremio_failures;
mod file;
mod harness;
mod logs;
mod refresh_request;
mod renewal;
mod start;
