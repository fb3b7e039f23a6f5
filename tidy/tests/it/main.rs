//! The rules for this repository. Each test prints every place that breaks its rule.

mod alerts;
mod architecture;
mod documents;
mod settings;
mod text;

use tidy::{Exception, Finding, complaints};

/// Fails with all that is wrong, one a line.
fn holds(findings: &[Finding], exceptions: &[Exception]) {
    let complaints = complaints(findings, exceptions);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
