//! What has become of a call that came to nothing, in plain words. None of them is of a client.

use std::borrow::Cow;

use crate::audit::Verdict;

/// The verdict of the audit log in words.
pub(super) fn outcome(verdict: Verdict) -> Cow<'static, str> {
    let said = match verdict {
        Verdict::Ok => "answered",
        Verdict::Denied(rule) => return denied(rule),
        Verdict::Budget("jobs") => {
            "refused: as many of its queries ran at Dremio as its budget allows at a time"
        }
        Verdict::Budget(which) => {
            return format!("refused: its budget of {which} was used up (MCP_POLICY_FILE)").into();
        }
        Verdict::Cancelled("stop") => "ended, because the gateway was stopping",
        Verdict::Cancelled("key_withdrawn") => "ended, because its key was withdrawn",
        Verdict::Cancelled(_) => "its client gave it up",
        Verdict::TimedOut => "took longer than MCP_CALL_TIMEOUT",
        Verdict::Crashed => "the MCP server process ended in the middle",
        Verdict::Error(class) => return failed(class),
    };
    said.into()
}

/// By a rule of the policy, of the guard, or of the protocol.
fn denied(rule: &'static str) -> Cow<'static, str> {
    let said = match rule {
        "schema" => "refused: it named what its policy does not let it query",
        "schema_name" => "refused: an alias in it was also the name of a space or source",
        "schema_unclear" => "refused: what it reads could not be told, and its policy limits that",
        "nobody" => "refused: the statement was of no client's call, and a policy limits clients",
        "queries" => "refused: its policy lets it run no queries",
        "unknown_tool" => "refused: there is no such tool, or its policy does not give it",
        "not_a_query" => "refused: it was no query, and only queries are allowed",
        "writes" => "refused: it would have written, which MCP_ALLOW_WRITES=true would allow",
        "job_history" => "refused: it asked what others asked (MCP_ALLOW_JOB_HISTORY)",
        "external_query" => "refused: it sends a statement past what can be checked here",
        "several_statements" => "refused: several statements in one call",
        "empty" => "refused: the query was empty",
        "too_long" => "refused: the query was longer than 1 MiB",
        "no_session" => "refused: it belonged to no session; its client begins another",
        "bad_params" | "bad_request" | "body" => "refused: not a proper call",
        _ => return format!("refused: the query could not be read for certain ({rule})").into(),
    };
    said.into()
}

/// At the engine, or at Dremio.
fn failed(class: &'static str) -> Cow<'static, str> {
    let said = match class {
        "query_failed" => "Dremio refused the query; the agent has read why",
        "tool_error" => "the tool said what was wrong, and the agent has read it",
        "rpc_error" => "not a proper call: no such tool, or wrong arguments",
        "arguments" => "its arguments were not those of the tool; the agent has read which are",
        "cancelled_at_dremio" => "the query was cancelled at Dremio, by somebody or some limit",
        "no_token" => "there was no token, or none that Dremio accepts",
        "unreachable" => "Dremio could not be reached",
        "interrupted" => "the connection to Dremio broke off",
        "timeout" => "Dremio did not answer in time",
        "tls" => "Dremio's certificate was not accepted",
        "server_status" => "Dremio had an error of its own, or was starting",
        "rejected_credentials" => "Dremio did not accept the token",
        "no_user_yet" => "Dremio has no user yet",
        "not_dremio_api" => "what answered was not Dremio's REST API",
        "bad_answer" => "Dremio's answer could not be understood",
        "too_large" => "Dremio's answer was larger than is read",
        "not_found" => "Dremio does not have what was asked for",
        "refused" => "Dremio refused the request",
        "answer_too_large" => "the answer was larger than is passed on",
        "audit_unavailable" => "it could not be written down in the audit file",
        "broken_off" => "the MCP server process ended its answer without saying anything",
        "busy" => "too many calls of this client were waiting already",
        "call_forgotten" => "the official server answered other calls, but not this one",
        "engine_not_ready" => "no MCP server process was ready",
        "no_room" => "the memory for answers was full",
        "too_many_subscriptions" => "too many subscriptions",
        _ => return format!("failed ({class})").into(),
    };
    said.into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use dremio_client::ErrorClass;

    use super::outcome;
    use crate::audit::{Ending, Verdict};
    use crate::budget::NoRoom;
    use crate::engine::CallError;

    /// One error of each kind, in their order: a kind that is not here does not compile.
    fn next(after: Option<&CallError>) -> Option<CallError> {
        Some(match after {
            None => CallError::EngineLost,
            Some(CallError::EngineLost) => CallError::BrokenOff,
            Some(CallError::BrokenOff) => CallError::Forgotten { silence: Duration::ZERO },
            Some(CallError::Forgotten { .. }) => CallError::NotReady,
            Some(CallError::NotReady) => CallError::Busy,
            Some(CallError::Busy) => CallError::TooManySubscriptions,
            Some(CallError::TooManySubscriptions) => CallError::AnswerTooLarge { bytes_max: 0 },
            Some(CallError::AnswerTooLarge { .. }) => CallError::NoRoom(NoRoom::All),
            Some(CallError::NoRoom(_)) => CallError::AuditUnavailable,
            Some(CallError::AuditUnavailable) => CallError::Stopping,
            Some(CallError::Stopping) => CallError::TimedOut { limit: Duration::ZERO },
            Some(CallError::TimedOut { .. }) => return None,
        })
    }

    #[test]
    fn every_verdict_has_words_of_its_own() {
        let errors = std::iter::successors(next(None), |error| next(Some(error)));
        let ended = errors.map(|error| Ending::Failed(error.outcome()).plain_verdict());
        let of_tools = [
            "rpc_error",
            "tool_error",
            "arguments",
            "query_failed",
            "cancelled_at_dremio",
            "no_token",
        ];
        let of_dremio = ErrorClass::ALL.map(ErrorClass::as_str);
        let failed = of_tools.into_iter().chain(of_dremio).map(Verdict::Error);
        let rules = [
            "schema",
            "schema_name",
            "schema_unclear",
            "nobody",
            "queries",
            "unknown_tool",
            "not_a_query",
            "writes",
            "job_history",
            "external_query",
            "several_statements",
            "empty",
            "too_long",
            "no_session",
            "bad_params",
        ];
        let denied = rules.into_iter().map(Verdict::Denied);
        let budgets = ["rows", "bytes", "queries", "tokens", "jobs"].map(Verdict::Budget);
        let ours = [Verdict::Cancelled("key_withdrawn"), Verdict::Cancelled("client")];
        let mut seen = HashSet::new();
        for verdict in ended.chain(failed).chain(denied).chain(budgets).chain(ours) {
            let said = outcome(verdict);
            assert!(!said.contains('_') || said.contains("MCP_"), "{verdict}: {said}");
            assert!(seen.insert(said.clone()), "{verdict}: {said}");
        }
        for (verdict, said) in [
            (Verdict::Denied("writes"), "MCP_ALLOW_WRITES"),
            (Verdict::Denied("schema"), "does not let it query"),
            (Verdict::Denied("unclosed"), "could not be read for certain (unclosed)"),
            (Verdict::Budget("rows"), "its budget of rows was used up"),
            (Verdict::TimedOut, "MCP_CALL_TIMEOUT"),
            (Verdict::Error("query_failed"), "Dremio refused the query"),
            (Verdict::Error("something_new"), "failed (something_new)"),
        ] {
            assert!(outcome(verdict).contains(said), "{verdict}: {}", outcome(verdict));
        }
    }
}
