//! What is taken from an account's folder, and what is refused, with which cure.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

/// A folder of accounts, with the account `sales`, that nobody else can reach.
fn setting() -> (TempDir, AccountFolder) {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    let account = AccountFolder::new(folder.path().join("accounts"), "sales".parse().unwrap());
    fs::create_dir_all(account.folder()).unwrap();
    fs::write(account.path("username"), "ada\n").unwrap();
    fs::write(account.path("password"), "sekret-9\n").unwrap();
    (folder, account)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn both_files_are_read() {
    let (folder, account) = setting();
    assert_eq!(account.username().unwrap().expose_secret(), "ada");
    assert_eq!(account.password().unwrap().expose_secret(), "sekret-9");
    // As Kubernetes projects them: links inside of the folder.
    let data = folder.path().join("accounts/..data");
    fs::rename(account.folder(), &data).unwrap();
    symlink("..data", account.folder()).unwrap();
    assert_eq!(account.password().unwrap().expose_secret(), "sekret-9");
}

#[test]
fn hostile_folders_are_refused_with_the_cure() {
    let check = |spoil: &dyn Fn(&Path, &AccountFolder), cure: &str| {
        let (folder, account) = setting();
        spoil(folder.path(), &account);
        let refused = account.username().and_then(|_| account.password()).unwrap_err();
        let refused = format!("{:#}", anyhow::Error::from(refused));
        assert!(refused.contains(cure), "{cure}: {refused}");
        assert!(!refused.contains("sekret"), "{refused}");
    };
    let remove = |account: &AccountFolder| fs::remove_file(account.path("password")).unwrap();
    check(&|_, account| remove(account), "password does not exist; write the password of");
    check(
        &|_, account| fs::remove_dir_all(account.folder()).unwrap(),
        "accounts/sales does not exist",
    );
    check(
        &|_, account| {
            fs::remove_dir_all(account.folder()).unwrap();
            fs::write(account.folder(), "x").unwrap();
        },
        "accounts/sales is not a folder; an account is a folder with the files username and",
    );
    check(
        &|folder, account| {
            remove(account);
            fs::write(folder.join("outside"), "sekret-8").unwrap();
            symlink("../../outside", account.path("password")).unwrap();
        },
        "is a link to a place outside of",
    );
    check(
        &|folder, account| {
            fs::rename(account.folder(), folder.join("elsewhere")).unwrap();
            symlink(folder.join("elsewhere"), account.folder()).unwrap();
        },
        "put the file itself there",
    );
    check(
        &|_, account| {
            remove(account);
            let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
            let path = account.path("password");
            rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, mode, 0).unwrap();
        },
        "is not a regular file",
    );
    check(
        &|_, account| fs::write(account.path("password"), vec![b'x'; 70_000]).unwrap(),
        "is larger than 64 KiB",
    );
    check(&|_, account| fs::write(account.path("password"), "\n").unwrap(), "is empty");
    // In the folder for temporary files everybody may enter.
    let open = |folder: &Path, account: &AccountFolder| {
        for folder in [folder, &folder.join("accounts"), &account.folder()] {
            set_mode(folder, 0o755);
        }
    };
    check(
        &|folder, account| {
            open(folder, account);
            set_mode(&account.path("password"), 0o644);
        },
        "every user of this machine may read",
    );
    check(
        &|folder, account| {
            open(folder, account);
            set_mode(&account.folder(), 0o777);
        },
        "every user of this machine may change",
    );
}

#[test]
fn who_can_be_seen_to_get_at_a_file() {
    // The modes from the file up to the root, which folder is mounted, and what is said of a
    // password. The file is in sales, which is in accounts.
    for (modes, mounted, expected) in [
        ([0o600, 0o755, 0o755, 0o755], None, None),
        ([0o640, 0o755, 0o755, 0o755], None, None),
        ([0o644, 0o755, 0o755, 0o755], None, Some("read")),
        ([0o644, 0o750, 0o755, 0o755], None, None),
        ([0o644, 0o755, 0o755, 0o700], None, None),
        ([0o602, 0o755, 0o755, 0o755], None, Some("change")),
        ([0o600, 0o777, 0o755, 0o755], None, Some("change")),
        // Whoever may add accounts is another matter.
        ([0o600, 0o755, 0o777, 0o755], None, None),
        // A Swarm secret, a folder of Kubernetes, and one that Compose mounts.
        ([0o444, 0o755, 0o755, 0o755], Some(0), None),
        ([0o644, 0o755, 0o755, 0o755], Some(1), None),
        ([0o644, 0o755, 0o777, 0o755], Some(2), None),
        // A disk of its own for everything says nothing.
        ([0o644, 0o755, 0o755, 0o755], Some(3), Some("read")),
    ] {
        let device = |index| u64::from(mounted.is_none_or(|mounted| index > mounted));
        let places: Vec<_> = modes
            .into_iter()
            .chain([0o755])
            .enumerate()
            .map(|(index, mode)| Place { mode, device: device(index) })
            .collect();
        let seen = open_to_all(&places, 2, OTHERS_READ | OTHERS_WRITE);
        assert_eq!(seen, expected, "{modes:?} {mounted:?}");
    }
}
