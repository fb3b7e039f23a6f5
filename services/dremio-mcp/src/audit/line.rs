//! The line of a call: in the log, and in the audit file.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use dremio_client::JobId;
use token_file::AccountName;

use super::call::{CallAudit, Noted};
use super::members::Members;
use super::{Audit, Statement, Verdict};
use crate::telemetry::TraceId;

/// Longest name of a tool that no engine has, as a client wrote it, in characters.
const ASKED_CHARS_MAX: usize = 64;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an answer, or an error of the protocol: `ok`, `tool_error` or `rpc_error`.
    Answered(&'static str),
    /// Its client cancelled it, or has lost its key; which of these.
    Cancelled(&'static str),
    /// Nobody waits for it any more.
    Abandoned,
    /// The engine gave no answer; the word of its error.
    Failed(&'static str),
    /// It was refused before it reached the engine, for this reason.
    Refused(&'static str),
}

/// What only the session knows of a call.
#[derive(Clone, Copy, Default)]
pub(crate) struct About<'a> {
    /// The session of a legacy client.
    pub(crate) session: Option<&'a (dyn Display + Send + Sync)>,
    /// Of a tool that no engine has: what the client called it.
    pub(crate) asked: Option<&'a str>,
    /// The trace that it is a part of.
    pub(crate) trace_id: Option<TraceId>,
    /// Bytes of the answer.
    pub(crate) bytes: usize,
}

impl Ending {
    /// What has become of the call.
    fn verdict(self, noted: &Noted) -> Verdict {
        match (self, noted.denied) {
            (Self::Answered("ok"), _) => Verdict::Ok,
            (Self::Answered(_), Some(denied)) => denied,
            (Self::Refused(rule), _) => Verdict::Denied(rule),
            (Self::Answered(word), None) => Verdict::Error(noted.failure.unwrap_or(word)),
            (Self::Cancelled(by), _) => Verdict::Cancelled(by),
            (Self::Abandoned, _) => Verdict::Cancelled("disconnect"),
            (Self::Failed("timed_out"), _) => Verdict::TimedOut,
            (Self::Failed("engine_lost"), _) => Verdict::Crashed,
            (Self::Failed("stopping"), _) => Verdict::Cancelled("stop"),
            (Self::Failed(word), _) => Verdict::Error(word),
        }
    }

    /// What has become of a call of which nothing was learnt.
    #[cfg(test)]
    pub(crate) fn plain_verdict(self) -> Verdict {
        self.verdict(&Noted::default())
    }

    /// What the metrics call it.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::Answered(word) | Self::Failed(word) => word,
            Self::Cancelled(_) => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Refused(_) => "refused",
        }
    }
}

impl CallAudit {
    /// Logs the call. Gives what has become of it, and its line for the audit file, if there is
    /// one.
    pub(crate) fn end(
        self: &Arc<Self>,
        ending: Ending,
        about: About<'_>,
    ) -> (Verdict, Option<Members>) {
        let (noted, at_dremio) = self.learnt();
        let (verdict, took) = (ending.verdict(&noted), self.took());
        let (who, principal, outcome) = (&self.who, &self.who.principal, ending.outcome());
        let (kind, account) = (self.who.kind(), self.who.account.as_ref().map(AccountName::as_str));
        let auth = if kind == "anyone" { "none" } else { "key" };
        let asked =
            about.asked.map(|asked| asked.chars().take(ASKED_CHARS_MAX).collect::<String>());
        let statement = noted.statement.as_ref();
        let [duration_ms, queue_ms, dremio_ms] = [took, noted.queue, at_dremio].map(millis);
        let jobs = (!noted.jobs.is_empty())
            .then(|| noted.jobs.iter().map(JobId::as_str).collect::<Vec<_>>().join(","));
        tracing::info!(
            target: "audit",
            event = "tool_called",
            tool = &**self.tool(),
            %principal,
            outcome,
            duration_ms,
            call = %self.id,
            client = %who,
            kind,
            account,
            auth,
            %verdict,
            asked,
            session = about.session.map(tracing::field::display),
            statement = statement.map(|statement| statement.class),
            sql_fp = statement.map(|statement| statement.fingerprint.as_str()),
            jobs,
            rows = noted.rows,
            bytes = about.bytes,
            queue_ms,
            dremio_ms,
            trace_id = about.trace_id.map(tracing::field::display),
            peer = %self.who.peer,
            "tool called",
        );
        let audit = self.audit();
        if audit.log.is_none() {
            return (verdict, None);
        }
        let mut line = Members::of(audit.clock.now(), "tool_called");
        line.shown("call", self.id);
        line.text("client", &who.to_string());
        line.text("kind", kind);
        line.shown("principal", principal);
        line.some_text("account", account);
        line.text("auth", auth);
        line.text("tool", self.tool());
        line.some_text("asked", asked.as_deref());
        if let Some(session) = about.session {
            line.shown("session", session);
        }
        line.shown("verdict", verdict);
        line.text("outcome", outcome);
        if let Some(Statement { class, fingerprint, text }) = statement {
            line.text("statement", class);
            line.text("sql_fp", fingerprint);
            line.some_text("sql", text.as_deref());
        }
        line.list("jobs", &noted.jobs);
        if let Some(rows) = noted.rows {
            line.number("rows", rows);
        }
        line.number("bytes", about.bytes as u64);
        line.number("duration_ms", duration_ms);
        line.number("queue_ms", queue_ms);
        line.number("dremio_ms", dremio_ms);
        if let Some(trace_id) = about.trace_id {
            line.shown("trace_id", trace_id);
        }
        line.shown("peer", self.who.peer);
        (verdict, Some(line))
    }
}

impl Audit {
    /// A statement as it is written down.
    pub(super) fn statement(&self, class: &'static str, sql: &str, shape: &[u8]) -> Statement {
        let fingerprint = self.signer.short_tag("sql", shape);
        let text = self.keeps_sql.then(|| sql.chars().take(super::SQL_CHARS_MAX).collect());
        Statement { class, fingerprint, text }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Ending, Noted, Verdict};

    #[test]
    fn verdicts() {
        let noted = |denied, failure| Noted { denied, failure, ..Noted::default() };
        for (ending, denied, failure, expected) in [
            (Ending::Answered("ok"), None, None, "ok"),
            // A profile that a refused sample is missing from is an answer all the same.
            (Ending::Answered("ok"), Some(Verdict::Denied("writes")), None, "ok"),
            (
                Ending::Answered("tool_error"),
                Some(Verdict::Denied("writes")),
                Some("refused"),
                "denied:writes",
            ),
            (
                Ending::Answered("tool_error"),
                Some(Verdict::Budget("rows")),
                Some("tool_error"),
                "budget:rows",
            ),
            (Ending::Answered("tool_error"), None, Some("query_failed"), "error:query_failed"),
            (Ending::Answered("rpc_error"), None, None, "error:rpc_error"),
            (
                Ending::Answered("rpc_error"),
                Some(Verdict::Denied("unknown_tool")),
                None,
                "denied:unknown_tool",
            ),
            (Ending::Cancelled("client"), None, None, "cancelled:client"),
            (Ending::Abandoned, None, None, "cancelled:disconnect"),
            (Ending::Refused("header_mismatch"), None, None, "denied:header_mismatch"),
            (Ending::Failed("timed_out"), None, None, "timed_out"),
            (Ending::Failed("engine_lost"), None, None, "crashed"),
            (Ending::Failed("stopping"), None, None, "cancelled:stop"),
            (Ending::Failed("busy"), None, None, "error:busy"),
        ] {
            assert_eq!(ending.verdict(&noted(denied, failure)).to_string(), expected);
        }
    }
}
