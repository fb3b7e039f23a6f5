//! What is known of one call by its end. The places that learn something add it: the guard the
//! statement, whoever submits a job its id, and so on. They find the call by the task that they run
//! in, so that nothing between them and the session has to hand it on.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::JobId;
use parking_lot::Mutex;
use token_file::AccountName;
use tokio::time::Instant;

use super::{Audit, Statement, Verdict};
use crate::principal::Principal;

/// Longest name in the comment of a job, in characters.
const MARK_CHARS_MAX: usize = 64;

/// Jobs of one call that are written down; a call that has more is seen by its last ones missing.
const JOBS_MAX: usize = 64;

tokio::task_local! {
    static CURRENT: Arc<CallAudit>;
}

/// Who makes a call.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) principal: Principal,
    /// The Dremio account that it uses, if it is not the single one.
    pub(crate) account: Option<AccountName>,
    pub(crate) peer: IpAddr,
}

/// A call's name in the log, in the audit file and at Dremio: different for all calls of all
/// gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallId {
    pub(super) process: u64,
    pub(super) number: u64,
}

/// A call that goes on. Shared by all that work for it.
#[derive(Debug)]
pub(crate) struct CallAudit {
    audit: Arc<Audit>,
    pub(super) id: CallId,
    pub(super) who: Who,
    tool: Arc<str>,
    started: Instant,
    noted: Mutex<Noted>,
}

/// What has been learnt so far.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) statement: Option<Statement>,
    pub(super) jobs: Vec<JobId>,
    pub(super) rows: Option<u64>,
    pub(super) queue: Duration,
    /// Why it was refused.
    pub(super) denied: Option<Verdict>,
    pub(super) failure: Option<&'static str>,
    pub(super) at_dremio: Duration,
    /// How many wait for Dremio, and since when any does.
    pub(super) waiting: Option<(u32, Instant)>,
}

/// While this lives, the call waits for Dremio.
#[derive(Debug)]
pub(crate) struct AtDremio(Option<Arc<CallAudit>>);

impl CallAudit {
    pub(super) fn new(audit: Arc<Audit>, id: CallId, who: Who, tool: &str) -> Arc<Self> {
        let (started, noted) = (Instant::now(), Mutex::default());
        Arc::new(Self { audit, id, who, tool: tool.into(), started, noted })
    }

    /// The tool that is called, or a word of ours.
    pub(crate) fn tool(&self) -> &Arc<str> {
        &self.tool
    }

    /// How long the call has run.
    pub(crate) fn took(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs `work` as a part of the call.
    pub(crate) fn scope<W: Future>(self: Arc<Self>, work: W) -> impl Future<Output = W::Output> {
        CURRENT.scope(self, work)
    }

    /// Runs `work` as a part of `call`, if it is for one.
    pub(crate) async fn within<W: Future>(call: Option<Arc<Self>>, work: W) -> W::Output {
        match call {
            Some(call) => call.scope(work).await,
            None => work.await,
        }
    }

    /// The call that this task works for.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    pub(super) fn audit(&self) -> &Audit {
        &self.audit
    }

    fn note(learn: impl FnOnce(&mut Noted)) {
        // What is done for no call is not written down.
        let _ = CURRENT.try_with(|call| learn(&mut call.noted.lock()));
    }

    /// The current call has waited so long for its turn.
    pub(crate) fn note_queue(waited: Duration) {
        Self::note(|noted| noted.queue += waited);
    }

    /// The current call runs this statement of its client. `shape` is the statement without
    /// literals, and `class` a word for its kind.
    pub(crate) fn note_statement(class: &'static str, sql: &str, shape: impl FnOnce() -> Vec<u8>) {
        let _ = CURRENT.try_with(|call| {
            let statement = call.audit.statement(class, sql, &shape());
            call.noted.lock().statement = Some(statement);
        });
    }

    /// The current call was refused, for this reason.
    pub(crate) fn note_denial(reason: &'static str) {
        Self::note(|noted| noted.denied = Some(Verdict::Denied(reason)));
    }

    /// The current call was refused because this budget is used up.
    pub(crate) fn note_over_budget(budget: &'static str) {
        Self::note(|noted| noted.denied = Some(Verdict::Budget(budget)));
    }

    /// The current call came to nothing, for this kind of reason.
    pub(crate) fn note_failure(class: &'static str) {
        Self::note(|noted| noted.failure = Some(class));
    }

    /// The current call gives its client so many rows.
    pub(crate) fn note_rows(rows: u64) {
        Self::note(|noted| noted.rows = Some(noted.rows.unwrap_or_default().saturating_add(rows)));
    }

    /// The current call has this job at Dremio, or is about it. If the call has ended, its line was
    /// written without; the job's comment names the call all the same.
    pub(crate) fn note_job(job: &JobId) {
        Self::note(|noted| {
            if noted.jobs.len() < JOBS_MAX {
                noted.jobs.push(job.clone());
            }
        });
    }

    /// The current call waits for Dremio until this is dropped. Several at a time count as one.
    pub(crate) fn at_dremio() -> AtDremio {
        let call = Self::current();
        if let Some(call) = &call {
            let waiting = &mut call.noted.lock().waiting;
            let (count, since) = waiting.unwrap_or_else(|| (0, Instant::now()));
            *waiting = Some((count + 1, since));
        }
        AtDremio(call)
    }

    /// The comment with which a job says at Dremio who asks, if it is to. Names hold nothing that
    /// could end it.
    pub(crate) fn job_mark(&self) -> String {
        if !self.audit.marks_jobs {
            return String::new();
        }
        let (client, tool) = (named(self.who.to_string()), named(&self.tool));
        format!("\n/* dremio-mcp: client={client} tool={tool} call={} */", self.id)
    }

    /// What was learnt. Who still waits for Dremio has waited until now.
    pub(super) fn learnt(&self) -> (Noted, Duration) {
        let mut noted = std::mem::take(&mut *self.noted.lock());
        let waiting = noted.waiting.take().map(|(_, since)| since.elapsed());
        let at_dremio = noted.at_dremio + waiting.unwrap_or_default();
        (noted, at_dremio)
    }
}

impl Drop for AtDremio {
    fn drop(&mut self) {
        let Some(call) = &self.0 else { return };
        let mut noted = call.noted.lock();
        match noted.waiting {
            Some((1, since)) => {
                noted.waiting = None;
                noted.at_dremio += since.elapsed();
            }
            Some((count, since)) => noted.waiting = Some((count - 1, since)),
            None => {}
        }
    }
}

impl Who {
    /// How the principal is known: `key`, `client` or `anyone`.
    pub(super) fn kind(&self) -> &str {
        self.principal.as_str().split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for Who {
    /// The policy's name, or that of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.principal.client() {
            Some(client) => f.write_str(client),
            None => self.principal.fmt(f),
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.process, self.number)
    }
}

/// `name` in the characters of `[A-Za-z0-9._-]`, with dashes in place of all others.
fn named(name: impl AsRef<str>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }
    };
    let name: String = name.as_ref().chars().take(MARK_CHARS_MAX).map(plain).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn no_name_ends_the_comment() {
        for (name, expected) in [
            ("ada", "ada"),
            ("key:0a1b2c3d", "key-0a1b2c3d"),
            ("a */ DROP TABLE t; /*", "a----DROP-TABLE-t----"),
            ("x\n\r--\0\u{202e}'\"", "x--------"),
            ("", "-"),
            ("Ünïcode.v1_2", "-n-code.v1_2"),
        ] {
            assert_eq!(named(name), expected);
        }
        assert_eq!(named("é".repeat(1000)), "-".repeat(64));
    }
}
