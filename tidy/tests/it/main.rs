//! The rules for this repository. Each test prints every place that breaks its rule.

mod alerts;
mod architecture;
mod clients;
mod documents;
mod settings;
mod text;

use anyhow::Result;
use tidy::{Exception, Finding, Workspace, complaints};

/// Fails with all that is wrong, one a line.
fn holds(findings: &[Finding], exceptions: &[Exception]) {
    let complaints = complaints(findings, exceptions);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Fails if a part of a file is not as a table says: its path, its name, its lines. `BLESS=1`
/// writes them; `command` is what does that.
fn agree(workspace: &Workspace, parts: &[(&str, &str, String)], command: &str) -> Result<()> {
    let mut findings = Vec::new();
    for (path, part, lines) in parts {
        let text = workspace.read(path)?;
        if std::env::var_os("BLESS").is_some() {
            let text = tidy::with_part(path, &text, part, lines)?;
            std::fs::write(workspace.root().join(path), text)?;
        } else {
            findings.extend(tidy::differing_part(path, &text, part, lines)?);
        }
    }
    if let Some(last) = findings.last_mut() {
        last.text.push_str(&format!("\n{command}    writes what is missing"));
    }
    holds(&findings, &[]);
    Ok(())
}
