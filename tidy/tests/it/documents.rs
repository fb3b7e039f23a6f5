//! Documents lead somewhere, and agree.

use anyhow::Result;
use tidy::{Finding, Workspace};

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

#[test]
fn every_decision_is_listed() -> Result<()> {
    let workspace = Workspace::load()?;
    let list = workspace.read("docs/decisions/README.md")?;
    let files = workspace.files(".md")?;
    let records = files.iter().filter_map(|path| path.strip_prefix("docs/decisions/"));
    let missing =
        records.filter(|name| *name != "README.md" && !list.contains(&format!("]({name})")));
    let findings: Vec<_> = missing
        .map(|name| finding("docs/decisions/README.md", format!("does not list {name}")))
        .collect();
    holds(&findings, &[]);
    Ok(())
}

/// Where a version stands, and what stands before it. Each must be found.
const VERSIONS: [(&str, &str); 7] = [
    (".env.example", "IMAGE_TAG="),
    ("crates/dremio-sandbox/Dockerfile", "ARG VERSION="),
    ("docker-compose.override.yml", "${IMAGE_TAG:-"),
    ("docker-compose.yml", "${IMAGE_TAG:-"),
    ("services/dremio-mcp/Dockerfile", "ARG VERSION="),
    ("services/token-refresher/Dockerfile", "ARG VERSION="),
    // The newest release; what has come since stands above it, under "Unreleased".
    ("CHANGELOG.md", "\n## "),
];

#[test]
fn versions_agree() -> Result<()> {
    let workspace = Workspace::load()?;
    let version = &workspace.package("tidy")?.version;
    let mut findings = Vec::new();
    for package in workspace.packages().iter().filter(|package| package.version != *version) {
        let text = format!("says {}, and others say {version}", package.version);
        findings.push(finding(&package.folder, text));
    }
    for (path, before) in VERSIONS {
        let text = workspace.read(path)?;
        let mut after = text.split(before).skip(1).filter(|after| !after.starts_with("Unreleased"));
        let found: Vec<_> = match path {
            "CHANGELOG.md" => after.next().into_iter().collect(),
            _ => after.collect(),
        };
        if found.is_empty() {
            findings.push(finding(path, format!("has no version after {before:?}")));
        }
        for after in found {
            let number = |letter: char| letter.is_ascii_digit() || letter == '.';
            let stated = after.split(|letter| !number(letter)).next().unwrap_or_default();
            if stated != *version {
                findings.push(finding(path, format!("says {stated:?}, Cargo.toml {version}")));
            }
        }
    }
    holds(&findings, &[]);
    Ok(())
}

fn finding(path: &str, text: String) -> Finding {
    Finding { place: path.to_owned(), text: format!("{path}: {text}") }
}
