//! What the last start with a folder was asked for: `settings.toml` there. Its members are flags of
//! the command line, so that there is one list of settings and one place that judges them. A flag
//! that is given comes first, and is kept in turn.

use std::ffi::OsString;
use std::fs;
use std::io;

use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use toml_edit::{DocumentMut, Item, Value};

use crate::arguments::Arguments;
use crate::config_dir::ConfigDir;

/// The file.
const NAME: &str = "settings.toml";

/// Whoever writes settings writes less.
const BYTES_MAX: usize = 64 * 1024;

/// The flags that are kept.
const KEPT: [&str; 14] = [
    ADMIN_ADDR,
    "allowed-hosts",
    "allowed-origins",
    "api-keys-file",
    "dremio-uri",
    "engine",
    "log-file",
    MCP_ADDR,
    "mcp-server-command",
    "password-file",
    "require-key",
    SANDBOX_ADDR,
    "token-lifetime",
    "username",
];

const ADMIN_ADDR: &str = "admin-addr";
const MCP_ADDR: &str = "mcp-addr";
const SANDBOX_ADDR: &str = "sandbox-addr";

/// Flags whose value is a path, which must be right from any folder.
const PATHS: [&str; 3] = ["api-keys-file", "log-file", "password-file"];

/// What a single question does not need: it runs beside what runs already.
const NOT_FOR_A_QUESTION: [&str; 4] = [ADMIN_ADDR, "log-file", MCP_ADDR, SANDBOX_ADDR];

/// Whoever is given one of the left no longer means any of the right.
const INSTEAD: [(&[&str], &[&str]); 4] = [
    (&["dremio-uri"], &["sandbox", SANDBOX_ADDR, "token-lifetime"]),
    (&["sandbox", SANDBOX_ADDR, "token-lifetime"], &["dremio-uri", "username", "password-file"]),
    (&["api-keys-file"], &["require-key"]),
    (&["require-key"], &["api-keys-file"]),
];

const HEAD: &str = "# What dremio-mcp-local starts with from this folder: its flags, without the \
                    dashes.\n# A flag on the command line comes first, and is kept here.\n";

/// What is wrong with a command line.
pub(crate) enum Wrong {
    /// As clap says it.
    Usage(Box<clap::Error>),
    /// The folder or its settings cannot be used.
    Folder(anyhow::Error),
}

/// The command line, with what the folder keeps.
pub(crate) struct Effective {
    pub(crate) arguments: Arguments,
    /// The folder, if this start has one.
    pub(crate) folder: Option<ConfigDir>,
    /// What is to be kept when the start went well.
    keep: Option<String>,
}

impl Effective {
    /// Reads the command line `words`, the program's name first.
    ///
    /// # Errors
    /// When something is wrong with it, or with what the folder keeps.
    pub(crate) fn read(words: &[OsString]) -> Result<Self, Wrong> {
        let plain = || parse(words).map_err(Wrong::Usage);
        // Some flags need others that only the folder may have.
        let given = Arguments::command().ignore_errors(true).try_get_matches_from(words);
        let Ok(given) = given else {
            return Ok(Self { arguments: plain()?, folder: None, keep: None });
        };
        let is_serving = given.subcommand_name().is_none();
        let path = is_serving.then(|| given.get_one::<std::path::PathBuf>("config_dir")).flatten();
        if path.is_none() && !(is_serving && is_set(&given, "background")) {
            return Ok(Self { arguments: plain()?, folder: None, keep: None });
        }
        let folder = ConfigDir::open(path.map(|path| &**path)).map_err(Wrong::Folder)?;
        let kept = Kept::read(&folder).map_err(Wrong::Folder)?;
        let mut all = words.to_vec();
        let wanted = kept.wanted(&given);
        all.splice(1..1, wanted.iter().map(OsString::from));
        let arguments = parse(&all).map_err(|cause| {
            // What is wrong without the folder's settings, too, is the command line's.
            if wanted.is_empty() || kept.is_sound() {
                Wrong::Usage(cause)
            } else {
                let file = folder.file(NAME);
                let cause = cause.to_string();
                let cause = cause.lines().next().unwrap_or_default();
                let cause = cause.trim_start_matches("error: ");
                Wrong::Folder(anyhow::anyhow!(
                    "{}: {cause}; correct that, or delete the file to begin anew",
                    file.display()
                ))
            }
        })?;
        let keep = match arguments.ask {
            Some(_) => None,
            None => kept.with(&given).map_err(Wrong::Folder)?,
        };
        Ok(Self { arguments, folder: Some(folder), keep })
    }

    /// Keeps what was given, for the next start.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&self) -> anyhow::Result<()> {
        match (&self.folder, &self.keep) {
            (Some(folder), Some(text)) => folder.write(NAME, text),
            _ => Ok(()),
        }
    }
}

/// What a start from `folder` without any flag would be asked for.
///
/// # Errors
/// When its settings cannot be used.
pub(crate) fn of(folder: &ConfigDir) -> anyhow::Result<Arguments> {
    let words = ["dremio-mcp-local".into(), "--config-dir".into(), folder.path().into()];
    match Effective::read(&words) {
        Ok(effective) => Ok(effective.arguments),
        Err(Wrong::Folder(cause)) => Err(cause),
        Err(Wrong::Usage(cause)) => bail!("{cause}"),
    }
}

fn parse(words: &[OsString]) -> Result<Arguments, Box<clap::Error>> {
    let matches = Arguments::command().try_get_matches_from(words)?;
    Ok(Arguments::from_arg_matches(&matches)?)
}

/// What `settings.toml` holds.
struct Kept {
    document: DocumentMut,
    text: String,
}

impl Kept {
    fn read(folder: &ConfigDir) -> anyhow::Result<Self> {
        let path = folder.file(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(cause).with_context(|| broken(&path, None, "unreadable")),
        };
        if text.len() > BYTES_MAX {
            bail!(broken(&path, None, "too long"));
        }
        let document: DocumentMut = text.parse().map_err(|cause: toml_edit::TomlError| {
            let line = cause.span().map(|span| line_at(&text, span.start));
            let what = cause.message().replace('\n', ", ");
            anyhow::anyhow!(broken(&path, line, &what))
        })?;
        for (name, item) in document.iter() {
            let line = text.lines().position(|line| line.trim_start().starts_with(name));
            let line = line.map(|line| line + 1);
            if !KEPT.contains(&name) {
                let what = format!("there is no setting {name:?}; there are {}", KEPT.join(", "));
                bail!(broken(&path, line, &what));
            }
            if word(name, item).is_none() {
                bail!(broken(&path, line, &format!("{name} is neither text nor true")));
            }
        }
        Ok(Self { document, text })
    }

    /// What of it counts beside the flags that were given, as words of a command line.
    fn wanted(&self, given: &ArgMatches) -> Vec<String> {
        let asks = is_set(given, "ask");
        let counts = |name: &str| {
            let replaced = INSTEAD.iter().any(|(these, those)| {
                those.contains(&name) && these.iter().any(|this| is_set(given, this))
            });
            let needless = asks && NOT_FOR_A_QUESTION.contains(&name);
            !is_set(given, name) && !replaced && !needless
        };
        let members = self.document.iter().filter(|(name, _)| counts(name));
        members.filter_map(|(name, item)| word(name, item)).filter(|it| !it.is_empty()).collect()
    }

    /// Whether a start without any flag would do.
    fn is_sound(&self) -> bool {
        let words = self.document.iter().filter_map(|(name, item)| word(name, item));
        let words = words.filter(|word| !word.is_empty()).map(OsString::from);
        let all: Vec<_> = std::iter::once("dremio-mcp-local".into()).chain(words).collect();
        parse(&all).is_ok()
    }

    /// Its text with the flags that were given; nothing if that changes nothing.
    fn with(&self, given: &ArgMatches) -> anyhow::Result<Option<String>> {
        let mut document = self.document.clone();
        for (these, those) in INSTEAD {
            if these.iter().any(|this| is_set(given, this)) {
                for that in those {
                    document.remove(that);
                }
            }
        }
        for name in KEPT {
            if !is_set(given, name) {
                continue;
            }
            let raw = given.get_raw(&id(name)).and_then(|mut values| values.next());
            let value = match (raw, name) {
                (_, "require-key") | (None, _) => Value::from(true),
                (Some(raw), _) if PATHS.contains(&name) => {
                    let path = std::path::absolute(raw).with_context(|| format!("--{name}"))?;
                    Value::from(path.to_str().with_context(|| format!("--{name}: not UTF-8"))?)
                }
                (Some(raw), _) => {
                    Value::from(raw.to_str().with_context(|| format!("--{name}: not UTF-8"))?)
                }
            };
            match document.get_mut(name).and_then(Item::as_value_mut) {
                Some(old) => {
                    let decor = old.decor().clone();
                    *old = value;
                    *old.decor_mut() = decor;
                }
                None => {
                    document.insert(name, Item::Value(value));
                }
            }
        }
        let mut text = document.to_string();
        if self.text.is_empty() && !text.is_empty() {
            text.insert_str(0, HEAD);
        }
        Ok((text != self.text).then_some(text))
    }
}

/// A member as a word of the command line: empty if it says nothing.
fn word(name: &str, item: &Item) -> Option<String> {
    match (item.as_value()?, name) {
        (Value::Boolean(value), "require-key") => {
            Some(if *value.value() { format!("--{name}") } else { String::new() })
        }
        (_, "require-key") => None,
        (Value::String(text), _) => Some(format!("--{name}={}", text.value())),
        (Value::Integer(number), _) => Some(format!("--{name}={}", number.value())),
        _ => None,
    }
}

fn is_set(given: &ArgMatches, name: &str) -> bool {
    given.value_source(&id(name)) == Some(ValueSource::CommandLine)
}

fn id(name: &str) -> String {
    name.replace('-', "_")
}

fn broken(path: &std::path::Path, line: Option<usize>, what: &str) -> String {
    let line = line.map_or(String::new(), |line| format!(" line {line}"));
    format!("{}{line}: {what}; correct that, or delete the file to begin anew", path.display())
}

fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
