//! Why a statement of a client is not sent: the guard's reason, or the client's policy. All texts
//! are ASCII, so that they fit into a status line.

use crate::guard;

/// Longest name that a refusal repeats, in characters.
const NAME_CHARS_MAX: usize = 80;

/// Why a statement is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Of whomever it is.
    #[error(transparent)]
    Guard(#[from] guard::Refusal),
    /// Of this client.
    #[error("{cause}")]
    Schemas {
        cause: NotAllowed,
        /// What it may query, as the policy file says it.
        allowed: String,
    },
    /// It is of no client, and some clients are limited.
    #[error("the statement is of no client's call")]
    Nobody,
}

/// What a statement names, or may name, besides what its client may query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAllowed {
    #[error("{0} is not among what this key may query")]
    Path(String),
    #[error(
        "{0} is also the name of a space or source; give the alias, or the name of WITH, another"
    )]
    Name(String),
    #[error("what the query reads cannot be told with certainty: {0}")]
    Unclear(&'static str),
}

impl Refusal {
    /// A stable word for logs and metrics. It never contains a part of the statement.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Guard(refusal) => refusal.reason(),
            Self::Schemas { cause: NotAllowed::Path(_), .. } => "schema",
            Self::Schemas { cause: NotAllowed::Name(_), .. } => "schema_name",
            Self::Schemas { cause: NotAllowed::Unclear(_), .. } => "schema_unclear",
            Self::Nobody => "nobody",
        }
    }
}

impl NotAllowed {
    pub(super) fn path(parts: impl Iterator<Item: AsRef<str>>) -> Self {
        Self::Path(parts.map(|part| quoted(part.as_ref())).collect::<Vec<_>>().join("."))
    }

    pub(super) fn name(name: &str) -> Self {
        Self::Name(quoted(name))
    }
}

/// A name in double quotes, short and in ASCII.
fn quoted(name: &str) -> String {
    let chars = name.chars().take(NAME_CHARS_MAX);
    let plain = chars.map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
    format!("\"{}\"", plain.collect::<String>())
}
