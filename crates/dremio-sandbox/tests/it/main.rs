//! The sandbox over real HTTP, against the contract.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say what they expect"
)]

mod support;

mod catalog;
mod control_port;
mod examples;
mod faults;
mod generated;
mod jobs;
mod login;
mod program;
mod surface;
