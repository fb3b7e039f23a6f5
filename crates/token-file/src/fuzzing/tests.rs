//! The inputs in `fuzz/seeds`, and those that fuzzing found.

use std::path::Path;

#[test]
fn stored_inputs_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/token-file");
    let seeds: Vec<_> =
        std::fs::read_dir(seeds).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        super::token_file(&std::fs::read(seed).unwrap());
    }
}
