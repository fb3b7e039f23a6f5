//! Exit codes, after `sysexits.h`. They are part of the services' contract.

use std::io::{self, Write};
use std::process::ExitCode;

/// Why a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was asked, or was asked to stop.
    Success,
    /// 1: a one-shot command (`once`, `healthcheck`) says no.
    Failure,
    /// 64: wrong command line.
    Usage,
    /// 70: a task that should run for ever ended.
    TaskDied,
    /// 78: the configuration cannot work; a restart will not cure it.
    Config,
}

impl Exit {
    /// Writes `text` and a line end to standard output, as the answer of a command. Where that
    /// fails, as behind `| head -1` or on a full disk, the exit code still says how it went.
    pub fn print(self, text: &str) -> Self {
        let _ = writeln!(io::stdout(), "{text}");
        self
    }

    /// The same on standard error, for what went wrong.
    pub fn eprint(self, text: &str) -> Self {
        let _ = writeln!(io::stderr(), "{text}");
        self
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 64,
            Exit::TaskDied => 70,
            Exit::Config => 78,
        })
    }
}
