//! The policy file: TOML, read whole or not at all. Every problem is named with its line, its cause
//! and its cure, and no key is ever repeated.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use service_kit::wording::few;
use token_file::AccountName;
use toml::Spanned;

use super::grant::{Grant, Tools};
use super::limits;
use super::schemas::Schemas;

/// Longest file. A thousand clients with two keys each take a third of a MiB.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Longest name of a client: fits into a log line and a comment in Dremio's job history.
const NAME_CHARS_MAX: usize = 64;

/// The client whose rights have all keys that the file does not name.
pub(super) const DEFAULT: &str = "default";

/// How a key's digest begins in the file.
pub(super) const DIGEST_PREFIX: &str = "sha256:";

/// Why a file is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// What stands in it is wrong.
    #[error("{}", told(.0))]
    Wrong(Vec<Problem>),
}

/// A file that was written for something else has a problem in each line.
fn told(problems: &[Problem]) -> String {
    let (shown, rest) = few(problems, "problem");
    shown.iter().map(ToString::to_string).chain(rest).collect::<Vec<_>>().join("; ")
}

/// What is wrong in a line, and the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    line: usize,
    text: String,
}

impl Problem {
    /// The line, from 1.
    pub(crate) fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// A policy as its file says it.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) clients: Vec<Client>,
    /// What keys outside the file may do.
    pub(super) default: Option<Arc<Grant>>,
}

/// A client and the SHA-256 of its keys.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) grant: Arc<Grant>,
    pub(super) keys: Vec<[u8; 32]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    client: Vec<ClientTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientTable {
    name: Spanned<String>,
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    account: Option<Spanned<String>>,
    #[serde(default)]
    tools: Vec<Spanned<String>>,
    #[serde(default)]
    schemas: Vec<Spanned<String>>,
    #[serde(default)]
    budget: limits::Table,
}

/// The bytes of the file at `path`. The call is synchronous, and a network volume may hang in it.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |cause: std::io::Error| cause.to_string();
    let file = service_kit::open_regular(path)
        .map_err(unreadable)?
        .ok_or("it is no regular file, but a folder, a pipe or a device")?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err("it is larger than 4 MiB".to_owned());
    }
    Ok(bytes)
}

/// What a policy file has.
#[derive(Debug)]
pub(crate) struct Found {
    /// With the client `default`, if there is one.
    pub(crate) clients: usize,
    pub(crate) keys: HashSet<[u8; 32]>,
    pub(crate) has_default: bool,
    /// The accounts whose tokens calls carry; `None` is the single one.
    pub(crate) accounts: BTreeSet<Option<AccountName>>,
}

/// Reads the file at `path` to see whether it is a policy, where there are these tools.
///
/// # Errors
/// See [`PolicyError`].
pub(crate) fn check(path: &Path, tools: &[&'static str]) -> Result<Found, PolicyError> {
    let policy = Policy::read(&bytes(path).map_err(PolicyError::Unreadable)?, tools)?;
    let keys = policy.clients.iter().flat_map(|client| client.keys.iter().copied());
    let grants = policy.clients.iter().map(|client| &client.grant).chain(&policy.default);
    Ok(Found {
        clients: policy.clients.len() + usize::from(policy.default.is_some()),
        keys: keys.collect(),
        has_default: policy.default.is_some(),
        accounts: grants.map(|grant| grant.account.clone()).collect(),
    })
}

impl Policy {
    /// Reads a policy, where there are these tools.
    ///
    /// # Errors
    /// With every problem.
    pub(super) fn read(bytes: &[u8], tools: &[&'static str]) -> Result<Self, PolicyError> {
        let one = |line, text: &str| {
            Err(PolicyError::Wrong(vec![Problem { line, text: text.to_owned() }]))
        };
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(cause) => {
                let before = bytes.get(..cause.valid_up_to()).unwrap_or_default();
                return one(line_at(before, before.len()), "is not UTF-8; save the file as UTF-8");
            }
        };
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(cause) => {
                let at = cause.span().map_or(0, |span| span.start);
                let said = cause.message().trim().replace('\n', "; ");
                let said = said.replace(char::is_control, "?");
                let text = format!("{said}; see docs/DEPLOYMENT.md for the form of the file");
                return one(line_at(bytes, at), &text);
            }
        };
        if file.client.is_empty() {
            return one(
                1,
                "the file names no client, so nobody could call anything; begin with [[client]], \
                 or take MCP_POLICY_FILE out",
            );
        }
        let mut reading = Reading { text: bytes, tools, problems: Vec::new() };
        let policy = reading.policy(&file);
        if reading.problems.is_empty() {
            Ok(policy)
        } else {
            Err(PolicyError::Wrong(reading.problems))
        }
    }
}

struct Reading<'f> {
    text: &'f [u8],
    tools: &'f [&'static str],
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn policy(&mut self, file: &File) -> Policy {
        let mut policy = Policy { clients: Vec::with_capacity(file.client.len()), default: None };
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut owners: HashMap<[u8; 32], (&str, usize)> = HashMap::new();
        for table in &file.client {
            let (name, at) = (table.name.get_ref().as_str(), table.name.span().start);
            if !is_name(name) {
                self.problem(
                    at,
                    format!(
                        "`name` is no name of a client; use 1 to {NAME_CHARS_MAX} characters from \
                     A-Z, a-z, 0-9, `.`, `_` and `-`"
                    ),
                );
            } else if let Some(first) = names.insert(name, at) {
                let first = line_at(self.text, first);
                self.problem(
                    at,
                    format!(
                        "the name `{name}` is taken by the client in line {first}; give this one \
                     another, or put the keys of both into one list"
                    ),
                );
            }
            let mut keys = Vec::with_capacity(table.keys.len());
            for key in &table.keys {
                let at = key.span().start;
                let Some(digest) = digest(key.get_ref()) else {
                    self.problem(
                        at,
                        format!(
                            "a key is written as its digest, `{DIGEST_PREFIX}` and 64 hex digits; \
                         `dremio-mcp key new {}` makes a key and its line",
                            if is_name(name) { name } else { "NAME" }
                        ),
                    );
                    continue;
                };
                if let Some((owner, first)) = owners.insert(digest, (name, at)) {
                    let first = line_at(self.text, first);
                    self.problem(at, format!(
                        "this key stands in line {first} too, for `{owner}`; a key has one client, \
                         and stands once"
                    ));
                }
                keys.push(digest);
            }
            let grant = Arc::new(self.grant(table));
            if name == DEFAULT {
                if let Some(key) = table.keys.first() {
                    self.problem(key.span().start, format!(
                        "`{DEFAULT}` is for the keys that this file does not name, and has none; \
                         give the client another name"
                    ));
                }
                policy.default = Some(grant);
            } else {
                policy.clients.push(Client { grant, keys });
            }
        }
        policy
    }

    fn grant(&mut self, table: &ClientTable) -> Grant {
        let account = table.account.as_ref().and_then(|account| {
            let at = account.span().start;
            let name: Result<AccountName, _> = account.get_ref().parse();
            name.map_err(|cause| self.problem(at, format!("`account` {cause}"))).ok()
        });
        let limits = table.budget.read().unwrap_or_else(|(at, text)| {
            self.problem(at, text);
            limits::Limits::default()
        });
        let (tools, schemas) = (self.tools(&table.tools), self.schemas(&table.schemas));
        Grant { name: table.name.get_ref().clone(), account, tools, schemas, limits }
    }

    fn tools(&mut self, names: &[Spanned<String>]) -> Tools {
        if let [only] = names
            && only.get_ref() == "*"
        {
            return Tools::All;
        }
        let mut tools = Vec::with_capacity(names.len());
        for name in names {
            match self.tools.iter().find(|tool| **tool == name.get_ref().as_str()) {
                Some(tool) => tools.push(*tool),
                None => {
                    let known = self.tools.join(", ");
                    let said: String = name.get_ref().chars().take(NAME_CHARS_MAX).collect();
                    self.problem(name.span().start, format!(
                        "there is no tool {said:?}; the tools are {known}, and [\"*\"] is all of \
                         them"
                    ));
                }
            }
        }
        Tools::These(tools)
    }

    fn schemas(&mut self, entries: &[Spanned<String>]) -> Option<Schemas> {
        let texts: Vec<&str> = entries.iter().map(|entry| entry.get_ref().as_str()).collect();
        Schemas::read(&texts).unwrap_or_else(|(place, cause)| {
            let at = entries.get(place).map_or(0, |entry| entry.span().start);
            let said: String = texts.get(place).unwrap_or(&"").chars().take(100).collect();
            self.problem(at, format!("{said:?} in `schemas`: {cause}"));
            Some(Schemas::default())
        })
    }

    fn problem(&mut self, at: usize, text: String) {
        self.problems.push(Problem { line: line_at(self.text, at), text });
    }
}

/// Whether a client may be called so.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// The digest that is written as `sha256:` and 64 hex digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(DIGEST_PREFIX).filter(|digits| digits.len() == 64)?;
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}

/// The line, from 1, in which the byte at `at` is.
fn line_at(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
