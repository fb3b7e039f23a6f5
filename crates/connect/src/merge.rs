//! Puts an entry into a user's file, which stays as it is otherwise: comments, order, spaces, line
//! ends. What cannot be done without a doubt is refused.

mod json;
mod toml;
mod yaml;

use std::fmt::{self, Display};

use crate::clients::{Format, Place};
use crate::template::Member;

/// Members that say how a server is reached. Of an older entry only those stay that the new one
/// has, because a client that finds two ways takes either.
const WAYS: [&str; 12] = [
    "args",
    "auth",
    "cmd",
    "command",
    "env",
    "httpUrl",
    "serverUrl",
    "transport",
    "type",
    "uri",
    "url",
    "bearer_token_env_var",
];

/// An entry, and where it belongs.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) at: &'a str,
    pub(crate) place: Place,
    pub(crate) name: &'a str,
    pub(crate) members: &'a [Member],
}

impl Entry<'_> {
    /// Ways to reach a server that this entry does not have.
    fn other_ways(&self) -> impl Iterator<Item = &'static str> {
        let set = |way: &str| {
            let mut set = self.members.iter().filter(|member| member.value.is_some());
            set.any(|member| member.path.first().is_some_and(|first| first == way))
        };
        WAYS.into_iter().filter(move |way| !set(way))
    }
}

/// Why a file was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1, if it is known.
    pub line: Option<usize>,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It cannot be read as what it should be.
    Syntax(String),
    /// A member should hold others, and does not.
    NotAMap(String),
    /// A member should be a list, and is not.
    NotAList(String),
    /// A member stands there twice, and clients differ in which one counts.
    Twice(String),
    /// It is written in a way that cannot be changed here without a doubt.
    Unclear(&'static str),
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match &self.problem {
            Problem::Syntax(what) => write!(f, "{what}; correct that line"),
            Problem::NotAMap(what) => {
                write!(f, "{what} should hold entries by name, and does not; correct or delete it")
            }
            Problem::NotAList(what) => {
                write!(f, "{what} should be a list, and is not; correct or delete it")
            }
            Problem::Twice(what) => write!(f, "{what} is there twice; delete one"),
            Problem::Unclear(why) => write!(f, "{why}; put the entry in by hand"),
        }
    }
}

impl std::error::Error for Broken {}

/// `text` with the entry in it: the same text if it is there already.
pub(crate) fn merged(format: Format, text: &str, entry: &Entry<'_>) -> Result<String, Broken> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let with_returns = body.contains("\r\n") && !body.replace("\r\n", "").contains('\n');
    let lines = if with_returns { body.replace("\r\n", "\n") } else { body.to_owned() };
    let new = match format {
        Format::Json => json::merged(&lines, entry),
        Format::Toml => toml::merged(&lines, entry),
        Format::Yaml => yaml::merged(&lines, entry),
    }?;
    if new == lines {
        return Ok(text.to_owned());
    }
    let new = if with_returns { new.replace('\n', "\r\n") } else { new };
    Ok(format!("{mark}{new}"))
}

/// The line, from 1, of a byte.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
