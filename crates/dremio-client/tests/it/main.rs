//! The client against servers: small scripted ones for exact bytes and failures, TLS ones for
//! trust, and the sandbox for whole flows.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod failures;
mod sandbox;
mod stub;
mod tls;
mod wire;
