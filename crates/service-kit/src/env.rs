//! One reader of the environment per service: it returns every setting, or every problem at once.
//!
//! A [`Reader`] takes rows of the table in [`settings`]. When it finishes, a variable that is one
//! slip of the keyboard away from a name of its service is a problem, so a typo never passes
//! silently; a slip of another service's name is left to that one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::settings::{self, Default, Service, Setting};
use crate::{SecretSource, parse_duration, parse_listen_addr};

/// A snapshot of environment variables. Tests make one from pairs.
#[derive(Clone, std::default::Default)]
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

    /// All variables whose name starts with `prefix`, in order, but for those that are empty.
    pub fn with_prefix<'e>(&'e self, prefix: &'e str) -> impl Iterator<Item = (&'e str, &'e str)> {
        self.0
            .iter()
            .filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
            .map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The variables that hold settings of `service`, in the order of the table.
    #[must_use]
    pub fn given(&self, service: Service) -> Vec<String> {
        let names = service.settings().flat_map(Setting::names);
        names.filter(|name| self.get(name).is_some()).collect()
    }

    /// The same environment without any setting of a service but these.
    #[must_use]
    pub fn with_settings(mut self, kept: &[&Setting]) -> Self {
        let is_kept = |name: &String| kept.iter().any(|setting| setting.names().contains(name));
        self.0.retain(|name, _| !settings::is_known(name) || is_kept(name));
        self
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
///
/// In place of a value that is missing or wrong, its methods give one that is not: `finish` fails
/// then, and lets nothing of it out.
#[derive(Debug)]
pub struct Reader<'e> {
    env: &'e Env,
    service: Service,
    read: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl<'e> Reader<'e> {
    /// A reader of the settings of `service`.
    #[must_use]
    pub fn new(env: &'e Env, service: Service) -> Self {
        Self { env, service, read: BTreeSet::new(), problems: Vec::new() }
    }

    /// The text of `setting`, if it is set and not empty.
    pub fn text(&mut self, setting: &'static Setting) -> Option<&'e str> {
        debug_assert!(
            setting.services.contains(&self.service),
            "the table does not say that {} reads {}",
            self.service.name(),
            setting.name
        );
        self.read.insert(setting.name);
        self.env.get(setting.name)
    }

    /// `setting` parsed by `parse`; without a value, its default.
    pub fn parsed<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        match (self.text(setting).map(|text| parse(text.trim())), setting.default) {
            (Some(Ok(value)), _) => return value,
            (Some(Err(problem)), _) => self.problem(setting, problem),
            (None, Default::Required(example)) => {
                self.problem(
                    setting,
                    format!("is required; for example {}={example}", setting.name),
                );
            }
            (None, _) => {}
        }
        default(setting, self.service, parse)
    }

    /// `setting` parsed; without a value, its default.
    pub fn value<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting) -> T {
        self.parsed(setting, parse)
    }

    /// `setting` parsed, `None` if it is unset.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting) -> Option<T> {
        match parse(self.text(setting)?.trim()) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(setting, problem);
                None
            }
        }
    }

    /// A duration with unit (`90s`, `5m`, `1h30m`). `0` needs no unit.
    pub fn duration(&mut self, setting: &'static Setting) -> Duration {
        self.parsed(setting, parse_duration)
    }

    /// The address of a listener (see [`parse_listen_addr`]).
    pub fn listen_addr(&mut self, setting: &'static Setting) -> SocketAddr {
        self.parsed(setting, parse_listen_addr)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, setting: &'static Setting) -> bool {
        self.parsed(setting, |text| match text {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("is neither `true` nor `false`".to_owned()),
        })
    }

    /// `setting` as a comma-separated list (see [`parse_list`]). Each element that does not parse
    /// is a problem.
    pub fn list<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting) -> Vec<T> {
        let text = self.text(setting).unwrap_or_default();
        parse_list(text).unwrap_or_else(|problems| {
            for problem in problems {
                self.problem(setting, problem);
            }
            Vec::new()
        })
    }

    /// A secret from `NAME` or `NAME_FILE`; both at once is a problem. A file must be readable now.
    /// A blank value and a blank file count as absent, so that both may be named where only one
    /// of them is filled in.
    pub fn secret(&mut self, setting: &'static Setting) -> Option<SecretSource> {
        let file_name = setting.file_name();
        let inline = self
            .text(setting)
            .map(|value| SecretSource::Inline(SecretString::from(value.to_owned())));
        let file = self
            .env
            .get(&file_name)
            .map(|path| SecretSource::File(path.into()))
            .filter(|file| !file.is_blank());
        let source = match (inline, file) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                self.problem(
                    setting,
                    format!(
                        "is set and so is {file_name}; keep one of them (the file is the safer one)"
                    ),
                );
                return None;
            }
            (Some(source), None) | (None, Some(source)) => source,
        };
        if let Err(cause) = source.read() {
            self.problems.push(Problem { name: file_name, message: cause.to_string() });
        }
        Some(source)
    }

    /// A secret that must be given.
    pub fn required_secret(&mut self, setting: &'static Setting) -> SecretSource {
        let before = self.problems.len();
        let secret = self.secret(setting);
        if secret.is_none() && self.problems.len() == before {
            let (name, file_name) = (setting.name, setting.file_name());
            let blank = self
                .env
                .get(&file_name)
                .map_or(String::new(), |path| format!(" ({path}, which it names now, is empty)"));
            self.problem(
                setting,
                format!(
                    "is required; with Docker Compose scripts/setup.sh asks for it, or write it \
                     into .env; elsewhere set {name}, or {file_name} to a file that holds it{blank}"
                ),
            );
        }
        secret.unwrap_or_else(|| SecretSource::Inline(SecretString::default()))
    }

    /// Adds a problem found by the service's own checks.
    pub fn problem(&mut self, setting: &Setting, message: impl Into<String>) {
        self.problems.push(Problem { name: setting.name.to_owned(), message: message.into() });
    }

    /// For who reads a part of the settings.
    ///
    /// # Errors
    /// What was wrong with that part.
    pub fn finish_part(self) -> Result<(), Problems> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }

    /// For who has read every setting of the service. `Ok` holds names that look like settings of
    /// it and are not known: worth a warning.
    ///
    /// # Errors
    /// All problems, slips of the keyboard included. No retry can help: the environment must
    /// change.
    pub fn finish(mut self) -> Result<Vec<String>, Problems> {
        let unread = self.service.settings().find(|setting| !self.read.contains(setting.name));
        debug_assert_eq!(unread, None, "a setting of the table is not read");
        let mut unknown = Vec::new();
        for name in self.env.0.keys().filter(|name| !settings::is_known(name)) {
            if let Some(meant) = self.service.meant_by(name) {
                let message = format!("is not a known variable; did you mean {meant}?");
                self.problems.push(Problem { name: name.clone(), message });
            } else if self.service.prefixes().iter().any(|prefix| name.starts_with(prefix)) {
                unknown.push(name.clone());
            }
        }
        self.finish_part().map(|()| unknown)
    }
}

/// `ADMIN_ADDR` alone, for the health check, which must work without the rest.
///
/// # Errors
/// When it is not an address.
pub fn read_admin_addr(env: &Env, service: Service) -> Result<SocketAddr, Problems> {
    let mut reader = Reader::new(env, service);
    let admin_addr = reader.listen_addr(&settings::ADMIN_ADDR);
    reader.finish_part().map(|()| admin_addr)
}

/// The elements of a comma-separated list; blank ones do not count.
///
/// # Errors
/// What is wrong with each element that does not parse, or that the list is JSON.
pub fn parse_list<T: FromStr<Err: Display>>(text: &str) -> Result<Vec<T>, Vec<String>> {
    let text = text.trim_matches([',', ' ']);
    let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for element in elements {
        match parse(element) {
            Ok(value) => values.push(value),
            Err(problem) => problems.push(problem),
        }
    }
    // Taken apart at its commas, a JSON list would be as many riddles as it has elements.
    if !problems.is_empty() && text.starts_with(['[', '{']) && text.ends_with([']', '}']) {
        let cure = "is a list in JSON; write the elements without brackets and quotes, separated \
                    by commas";
        problems = vec![cure.to_owned()];
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|cause: T::Err| cause.to_string())
}

#[expect(clippy::panic, reason = "a default is a constant, and each test of a `Config` reads all")]
fn default<T>(setting: &Setting, service: Service, parse: impl Fn(&str) -> Result<T, String>) -> T {
    parse(setting.default.value(service))
        .unwrap_or_else(|problem| panic!("the default of {}: {problem}", setting.name))
}

#[cfg(test)]
mod tests;
