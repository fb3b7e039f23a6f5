//! The inputs in `fuzz/seeds`, and whatever a fuzz run found.

use std::path::Path;

#[test]
fn files_that_are_kept() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/token-file");
    let seeds: Vec<_> =
        std::fs::read_dir(seeds).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        super::token_file(&std::fs::read(seed).unwrap());
    }
}
