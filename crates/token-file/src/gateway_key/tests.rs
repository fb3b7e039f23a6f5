//! Making, reading and watching the key.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::thread;

use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token.json");
    (folder, token_file)
}

fn names(folder: &TempDir) -> Vec<String> {
    fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_key_is_made_once_and_stays() {
    let (folder, token_file) = folder();
    assert_eq!(read(&token_file).unwrap_err().reason(), "missing");
    assert_eq!(ensure(&token_file).unwrap(), Ensured::Made);
    let found = fs::metadata(folder.path().join(FILE_NAME)).unwrap();
    assert_eq!((found.len(), found.mode() & 0o7777), (32, 0o640));
    let key = read(&token_file).unwrap();
    assert_eq!(ensure(&token_file).unwrap(), Ensured::Present);
    assert_eq!(read(&token_file).unwrap(), key);
    assert_eq!(names(&folder), [FILE_NAME], "nothing else is left");

    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(ensure(&token_file).unwrap(), Ensured::Made);
    assert_ne!(read(&token_file).unwrap(), key, "deleting it rotates it");
    assert_eq!(format!("{key:?}"), "GatewayKey");
}

#[test]
fn leftovers_are_removed_once_there_is_a_key() {
    let (folder, token_file) = folder();
    let leftover = folder.path().join(".gateway.key.aB3dE5gH7jK9.tmp");
    fs::write(&leftover, "x").unwrap();
    ensure(&token_file).unwrap();
    assert!(leftover.exists(), "it could be that of another that makes the key just now");
    ensure(&token_file).unwrap();
    assert_eq!(names(&folder), [FILE_NAME]);
}

#[test]
fn concurrent_makers_get_the_same_key() {
    let (_folder, token_file) = folder();
    let made = thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (ensure(&token_file).unwrap(), read(&token_file).unwrap())))
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(made.iter().filter(|(ensured, _)| *ensured == Ensured::Made).count(), 1);
    assert!(made.iter().all(|(_, key)| *key == made[0].1));
}

#[test]
fn an_invalid_key_is_named_and_left_alone() {
    let (folder, token_file) = folder();
    let path = folder.path().join(FILE_NAME);
    let check = |expected: &str| {
        assert_eq!(read(&token_file).unwrap_err().reason(), expected);
        assert_eq!(ensure(&token_file).unwrap_err().reason(), expected);
    };
    for content in [&b""[..], &[7; 31], &[7; 33], &[7; 100_000]] {
        fs::write(&path, content).unwrap();
        check("wrong_size");
        assert_eq!(fs::read(&path).unwrap(), content);
        fs::remove_file(&path).unwrap();
    }
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), [7; 32]).unwrap();
    symlink(outside.path(), &path).unwrap();
    check("leaves_folder");
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    check("missing");
    fs::remove_file(&path).unwrap();
    // The FIFO has no writer, and opening it does not wait for one.
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    check("not_a_file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    check("not_a_file");
}

#[test]
fn a_link_is_followed_inside_the_folder() {
    let (folder, token_file) = folder();
    fs::create_dir(folder.path().join("..data")).unwrap();
    fs::write(folder.path().join("..data").join(FILE_NAME), [7; 32]).unwrap();
    symlink(Path::new("..data").join(FILE_NAME), folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(read(&token_file).unwrap().expose_secret(), &[7; 32]);
}

#[test]
fn a_missing_folder_is_reported() {
    let (folder, _) = folder();
    assert_eq!(
        ensure(&folder.path().join("absent/token.json")).unwrap_err().reason(),
        "folder_missing"
    );
}

#[tokio::test]
async fn a_rotation_is_noticed() {
    let (folder, token_file) = folder();
    let watcher = watch(token_file.clone(), Duration::from_millis(10));
    let mut seen = watcher.subscribe();
    let mut next = async |is_good: bool| {
        let state = tokio::time::timeout(
            Duration::from_secs(10),
            seen.wait_for(|state| state.is_ok() == is_good),
        )
        .await
        .unwrap()
        .unwrap();
        state.as_ref().as_ref().ok().map(|key| *key.expose_secret())
    };
    assert_eq!(next(false).await, None);
    ensure(&token_file).unwrap();
    let first = next(true).await;
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    next(false).await;
    ensure(&token_file).unwrap();
    assert_ne!(next(true).await, first);
}
