//! The token files of several accounts: the folder that they lie in, and the removal of those whose
//! account is kept no longer.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::account::{AccountName, accounts_folder};
use crate::read::folder_of;
use crate::{Token, WriteError, read};

/// A token file that was removed.
#[derive(Debug)]
pub struct Removed {
    /// Whose it was; `None` is the single account.
    pub account: Option<AccountName>,
    /// What it held, if that was a token.
    pub token: Option<Token>,
}

/// Makes the folder of the accounts' token files beside `token_file`, if there is none: as open as
/// the folder that it lies in, but never for others to write in. Synchronous.
///
/// # Errors
/// When it cannot be made, or something else has its name.
pub fn ensure_accounts_folder(token_file: &Path) -> Result<(), WriteError> {
    let folder = accounts_folder(token_file);
    let shown = || folder.display().to_string();
    match fs::symlink_metadata(&folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(WriteError::FolderNotAFolder { folder: shown() }),
        Err(_) => {}
    }
    let made = fs::create_dir(&folder).and_then(|()| {
        let mode = fs::metadata(folder_of(token_file))?.permissions().mode();
        fs::set_permissions(&folder, Permissions::from_mode(mode & 0o2775))
    });
    match made {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(WriteError::of("make the folder of the accounts", &folder_of(token_file), source))
        }
        _ => Ok(()),
    }
}

/// Removes every token file of an account that is not in `kept`; `None` is the single account,
/// whose file is `token_file`. What else lies there is left alone. Synchronous.
///
/// A file that is removed is not followed: if it is a link, the link goes, and its token is
/// returned only if [`read`](crate::read()) would take it.
///
/// # Errors
/// When the folder cannot be listed, or a file not be removed. Those before it are removed and
/// passed to `removed` all the same; a retry goes on with the others.
pub fn remove_others(
    token_file: &Path,
    kept: &BTreeSet<Option<AccountName>>,
    mut removed: impl FnMut(Removed),
) -> io::Result<()> {
    let mut remove = |account: Option<AccountName>, path: &Path| {
        let token = read(path).ok();
        match fs::remove_file(path) {
            Ok(()) => removed(Removed { account, token }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
        Ok(())
    };
    for (account, path) in token_files(token_file)? {
        if !kept.contains(&account) {
            remove(account, &path)?;
        }
    }
    Ok(())
}

/// All token files of accounts, `token_file` included.
fn token_files(token_file: &Path) -> io::Result<Vec<(Option<AccountName>, PathBuf)>> {
    let is_there = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir());
    let mut files = Vec::new();
    if is_there(token_file) {
        files.push((None, token_file.to_owned()));
    }
    let entries = match fs::read_dir(accounts_folder(token_file)) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(files),
        Err(cause) => return Err(cause),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
        if let Some(Ok(name)) = name.map(str::parse::<AccountName>)
            && is_there(&path)
        {
            files.push((Some(name), path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::Writer;

    fn token(secret: &str) -> Token {
        Token::new(SecretString::from(secret), "2025-06-26T12:00:00Z".parse().unwrap())
    }

    fn name(text: &str) -> Option<AccountName> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_folder_is_as_open_as_the_one_around_it() {
        for (outer, inner) in [(0o2750, 0o2750), (0o700, 0o700), (0o1777, 0o775)] {
            let folder = tempfile::tempdir().unwrap();
            fs::set_permissions(folder.path(), Permissions::from_mode(outer)).unwrap();
            let token_file = folder.path().join("token.json");
            ensure_accounts_folder(&token_file).unwrap();
            ensure_accounts_folder(&token_file).unwrap();
            let mode = fs::metadata(folder.path().join("accounts")).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, inner, "{outer:o}: {mode:o}");
        }
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token.json");
        symlink("/", folder.path().join("accounts")).unwrap();
        let refused = ensure_accounts_folder(&token_file).unwrap_err();
        assert_eq!(refused.reason(), "folder_not_a_folder");
        let refused = ensure_accounts_folder(Path::new("/nowhere/token.json")).unwrap_err();
        assert_eq!(refused.reason(), "folder_missing");
    }

    #[test]
    fn files_of_accounts_that_are_not_kept_go_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token.json");
        let gone = |kept: &[Option<AccountName>]| {
            let mut gone = Vec::new();
            let kept = kept.iter().cloned().collect();
            remove_others(&token_file, &kept, |removed| gone.push(removed)).unwrap();
            gone.sort_by(|a, b| a.account.cmp(&b.account));
            gone.into_iter()
                .map(|removed| {
                    let secret = removed.token.map(|it| it.secret().expose_secret().to_owned());
                    (removed.account, secret)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(gone(&[]), [], "there is no folder yet");
        ensure_accounts_folder(&token_file).unwrap();
        let accounts = folder.path().join("accounts");
        Writer::open(token_file.clone()).unwrap().write(&token("single")).unwrap();
        for account in ["old", "sales"] {
            let path = name(account).unwrap().token_file(&token_file);
            Writer::open(path).unwrap().write(&token(account)).unwrap();
        }
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "x").unwrap();
        symlink(&elsewhere, accounts.join("link.json")).unwrap();
        fs::create_dir(accounts.join("folder.json")).unwrap();
        for other in ["Not-a-name.json", "notes.txt", ".sales.json.aB3dE5gH7jK9.tmp"] {
            fs::write(accounts.join(other), "x").unwrap();
        }
        assert_eq!(
            gone(&[None, name("sales")]),
            [(name("link"), None), (name("old"), Some("old".to_owned()))]
        );
        assert_eq!(gone(&[None, name("sales")]), []);
        assert_eq!(
            gone(&[]),
            [(None, Some("single".to_owned())), (name("sales"), Some("sales".to_owned()))]
        );
        assert_eq!(fs::read_dir(accounts).unwrap().count(), 4);
        assert!(elsewhere.exists());
    }
}
