//! The services together, as in production: sandbox, refresher and gateway in one process, a real
//! child behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod command;
mod installation;
mod rotation;
mod setting;
