//! Why a statement is not sent, for the agent and for metrics.

use super::{Kind, LexError, Token};

/// Longest piece of the statement that a refusal repeats, in characters: enough to recognise a
/// keyword.
const KEYWORD_CHARS_MAX: usize = 24;

/// Why a statement is not sent to Dremio. The message is for the agent, and ASCII, so that it fits
/// into a status line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is")]
pub enum Refusal {
    #[error("the query is empty")]
    Empty,
    #[error(
        "the query is longer than 1 MiB; shorten it, for example by a join instead of a long list \
         of values"
    )]
    TooLong,
    #[error("the query cannot be read: {0}")]
    Unreadable(#[from] LexError),
    #[error("the query has several statements; send one per call")]
    SeveralStatements,
    #[error(
        "a statement that starts with {0} is not allowed: only queries are, unless the operator \
         sets MCP_ALLOW_WRITES=true"
    )]
    NotAQuery(String),
    #[error("EXPLAIN is allowed as EXPLAIN PLAN FOR or EXPLAIN JSON FOR, followed by a query")]
    NotAnExplainedQuery,
    #[error("the query contains {0}, which writes; if that is a name, write it in double quotes")]
    Writes(&'static str),
    #[error(
        "external_query is not allowed: it sends statements to a source that cannot be checked \
         here; query the source's tables instead"
    )]
    ExternalQuery,
    #[error(
        "sys.jobs and its like show what every other agent asked; the operator can allow them \
         with MCP_ALLOW_JOB_HISTORY=true"
    )]
    JobHistory,
    #[error(
        "CONTAINS(...) with a single quote, slash, bracket, caret or backslash is not allowed; \
         use LIKE or REGEXP_LIKE"
    )]
    Contains,
    #[error("the query cannot be sent without its comments; remove them")]
    Unstable,
}

impl Refusal {
    /// A stable word for logs and metrics. It never contains a part of the statement.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::Unreadable(cause) => match cause {
                LexError::Unclosed(_) | LexError::UnclosedStars => "unclosed",
                LexError::StrayCommentEnd => "stray_comment_end",
                LexError::Hint => "hint",
                LexError::UnicodeEscape => "unicode_escape",
                LexError::CharacterSet | LexError::EscapedString => "string_prefix",
                LexError::Collation => "collation",
                LexError::Brace => "brace",
                LexError::EmptyName | LexError::NameOverLines => "bad_name",
                LexError::BackTick | LexError::Character(_) | LexError::Unknown(..) => "character",
            },
            Self::SeveralStatements => "several_statements",
            Self::NotAQuery(_) | Self::NotAnExplainedQuery => "not_a_query",
            Self::Writes(_) => "writes",
            Self::ExternalQuery => "external_query",
            Self::JobHistory => "job_history",
            Self::Contains => "contains",
            Self::Unstable => "unstable",
        }
    }

    pub(super) fn not_a_query(statement: &[Token<'_>]) -> Self {
        let mut start = String::new();
        for word in statement.iter().take(2).take_while(|token| token.kind == Kind::Word) {
            if !start.is_empty() {
                start.push(' ');
            }
            start.extend(
                word.text
                    .chars()
                    .take(KEYWORD_CHARS_MAX)
                    .map(|c| if c.is_ascii() { c.to_ascii_uppercase() } else { '?' }),
            );
        }
        Self::NotAQuery(if start.is_empty() {
            "something else than a keyword".to_owned()
        } else {
            start
        })
    }
}
