//! Files and lines keep their limits.

use anyhow::Result;
use tidy::Workspace;

use crate::holds;

const LINES_MAX: usize = 400;
/// rustfmt's `max_width`. It leaves strings and comments alone.
const COLUMNS_MAX: usize = 100;

#[test]
fn rust_files_are_short() -> Result<()> {
    let files = texts(".rs")?;
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    holds(&tidy::long_files(files, LINES_MAX), &[]);
    Ok(())
}

#[test]
fn rust_lines_are_short() -> Result<()> {
    let mut findings = Vec::new();
    for (path, text) in texts(".rs")? {
        findings.extend(tidy::long_lines(&path, &text, COLUMNS_MAX)?);
    }
    holds(&findings, &[]);
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
