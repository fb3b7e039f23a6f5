//! The table of clients, as its users see it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod check;
mod command;
mod files;
mod golden;
mod merge;
mod table;

use std::path::Path;

use connect::{Client, Endpoint, Key, find};

const URL: &str = "http://127.0.0.1:8000/mcp";

fn client(name: &str) -> &'static Client {
    find(name).unwrap_or_else(|| panic!("there is no client {name}"))
}

/// An endpoint that wants a key, which is known.
fn with_key() -> Endpoint {
    let key = Key {
        variable: "DREMIO_MCP_KEY".to_owned(),
        file: Some("/srv/keys".into()),
        value: Some("0123456789abcdef".into()),
    };
    Endpoint::new("dremio", URL, Some(key)).unwrap()
}

/// An endpoint that wants none.
fn open() -> Endpoint {
    Endpoint::new("dremio", URL, None).unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
