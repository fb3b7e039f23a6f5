//! The inputs in `fuzz/seeds`, and whatever a fuzz run found.

use std::path::Path;

#[test]
fn messages_that_are_kept() {
    replay("message", |seed| super::message(std::str::from_utf8(seed).unwrap()));
}

#[test]
fn statements_that_are_kept() {
    replay("guard", super::guard);
}

fn replay(target: &str, run: impl Fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let seeds: Vec<_> =
        std::fs::read_dir(seeds).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        run(&std::fs::read(seed).unwrap());
    }
}
