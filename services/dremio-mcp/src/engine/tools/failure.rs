//! What an agent reads instead of a result: what happened, and what helps. Texts hold no secrets:
//! they are ours, or what Dremio said about the agent's own statement.

use std::borrow::Cow;

use dremio_client::{Error, ErrorClass};

use super::permitted::permitted;
use crate::coach::Advice;
use crate::dremio::{AWAY_TIMEOUT, DremioError, TokenError};
use crate::policy::Gate;

/// Advice for what an operator must mend.
pub(in crate::engine) const TELL_OPERATOR: &str =
    "Nothing is wrong with the request. This needs the operator of dremio-mcp; try again later.";

/// Why a tool has no result. It becomes a result with `isError`, not an error of the protocol, so
/// that the model sees it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) struct Failure {
    error: String,
    message: Cow<'static, str>,
    /// A stable word for the audit.
    class: &'static str,
}

impl Failure {
    /// `error` says what happened, `message` what helps.
    pub(in crate::engine) fn new(
        error: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { error: error.into(), message: message.into(), class: "tool_error" }
    }

    /// The same failure, of this class.
    pub(in crate::engine) fn of_class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// The same failure, with no advice that whom the gate is to may not follow.
    pub(super) fn permitted(self, gate: &Gate) -> Self {
        Self { message: permitted(self.message, gate), ..self }
    }

    /// A stable word for the kind of failure.
    pub(in crate::engine) fn class(&self) -> &'static str {
        self.class
    }

    /// Both in one sentence, for a line of an answer that has other lines.
    pub(in crate::engine) fn sentence(&self) -> String {
        format!("{}. {}", self.error, self.message)
    }

    /// The text that stands in the result: what happened, and below it what helps.
    pub(in crate::engine) fn text(&self) -> String {
        format!("{}\n{}", self.error, self.message)
    }
}

impl From<Advice> for Failure {
    fn from(advice: Advice) -> Self {
        Self::new(advice.said, advice.fix).of_class("query_failed")
    }
}

impl From<DremioError> for Failure {
    fn from(cause: DremioError) -> Self {
        Self::of_dremio(&cause)
    }
}

impl Failure {
    /// Why Dremio could not be asked.
    pub(in crate::engine) fn of_dremio(cause: &DremioError) -> Self {
        let advice = match cause {
            DremioError::Token(TokenError::None(_)) => TELL_OPERATOR,
            DremioError::Token(TokenError::Rejected(_)) => {
                "Nothing is wrong with the request. Try it again in a moment."
            }
            DremioError::Dremio(error) => advice(error),
        };
        let said =
            if let DremioError::Dremio(error) = cause { error.remote_message() } else { None };
        let error = said.map_or_else(|| cause.to_string(), |said| format!("{cause}: {said}"));
        Self::new(error, advice).of_class(cause.class())
    }
}

fn advice(error: &Error) -> &'static str {
    if matches!(error, Error::Timeout { limit, .. } if *limit == AWAY_TIMEOUT) {
        return "Nothing is wrong with the request: Dremio does not answer dremio-mcp's own \
                checks either, so calls are given less time until it does. Try it again in a \
                minute.";
    }
    match error.class() {
        ErrorClass::Unreachable | ErrorClass::Interrupted | ErrorClass::ServerStatus => {
            "Nothing is wrong with the request: Dremio is away, starting or overloaded. Try it \
             again in a minute."
        }
        ErrorClass::Timeout => {
            "Dremio is slow or overloaded. Try it again in a minute, or ask for less."
        }
        ErrorClass::TooLarge => {
            "Ask for less: fewer columns, shorter values (SUBSTR), or aggregates."
        }
        ErrorClass::Refused | ErrorClass::NotFound => "Check the request against what Dremio says.",
        _ => TELL_OPERATOR,
    }
}
