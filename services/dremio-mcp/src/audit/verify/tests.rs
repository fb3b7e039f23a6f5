use std::fs;
use std::path::{Path, PathBuf};

use service_kit::Clock;
use tempfile::TempDir;
use token_file::gateway_key::GatewayKey;

use super::{Findings, verify};
use crate::audit::chain::{ChainKey, Head};
use crate::audit::file::{AuditFile, files_set_aside};
use crate::audit::members::Members;

/// A chain of three files, and its last line.
fn chain(folder: &Path, key: &ChainKey) -> (Vec<PathBuf>, Head) {
    let path = folder.join("audit.jsonl");
    let mut file = AuditFile::new(path.clone(), None, Clock::system());
    for number in 0..9 {
        if number % 3 == 0 {
            file.rotate().unwrap();
        }
        file.prepare(key).unwrap();
        let mut line = Members::of(jiff::Timestamp::UNIX_EPOCH, "tool_called");
        line.number("call", number);
        file.add(&line);
        file.flush().unwrap();
    }
    let mut files = files_set_aside(&path).unwrap();
    files.push(path);
    (files, file.head().unwrap())
}

struct Setting {
    _folder: TempDir,
    key: ChainKey,
    files: Vec<PathBuf>,
    head: Head,
}

fn setting() -> Setting {
    let (folder, key) =
        (tempfile::tempdir().unwrap(), ChainKey::of(&GatewayKey::random().unwrap()));
    let (files, head) = chain(folder.path(), &key);
    Setting { _folder: folder, key, files, head }
}

impl Setting {
    fn verify(&self, heads: &[Head]) -> Findings {
        verify(&self.files, std::slice::from_ref(&self.key), heads).unwrap()
    }

    /// Changes the text of a file.
    fn edit(&self, file: usize, edit: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(&self.files[file]).unwrap();
        fs::write(&self.files[file], edit(text)).unwrap();
    }

    fn only_problem(&self, heads: &[Head], expected: &str) {
        let problems = self.verify(heads).problems;
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
    }
}

/// `text` without its line of this number, from 0 on.
fn without(text: &str, number: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines.filter(|(place, _)| *place != number).map(|(_, line)| line).collect()
}

#[test]
fn a_good_chain_has_no_problem_in_any_order() {
    let mut setting = setting();
    assert_eq!(setting.files.len(), 3);
    assert_eq!(setting.head.number, 12);
    setting.files.reverse();
    let findings = setting.verify(&[]);
    assert_eq!(findings.problems, [""; 0]);
    let notes = findings.notes.join("\n");
    assert!(notes.contains("lines 1 to 4, as they were written"), "{notes}");
    assert!(notes.contains(&format!("the last line is {}", setting.head)), "{notes}");
    assert!(notes.contains("cannot be told"), "{notes}");
    let findings = setting.verify(&[setting.head]);
    assert_eq!(findings.problems, [""; 0]);
    let notes = findings.notes.join("\n");
    assert!(notes.contains("line 12 is the one that was logged") && !notes.contains("cannot"));
}

#[test]
fn a_changed_value_is_found() {
    let setting = setting();
    setting.edit(2, |text| text.replacen("\"call\":7", "\"call\":6", 1));
    setting.only_problem(&[], "audit.jsonl: line 3 of the file: its hash is wrong");
}

#[test]
fn a_removed_line_is_found() {
    let setting = setting();
    setting.edit(2, |text| without(&text, 1));
    setting.only_problem(&[], "line 2 of the file: its number does not follow");
}

#[test]
fn a_cut_end_is_found_with_a_head_and_only_then() {
    let setting = setting();
    setting.edit(2, |text| without(&without(&text, 3), 2));
    assert_eq!(setting.verify(&[]).problems, [""; 0]);
    setting.only_problem(&[setting.head], "lines 11 to 12 are missing at the end");
}

#[test]
fn a_last_line_without_its_end_is_held_by_its_hash() {
    let setting = setting();
    let whole = fs::read_to_string(&setting.files[2]).unwrap();
    let (torn, full) = (&whole[..whole.len() - 20], whole.trim_end());
    for text in [torn, full] {
        setting.edit(2, |_| text.to_owned());
        let findings = setting.verify(&[]);
        assert_eq!(findings.problems, [""; 0], "a crash may leave this");
        assert!(findings.notes[2].contains("of a line that is not whole"), "{findings:?}");
        setting.only_problem(&[setting.head], "line 12 is missing at the end");
    }
    setting.edit(2, |_| full.replacen("\"call\":8", "\"call\":6", 1));
    setting.only_problem(&[], "line 4 of the file: its hash is wrong");
    let third = without(&whole, 2);
    setting.edit(2, |_| third.trim_end().to_owned());
    setting.only_problem(&[], "line 3 of the file: its number does not follow");
}

#[test]
fn a_cut_end_of_an_older_file_is_found_without_a_head() {
    let setting = setting();
    setting.edit(0, |text| without(&text, 3));
    setting.only_problem(&[], "line 4 is missing, between");
}

#[test]
fn another_line_than_the_logged_one_is_found() {
    let (one, other) = (setting(), setting());
    one.only_problem(&[other.head], "line 12 is not the one that was logged");
    let unknown = Head { number: 0, ..one.head };
    one.only_problem(&[unknown], "line 0, which was logged, is missing");
}

#[test]
fn a_chain_beside_the_chain_is_found() {
    let setting = setting();
    let mut with_two = setting.files.clone();
    let copy = setting.files[0].with_extension("copy");
    fs::copy(&setting.files[0], &copy).unwrap();
    with_two.push(copy);
    let found = verify(&with_two, std::slice::from_ref(&setting.key), &[]).unwrap().problems;
    assert!(found.iter().any(|it| it.contains("both have line 1")), "{found:?}");
}

#[test]
fn what_is_no_audit_file_is_said_to_be_none() {
    let setting = setting();
    fs::write(&setting.files[2], "").unwrap();
    setting.only_problem(&[], "has no line of an audit file");
    fs::write(&setting.files[2], "hello\n").unwrap();
    setting.only_problem(&[], "has no line of an audit file");
    let missing = verify(&["/nowhere".into()], &[], &[]).unwrap_err();
    assert!(missing.starts_with("/nowhere cannot be read"), "{missing}");
}
