//! What the watcher publishes, and when. The file system is real here; the confirmation logic runs
//! over a script.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc;

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use super::*;
use crate::Writer;

/// Fast enough for short tests, slow enough not to load the machine.
const TEST_INTERVAL: Duration = Duration::from_millis(10);

/// A generous limit for any wait.
const WAIT_MAX: Duration = Duration::from_secs(10);

fn token(secret: &str) -> Token {
    Token::new(SecretString::from(secret), "2025-06-26T12:00:00Z".parse().unwrap())
}

fn content(secret: &str) -> String {
    format!(r#"{{"token":"{secret}","expires_at":"2025-06-26T12:00:00Z"}}"#)
}

/// The state in one word: the token, or the reason.
fn word(state: &State) -> String {
    match state {
        Ok(token) => token.secret().expose_secret().to_owned(),
        Err(cause) => cause.reason().to_owned(),
    }
}

async fn expect(receiver: &mut watch::Receiver<Arc<State>>, expected: &str) {
    let seen =
        tokio::time::timeout(WAIT_MAX, receiver.wait_for(|state| word(state) == expected)).await;
    let was_seen = matches!(seen, Ok(Ok(_)));
    drop(seen);
    assert!(was_seen, "expected {expected}, last was {}", word(&receiver.borrow()));
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.json");
    (folder, path)
}

#[tokio::test]
async fn the_first_state_is_there_at_once() {
    let (_folder, path) = folder();
    assert_eq!(word(&Watcher::spawn(path.clone(), TEST_INTERVAL).subscribe().borrow()), "missing");
    fs::write(&path, content("abc")).unwrap();
    assert_eq!(word(&Watcher::spawn(path, TEST_INTERVAL).subscribe().borrow()), "abc");
}

#[tokio::test]
async fn every_kind_of_change_is_noticed() {
    let (_folder, path) = folder();
    let watcher = Watcher::spawn(path.clone(), TEST_INTERVAL);
    let mut receiver = watcher.subscribe();
    expect(&mut receiver, "missing").await;

    let writer = Writer::open(path.clone()).unwrap();
    writer.write(&token("renamed-1")).unwrap();
    expect(&mut receiver, "renamed-1").await;
    writer.write(&token("renamed-2")).unwrap();
    expect(&mut receiver, "renamed-2").await;

    // Rewritten in place with the same length.
    fs::write(&path, content("inplace-1")).unwrap();
    expect(&mut receiver, "inplace-1").await;
    fs::write(&path, content("inplace-2")).unwrap();
    expect(&mut receiver, "inplace-2").await;

    fs::write(&path, "").unwrap();
    expect(&mut receiver, "empty").await;
    fs::write(&path, r#"{"token":"#).unwrap();
    expect(&mut receiver, "not_json").await;
    fs::remove_file(&path).unwrap();
    expect(&mut receiver, "missing").await;
    fs::create_dir(&path).unwrap();
    expect(&mut receiver, "not_a_file").await;
    fs::remove_dir(&path).unwrap();
    writer.write(&token("recreated")).unwrap();
    expect(&mut receiver, "recreated").await;
}

#[tokio::test]
async fn the_folder_may_appear_vanish_and_be_replaced() {
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join("tokens");
    let path = folder.join("token.json");
    let watcher = Watcher::spawn(path.clone(), TEST_INTERVAL);
    let mut receiver = watcher.subscribe();
    expect(&mut receiver, "missing").await;
    fs::create_dir(&folder).unwrap();
    fs::write(&path, content("first")).unwrap();
    expect(&mut receiver, "first").await;
    fs::rename(&folder, base.path().join("old")).unwrap();
    expect(&mut receiver, "missing").await;
    fs::create_dir(&folder).unwrap();
    fs::write(&path, content("second")).unwrap();
    expect(&mut receiver, "second").await;
}

#[tokio::test]
async fn a_swapped_kubernetes_link_is_noticed() {
    let (folder, path) = folder();
    let at = |name: &str| folder.path().join(name);
    let project = |version: &str| {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("token.json"), content(version.trim_start_matches('.')))
            .unwrap();
        symlink(version, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    project("..v1");
    symlink(Path::new("..data/token.json"), &path).unwrap();
    let watcher = Watcher::spawn(path, TEST_INTERVAL);
    let mut receiver = watcher.subscribe();
    expect(&mut receiver, "v1").await;
    project("..v2");
    fs::remove_dir_all(at("..v1")).unwrap();
    expect(&mut receiver, "v2").await;
}

#[tokio::test]
async fn rewriting_the_same_content_is_no_change() {
    let (_folder, path) = folder();
    let writer = Writer::open(path.clone()).unwrap();
    writer.write(&token("abc")).unwrap();
    let watcher = Watcher::spawn(path, TEST_INTERVAL);
    let mut receiver = watcher.subscribe();
    receiver.mark_unchanged();
    writer.write(&token("abc")).unwrap();
    writer.write(&token("def")).unwrap();
    expect(&mut receiver, "def").await;
    receiver.mark_unchanged();
    assert!(!receiver.has_changed().unwrap());
}

/// A watcher over `script`, one entry per read. The last entry repeats.
fn scripted(script: &'static [&'static str]) -> (Watcher, mpsc::Receiver<usize>) {
    let (progress, looked) = mpsc::channel();
    let mut looks = 0;
    let look = move || {
        let entry = script.get(looks).or(script.last()).copied().unwrap_or_default();
        let _ = progress.send(looks);
        looks += 1;
        match entry {
            "empty" => Err(ReadError::Empty),
            "missing" => Err(ReadError::Missing),
            secret => Ok(token(secret)),
        }
    };
    (Watcher::over(look, TEST_INTERVAL), looked)
}

#[tokio::test]
async fn a_bad_state_must_last_before_it_replaces_a_token() {
    // A bad state that is gone at the second read.
    let (watcher, looked) = scripted(&["good", "empty", "good", "good"]);
    let mut receiver = watcher.subscribe();
    receiver.mark_unchanged();
    while looked.recv_timeout(WAIT_MAX).unwrap() < 5 {}
    assert!(!receiver.has_changed().unwrap(), "{}", word(&receiver.borrow()));

    // A bad state that lasts.
    let (watcher, _looked) = scripted(&["good", "empty", "missing"]);
    expect(&mut watcher.subscribe(), "missing").await;

    // A new token is published at once, also after a bad read.
    let (watcher, _looked) = scripted(&["good", "empty", "next"]);
    expect(&mut watcher.subscribe(), "next").await;
}

#[tokio::test]
async fn a_hanging_read_blocks_nothing_else() {
    let (release, released) = mpsc::channel::<()>();
    let watcher = Watcher::over(
        move || {
            let _ = released.recv();
            Ok(token("late"))
        },
        TEST_INTERVAL,
    );
    let mut receiver = watcher.subscribe();
    assert_eq!(word(&receiver.borrow()), "pending");
    release.send(()).unwrap();
    expect(&mut receiver, "late").await;
    // It hangs again; dropping the watcher does not wait for it.
    drop(watcher);
    assert_eq!(word(&receiver.borrow()), "late");
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let (_folder, path) = folder();
    let watcher = Watcher::spawn(path, TEST_INTERVAL);
    let mut receiver = watcher.subscribe();
    receiver.mark_unchanged();
    drop(watcher);
    // The thread owned the only sender.
    let ended = tokio::time::timeout(WAIT_MAX, receiver.changed()).await;
    assert!(matches!(ended, Ok(Err(_))), "{ended:?}");
    assert_eq!(word(&receiver.borrow()), "missing");
}

#[tokio::test]
async fn one_thread_watches_many_files_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let watchers = Watchers::spawn(TEST_INTERVAL);
    fs::write(path("a"), content("a-1")).unwrap();
    let (mut a, mut b) = (watchers.watch(path("a")), watchers.watch(path("b")));
    expect(&mut a, "a-1").await;
    expect(&mut b, "missing").await;
    fs::write(path("b"), content("b-1")).unwrap();
    expect(&mut b, "b-1").await;
    // One that goes bad holds up nobody, and one that is not wanted any more is not read.
    fs::write(path("a"), "half").unwrap();
    fs::write(path("b"), content("b-2")).unwrap();
    expect(&mut b, "b-2").await;
    expect(&mut a, "not_json").await;
    drop(a);
    fs::write(path("c"), content("c-1")).unwrap();
    expect(&mut watchers.watch(path("c")), "c-1").await;
    fs::write(path("b"), content("b-3")).unwrap();
    expect(&mut b, "b-3").await;
    drop(watchers);
    let ended = tokio::time::timeout(WAIT_MAX, b.changed()).await;
    assert!(matches!(ended, Ok(Err(_))), "{ended:?}");
    assert_eq!(word(&b.borrow()), "b-3");
}

#[tokio::test]
async fn a_file_that_nobody_wants_to_hear_of_is_read_no_more() {
    let watchers = Watchers::start(TEST_INTERVAL);
    let (progress, looked) = mpsc::channel();
    let (receiver, _first) = watchers.add(move || {
        let _ = progress.send(());
        Err::<Token, _>(ReadError::Missing)
    });
    looked.recv_timeout(WAIT_MAX).unwrap();
    drop(receiver);
    // The thread drops what looked, and with it the sender.
    while looked.recv_timeout(WAIT_MAX) != Err(RecvTimeoutError::Disconnected) {}
}
