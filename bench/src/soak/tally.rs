//! Counts of what happened, by kind, and the first few of what must not happen, in full.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::say;

/// How many of the bad ones are shown in full.
const SHOWN_MAX: usize = 20;

/// What became of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer that belongs to the call.
    Right,
    /// An error that the documentation names, by its reason.
    Documented(&'static str),
    /// The call was cancelled by its own client, and ended without an answer.
    Cancelled,
    /// The client left without waiting.
    Left,
    /// Anything else that came.
    Wrong(String),
    /// Nothing came in time, or the connection broke.
    Lost(String),
}

#[derive(Default)]
struct Counts {
    outcomes: BTreeMap<(&'static str, &'static str), u64>,
    progress: u64,
    progress_expected: u64,
    wrong: u64,
    lost: u64,
    shown: usize,
}

/// Shared by all clients of a run.
#[derive(Default)]
pub(super) struct Tally(Mutex<Counts>);

impl Tally {
    /// Counts one call; `action` says what kind.
    pub(super) fn count(&self, action: &'static str, outcome: &Outcome) {
        let mut counts = self.lock();
        let (name, bad) = match outcome {
            Outcome::Right => ("right", None),
            Outcome::Documented(reason) => (*reason, None),
            Outcome::Cancelled => ("cancelled", None),
            Outcome::Left => ("client left", None),
            Outcome::Wrong(text) => {
                counts.wrong += 1;
                ("WRONG", Some(text))
            }
            Outcome::Lost(text) => {
                counts.lost += 1;
                ("LOST", Some(text))
            }
        };
        *counts.outcomes.entry((action, name)).or_default() += 1;
        if let Some(text) = bad
            && counts.shown < SHOWN_MAX
        {
            counts.shown += 1;
            say(&format!("{name} {action}: {text:.600}"));
        }
    }

    /// Counts progress that came and that could have come.
    pub(super) fn progress(&self, came: u64, expected: u64) {
        let mut counts = self.lock();
        counts.progress += came;
        counts.progress_expected += expected;
    }

    pub(super) fn wrong(&self) -> u64 {
        self.lock().wrong
    }

    pub(super) fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let counts = self.lock();
        let total: u64 = counts.outcomes.values().sum();
        let right: u64 = counts
            .outcomes
            .iter()
            .filter(|((_, name), _)| *name == "right")
            .map(|(_, count)| count)
            .sum();
        format!("{total} calls, {right} right, {} wrong, {} lost", counts.wrong, counts.lost)
    }

    /// In full.
    pub(super) fn table(&self) -> String {
        let counts = self.lock();
        let mut text = String::from("\n| what | outcome | count |\n|---|---|---|\n");
        for ((action, name), count) in &counts.outcomes {
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {action} | {name} | {count} |");
        }
        let _ = writeln!(
            text,
            "| progress | came, of {} that could have come at most | {} |",
            counts.progress_expected, counts.progress
        );
        drop(counts);
        text + &format!("| all | {} | |", self.line())
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
