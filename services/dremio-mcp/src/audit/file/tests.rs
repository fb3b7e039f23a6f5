use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use service_kit::Clock;
use tempfile::TempDir;
use token_file::gateway_key::GatewayKey;

use super::{AuditFile, FileError, files_set_aside};
use crate::audit::chain::ChainKey;
use crate::audit::members::Members;
use crate::audit::verify::verify;

struct Setting {
    folder: TempDir,
    key: ChainKey,
}

impl Setting {
    fn new() -> Self {
        let key = ChainKey::of(&GatewayKey::random().unwrap());
        Self { folder: tempfile::tempdir().unwrap(), key }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn file(&self) -> AuditFile {
        AuditFile::new(self.path(), Some(4096), Clock::system())
    }

    /// All files, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = files_set_aside(&self.path()).unwrap();
        files.push(self.path());
        files
    }

    fn problems(&self) -> Vec<String> {
        verify(&self.files(), std::slice::from_ref(&self.key), &[]).unwrap().problems
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

fn write(file: &mut AuditFile, key: &ChainKey, what: &str) {
    file.prepare(key).unwrap();
    let mut line = Members::of(jiff::Timestamp::UNIX_EPOCH, "tool_called");
    line.text("what", what);
    file.add(&line);
    file.flush().unwrap();
}

#[test]
fn lines_follow_one_another_over_restarts() {
    let setting = Setting::new();
    for what in ["one", "two", "three"] {
        write(&mut setting.file(), &setting.key, what);
    }
    let text = setting.text();
    let events: Vec<&str> =
        text.lines().map(|line| line.split(r#""event":""#).nth(1).unwrap()).collect();
    assert!(events[0].starts_with("file_opened"), "{text}");
    assert!(events[2].starts_with("gateway_started"), "{text}");
    assert!(text.lines().last().unwrap().starts_with(r#"{"n":6,"#), "{text}");
    assert_eq!(setting.problems(), [""; 0]);
    let mode = fs::metadata(setting.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn half_a_line_is_set_aside() {
    let setting = Setting::new();
    write(&mut setting.file(), &setting.key, "one");
    let whole = setting.text();
    fs::write(setting.path(), format!("{whole}{{\"n\":3,\"wha")).unwrap();
    write(&mut setting.file(), &setting.key, "two");
    assert!(setting.text().starts_with(&whole));
    assert!(
        setting.text().contains(r#""n":3,"#) && setting.text().contains("half_line_bytes\":11")
    );
    let half = setting.folder.path().join("audit.jsonl.half.000000000002");
    assert_eq!(fs::read_to_string(half).unwrap(), "{\"n\":3,\"wha");
    assert_eq!(setting.problems(), [""; 0]);
}

#[test]
fn a_last_line_that_was_changed_is_no_half_line() {
    let setting = Setting::new();
    for what in ["one", "two"] {
        write(&mut setting.file(), &setting.key, what);
    }
    let changed = setting.text().trim_end().replacen("two", "six", 1);
    fs::write(setting.path(), &changed).unwrap();
    write(&mut setting.file(), &setting.key, "three");
    let files = setting.files();
    assert_eq!(fs::read_to_string(&files[0]).unwrap(), changed, "it is kept as it was found");
    let problems = setting.problems();
    assert!(problems.len() == 1 && problems[0].contains("its hash is wrong"), "{problems:?}");
}

#[test]
fn a_full_file_is_set_aside_and_the_next_one_goes_on() {
    let setting = Setting::new();
    let mut file = setting.file();
    for _ in 0..30 {
        write(&mut file, &setting.key, &"x".repeat(500));
    }
    let files = setting.files();
    assert!(files.len() > 3, "{files:?}");
    assert_eq!(setting.problems(), [""; 0]);
    // The first line of each names the file before: so the order is known, and none can be missed.
    fs::remove_file(&files[1]).unwrap();
    let problems = setting.problems();
    assert!(problems.len() == 1 && problems[0].contains("are missing, between"), "{problems:?}");
}

#[test]
fn a_file_that_was_moved_removed_or_rotated_is_followed_by_another() {
    let setting = Setting::new();
    let mut file = setting.file();
    write(&mut file, &setting.key, "one");
    fs::rename(setting.path(), setting.folder.path().join("audit.jsonl.000000000002")).unwrap();
    write(&mut file, &setting.key, "two");
    file.rotate().unwrap();
    // Nothing to rotate yet, and nothing is overwritten by that.
    file.rotate().unwrap();
    write(&mut file, &setting.key, "three");
    assert_eq!(setting.files().len(), 3);
    assert_eq!(setting.problems(), [""; 0]);
    fs::remove_file(setting.path()).unwrap();
    write(&mut file, &setting.key, "four");
    let problems = setting.problems();
    assert!(
        problems.len() == 1 && problems[0].contains("lines 5 to 6 are missing"),
        "{problems:?}"
    );
}

#[test]
fn a_change_while_it_is_open_is_set_aside_and_found() {
    let setting = Setting::new();
    let mut file = setting.file();
    write(&mut file, &setting.key, "one");
    let forged = setting.text().replace("one", "none");
    fs::write(setting.path(), forged).unwrap();
    write(&mut file, &setting.key, "two");
    let problems = setting.problems();
    assert!(
        problems.iter().any(|it| it.contains("000000000002: line 2 of the file")),
        "{problems:?}"
    );
    assert!(problems.iter().any(|it| it.contains("is not the file that it was")), "{problems:?}");
    assert!(setting.text().contains("two"));
}

#[test]
fn a_file_that_was_changed_before_the_start_is_set_aside_and_its_numbers_go_on() {
    let setting = Setting::new();
    write(&mut setting.file(), &setting.key, "one");
    fs::write(setting.path(), setting.text().replace("one", "two")).unwrap();
    write(&mut setting.file(), &setting.key, "three");
    assert!(setting.text().starts_with(r#"{"n":3,"#), "{}", setting.text());
    let problems = setting.problems();
    assert!(problems.len() == 1 && problems[0].contains("its hash is wrong"), "{problems:?}");
}

#[test]
fn a_process_that_ended_between_two_files_loses_nothing() {
    let setting = Setting::new();
    let mut file = setting.file();
    write(&mut file, &setting.key, "one");
    file.rotate().unwrap();
    drop(file);
    write(&mut setting.file(), &setting.key, "two");
    assert!(setting.text().starts_with(r#"{"n":3,"#), "{}", setting.text());
    assert_eq!(setting.problems(), [""; 0]);
}

#[test]
fn another_gateway_key_begins_another_file_and_the_old_one_stays_provable() {
    let mut setting = Setting::new();
    let mut file = setting.file();
    write(&mut file, &setting.key, "one");
    setting.key = ChainKey::of(&GatewayKey::random().unwrap());
    write(&mut file, &setting.key, "two");
    drop(file);
    // The same at a start: the key changed while nobody wrote.
    setting.key = ChainKey::of(&GatewayKey::random().unwrap());
    write(&mut setting.file(), &setting.key, "three");
    let files = setting.files();
    assert_eq!(files.len(), 3);
    // The newest key alone vouches for the file before, by its digest.
    let newest = std::slice::from_ref(&setting.key);
    assert_eq!(verify(&files[1..], newest, &[]).unwrap().problems, [""; 0]);
    let old = fs::read_to_string(&files[1]).unwrap();
    fs::write(&files[1], old.replace("two", "too")).unwrap();
    assert_eq!(verify(&files[1..], newest, &[]).unwrap().problems.len(), 2);
    let alone = verify(&files[..1], newest, &[]).unwrap().problems;
    assert!(alone[0].contains("cannot be checked"), "{alone:?}");
}

#[test]
fn a_name_that_is_taken_is_not_overwritten() {
    let setting = Setting::new();
    let mut file = setting.file();
    write(&mut file, &setting.key, "one");
    let taken = setting.folder.path().join("audit.jsonl.000000000002");
    fs::write(&taken, "mine").unwrap();
    file.rotate().unwrap();
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
    let other = setting.folder.path().join("audit.jsonl.000000000002-2");
    assert!(fs::read_to_string(other).unwrap().contains("one"));
}

#[test]
fn what_is_no_file_or_anothers_is_refused() {
    let setting = Setting::new();
    let mut first = setting.file();
    write(&mut first, &setting.key, "one");
    let refused = |path: PathBuf| {
        AuditFile::new(path, None, Clock::system()).prepare(&setting.key).unwrap_err()
    };
    assert!(matches!(refused(setting.path()), FileError::Taken));
    let link = setting.folder.path().join("link");
    symlink(setting.path(), &link).unwrap();
    assert!(matches!(refused(link), FileError::Io(_)));
    assert!(matches!(refused("/dev/null".into()), FileError::NotAFile));
    assert!(matches!(refused(setting.folder.path().to_owned()), FileError::Io(_)));
    assert!(matches!(refused("/nowhere/audit.jsonl".into()), FileError::Io(_)));
    let full = FileError::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
    assert!(full.to_string().starts_with("the disk is full; free some space"), "{full}");
    // It goes on as soon as the other is gone.
    drop(first);
    write(&mut setting.file(), &setting.key, "two");
    assert_eq!(setting.problems(), [""; 0]);
}
