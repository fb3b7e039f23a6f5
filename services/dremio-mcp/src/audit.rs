//! The audit: who called what, and which jobs at Dremio came of it.
//!
//! Each call of a tool is one line of the log. With `AUDIT_FILE`, it is also one of a file of its
//! own, written before the answer leaves. Those lines are a chain that shows later changes.
//!
//! - `config`: the settings
//! - `call`: what is learnt of a call while it goes on
//! - `line`: what is written of it at its end, and `verdict`: what has become of it
//! - `chain`: what seals a line
//! - `members`: the JSON of a line
//! - `scan`: reads a file and follows its chain
//! - `file`: the file that is written, and how the next one begins
//! - `writer`: the thread that writes it, and the queue before it
//! - `verify`, `top`, `command`: `dremio-mcp audit`
//!
//! It decides nothing, and knows neither MCP nor SQL.

mod call;
mod chain;
mod command;
mod config;
mod file;
mod line;
mod members;
mod scan;
mod top;
mod verdict;
mod verify;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use service_kit::Clock;

use self::call::CallId;
pub(crate) use self::call::{CallAudit, Who};
pub use self::command::{AuditArguments, audit};
pub use self::config::AuditConfig;
use self::file::AuditFile;
pub(crate) use self::line::{About, Ending};
pub(crate) use self::members::Members;
pub(crate) use self::verdict::Verdict;
pub(crate) use self::writer::Place;
use self::writer::{AuditLog, Writing};
use crate::conditions::Readiness;
use crate::signer::Signer;

/// How much of a statement is written down, in characters: about what Dremio's job history keeps.
const SQL_CHARS_MAX: usize = 32_768;

/// What all calls are written down with.
#[derive(Debug)]
pub(crate) struct Audit {
    log: Option<AuditLog>,
    keeps_sql: bool,
    marks_jobs: bool,
    signer: Arc<Signer>,
    clock: Clock,
    process: u64,
    calls: AtomicU64,
}

/// A statement as it is written down.
#[derive(Debug)]
struct Statement {
    class: &'static str,
    /// Equal for statements that differ in literals, comments and white space only.
    fingerprint: String,
    text: Option<String>,
}

impl Audit {
    /// Opens the audit file, if there is to be one, on a thread of its own: the condition `audit`
    /// says when it is open.
    ///
    /// # Errors
    /// When the operating system gives no thread or no random numbers.
    pub(crate) fn start(
        config: &AuditConfig,
        signer: &Arc<Signer>,
        clock: &Clock,
        readiness: &Readiness,
    ) -> anyhow::Result<(Arc<Self>, Option<Writing>)> {
        let (log, writing) = match config.file.clone() {
            Some(path) => {
                let file = AuditFile::new(path, config.file_bytes_max, clock.clone());
                let started = AuditLog::start(file, Arc::clone(signer), readiness.clone());
                let (log, writing) = started?;
                (Some(log), Some(writing))
            }
            None => (None, None),
        };
        let mut process = [0; 8];
        getrandom::fill(&mut process)?;
        let audit = Self {
            log,
            keeps_sql: config.sql,
            marks_jobs: config.marks_jobs,
            signer: Arc::clone(signer),
            clock: clock.clone(),
            process: u64::from_ne_bytes(process),
            calls: AtomicU64::new(1),
        };
        Ok((Arc::new(audit), writing))
    }

    /// A call of a tool begins. `tool` is a name that an engine has, or a word of ours.
    pub(crate) fn begin(self: &Arc<Self>, who: Who, tool: &str) -> Arc<CallAudit> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let id = CallId { process: self.process, number };
        CallAudit::new(Arc::clone(self), id, who, tool)
    }

    /// Where the line of a call goes that begins.
    pub(crate) fn admit(&self) -> Admission {
        let Some(log) = &self.log else { return Admission { place: None, is_refused: false } };
        let place = log.place();
        Admission { is_refused: place.is_none() || log.is_broken(), place }
    }
}

/// Whether a call may be made, as far as the audit is concerned.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Where its line goes, if there is a file.
    pub(crate) place: Option<Place>,
    /// There is a file, and it takes no lines now.
    pub(crate) is_refused: bool,
}
