//! Why an engine gave no response, and what its client is told.

use std::time::Duration;

use super::fair_queue::TooMany;
use crate::budget::NoRoom;
use crate::rpc::RpcError;

/// Why an engine gave no response of its own.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The child died, or was replaced, while the call ran. Whether it took effect is not known.
    #[error("the MCP server process ended during the call")]
    EngineLost,
    /// The child ended its answer without saying anything, and lives on.
    #[error("the MCP server process broke off its answer")]
    BrokenOff,
    /// The child will never answer: it did nothing for this call for so long, while it answered
    /// others.
    #[error(
        "the MCP server process did nothing for this call for {silence:?}, while it answered \
         others"
    )]
    Forgotten {
        /// How long.
        silence: Duration,
    },
    /// No child was ready within the limit.
    #[error("the MCP server process is not ready")]
    NotReady,
    /// Too many calls of this client wait already.
    #[error("too many calls of this client are waiting")]
    Busy,
    /// This client, or all together, wants to hear of more resources than are kept.
    #[error("too many resource subscriptions")]
    TooManySubscriptions,
    /// The answer is larger than a message may be.
    #[error("the answer is larger than {} MiB", .bytes_max / (1024 * 1024))]
    AnswerTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// There was no room for the answer.
    #[error("no room for the answer")]
    NoRoom(#[source] NoRoom),
    /// The call cannot be written down, or could not.
    #[error("the audit file cannot be written")]
    AuditUnavailable,
    /// The gateway stops, and the call would not be over in time.
    #[error("the gateway is stopping")]
    Stopping,
    /// The call took longer than a call may.
    #[error("the call took longer than {limit:?}")]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
}

impl From<TooMany> for CallError {
    fn from(TooMany: TooMany) -> Self {
        Self::Busy
    }
}

impl CallError {
    /// What the client is told: what happened, and what helps.
    pub(crate) fn to_rpc(&self) -> RpcError {
        match self {
            Self::EngineLost => RpcError::internal(
                "engine_lost",
                "The MCP server process ended while it worked on this call; a new one is \
                 starting. The call may or may not have taken effect. Repeating a read-only call \
                 is safe.",
            ),
            Self::BrokenOff => RpcError::internal(
                "broken_off",
                "The MCP server process ended its answer to this call without saying anything, and \
                 goes on with others. The call may or may not have taken effect. Repeating a \
                 read-only call is safe.",
            ),
            Self::Forgotten { silence } => RpcError::internal(
                "call_forgotten",
                format!(
                    "The MCP server process does not answer this call: for {} s it has asked \
                     Dremio for nothing and no job of its ran, while it answered later calls. \
                     Repeating a read-only call is safe; if it is lost again, write it \
                     differently.",
                    silence.as_secs()
                ),
            ),
            Self::NotReady => RpcError::internal(
                "engine_not_ready",
                "The MCP server process is not ready yet. Try again in a moment.",
            ),
            Self::Busy => RpcError::internal(
                "busy",
                "Too many of your calls are waiting for their turn. Wait for some of them.",
            ),
            Self::TooManySubscriptions => RpcError::internal(
                "too_many_subscriptions",
                "There are too many resource subscriptions, or this URI is too long. Take some \
                 back with `resources/unsubscribe`, or end their sessions.",
            ),
            Self::AnswerTooLarge { bytes_max } => RpcError::internal(
                "answer_too_large",
                format!(
                    "The answer is larger than {} MiB. Ask for fewer rows or columns.",
                    bytes_max / (1024 * 1024)
                ),
            ),
            Self::NoRoom(NoRoom::Share) => RpcError::internal(
                "no_room",
                "The call was made, but its answer was dropped: answers that your key has asked \
                 for and not yet read, and its requests, hold as many bytes as one key may. Read \
                 them, call less at a time, or ask for fewer rows or columns.",
            ),
            Self::NoRoom(NoRoom::All) => RpcError::internal(
                "no_room",
                "The call was made, but its answer was dropped: this server holds as many bytes \
                 as it may. Try again in a moment, or ask for fewer rows or columns.",
            ),
            Self::AuditUnavailable => RpcError::internal(
                "audit_unavailable",
                "This server must write down every call of a tool, and cannot at the moment, so \
                 it gives no answers. Its operator finds the reason in its readiness. Try again \
                 later.",
            ),
            Self::Stopping => RpcError::internal(
                "stopping",
                "This server is stopping, and the call was cancelled before it was done. Try \
                 again in a moment: it comes back, or another takes over.",
            ),
            Self::TimedOut { limit } => RpcError::internal(
                "call_timed_out",
                format!(
                    "The call took longer than {} s and was cancelled (MCP_CALL_TIMEOUT). Narrow \
                     the query or raise the limit.",
                    limit.as_secs()
                ),
            ),
        }
    }

    /// A stable word for logs and metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::EngineLost => "engine_lost",
            Self::BrokenOff => "broken_off",
            Self::Forgotten { .. } => "call_forgotten",
            Self::NotReady => "engine_not_ready",
            Self::Busy => "busy",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::AnswerTooLarge { .. } => "answer_too_large",
            Self::NoRoom(_) => "no_room",
            Self::AuditUnavailable => "audit_unavailable",
            Self::Stopping => "stopping",
            Self::TimedOut { .. } => "timed_out",
        }
    }
}
