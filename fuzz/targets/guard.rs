//! SQL statements, after one byte that switches the guard's settings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dremio_mcp::fuzzing::guard(data));
