use proptest::prelude::*;
use token_file::gateway_key::GatewayKey;

use super::{Scan, Verdict};
use crate::audit::chain::{ChainKey, Hash, Head};

/// A file with its opening and so many lines more, and where its last line begins.
fn file(key: &ChainKey, lines: usize) -> (Vec<u8>, usize) {
    let opening = format!(r#""event":"file_opened","after":"{}","key":"{}""#, Hash::NONE, key.id());
    let (mut text, mut last) = (Vec::new(), 0);
    let mut head = key.seal(Head::START, opening.as_bytes(), &mut text);
    for line in 0..lines {
        last = text.len();
        let members = format!(r#""event":"tool_called","tool":"t{}","rows":{line}"#, line % 3);
        head = key.seal(head, members.as_bytes(), &mut text);
    }
    (text, last)
}

fn verdict(text: &[u8], key: &ChainKey) -> Verdict {
    Scan::of(text, std::slice::from_ref(key), |_, _| {}).unwrap().verdict
}

fn key() -> ChainKey {
    ChainKey::of(&GatewayKey::random().unwrap())
}

#[test]
fn a_file_is_read_to_its_last_whole_line() {
    let key = key();
    let (mut text, _) = file(&key, 3);
    let whole = text.len() as u64;
    text.extend_from_slice(br#"{"n":5,"half"#);
    let mut seen = Vec::new();
    let scan = Scan::of(&*text, std::slice::from_ref(&key), |head, _| seen.push(head)).unwrap();
    assert_eq!((scan.verdict, scan.first, scan.bytes), (Verdict::Whole, 1, whole));
    assert_eq!((scan.last, seen.len()), (seen.last().copied(), 4));
    assert_eq!(scan.tail, br#"{"n":5,"half"#);
    let empty = Scan::of(&b""[..], &[], |_, _| {}).unwrap();
    assert_eq!((empty.last, empty.bytes, empty.verdict), (None, 0, Verdict::Whole));
}

#[test]
fn another_key_says_nothing_of_a_file() {
    let (ours, other) = (key(), key());
    let (text, _) = file(&ours, 3);
    assert_eq!(verdict(&text, &other), Verdict::NoKey);
    assert_eq!(verdict(&text, &ours), Verdict::Whole);
    // A forger without our key cannot name it either.
    let forged = String::from_utf8(file(&other, 3).0).unwrap().replace(other.id(), ours.id());
    assert!(matches!(verdict(forged.as_bytes(), &ours), Verdict::Changed { line: 1, .. }));
}

#[test]
fn endless_lines_are_not_read_into_memory_as_lines() {
    let long = vec![b'a'; 3 * 1024 * 1024];
    let scan = Scan::of(&*long, &[], |_, _| {}).unwrap();
    assert!(matches!(scan.verdict, Verdict::Changed { line: 1, .. }));
    assert_eq!(scan.tail.len(), long.len());
}

#[derive(Clone, Debug)]
enum Change {
    /// A byte becomes another.
    Flip(u8),
    /// Bytes go.
    Remove(usize),
    /// Bytes come.
    Insert(Vec<u8>),
    /// A line comes again elsewhere.
    Copy(usize),
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (1..=u8::MAX).prop_map(Change::Flip),
        (1..2000_usize).prop_map(Change::Remove),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(Change::Insert),
        (0..8_usize).prop_map(Change::Copy),
    ]
}

proptest! {
    #[test]
    fn any_change_before_the_last_line_is_found(
        lines in 1..8_usize, place: prop::sample::Index, change in changes(),
    ) {
        let key = key();
        let (mut text, last) = file(&key, lines);
        prop_assert_eq!(verdict(&text, &key), Verdict::Whole);
        let at = place.index(last);
        match change {
            Change::Flip(bits) => text[at] ^= bits,
            Change::Remove(count) => drop(text.drain(at..last.min(at + count))),
            Change::Insert(bytes) => drop(text.splice(at..at, bytes)),
            Change::Copy(which) => {
                let all: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec).collect();
                let copy = all[which % all.len()].clone();
                let end = text[..at].iter().rposition(|byte| *byte == b'\n');
                let start = end.map_or(0, |end| end + 1);
                text.splice(start..start, copy);
            }
        }
        prop_assert_ne!(verdict(&text, &key), Verdict::Whole);
    }
}
