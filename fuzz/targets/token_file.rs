//! Contents of the token file.
#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| token_file::fuzzing::token_file(content));
