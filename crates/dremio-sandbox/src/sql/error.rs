//! Why a statement fails, in Dremio's words (contract §4.2). Those of its parser are in
//! `parse::mistakes`, what SQLite found in `engine`.

use crate::catalog::Absent;

const CHECK_CONTEXT: &str = ". Please check that it exists in the selected context.";

/// The end of a statement that has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlError {
    /// The job is FAILED with this message.
    Failed(String),
    /// The same, found by the parser; Dremio has two forms for it.
    Syntax(String),
    /// The statement was interrupted, because the job was cancelled, the sandbox stops, or it ran
    /// too long.
    Interrupted,
}

impl SqlError {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// What `ViewExpander` makes of an error in the text of a view.
    pub(crate) fn in_view(self, path: &[String]) -> Self {
        let path = path.join(".");
        match self {
            Self::Failed(reason) => {
                let reason = reason.trim_end_matches(CHECK_CONTEXT).trim_end_matches('.');
                Self::Failed(format!(
                    "Error while expanding view {path}. {reason}. Verify the view’s SQL definition."
                ))
            }
            Self::Syntax(reason) => {
                Self::Failed(format!("Error while expanding view {path}. {reason}"))
            }
            Self::Interrupted => self,
        }
    }

    /// Ordinary in Dremio, and not done here.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::Failed(format!("{what} is not supported by this stand-in for Dremio."))
    }

    pub(crate) fn no_such_function(name: &str) -> Self {
        Self::Failed(format!("No match found for function signature {}", name.to_uppercase()))
    }
}

impl From<Absent> for SqlError {
    fn from(absent: Absent) -> Self {
        let within = match absent.within.join(".") {
            path if path.is_empty() => path,
            path => format!(" within '{path}'"),
        };
        Self::Failed(format!("Object '{}' not found{within}{CHECK_CONTEXT}", absent.object))
    }
}
