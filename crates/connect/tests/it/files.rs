//! A user's own file: links, modes, backups, and what is refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use connect::{Change, FileError, Home, WriteError, write};
use tempfile::TempDir;

use crate::{client, open, read, with_key};

const NAME: &str = "cursor";

struct Place {
    folder: TempDir,
    home: Home,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let path = home.file(client(NAME).file.as_ref().unwrap());
    Place { folder, home, path }
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_and_its_folder_are_the_users_alone() {
    let Place { home, path, folder: _folder } = place();
    let done = write(client(NAME), &open(), &home).unwrap();
    assert_eq!((done.change, done.backup, &done.path), (Change::Created, None, &path));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn what_was_there_is_kept_beside_it_each_time() {
    let Place { home, path, folder: _folder } = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{\"a\": 1}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let first = write(client(NAME), &open(), &home).unwrap().backup.unwrap();
    assert_eq!(first, path.with_file_name("mcp.json.backup"));
    let between = read(&path);
    let second = write(client(NAME), &with_key(), &home).unwrap().backup.unwrap();
    assert_eq!(second, path.with_file_name("mcp.json.backup-2"));
    assert_eq!((read(&first).as_str(), read(&second)), ("{\"a\": 1}", between));
    for path in [&path, &first, &second] {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    // Nothing else is left behind.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_written() {
    let Place { home, path, folder } = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let real = folder.path().join("dotfiles.json");
    fs::write(&real, "{}").unwrap();
    symlink(&real, &path).unwrap();
    let done = write(client(NAME), &open(), &home).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(read(&real).contains("127.0.0.1:8000"));
    assert!(done.backup.unwrap().ends_with("dotfiles.json.backup"));
}

#[test]
fn strange_files_are_refused() {
    let refusal = |prepare: &dyn Fn(&std::path::Path)| {
        let Place { home, path, folder: _folder } = place();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        prepare(&path);
        write(client(NAME), &open(), &home).unwrap_err()
    };
    let cause = refusal(&|path| fs::create_dir(path).unwrap());
    assert!(matches!(cause, WriteError::File(FileError::NotAFile { .. })), "{cause}");
    let cause = refusal(&|path| symlink("/nonexistent/mcp.json", path).unwrap());
    assert!(matches!(cause, WriteError::File(FileError::DanglingLink { .. })), "{cause}");
    let cause = refusal(&|path| symlink(path, path).unwrap());
    assert!(matches!(cause, WriteError::File(FileError::DanglingLink { .. })), "{cause}");
    let cause = refusal(&|path| fs::write(path, [0xff, 0xfe, 0]).unwrap());
    assert!(matches!(cause, WriteError::File(FileError::NotText { .. })), "{cause}");
    let cause = refusal(&|path| {
        fs::write(path, "{}").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
    });
    assert!(matches!(cause, WriteError::File(FileError::ReadOnly { .. })), "{cause}");
    let cause = refusal(&|path| symlink("/dev/null", path).unwrap());
    assert!(matches!(cause, WriteError::File(FileError::NotAFile { .. })), "{cause}");
}

#[test]
fn a_client_without_variables_needs_the_key() {
    let Place { home, folder: _folder, .. } = place();
    let key = connect::Key { variable: "K".to_owned(), file: None, value: None };
    let endpoint = connect::Endpoint::new("dremio", crate::URL, Some(key)).unwrap();
    let cause = write(client("zed"), &endpoint, &home).unwrap_err();
    assert!(cause.to_string().contains("give --key-file FILE, or set K"), "{cause}");
    write(client("cursor"), &endpoint, &home).unwrap();
    let cause = write(client("mcpo"), &endpoint, &home).unwrap_err();
    assert!(cause.to_string().contains("do what `connect mcpo` shows"), "{cause}");
}

#[test]
fn the_file_that_is_there_counts() {
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join(".config/opencode/opencode.jsonc");
    fs::create_dir_all(second.parent().unwrap()).unwrap();
    fs::write(&second, "{}\n// end\n").unwrap();
    let done = write(client("opencode"), &open(), &Home::at(folder.path())).unwrap();
    assert_eq!(done.path, second);
    assert!(read(&second).ends_with("// end\n"));
}
