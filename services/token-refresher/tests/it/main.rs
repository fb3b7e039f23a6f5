//! The service in process against the stand-in, on free ports: what it does, what Dremio sees of
//! it, and that it reveals no secret.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod accounts;
mod commands;
mod dremio_failures;
mod file;
mod harness;
mod logs;
mod refresh_request;
mod renewal;
mod start;
