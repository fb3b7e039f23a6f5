//! All findings as a text for people, and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use service_kit::Exit;

use super::finding::{CHECKS, Finding, Verdict};
use super::share::{Mask, Private};

/// Columns of a text.
const COLUMNS: usize = 100;

/// What the checks found.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    findings: Vec<Finding>,
    engine: &'static str,
    took: Duration,
    /// Names that `--share` hides.
    private: Private,
}

impl Diagnosis {
    pub(super) fn new(
        findings: Vec<Finding>,
        engine: &'static str,
        took: Duration,
        private: Private,
    ) -> Self {
        Self { findings, engine, took, private }
    }

    /// The findings, in the order of [`CHECKS`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The same without names of hosts and people, addresses and paths, for a public place. One
    /// name is hidden by the same word everywhere.
    #[must_use]
    pub fn shared(mut self) -> Self {
        let mut mask = Mask::new(&self.private);
        for finding in &mut self.findings {
            mask.finding(finding);
        }
        self
    }

    /// 0 if nothing is wrong, 78 if a setting is, else 1.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let mut bad = self.findings.iter().filter(|finding| finding.verdict == Verdict::Bad);
        match bad.next() {
            None => Exit::Success,
            Some(first) if first.check == "settings" => Exit::Config,
            Some(_) => Exit::Failure,
        }
    }

    /// A line for each finding, what is wrong with its cure below, and a sum.
    #[must_use]
    pub fn text(&self) -> String {
        let name_columns = CHECKS.iter().map(|check| check.len()).max().unwrap_or_default();
        let mut text = format!("dremio-mcp {}, {}\n", env!("CARGO_PKG_VERSION"), self.engine);
        for Finding { check, verdict, text: sentence, cure } in &self.findings {
            let start = format!("{verdict} {check:<name_columns$}  ");
            let indent = " ".repeat(name_columns + 4);
            text.push_str(&wrapped(&start, &indent, sentence));
            if let Some(cure) = cure {
                // To be copied: never wrapped.
                let _ = writeln!(text, "{indent}→ {cure}");
            }
        }
        let count = |verdict| self.findings.iter().filter(|found| found.verdict == verdict).count();
        let _ = write!(
            text,
            "\n{} wrong, {} to know, {} good, {} not checked, in {:.1} s",
            count(Verdict::Bad),
            count(Verdict::Warning),
            count(Verdict::Good),
            count(Verdict::NotChecked),
            self.took.as_secs_f64(),
        );
        text
    }

    /// `{"version", "engine", "healthy", "seconds", "findings": [{"check", "verdict", "text",
    /// "cure"}]}`; a cure is `{"run": …}`, `{"set": …}` or `{"change": …}`.
    #[must_use]
    pub fn json(&self) -> String {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "engine": self.engine,
            "healthy": self.findings.iter().all(|finding| finding.verdict != Verdict::Bad),
            "seconds": (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
            "findings": self.findings,
        })
        .to_string()
    }
}

/// Words in lines; a word that is longer stays whole.
fn wrapped(start: &str, indent: &str, sentence: &str) -> String {
    let mut text = start.to_owned();
    let mut column = start.chars().count();
    let mut is_first = true;
    for word in sentence.split_whitespace() {
        let width = word.chars().count();
        if !is_first && column + 1 + width > COLUMNS {
            let _ = write!(text, "\n{indent}");
            column = indent.len();
        } else if !is_first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
        is_first = false;
    }
    text.push('\n');
    text
}
