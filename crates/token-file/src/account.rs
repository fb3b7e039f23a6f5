//! The name of one of several Dremio accounts, and where its token file is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name: fits into every file name, log line and label.
pub const ACCOUNT_NAME_CHARS_MAX: usize = 64;

/// The folder of the accounts' token files, in the folder of the token file.
pub const ACCOUNTS_FOLDER: &str = "accounts";

/// The name of a Dremio account that is kept beside the single one: 1 to 64 characters from `a-z`,
/// `0-9`, `_` and `-`. So it is a file name, a metric label and a URL parameter as it stands, and
/// no two names differ only in what a file system may ignore.
///
/// It is not a secret, and need not be the user's name in Dremio. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(Arc<str>);

/// The text is not an [`AccountName`]. It is not repeated: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the name of an account; use 1 to {ACCOUNT_NAME_CHARS_MAX} characters from a-z, 0-9, _ \
     and -"
)]
pub struct BadAccountName;

impl AccountName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account's token file, where `token_file` is that of the single account:
    /// `/tokens/token.json` gives `/tokens/accounts/NAME.json`.
    #[must_use]
    pub fn token_file(&self, token_file: &Path) -> PathBuf {
        accounts_folder(token_file).join(format!("{self}.json"))
    }
}

/// The folder of the accounts' token files, where `token_file` is that of the single account:
/// `/tokens/token.json` gives `/tokens/accounts`.
#[must_use]
pub fn accounts_folder(token_file: &Path) -> PathBuf {
    token_file.with_file_name(ACCOUNTS_FOLDER)
}

impl FromStr for AccountName {
    type Err = BadAccountName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let is_name = (1..=ACCOUNT_NAME_CHARS_MAX).contains(&text.len());
        if is_name && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(BadAccountName)
        }
    }
}

impl TryFrom<String> for AccountName {
    type Error = BadAccountName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl AsRef<str> for AccountName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{AccountName, BadAccountName};

    #[test]
    fn names() {
        let longest = "a".repeat(64);
        for good in ["a", "7", "_", "-", "sales", "team_2-eu", longest.as_str()] {
            let name: AccountName = good.parse().unwrap();
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{good}\""));
        }
        let too_long = "a".repeat(65);
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a/b",
            "../a",
            "Sales",
            "ä",
            "a b",
            "a\n",
            "\0",
            " a",
            "a\u{301}",
            "a%2f",
            "a*",
            too_long.as_str(),
        ] {
            assert_eq!(bad.parse::<AccountName>(), Err(BadAccountName), "{bad:?}");
            assert!(
                serde_json::from_value::<AccountName>(bad.into())
                    .is_err_and(|cause| { bad.len() < 4 || !cause.to_string().contains(bad) }),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_token_file_is_beside_that_of_the_single_account() {
        let name: AccountName = "sales".parse().unwrap();
        for (single, expected) in [
            ("/tokens/token.json", "/tokens/accounts/sales.json"),
            ("/t/x", "/t/accounts/sales.json"),
            ("token.json", "accounts/sales.json"),
        ] {
            assert_eq!(name.token_file(Path::new(single)), PathBuf::from(expected));
        }
    }
}
