//! What is said of findings and exceptions.

use super::{Exception, Finding, complaints};

fn finding(place: &str) -> Finding {
    Finding { place: place.to_owned(), text: format!("{place}: wrong") }
}

const EXCUSED: Exception = Exception { place: "a", reason: "until b is there" };

#[test]
fn a_finding_is_reported_unless_excused() {
    assert_eq!(complaints(&[finding("a"), finding("b")], &[EXCUSED]), ["b: wrong"]);
}

#[test]
fn an_exception_that_excuses_nothing_is_reported() {
    let said = complaints(&[], &[EXCUSED]);
    assert_eq!(said, ["a: this exception is no longer needed, remove it from the test"]);
}
