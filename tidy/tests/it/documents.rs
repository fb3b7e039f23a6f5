//! Documents lead somewhere, and agree.

use anyhow::Result;
use tidy::Workspace;

use crate::holds;

#[test]
fn links_lead_somewhere() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut findings = Vec::new();
    for path in workspace.files(".md")? {
        findings.extend(tidy::dead_links(workspace.root(), &path)?);
    }
    holds(&findings, &[]);
    Ok(())
}
