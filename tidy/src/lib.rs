//! What must be true of this repository as a whole, checked by `cargo test -p tidy`.
//!
//! The rules stand in `tests/it`, one file for each kind, with their exceptions and the reasons:
//!
//! | file | holds |
//! |---|---|
//! | `architecture.rs` | no import runs up, no modules import each other in a circle |
//! | `text.rs` | files and lines of Rust keep their limits, no notes of unfinished work |
//! | `documents.rs` | links lead somewhere, decisions are listed, versions agree |
//! | `settings.rs` | Compose files, `.env.example` and documents agree with the table of settings |
//!
//! This library is how they look: [`Workspace`] finds packages and files, [`Modules`] reads who
//! imports whom, [`long_files`], [`long_lines`] and [`dead_links`] read text. It reads source only:
//! it neither builds nor changes anything, unless `BLESS=1` asks for what follows from a table.

mod links;
mod modules;
mod parts;
mod text;
mod workspace;

pub use links::{dead_link, dead_links};
pub use modules::{Import, Modules};
pub use parts::{differing_part, with_part};
pub use text::{long_files, long_lines, unfinished};
pub use workspace::{Dependency, Package, Workspace};

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What an exception names: a file, a folder or a module.
    pub place: String,
    /// What is wrong there, and what to do, for people.
    pub text: String,
}

/// A place that may break a rule for now.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// The place of the findings that are excused, or the folder above them.
    pub place: &'static str,
    /// Why, and what ends it.
    pub reason: &'static str,
}

/// What remains to be said: findings that no exception excuses, and exceptions that excuse nothing
/// any more. Empty when all is well.
#[must_use]
pub fn complaints(findings: &[Finding], exceptions: &[Exception]) -> Vec<String> {
    let covers = |exception: &Exception, finding: &Finding| {
        let rest = finding.place.strip_prefix(exception.place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let excused = |finding: &Finding| exceptions.iter().any(|it| covers(it, finding));
    let needed = |exception: &Exception| findings.iter().any(|it| covers(exception, it));
    let open = findings.iter().filter(|finding| !excused(finding)).map(|it| it.text.clone());
    let stale = exceptions.iter().filter(|exception| !needed(exception)).map(|exception| {
        format!("{}: this exception is no longer needed, remove it from the test", exception.place)
    });
    open.chain(stale).collect()
}

#[cfg(test)]
mod tests;
