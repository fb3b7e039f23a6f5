//! Files and lines keep their limits.

use anyhow::Result;
use tidy::{Exception, Workspace};

use crate::holds;

const LINES_MAX: usize = 400;
/// rustfmt's `max_width`. It leaves strings and comments alone.
const COLUMNS_MAX: usize = 100;

/// Files that are too long for now.
const LONG_FILES: &[Exception] = &[];

/// Folders with lines that are too long for now.
const LONG_LINES: &[Exception] = &[for_now("services/dremio-mcp/src/engine/tools")];

const fn for_now(place: &'static str) -> Exception {
    Exception { place, reason: "older than the rule" }
}

#[test]
fn rust_files_are_short() -> Result<()> {
    let files = texts(".rs")?;
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    holds(&tidy::long_files(files, LINES_MAX), LONG_FILES);
    Ok(())
}

#[test]
fn rust_lines_are_short() -> Result<()> {
    let mut findings = Vec::new();
    for (path, text) in texts(".rs")? {
        findings.extend(tidy::long_lines(&path, &text, COLUMNS_MAX)?);
    }
    holds(&findings, LONG_LINES);
    Ok(())
}

#[test]
fn nothing_is_left_for_later() -> Result<()> {
    let text = texts("")?;
    let findings: Vec<_> =
        text.iter().flat_map(|(path, text)| tidy::unfinished(path, text)).collect();
    holds(&findings, &[]);
    Ok(())
}

/// Files and what they say, if they are text.
fn texts(ending: &str) -> Result<Vec<(String, String)>> {
    let workspace = Workspace::load()?;
    let files = workspace.files(ending)?.into_iter();
    Ok(files.filter_map(|path| Some((path.clone(), workspace.read(&path).ok()?))).collect())
}
