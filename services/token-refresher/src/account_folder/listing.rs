//! Which accounts there are, as the folder says it now.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use token_file::AccountName;
use tokio::sync::watch;

/// How often the folder is read. An account that is gone must be so twice in a row: folders are
/// also replaced by another of the same name.
const INTERVAL: Duration = Duration::from_secs(1);

/// Most entries that are read. More are no accounts.
const ENTRIES_MAX: usize = 10_000;

/// Longest part of a bad name that is shown.
const SHOWN_CHARS_MAX: usize = 40;

/// What stands in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The accounts. Each is there; whether it can be used is not known yet.
    pub(crate) names: BTreeSet<AccountName>,
    /// What is there and has no name that an account may have, fit to be shown.
    pub(crate) refused: BTreeSet<String>,
    /// Why the folder could not be read; the accounts are then those from before.
    pub(crate) failure: Option<String>,
}

/// Reads the folder. What begins with a dot counts as absent: editors and Kubernetes put such
/// things there. Synchronous.
///
/// # Errors
/// When it cannot be read, or has far more entries than accounts can be.
pub(crate) fn list(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for (count, entry) in folder.read_dir()?.enumerate() {
        if count == ENTRIES_MAX {
            return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        match name.parse() {
            Ok(account) => {
                listing.names.insert(account);
            }
            Err(_) => {
                let shown: String = name.escape_debug().take(SHOWN_CHARS_MAX).collect();
                listing.refused.insert(shown);
            }
        }
    }
    Ok(listing)
}

/// Follows the folder until nobody listens any more, on a thread of its own, because a volume may
/// hang. `None` until it was read.
///
/// # Errors
/// When the thread cannot be started.
pub(crate) fn follow(folder: PathBuf) -> io::Result<watch::Receiver<Option<Listing>>> {
    let (sender, receiver) = watch::channel(None);
    thread::Builder::new().name("accounts".to_owned()).spawn(move || {
        let mut before = BTreeSet::new();
        while !sender.is_closed() {
            let listing = next(list(&folder), &mut before, sender.borrow().as_ref());
            sender.send_if_modified(|current| {
                let is_new = current.as_ref() != Some(&listing);
                if is_new {
                    *current = Some(listing);
                }
                is_new
            });
            thread::sleep(INTERVAL);
        }
    })?;
    Ok(receiver)
}

/// What counts after another look. `before` are the names that the look before saw.
fn next(
    seen: io::Result<Listing>,
    before: &mut BTreeSet<AccountName>,
    last: Option<&Listing>,
) -> Listing {
    match seen {
        Ok(seen) => {
            let names = std::mem::replace(before, seen.names.clone());
            Listing { names: names.into_iter().chain(seen.names).collect(), ..seen }
        }
        Err(cause) => {
            Listing { failure: Some(cause.to_string()), ..last.cloned().unwrap_or_default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;

    use super::*;

    fn names(of: &[&str]) -> BTreeSet<AccountName> {
        of.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn folders_are_accounts_and_odd_names_are_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["sales", "hr_2", ".git", "..data", "Sales", "a b", "x\n\u{1b}[31mred"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let long = "Ö".repeat(100);
        fs::create_dir(folder.path().join(&long)).unwrap();
        let listing = list(folder.path()).unwrap();
        assert_eq!(listing.names, names(&["hr_2", "sales"]));
        let shown: Vec<_> = listing.refused.iter().map(String::as_str).collect();
        assert_eq!(shown, ["Sales", "a b", "x\\n\\u{1b}[31mred", "Ö".repeat(40).as_str()]);
        assert!(list(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn an_account_is_gone_when_it_was_missing_twice() {
        let seen = |of: &[&str]| Ok(Listing { names: names(of), ..Listing::default() });
        let mut before = BTreeSet::new();
        let mut last = None;
        for (look, expected, fails) in [
            (seen(&["a", "b"]), &["a", "b"][..], false),
            (seen(&["a"]), &["a", "b"], false),
            (seen(&["a", "b"]), &["a", "b"], false),
            (seen(&["a"]), &["a", "b"], false),
            (seen(&["a"]), &["a"], false),
            // Nothing is gone because the folder cannot be read.
            (Err(io::Error::other("away")), &["a"], true),
            (Err(io::Error::other("away")), &["a"], true),
            (seen(&["c"]), &["a", "c"], false),
            (seen(&["c"]), &["c"], false),
        ] {
            let listing = next(look, &mut before, last.as_ref());
            assert_eq!(listing.names, names(expected));
            assert_eq!(listing.failure.is_some(), fails);
            last = Some(listing);
        }
    }
}
