//! Small crates with and without what the rules forbid.

use super::Modules;

/// A crate of these files below `src`.
fn read(files: &[(&str, &str)]) -> Modules {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("src").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Modules::read(folder.path(), "src/lib.rs").unwrap()
}

/// Two modules, and the imports that `low.rs` and `high.rs` make.
fn two(low: &str, high: &str) -> Modules {
    read(&[("lib.rs", "mod high;\nmod low;"), ("low.rs", low), ("high.rs", high)])
}

const FLOORS: &[&[&str]] = &[&["low"], &["high"]];

#[test]
fn an_import_that_runs_up_is_found() {
    for low in [
        "use crate::high::Thing;",
        "use super::high;",
        "use crate::{high::{self, Thing}};",
        "fn f() { crate::high::run() }",
        "fn f() { log!(\"{}\", crate::high::NAME) }",
        "#[derive(crate::high::Derive)] struct S;",
        "mod inner { use super::super::high::Thing; }",
        "pub use crate::high::*;",
    ] {
        let found = two(low, "").upward(FLOORS);
        let texts: Vec<_> = found.iter().map(|finding| finding.text.as_str()).collect();
        assert_eq!(
            texts,
            ["src/low.rs:1: low imports high, which stands on a higher floor"],
            "{low}"
        );
    }
}

#[test]
fn text_without_imports_has_none() {
    for low in [
        "// use crate::high::Thing;",
        "/// See [`crate::high::Thing`].\nstruct S;",
        "const S: &str = \"crate::high::Thing\";",
        "#[cfg(test)]\nuse crate::high::Thing;\nfn f() {}",
        "#[cfg(test)]\nmod tests { use crate::high::Thing; }",
        "pub(in crate::high) fn f() {}",
        "use other::high::Thing;",
        "fn f(high: u8) { self.high::<u8>() }",
    ] {
        assert_eq!(two(low, "use crate::low::Thing;").upward(FLOORS), [], "{low}");
    }
}

#[test]
fn every_module_has_a_floor_and_every_floor_its_modules() {
    let texts = |floors| -> Vec<_> {
        two("", "").upward(floors).into_iter().map(|finding| finding.text).collect()
    };
    assert_eq!(texts(&[&["low"]]), ["the module high stands on no floor: give it one in the test"]);
    assert_eq!(
        texts(&[&["low", "gone"], &["high"]]),
        ["there is no module gone any more: take it off its floor"]
    );
}

#[test]
fn a_circle_is_found() {
    let crate_of_two = two("use crate::high::Upper;", "use crate::low::Lower;");
    let [circle] = crate_of_two.circles().try_into().unwrap();
    assert_eq!(circle.place, "high low");
    assert!(circle.text.contains("src/low.rs:1: low needs high"), "{}", circle.text);
    assert_eq!(two("", "use crate::low::Thing;").circles(), []);
}

#[test]
fn a_name_is_followed_through_the_module_above() {
    let modules = read(&[
        ("lib.rs", "mod room;"),
        ("room.rs", "mod one;\nmod two;\npub(crate) use self::one::Thing;\nuse two as second;"),
        ("room/one.rs", "use super::second::Other;"),
        ("room/two.rs", "use super::Thing;"),
    ]);
    let places: Vec<_> = modules.circles().into_iter().map(|circle| circle.place).collect();
    assert_eq!(places, ["room: one two"]);
}

#[test]
fn a_module_and_the_one_that_holds_it_are_no_circle() {
    let modules = read(&[
        ("lib.rs", "mod room;"),
        ("room.rs", "mod part;\nuse part::Part;\nstruct Whole;"),
        ("room/part.rs", "use super::Whole;\nuse crate::room::Whole as Again;"),
    ]);
    assert_eq!(modules.circles(), []);
}
