//! Who used what: the calls of audit files, added up by client and tool.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::logging::in_one_line;

/// What is read of a line. The gateway's own log has the same members.
#[derive(Deserialize)]
struct Line {
    timestamp: String,
    event: String,
    #[serde(default)]
    client: String,
    #[serde(default)]
    principal: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    dremio_ms: u64,
}

/// What one client did with one tool.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    pub(super) client: String,
    pub(super) tool: String,
    pub(super) calls: u64,
    /// By the guard or the policy, or because a budget was used up.
    pub(super) refused: u64,
    /// All others that came to nothing.
    pub(super) errors: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) dremio_ms: u64,
}

/// The calls of all lines, the busiest client and tool first.
#[derive(Debug)]
pub(super) struct Top {
    since: Timestamp,
    by_client_and_tool: BTreeMap<(String, String), Usage>,
}

impl Top {
    /// Of the calls that ended at `since` or later.
    pub(super) fn since(since: Timestamp) -> Self {
        Self { since, by_client_and_tool: BTreeMap::new() }
    }

    /// Adds the calls of a file. What is not a call is skipped.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn add(&mut self, file: impl BufRead) -> io::Result<()> {
        for line in file.split(b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(&line?)
                && line.event == "tool_called"
                && line.timestamp.parse::<Timestamp>().is_ok_and(|time| time >= self.since)
            {
                self.count(line);
            }
        }
        Ok(())
    }

    fn count(&mut self, line: Line) {
        let client = if line.client.is_empty() { line.principal } else { line.client };
        let (client, tool) = (in_one_line(&client), in_one_line(&line.tool));
        let usage = self.by_client_and_tool.entry((client, tool)).or_default();
        usage.calls += 1;
        match line.verdict.split(':').next() {
            Some("ok") => {}
            Some("denied" | "budget") => usage.refused += 1,
            _ => usage.errors += 1,
        }
        usage.rows = usage.rows.saturating_add(line.rows);
        usage.bytes = usage.bytes.saturating_add(line.bytes);
        usage.dremio_ms = usage.dremio_ms.saturating_add(line.dremio_ms);
    }

    /// What was added up.
    pub(super) fn usage(self) -> Vec<Usage> {
        let named = |((client, tool), usage)| Usage { client, tool, ..usage };
        let mut all: Vec<Usage> = self.by_client_and_tool.into_iter().map(named).collect();
        // Those of equal number stay in the order of their names.
        all.sort_by_key(|usage| std::cmp::Reverse(usage.calls));
        all
    }
}

/// A table with a head, columns aligned.
pub(super) fn table(all: &[Usage]) -> String {
    let head = ["client", "tool", "calls", "refused", "errors", "rows", "bytes", "dremio s"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(all.iter().map(|usage| {
        let tenths = usage.dremio_ms.saturating_add(50) / 100;
        [
            usage.client.clone(),
            usage.tool.clone(),
            usage.calls.to_string(),
            usage.refused.to_string(),
            usage.errors.to_string(),
            usage.rows.to_string(),
            usage.bytes.to_string(),
            format!("{}.{}", tenths / 10, tenths % 10),
        ]
    }));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Top, table};

    #[test]
    fn calls_are_added_up_by_client_and_tool() {
        let line = |time: &str, rest: &str| {
            format!(r#"{{"n":1,"timestamp":"2026-11-26T{time}Z","event":"tool_called",{rest}}}"#)
        };
        let ada = r#""client":"ada","tool":"RunSqlQuery","verdict""#;
        let text = [
            line("09:59:59.999", &format!(r#"{ada}:"ok""#)),
            line("10:00:00", &format!(r#"{ada}:"ok","rows":3,"bytes":40,"dremio_ms":1949"#)),
            line("10:00:01", &format!(r#"{ada}:"denied:not_a_query""#)),
            line("10:00:02", &format!(r#"{ada}:"budget:rows""#)),
            line("10:00:03", &format!(r#"{ada}:"timed_out","rows":1"#)),
            line("10:00:04", r#""principal":"key-0123\n","tool":"\u001b[31m","verdict":"ok""#),
            r#"{"timestamp":"2026-11-26T11:00:00Z","event":"file_opened"}"#.to_owned(),
            "half a li".to_owned(),
        ]
        .join("\n");
        let mut top = Top::since("2026-11-26T10:00:00Z".parse().unwrap());
        top.add(text.as_bytes()).unwrap();
        assert_eq!(
            table(&top.usage()),
            "client      tool         calls  refused  errors  rows  bytes  dremio s\n\
             ada         RunSqlQuery      4        2       1     4     40       1.9\n\
             key-0123\\n  \\u{1b}[31m       1        0       0     0      0       0.0"
        );
        assert!(table(&[]).starts_with("client  tool  calls"));
    }
}
