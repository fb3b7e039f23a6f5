//! What a client may do.

use token_file::AccountName;

use super::limits::Limits;
use super::schemas::Schemas;

/// What a client of the policy file may do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) name: String,
    /// The Dremio account whose token its calls carry; the single one, if there is none.
    pub(crate) account: Option<AccountName>,
    pub(crate) tools: Tools,
    /// The paths that it may name; without them any.
    pub(crate) schemas: Option<Schemas>,
    pub(crate) limits: Limits,
}

/// The tools that a client may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    All,
    These(Vec<&'static str>),
}

impl Tools {
    pub(crate) fn include(&self, tool: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(tools) => tools.contains(&tool),
        }
    }
}
