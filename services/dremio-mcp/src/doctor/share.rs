//! Hides who and where: names of hosts and people, addresses and paths become `HOST-1`, `USER-1`,
//! `ADDRESS-1`, `PATH-1`, so that a diagnosis can be shown to strangers. One name becomes the same
//! word everywhere. What every installation has (`localhost`, `token-refresher`, `/tokens`) stays.
//!
//! Two ways, because each misses something: names from the settings are replaced wherever they
//! stand; and of what looks like an address, a path or a name with a dot, nothing is left, wherever
//! it comes from.

use std::collections::HashMap;
use std::net::IpAddr;

use url::Url;

use super::Doctor;
use super::finding::{Cure, Finding};

/// Names that say nothing of an installation: those of this project's own files, and of examples.
const WELL_KNOWN: [&str; 15] = [
    "localhost",
    "dremio",
    "dremio-mcp",
    "dremio-mcp-local",
    "dremio-mcp-server",
    "dremio-sandbox",
    "token-refresher",
    "host.docker.internal",
    "mcp.example.com",
    "app.example.com",
    "gateway.example.com",
    "gateway.key",
    "token.json",
    "setup.sh",
    "root",
];

/// Paths that are the same everywhere.
const WELL_KNOWN_PATHS: [&str; 11] = [
    "/tokens",
    "/run/secrets/",
    "/policy/",
    "/audit/",
    "/etc/dremio-ca.pem",
    "/mcp",
    "/healthz",
    "/readyz",
    "/tmp",
    "/full/path/",
    "/path/to/",
];

/// Names that are hidden wherever they stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Private {
    pub(super) hosts: Vec<String>,
    pub(super) people: Vec<String>,
}

/// Replaces names by words.
pub(super) struct Mask<'p> {
    private: &'p Private,
    /// Word by name, and how many words there are of a kind.
    words: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

impl Private {
    /// Those of the settings and of this machine.
    pub(super) fn of(doctor: &Doctor) -> Self {
        let (config, site) = (&doctor.config, &doctor.site);
        let host = |url: &Url| url.host_str().map(str::to_owned);
        let urls = [&config.refresher_url, &config.public_url];
        let mut hosts = vec![config.dremio.uri.host().to_owned(), site.host.clone()];
        hosts.extend(urls.into_iter().flatten().filter_map(host));
        hosts.extend(config.allowed_hosts.iter().map(ToString::to_string));
        Self { hosts, people: site.people.clone() }
    }
}

impl<'p> Mask<'p> {
    pub(super) fn new(private: &'p Private) -> Self {
        Self { private, words: HashMap::new(), counts: HashMap::new() }
    }

    pub(super) fn finding(&mut self, finding: &mut Finding) {
        finding.text = self.text(&finding.text);
        if let Some(Cure::Run(text) | Cure::Set(text) | Cure::Change(text)) = &mut finding.cure {
            *text = self.text(text);
        }
    }

    /// The text, token by token. A token is what may be a path, an address or a name.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|letter| !is_of_token(letter)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            masked.push_str(&self.token(token));
            let next = after.find(is_of_token).unwrap_or(after.len());
            let (between, after) = after.split_at(next);
            masked.push_str(between);
            rest = after;
        }
        masked
    }

    fn token(&mut self, token: &str) -> String {
        // A full stop or colon at its end is the sentence's.
        let kept = token.trim_end_matches(['.', ':']);
        let tail = token.get(kept.len()..).unwrap_or_default();
        if let Some((before, after)) = kept.split_once("://") {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            let path = if path.is_empty() { String::new() } else { self.path(path) };
            return format!("{before}://{}{path}{tail}", self.authority(authority));
        }
        if kept.starts_with('/') {
            return format!("{}{tail}", self.path(kept));
        }
        if let Some((before, path)) = kept.split_once('/') {
            // `scripts/setup.sh` is ours; `SECRETS_DIR=x/y` and `./x` are not.
            let word = if matches!(before, "scripts" | "docs" | "deploy") {
                kept.to_owned()
            } else {
                format!("{}{}", self.authority(before), self.path(&format!("/{path}")))
            };
            return format!("{word}{tail}");
        }
        format!("{}{tail}", self.authority(kept))
    }

    fn path(&mut self, path: &str) -> String {
        let is_known = WELL_KNOWN_PATHS.iter().any(|known| {
            path.strip_prefix(known).is_some_and(|rest| {
                known.ends_with('/')
                    || rest.is_empty()
                    || rest == "/token.json"
                    || rest == "/gateway.key"
            })
        });
        if is_known || path == "/" { path.to_owned() } else { self.word("PATH", path) }
    }

    /// A name or an address, with or without a user and a port.
    fn authority(&mut self, text: &str) -> String {
        if let Some((user, host)) = text.rsplit_once('@') {
            return format!("{}@{}", self.word("USER", user), self.authority(host));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, format!(":{port}")),
            _ => (text, String::new()),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let is_own = address.is_loopback() || address.is_unspecified();
            let shown = if is_own { host.to_owned() } else { self.word("ADDRESS", bare) };
            return format!("{shown}{port}");
        }
        if WELL_KNOWN.contains(&host.to_ascii_lowercase().as_str()) {
            return text.to_owned();
        }
        let is_one_of = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(host));
        if is_one_of(&self.private.people) {
            return format!("{}{port}", self.word("USER", host));
        }
        if is_one_of(&self.private.hosts) || is_dotted_name(host) {
            return format!("{}{port}", self.word("HOST", &host.to_ascii_lowercase()));
        }
        text.to_owned()
    }

    fn word(&mut self, kind: &'static str, name: &str) -> String {
        if let Some(word) = self.words.get(name) {
            return word.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let word = format!("{kind}-{count}");
        self.words.insert(name.to_owned(), word.clone());
        word
    }
}

fn is_of_token(letter: char) -> bool {
    letter.is_alphanumeric()
        || matches!(letter, '.' | '-' | '_' | '/' | ':' | '@' | '~' | '%' | '[' | ']')
}

/// Labels between dots, of which the last one is a word: `dremio.corp.example`, not `25.2.0`.
fn is_dotted_name(text: &str) -> bool {
    let mut labels = text.split('.');
    let last = labels.next_back().unwrap_or_default();
    text.contains('.')
        && last.len() >= 2
        && last.chars().all(char::is_alphabetic)
        && labels.all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests;
