//! Why a statement fails, in Dremio's words (contract §4.2). Those of its parser are in
//! `parse::mistakes`, what SQLite found in `engine`.

/// The end of a statement that has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlError {
    /// The job is FAILED with this message.
    Failed(String),
    /// The statement was interrupted, because the job was cancelled, the sandbox stops, or it ran
    /// too long.
    Interrupted,
}

impl SqlError {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    pub(crate) fn object_not_found(object: &str, within: &[String]) -> Self {
        let within = if within.is_empty() {
            String::new()
        } else {
            format!(" within '{}'", within.join("."))
        };
        Self::Failed(format!(
            "Object '{object}' not found{within}. Please check that it exists in the selected \
             context."
        ))
    }

    /// Ordinary in Dremio, and not done here.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::Failed(format!("{what} is not supported by this stand-in for Dremio."))
    }

    pub(crate) fn no_such_function(name: &str) -> Self {
        Self::Failed(format!("No match found for function signature {}", name.to_uppercase()))
    }
}
