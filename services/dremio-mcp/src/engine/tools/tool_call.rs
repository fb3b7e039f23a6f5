//! A call of a tool, and how its arguments are read. Unknown members are ignored: models add
//! some, and the official server does not mind either.

use serde::Deserialize;

use super::ToolRoom;
use super::failure::Failure;
use super::progress::Progress;

/// The tool that runs the statements of clients.
pub(super) const RUN_SQL_QUERY: &str = "RunSqlQuery";

/// One call of a tool.
pub(in crate::engine) struct ToolCall<'c> {
    pub(in crate::engine) room: &'c ToolRoom,
    /// The name of the tool.
    pub(in crate::engine) tool: &'static str,
    /// As the client wrote them, if it did.
    pub(in crate::engine) arguments: Option<&'c str>,
    pub(in crate::engine) progress: Progress<'c>,
}

/// Arguments that do not have the shape that the tool's schema describes. The text is for the
/// agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool} expects {expected}")]
pub(super) struct BadArguments {
    pub(super) tool: &'static str,
    pub(super) expected: &'static str,
}

/// Absent arguments are empty arguments. A list is none: serde would take it for an object's
/// members in order.
pub(super) fn parse<'a, T: Deserialize<'a>>(arguments: Option<&'a str>) -> Option<T> {
    let text = arguments.unwrap_or("{}");
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// A model can correct its arguments, so it must see what was wrong with them (2025-11-25, tools,
/// "Error Handling").
impl From<BadArguments> for Failure {
    fn from(cause: BadArguments) -> Self {
        Self::new(cause.to_string(), "Correct the arguments and call the tool again.")
            .of_class("arguments")
    }
}
