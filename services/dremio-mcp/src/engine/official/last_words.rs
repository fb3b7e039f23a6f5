//! What a child said on standard error before it introduced itself: it has seen nobody's data yet,
//! and why it died is what an operator must know. From then on nothing is kept.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use secrecy::{ExposeSecret, SecretString};
use service_kit::logging::in_one_line;

/// The last lines of a Python traceback say what is wrong.
const LINES_MAX: usize = 20;

/// Bytes of one line, and of all of them. Readiness and a log line must stay readable.
const LINE_BYTES_MAX: usize = 1024;
const BYTES_MAX: usize = 4 * 1024;

/// The last lines of one child. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct LastWords {
    lines: Arc<Mutex<Option<VecDeque<String>>>>,
    secret: SecretString,
}

impl LastWords {
    /// None yet. `secret` will not be in them.
    pub(super) fn without(secret: SecretString) -> Self {
        Self { lines: Arc::new(Mutex::new(Some(VecDeque::new()))), secret }
    }

    /// Keeps a line, if lines are still kept.
    pub(super) fn hear(&self, line: &str) {
        let mut lines = self.lock();
        let Some(lines) = lines.as_mut() else { return };
        let line = in_one_line(&line.replace(self.secret.expose_secret(), "***"));
        lines.push_back(
            line.get(..line.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or_default().to_owned(),
        );
        while lines.len() > LINES_MAX || lines.iter().map(String::len).sum::<usize>() > BYTES_MAX {
            lines.pop_front();
        }
    }

    /// Keeps no line any more, and forgets those that were kept.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    /// The lines as one; `None` if there are none.
    pub(super) fn say(&self) -> Option<String> {
        let lines = self.lock();
        let lines = lines.as_ref().filter(|lines| !lines.is_empty())?;
        Some(lines.iter().map(String::as_str).collect::<Vec<_>>().join(" | "))
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<String>>> {
        self.lines.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, LINES_MAX, LastWords};

    #[test]
    fn the_last_lines_are_kept_within_a_limit_until_the_child_knows_clients() {
        let words = LastWords::without("egress-secret".into());
        assert_eq!(words.say(), None);
        for number in 0..LINES_MAX + 2 {
            words.hear(&format!("line {number}"));
        }
        let said = words.say().unwrap();
        assert!(
            said.starts_with("line 2 | line 3 | ")
                && said.ends_with(&format!(" | line {}", LINES_MAX + 1)),
            "{said}"
        );

        words.hear("PAT=egress-secret\u{1b}[2J\r");
        assert!(words.say().unwrap().ends_with("PAT=***\\u{1b}[2J\\r"));
        for _ in 0..LINES_MAX {
            words.hear(&"ü".repeat(5000));
        }
        let said = words.say().unwrap();
        assert!(
            said.len() <= BYTES_MAX + 3 * LINES_MAX && said.chars().all(|c| "ü| ".contains(c)),
            "{}",
            said.len()
        );

        words.forget();
        words.hear("rows");
        assert_eq!(words.say(), None);
    }
}
