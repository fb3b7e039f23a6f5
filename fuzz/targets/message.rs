//! JSON-RPC messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| dremio_mcp::fuzzing::message(text));
