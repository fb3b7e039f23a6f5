//! `POST /api/v3/sql` (contract §4.1): the guard reads the statement in the body, and what it read
//! is what is sent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};

use super::calls::{CallEnded, CallRecord, Calls};
use crate::audit::CallAudit;
use crate::policy::{Gate, Refusal};

/// The comment that the official server puts before each query to mark it in Dremio's job history.
/// Kept only if it is exactly this.
const LABEL: &str = "/* dremioai: submitter=RunSqlQuery */\n";

/// The same, as it is sent.
const LABEL_BEHIND: &str = "\n/* dremioai: submitter=RunSqlQuery */";

/// Why a submission is not forwarded. The text is for the agent, and ASCII.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SqlError {
    #[error(
        "the request for Dremio cannot be read: it must be a JSON object with the statement as \
         text in `sql`"
    )]
    Body,
    #[error("{0}. Nothing was sent to Dremio")]
    Refused(#[from] Refusal),
    #[error("{0}. Nothing was sent to Dremio")]
    Ended(#[from] CallEnded),
}

/// A statement that the child submits for a call.
pub(super) struct Submission {
    /// All members of the request but the statement.
    members: Map<String, Value>,
    sql: String,
    label: &'static str,
    call: Arc<CallRecord>,
}

impl Submission {
    /// Reads the request `body` of `asker`.
    ///
    /// # Errors
    /// When there is no statement, or its call has ended. A refusal has been logged.
    pub(super) fn read(
        gate: &Gate,
        calls: &Calls,
        asker: &Arc<CallRecord>,
        body: &[u8],
    ) -> Result<Self, SqlError> {
        let mut members = serde_json::from_slice::<Map<String, Value>>(body).ok();
        let sql = members.as_mut().and_then(|members| members.get_mut("sql")).map(Value::take);
        let (Some(members), Some(Value::String(sql))) = (members, sql) else {
            gate.refused("body");
            return Err(SqlError::Body);
        };
        let (label, sql) = match sql.strip_prefix(LABEL) {
            Some(sql) => (LABEL_BEHIND, sql),
            None => ("", sql.as_str()),
        };
        let (sql, call) = calls.take_mark(asker, sql)?;
        Ok(Self { members, sql: sql.to_owned(), label, call })
    }

    /// The call that it is for.
    pub(super) fn call(&self) -> &Arc<CallRecord> {
        &self.call
    }

    /// The body to send instead: the statement as the guard read it, other members as they are. The
    /// label goes behind the statement, and so does what names the current call, so that the
    /// positions in Dremio's messages are those of the agent's text.
    ///
    /// # Errors
    /// When it may not be sent. The refusal has been logged.
    pub(super) fn guarded(self, gate: &Gate) -> Result<Bytes, SqlError> {
        let Self { mut members, sql, label, call } = self;
        let gate = call.identity().map_or_else(|| gate.clone(), |caller| gate.of(caller));
        let context = members.get("context").and_then(Value::as_array).into_iter().flatten();
        let checked =
            gate.check_context(context.filter_map(Value::as_str)).and_then(|()| gate.check(&sql));
        let statement = checked.inspect_err(|refusal| call.note_refusal(refusal))?;
        let mark = CallAudit::current().map(|call| call.job_mark()).unwrap_or_default();
        members.insert("sql".to_owned(), format!("{}{label}{mark}", statement.as_str()).into());
        Ok(Value::Object(members).to_string().into())
    }
}

/// The headers for that body.
pub(super) fn headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json.clone()), (header::ACCEPT, json)])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::registry::Registry;

    use super::{Calls, SqlError, Submission};
    use crate::guard::Guard;
    use crate::metrics::Metrics;
    use crate::policy::Gate;

    fn sent(guard: Guard, body: &str) -> Result<String, SqlError> {
        let gate =
            Gate::new(guard, "official", Arc::new(Metrics::register(&mut Registry::default())));
        let calls = Calls::default();
        let child = calls.open_for_child().unwrap();
        let read = Submission::read(&gate, &calls, child.record(), body.as_bytes());
        let sent = read.and_then(|submission| submission.guarded(&gate));
        sent.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn only_the_statement_is_rewritten() {
        for (body, expected) in [
            (r#"{"sql":"SELECT 1"}"#, r#"{"sql":"SELECT 1"}"#),
            (
                r#"{"sql": "/* dremioai: submitter=RunSqlQuery */\nSELECT /* a */ 1",
                    "context": ["@ada"], "engineName": "é"}"#,
                concat!(
                    r#"{"sql":"SELECT         1\n/* dremioai: submitter=RunSqlQuery */","#,
                    r#""context":["@ada"],"engineName":"é"}"#,
                ),
            ),
            // Only that label, only at the start, and only once.
            (
                r#"{"sql":"/* dremioai: submitter=Other */\nSELECT 1"}"#,
                r#"{"sql":"                               \nSELECT 1"}"#,
            ),
            (
                concat!(
                    r#"{"sql":"/* dremioai: submitter=RunSqlQuery */\n"#,
                    r#"/* dremioai: submitter=RunSqlQuery */\nTABLE t"}"#,
                ),
                concat!(
                    r#"{"sql":"                                     \nTABLE t\n"#,
                    r#"/* dremioai: submitter=RunSqlQuery */"}"#,
                ),
            ),
            // The last duplicate counts, and only that is sent.
            (r#"{"sql":"DROP TABLE t","sql":"SELECT 1"}"#, r#"{"sql":"SELECT 1"}"#),
            (
                r#"{"references":{"s":{"type":"BRANCH","value":"b"}},"sql":"TABLE t"}"#,
                r#"{"references":{"s":{"type":"BRANCH","value":"b"}},"sql":"TABLE t"}"#,
            ),
        ] {
            assert_eq!(sent(Guard::default(), body).as_deref(), Ok(expected), "{body}");
        }
    }

    #[test]
    fn unreadable_and_writing_statements_are_refused() {
        for body in [
            "",
            "null",
            "[]",
            "SELECT 1",
            r#"{"sql":1}"#,
            r#"{"SQL":"SELECT 1"}"#,
            r#"{"sql":"SELECT 1"}x"#,
            r#"{"sql":"\ud800"}"#,
        ] {
            assert_eq!(sent(Guard::default(), body), Err(SqlError::Body), "{body}");
        }
        assert_eq!(sent(Guard::default(), "{\"sql\":\"SELECT '\u{0}'\"}"), Err(SqlError::Body));
        for body in [
            r#"{"sql":"/* dremioai: submitter=RunSqlQuery */\nDROP TABLE t"}"#,
            r#"{"sql":"SELECT 1","sql":"DROP TABLE t"}"#,
            r#"{"sql":"\u0044ROP TABLE t"}"#,
            r#"{"sql":"TABLE jobs","context":["sys"]}"#,
            r#"{"sql":"TABLE sys.jobs"}"#,
        ] {
            assert!(matches!(sent(Guard::default(), body), Err(SqlError::Refused(_))), "{body}");
        }
        assert!(
            sent(Guard { allow_writes: true, ..Guard::default() }, r#"{"sql":"DROP TABLE t"}"#)
                .is_ok()
        );
    }
}
