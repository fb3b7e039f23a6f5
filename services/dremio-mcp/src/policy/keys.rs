//! What `dremio-mcp key` prints: a new key with its line for the policy file, and the clients that
//! the file has.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::file::{self, Client, DEFAULT, DIGEST_PREFIX, Policy, PolicyError};
use super::grant::{Grant, Tools};
use crate::random::{hex, hex_256};

/// How keys begin that are made here, so that a person, or a program that looks for secrets, sees
/// what they are.
const KEY_PREFIX: &str = "dmk_";

/// Hex digits of a digest that are shown: enough to tell a handful of keys apart.
const SHOWN_DIGITS: usize = 12;

/// A new key, and where it goes. It is kept nowhere.
#[derive(Debug)]
pub struct NewKey {
    /// What is to be printed, once.
    pub text: String,
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No client can have this name.
    #[error(
        "this is no name of a client; use 1 to 64 characters from A-Z, a-z, 0-9, `.`, `_` and `-`, \
         and not `default`, which has no keys of its own"
    )]
    Name,
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl NewKey {
    /// A key for the client `name`. `policy` is the policy file, if there is one: a client that it
    /// has already gets the key beside its others.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn make(
        name: &str,
        policy: Option<&Path>,
        tools: &[&'static str],
    ) -> Result<Self, KeyError> {
        if !file::is_name(name) || name == DEFAULT {
            return Err(KeyError::Name);
        }
        let key = format!("{KEY_PREFIX}{}", hex_256().map_err(KeyError::Random)?);
        let digest = format!("{DIGEST_PREFIX}{}", hex(&Sha256::digest(&key)));
        let known = policy.and_then(|path| Policy::read(&file::bytes(path).ok()?, tools).ok());
        let client = known
            .as_ref()
            .and_then(|policy| policy.clients.iter().find(|client| client.grant.name == name));
        let line = match client {
            Some(Client { keys, .. }) => {
                let keys = keys.iter().map(|key| format!("\"{DIGEST_PREFIX}{}\"", hex(key)));
                let keys: Vec<String> = keys.chain([format!("\"{digest}\"")]).collect();
                format!(
                    "The file has a client `{name}`. Its line with the new key; take the old one \
                     out when\nthe agent uses the new one:\n\nkeys = [{}]",
                    keys.join(", ")
                )
            }
            None => format!(
                "For the policy file; what is not allowed there is not allowed:\n\n[[client]]\n\
                 name = \"{name}\"\nkeys = [\"{digest}\"]\ntools = [\"*\"]\n\
                 schemas = []  # paths in Dremio, as \"Sales\" or \"source.folder\"; \"*\" is \
                 everything"
            ),
        };
        let text = format!("The key, shown this once; give it to the agent:\n\n{key}\n\n{line}");
        Ok(Self { text })
    }
}

/// The clients of the policy file, one a line.
///
/// # Errors
/// See [`PolicyError`].
pub fn list_keys(path: &Path, tools: &[&'static str]) -> Result<String, PolicyError> {
    let bytes = file::bytes(path).map_err(PolicyError::Unreadable)?;
    let policy = Policy::read(&bytes, tools)?;
    let named = policy.clients.iter().map(|client| (client.grant.as_ref(), keys_of(client)));
    let default = policy.default.iter().map(|grant| (grant.as_ref(), "all others".to_owned()));
    let rows: Vec<[String; 4]> =
        named.chain(default).map(|(grant, keys)| row(grant, keys)).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths = [width(0), width(1), width(2)].map(Option::unwrap_or_default);
    let lines = rows.iter().map(|[name, keys, tools, rest]| {
        let [a, b, c] = widths;
        format!("{name:a$}  {keys:b$}  {tools:c$}  {rest}")
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn keys_of(client: &Client) -> String {
    let short = |key: &[u8; 32]| {
        let digits = hex(key);
        format!("{DIGEST_PREFIX}{}", digits.get(..SHOWN_DIGITS).unwrap_or_default())
    };
    match client.keys.as_slice() {
        [] => "no key".to_owned(),
        keys => keys.iter().map(short).collect::<Vec<_>>().join(" "),
    }
}

fn row(grant: &Grant, keys: String) -> [String; 4] {
    let tools = match &grant.tools {
        Tools::All => "all tools".to_owned(),
        Tools::These(tools) if tools.is_empty() => "no tool".to_owned(),
        Tools::These(tools) => tools.join(" "),
    };
    let schemas = match &grant.schemas {
        None => "all schemas".to_owned(),
        Some(schemas) if schemas.as_str().is_empty() => "no schema".to_owned(),
        Some(schemas) => schemas.as_str().to_owned(),
    };
    let account = grant.account.as_ref().map_or_else(String::new, |it| format!("; account {it}"));
    [grant.name.clone(), keys, tools, format!("{schemas}; {}{account}", grant.limits)]
}
