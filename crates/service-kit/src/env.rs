//! One reader of the environment per service: it returns every setting, or every problem at once.
//!
//! A `Reader` remembers each name it was asked for. When it finishes, a variable that is one slip
//! of the keyboard away from a known name is a problem, so a typo never passes silently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::SecretSource;

/// Edits (insert, delete, replace, swap) up to which an unknown name counts as a slip of a known
/// one. Two catches a dropped letter plus a swap and keeps `MCP_ADDR` and `ADMIN_ADDR` apart.
const SLIP_EDITS_MAX: usize = 2;

/// A snapshot of environment variables. Tests make one from pairs.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    #[must_use]
    pub fn process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// An environment of exactly these variables.
    #[must_use]
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// The value of `name`, unless it is unset or empty: Compose passes `NAME=` for what a user
    /// left out.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables whose name starts with `prefix`, in order.
    pub fn with_prefix<'e>(&'e self, prefix: &'e str) -> impl Iterator<Item = (&'e str, &'e str)> {
        self.0
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One thing that is wrong with the configuration: which variable, what, and the cure. Never a
/// secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub name: String,
    /// What is wrong and what to do, one sentence.
    pub message: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// Everything that is wrong with the configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// Reads typed settings and collects problems. Call [`Reader::finish`] last.
#[derive(Debug)]
pub struct Reader<'e> {
    env: &'e Env,
    known: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl<'e> Reader<'e> {
    /// A reader of `env` that knows no name yet.
    #[must_use]
    pub fn new(env: &'e Env) -> Self {
        Self { env, known: BTreeSet::new(), problems: Vec::new() }
    }

    /// The raw value of `name`, if set and not empty.
    pub fn text(&mut self, name: &str) -> Option<&'e str> {
        self.known.insert(name.to_owned());
        self.env.get(name)
    }

    /// `name` parsed, `None` if unset. A value that does not parse is a problem (and `None`).
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(cause) => {
                self.problem(name, format!("{cause}"));
                None
            }
        }
    }

    /// `name` parsed, or `default`.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// `name` parsed; unset is a problem that shows `example`.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str, example: &str) -> Option<T> {
        if self.text(name).is_none() {
            self.problem(name, format!("is required; for example {name}={example}"));
            return None;
        }
        self.optional(name)
    }

    /// A duration with unit (`90s`, `5m`, `1h30m`), or `default`. `0` needs no unit.
    pub fn duration(&mut self, name: &str, default: Duration) -> Duration {
        let Some(text) = self.text(name) else { return default };
        match parse_duration(text.trim()) {
            Ok(value) => value,
            Err(message) => {
                self.problem(name, message);
                default
            }
        }
    }

    /// The address of a listener (see [`parse_listen_addr`](crate::parse_listen_addr)), or
    /// `default`.
    pub fn listen_addr(&mut self, name: &str, default: SocketAddr) -> SocketAddr {
        let Some(text) = self.text(name) else { return default };
        match crate::parse_listen_addr(text.trim()) {
            Ok(addr) => addr,
            Err(message) => {
                self.problem(name, message);
                default
            }
        }
    }

    /// `name` as a comma-separated list, each element parsed; blank elements do not count. One that
    /// does not parse is a problem.
    pub fn list<T: FromStr<Err: Display>>(&mut self, name: &str) -> Vec<T> {
        let text = self.text(name).unwrap_or_default().trim_matches([',', ' ']);
        let mut elements = Vec::new();
        for element in text.split(',').map(str::trim).filter(|element| !element.is_empty()) {
            match element.parse::<T>() {
                Ok(element) => elements.push(element),
                // Taken apart at its commas, a JSON list would be as many riddles as it has
                // elements.
                Err(_) if text.starts_with(['[', '{']) && text.ends_with([']', '}']) => {
                    self.problem(name, "is a list in JSON; write the elements without brackets and quotes, separated by commas".to_owned());
                    return Vec::new();
                }
                Err(cause) => self.problem(name, cause.to_string()),
            }
        }
        elements
    }

    /// `true` or `false`, or `default`.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).map(str::trim) {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(_) => {
                self.problem(name, "is neither `true` nor `false`".to_owned());
                default
            }
        }
    }

    /// A secret from `NAME` or `NAME_FILE`; both at once is a problem. A file must be readable now.
    /// A blank value and a blank file count as absent, so that both may be named where only one
    /// of them is filled in.
    pub fn secret(&mut self, name: &str) -> Option<SecretSource> {
        let file_name = format!("{name}_FILE");
        let inline =
            self.text(name).map(|value| SecretSource::Inline(SecretString::from(value.to_owned())));
        let file = self
            .text(&file_name)
            .map(|path| SecretSource::File(path.into()))
            .filter(|file| !file.is_blank());
        let source = match (inline, file) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                self.problem(
                    name,
                    format!(
                        "is set and so is {file_name}; keep one of them (the file is the safer one)"
                    ),
                );
                return None;
            }
            (Some(source), None) | (None, Some(source)) => source,
        };
        if let Err(cause) = source.read() {
            self.problem(&file_name, cause.to_string());
        }
        Some(source)
    }

    /// A secret that must be given.
    pub fn required_secret(&mut self, name: &str) -> Option<SecretSource> {
        let before = self.problems.len();
        let secret = self.secret(name);
        if secret.is_none() && self.problems.len() == before {
            let file_name = format!("{name}_FILE");
            let blank = self
                .text(&file_name)
                .map_or(String::new(), |path| format!(" ({path}, which it names now, is empty)"));
            self.problem(
                name,
                format!("is required; set {name} (with Docker Compose in .env), or {file_name} to a file that holds it{blank}"),
            );
        }
        secret
    }

    /// Marks names as known that this service does not read itself.
    pub fn knows(&mut self, names: &[&str]) {
        self.known.extend(names.iter().map(|&name| name.to_owned()));
    }

    /// Adds a problem found by the service's own checks.
    pub fn problem(&mut self, name: &str, message: String) {
        self.problems.push(Problem { name: name.to_owned(), message });
    }

    /// Variables under `prefixes` that nobody asked for and that are no slip either: worth a
    /// warning.
    #[must_use]
    pub fn unknown(&self, prefixes: &[&str]) -> Vec<String> {
        let ours = |name: &&String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        self.env.0.keys().filter(ours).filter(|name| !self.known.contains(*name)).cloned().collect()
    }

    /// `Ok` if nothing was wrong.
    ///
    /// # Errors
    /// All problems, slips of the keyboard included. No retry can help: the environment must
    /// change.
    pub fn finish(mut self) -> Result<(), Problems> {
        for name in self.env.0.keys().filter(|name| !self.known.contains(*name)) {
            let nearest =
                self.known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
            if let Some(nearest) =
                nearest.filter(|known| strsim::damerau_levenshtein(known, name) <= SLIP_EDITS_MAX)
            {
                self.problems.push(Problem {
                    name: name.clone(),
                    message: format!("is not a known variable; did you mean {nearest}?"),
                });
            }
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }
}

/// Parses `90s`, `5m`, `1h30m`, `0`.
///
/// # Errors
/// What is wrong, as a sentence fragment with an example.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{text}` has no unit; write for example {text}s or {text}m"));
    }
    let signed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is not a duration; write for example 90s, 5m or 6h"))?;
    Duration::try_from(signed).map_err(|_| format!("`{text}` is negative"))
}

#[cfg(test)]
mod tests;
