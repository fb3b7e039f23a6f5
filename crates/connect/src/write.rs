//! Puts the entry into the user's own file.

use std::path::PathBuf;

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::clients::{Client, File};
use crate::endpoint::Endpoint;
use crate::file::{FileError, Original};
use crate::home::Home;
use crate::merge::{Broken, Entry, merged};
use crate::template;

/// How often a file that its client writes meanwhile is read again.
const TRIES_MAX: usize = 5;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file, behind all links.
    pub path: PathBuf,
    /// What it was before, if it was changed.
    pub backup: Option<PathBuf>,
    /// What happened to it.
    pub change: Change,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// The entry is in it now, as it should be.
    Merged,
    /// It was so already: nothing was written.
    None,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The client is set up in another way.
    #[error("{title} has no file to write in: do what `connect {name}` shows")]
    NoFile {
        /// The client.
        title: &'static str,
        /// What people type for it.
        name: &'static str,
    },
    /// The client reads no variables, and the key is not known.
    #[error(
        "{title} reads no variables, so the key itself goes into its file: give --key-file FILE, \
         or set {variable}"
    )]
    KeyNeeded {
        /// The client.
        title: &'static str,
        /// The variable of the key.
        variable: String,
    },
    /// The file cannot be replaced; it is as it was.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be edited.
    #[error("{} was left alone: {broken}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where, why, and the cure.
        broken: Broken,
    },
}

/// Puts the entry for `endpoint` into the client's file below `home`. The rest of the file stays as
/// it is; what was there before is kept beside it. Doing it twice changes nothing.
///
/// # Errors
/// When that cannot be done without a doubt. Nothing was changed then.
pub fn write(
    client: &'static Client,
    endpoint: &Endpoint,
    home: &Home,
) -> Result<Written, WriteError> {
    let (title, name) = (client.title, client.name);
    let file = client.file.as_ref().ok_or(WriteError::NoFile { title, name })?;
    let key = key_in(file, endpoint).ok_or_else(|| WriteError::KeyNeeded {
        title,
        variable: endpoint.key().map_or_else(String::new, |key| key.variable.clone()),
    })?;
    let path = home.file(file);
    for _ in 1..TRIES_MAX {
        match write_once(file, endpoint, &key, &path) {
            Err(WriteError::File(FileError::Changed { .. })) => {}
            done => return done,
        }
    }
    write_once(file, endpoint, &key, &path)
}

fn write_once(
    file: &File,
    endpoint: &Endpoint,
    key: &str,
    path: &std::path::Path,
) -> Result<Written, WriteError> {
    let original = Original::read(path)?;
    let path = original.path().to_owned();
    let old = original.text.as_deref().unwrap_or(file.begins);
    let new = with_entry(file, endpoint, key, old)
        .map_err(|broken| WriteError::Broken { path: path.clone(), broken })?;
    if original.text.as_deref() == Some(new.as_str()) {
        return Ok(Written { path, backup: None, change: Change::None });
    }
    let backup = original.replace(&new)?;
    let change = if original.text.is_some() { Change::Merged } else { Change::Created };
    Ok(Written { path, backup, change })
}

/// `text` with the entry for `endpoint` in it.
pub(crate) fn with_entry(
    file: &File,
    endpoint: &Endpoint,
    key: &str,
    text: &str,
) -> Result<String, Broken> {
    // A test reads every row of the table.
    let template: Value = serde_json::from_str(file.entry).unwrap_or_default();
    let members = template::members(&template, endpoint, key);
    let entry = Entry { at: file.at, place: file.place, name: endpoint.name(), members: &members };
    merged(file.format, text, &entry)
}

/// What stands in the file for the key. Nothing, if it is the key itself and that is not known.
fn key_in(file: &File, endpoint: &Endpoint) -> Option<String> {
    match (endpoint.key(), file.reference) {
        (None, _) => Some(String::new()),
        (Some(_), Some(reference)) => Some(template::text(reference, endpoint, "")),
        (Some(key), None) => Some(key.value.as_ref()?.expose_secret().to_owned()),
    }
}
