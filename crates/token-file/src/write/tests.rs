//! The writer: what it leaves behind after success and failure.

use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::read;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn token(secret: &str) -> Token {
    Token::new(SecretString::from(secret), "2025-06-26T12:00:00.5Z".parse().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_file_matches_the_contract() {
    let folder = folder();
    let path = folder.path().join("token.json");
    let writer = Writer::open(path.clone()).unwrap();
    assert_eq!(names(folder.path()), [""; 0], "the write check leaves nothing behind");

    writer.write(&token("7k2m0q5c")).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        r#"{"token":"7k2m0q5c","expires_at":"2025-06-26T12:00:00Z"}"#
    );
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(names(folder.path()), ["token.json"]);

    writer.write(&token(r#"quo"te\d"#)).unwrap();
    assert_eq!(read(&path).unwrap(), token(r#"quo"te\d"#));
    assert_eq!(writer.path(), path);
}

#[test]
fn a_bare_file_name_lies_in_the_working_directory() {
    // Only what `Writer` derives from the path: tests share one working directory.
    assert_eq!(folder_of(Path::new("token.json")), Path::new("."));
    assert_eq!(folder_of(Path::new("/token.json")), Path::new("/"));
}

#[test]
fn a_link_is_replaced_not_followed() {
    let folder = folder();
    let path = folder.path().join("token.json");
    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink("victim", &path).unwrap();
    Writer::open(path.clone()).unwrap().write(&token("abc")).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn only_leftovers_of_a_crash_are_removed() {
    let folder = folder();
    let ours = [".token.json.aB3dE5gH7jK9.tmp", ".token.json.000000000000.tmp"];
    let others = [
        ".token.json.short.tmp",
        ".token.json.aB3dE5gH7jK9.bak",
        ".token.json.aB3dE5gH7-K9.tmp",
        ".other.json.aB3dE5gH7jK9.tmp",
        "token.json.aB3dE5gH7jK9.tmp",
        "unrelated",
    ];
    for name in ours.iter().chain(&others) {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    fs::create_dir(folder.path().join(".token.json.directory123.tmp")).unwrap();
    Writer::check(folder.path().join("token.json")).unwrap();
    assert_eq!(
        names(folder.path()).len(),
        ours.len() + others.len() + 1,
        "a look from outside removes nothing"
    );
    Writer::open(folder.path().join("token.json")).unwrap();
    let left = names(folder.path());
    assert!(ours.iter().all(|name| !left.contains(&(*name).to_owned())), "{left:?}");
    assert!(others.iter().all(|name| left.contains(&(*name).to_owned())), "{left:?}");
    assert_eq!(left.len(), others.len() + 1, "{left:?}");
}

#[test]
fn an_unusable_path_is_found_at_the_start() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let check = |path: PathBuf, expected: &str| {
        let error = Writer::open(path).map(|_| ()).unwrap_err();
        assert_eq!(error.reason(), expected, "{error}");
    };
    check(at("absent/token.json"), "folder_missing");
    fs::write(at("file"), "x").unwrap();
    check(at("file/token.json"), "folder_not_a_folder");
    fs::create_dir(at("folder")).unwrap();
    check(at("folder"), "target_not_a_file");
    check(PathBuf::from("/"), "no_file_name");
    check(at("folder/.."), "no_file_name");
    assert_eq!(names(folder.path()), ["file", "folder"]);
}

#[test]
fn an_unwritable_folder_is_found_at_the_start() {
    if rustix::process::geteuid().is_root() {
        return; // Root may write everywhere; `errors_name_cause_and_cure` covers the translation.
    }
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o500)).unwrap();
    let error = Writer::open(folder.path().join("token.json")).map(|_| ()).unwrap_err();
    assert_eq!(error.reason(), "permission_denied", "{error}");
}

#[test]
fn errors_name_cause_and_cure() {
    let writer = Writer {
        path: "/tokens/token.json".into(),
        folder: "/tokens".into(),
        file_name: "token.json".into(),
    };
    let check = |errno: Errno, reason: &str, part: &str| {
        let error = writer.error("write a temporary file", errno.into());
        assert_eq!(error.reason(), reason);
        assert!(error.to_string().contains(part), "{error}");
    };
    check(Errno::NOSPC, "disk_full", "/tokens is full; free some space");
    check(Errno::DQUOT, "disk_full", "/tokens is full; free some space");
    check(Errno::ROFS, "read_only", "/tokens is mounted read-only; mount it read-write");
    check(Errno::ACCESS, "permission_denied", "make the folder writable");
    check(Errno::PERM, "permission_denied", "make the folder writable");
    check(Errno::BUSY, "target_is_mount", "mount its folder instead");
    check(Errno::NOENT, "folder_missing", "the folder /tokens does not exist; create it");
    check(Errno::IO, "io", "could not write a temporary file in /tokens");
}

#[test]
fn a_failed_write_changes_nothing() {
    let folder = folder();
    let path = folder.path().join("token.json");
    let writer = Writer::open(path.clone()).unwrap();
    writer.write(&token("old")).unwrap();

    assert_eq!(writer.write(&token("not sendable")).unwrap_err().reason(), "bad_token");
    assert_eq!(read(&path).unwrap(), token("old"));

    // The rename is the last step that can fail: a folder took the name.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(writer.write(&token("new")).unwrap_err().reason(), "target_not_a_file");
    assert_eq!(names(folder.path()), ["token.json"]);

    fs::remove_dir(&path).unwrap();
    writer.write(&token("new")).unwrap();
    assert_eq!(read(&path).unwrap(), token("new"), "the writer recovers when the cause is gone");
}

#[test]
fn a_reader_never_sees_half_a_token() {
    let folder = folder();
    let path = folder.path().join("token.json");
    let writer = Writer::open(path.clone()).unwrap();
    let tokens = [token("short"), token(&"long".repeat(1000))];
    writer.write(&tokens[0]).unwrap();

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = [0_u32; 2];
            while !done.load(Ordering::Relaxed) {
                let token = read(&path).expect("always a whole token");
                let which =
                    tokens.iter().position(|known| *known == token).expect("always one of the two");
                seen[which] += 1;
            }
            seen
        });
        for round in 0..200 {
            writer.write(&tokens[round % 2]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        let seen = reader.join().unwrap();
        assert!(seen.iter().all(|count| *count > 0), "both tokens were seen: {seen:?}");
    });
}
