//! What a child wrote to standard error before its introduction. Until then it has seen no data of
//! clients, and an operator needs to know why it died. Later lines are not kept.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use secrecy::{ExposeSecret, SecretString};
use service_kit::logging::in_one_line;

/// The last lines of a Python traceback say what is wrong.
const LINES_MAX: usize = 20;

/// Bytes of one line, and of all of them. Readiness answers and log lines must stay readable.
const LINE_BYTES_MAX: usize = 1024;
const BYTES_MAX: usize = 4 * 1024;

/// The last lines of one child. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct LastWords {
    lines: Arc<Mutex<Option<VecDeque<String>>>>,
    secret: Option<SecretString>,
}

impl LastWords {
    /// No lines yet. `secret` is masked in all of them, if there is one.
    pub(super) fn redacting(secret: Option<SecretString>) -> Self {
        Self { lines: Arc::new(Mutex::new(Some(VecDeque::new()))), secret }
    }

    /// Keeps a line, until [`forget`](Self::forget) was called.
    pub(super) fn hear(&self, line: &str) {
        let mut lines = self.lock();
        let Some(lines) = lines.as_mut() else { return };
        let line = match &self.secret {
            Some(secret) => in_one_line(&line.replace(secret.expose_secret(), "***")),
            None => in_one_line(line),
        };
        lines.push_back(
            line.get(..line.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or_default().to_owned(),
        );
        while lines.len() > LINES_MAX || lines.iter().map(String::len).sum::<usize>() > BYTES_MAX {
            lines.pop_front();
        }
    }

    /// Drops all lines, and keeps no later ones.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    /// The lines joined into one; `None` if there are none.
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
    fn the_last_lines_are_kept_until_the_introduction() {
        let words = LastWords::redacting(Some("egress-secret".into()));
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
