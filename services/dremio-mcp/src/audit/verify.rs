//! Whether audit files are as they were written: each by itself, and all of them as one chain.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use service_kit::wording::counted;

use super::chain::{ChainKey, Head};
use super::scan::{Scan, Verdict};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is good, and what cannot be told.
    pub(super) notes: Vec<String>,
    /// What is wrong. Nothing is as long as this is empty.
    pub(super) problems: Vec<String>,
}

struct Checked<'p> {
    path: &'p Path,
    scan: Scan,
}

/// Checks `files`, in the order of their lines, with the keys that they may be sealed with. Of each
/// of `heads` a line must be there.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn verify(
    files: &[PathBuf],
    keys: &[ChainKey],
    heads: &[Head],
) -> Result<Findings, String> {
    let mut findings = Findings::default();
    let (mut checked, mut seen) = (Vec::new(), Vec::new());
    for path in files {
        let unreadable = |cause| format!("{} cannot be read: {cause}", path.display());
        let file = File::open(path).map_err(unreadable)?;
        let note = |head: Head, _: &[u8]| {
            if heads.iter().any(|wanted| wanted.number == head.number) {
                seen.push(head);
            }
        };
        let scan = Scan::of(file, keys, note).map_err(unreadable)?;
        checked.push(Checked { path, scan });
    }
    checked.sort_by_key(|file| file.scan.first);
    for (place, file) in checked.iter().enumerate() {
        check_one(file, checked.get(place + 1), &mut findings);
    }
    for pair in checked.windows(2) {
        if let [before, next] = pair {
            check_joint(before, next, &mut findings);
        }
    }
    let last = checked.iter().filter_map(|file| file.scan.last).max_by_key(|last| last.number);
    check_heads(heads, &seen, last, &mut findings);
    if let Some(last) = last {
        findings.notes.push(format!("the last line is {last}"));
        if heads.is_empty() {
            let unknown = "whether lines are missing behind it cannot be told from the files: the \
                           gateway logs the last line every minute and when it stops (event \
                           audit_head); give what it logged last with --head NUMBER:HASH";
            findings.notes.push(unknown.to_owned());
        }
    }
    Ok(findings)
}

fn check_one(file: &Checked<'_>, next: Option<&Checked<'_>>, findings: &mut Findings) {
    let Checked { path, scan } = file;
    let path = path.display();
    let Some(last) = scan.last else {
        findings.problems.push(format!("{path}: has no line of an audit file"));
        return;
    };
    let mut note = format!("{path}: lines {} to {}", scan.first, last.number);
    match &scan.verdict {
        Verdict::Whole => note.push_str(", as they were written"),
        Verdict::Changed { line, why } => {
            findings.problems.push(format!("{path}: line {line} of the file: {why}"));
            note.push_str(", CHANGED");
        }
        // The file after it says what it was, and is sealed itself.
        Verdict::NoKey if next.is_some_and(|next| vouches_for(next, scan)) => {
            note.push_str(", as they were when the file after it was begun");
        }
        Verdict::NoKey => {
            let key = scan.opening.as_ref().map_or("", |opening| &opening.key);
            findings.problems.push(format!(
                "{path}: cannot be checked: it is sealed with the gateway key {key}, which is not \
                 here; give its file with --key, or the audit file after this one"
            ));
        }
    }
    if !scan.tail.is_empty() {
        let bytes = counted(scan.tail.len(), "byte");
        let _ = write!(note, "; then {bytes} of a line that is not whole");
    }
    findings.notes.push(note);
}

/// Whether `next` is as it was written, and names this file's digest.
fn vouches_for(next: &Checked<'_>, scan: &Scan) -> bool {
    next.scan.verdict == Verdict::Whole && named_digest(next) == Some(&scan.sha256())
}

fn named_digest<'c>(file: &'c Checked<'_>) -> Option<&'c String> {
    file.scan.opening.as_ref()?.file_before.as_ref()
}

/// Whether `next` goes on where `before` ends.
fn check_joint(before: &Checked<'_>, next: &Checked<'_>, findings: &mut Findings) {
    let (Some(last), Some(opening)) = (before.scan.last, next.scan.opening.as_ref()) else {
        return;
    };
    let (one, other) = (before.path.display(), next.path.display());
    let first = next.scan.first;
    let problem = if first <= last.number {
        format!("{one} and {other} both have line {first}: one of them is not of this chain")
    } else if first > last.number + 1 {
        let (from, to) = (last.number + 1, first - 1);
        format!("{}, between {one} and {other}", missing(from, to))
    } else if opening.after() != Some(last.hash) {
        format!("{other} does not follow {one}: the end of that one was changed or cut off")
    } else if named_digest(next).is_some_and(|digest| *digest != before.scan.sha256()) {
        format!("{one} is not the file that it was when {other} was begun")
    } else {
        return;
    };
    findings.problems.push(problem);
}

fn check_heads(heads: &[Head], seen: &[Head], last: Option<Head>, findings: &mut Findings) {
    let end = last.map_or(0, |last| last.number);
    for head in heads {
        let number = head.number;
        if seen.contains(head) {
            findings.notes.push(format!("line {number} is the one that was logged"));
        } else if seen.iter().any(|seen| seen.number == number) {
            findings.problems.push(format!("line {number} is not the one that was logged"));
        } else if number > end {
            let from = end + 1;
            findings.problems.push(format!("{} at the end", missing(from, number)));
        } else {
            findings.problems.push(format!("line {number}, which was logged, is missing"));
        }
    }
}

fn missing(from: u64, to: u64) -> String {
    if from == to {
        format!("line {from} is missing")
    } else {
        format!("lines {from} to {to} are missing")
    }
}

#[cfg(test)]
mod tests;
