//! Exit codes, after `sysexits.h`. They are part of the services' contract.

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
