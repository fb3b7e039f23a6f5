//! Alerts and dashboard name what exists.

use std::collections::BTreeSet;

use anyhow::Result;
use tidy::{Finding, Workspace};

use crate::holds;

const ALERTS: &str = "deploy/prometheus/alerts.yml";

/// The files that name metrics.
const READERS: [&str; 3] =
    [ALERTS, "deploy/prometheus/alerts_test.yml", "deploy/grafana/dremio-mcp.json"];

/// Where metrics are registered, and how their names begin.
const SERVICES: [(&str, &str); 2] = [
    ("services/dremio-mcp/src/metrics.rs", "dremio_mcp_"),
    ("services/token-refresher/src/metrics.rs", "token_refresher_"),
];

/// What the text format adds to a name: OpenMetrics, "Counter" and "Histogram".
const SUFFIXES: [&str; 4] = ["_total", "_bucket", "_sum", "_count"];

#[test]
fn every_metric_is_registered() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut known = BTreeSet::new();
    for (path, prefix) in SERVICES {
        let source = workspace.read(path)?;
        // The name is the first text after `register(`.
        let names = source.split("register(").skip(1).filter_map(|after| after.split('"').nth(1));
        known.extend(names.map(|name| format!("{prefix}{name}")));
    }
    assert!(known.len() > 15, "the names are no longer found in the source: {known:?}");
    let mut findings = Vec::new();
    for path in READERS {
        let text = workspace.read(path)?;
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for name in words.filter(|word| SERVICES.iter().any(|(_, start)| word.starts_with(start))) {
            let short = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
            if !known.contains(name) && !short.is_some_and(|short| known.contains(short)) {
                findings.push(finding(path, format!("no service has a metric {name}")));
            }
        }
    }
    holds(&findings, &[]);
    Ok(())
}

#[test]
fn every_alert_leads_to_a_heading() -> Result<()> {
    let workspace = Workspace::load()?;
    let alerts = workspace.read(ALERTS)?;
    let count = alerts.matches("- alert: ").count();
    let runbooks: Vec<_> =
        alerts.split("runbook: ").skip(1).filter_map(|it| it.lines().next()).collect();
    assert!(count > 0);
    assert_eq!(runbooks.len(), count, "each alert has a runbook");
    let mut findings = Vec::new();
    for runbook in runbooks {
        if let Some(wrong) = tidy::dead_link(workspace.root(), "README.md", runbook)? {
            findings.push(finding(ALERTS, format!("{runbook} leads nowhere: {wrong}")));
        }
    }
    holds(&findings, &[]);
    Ok(())
}

fn finding(path: &str, text: String) -> Finding {
    Finding { place: path.to_owned(), text: format!("{path}: {text}") }
}
