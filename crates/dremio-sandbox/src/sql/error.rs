//! Why a statement fails, in Dremio's words (contract §4.2): SQLite's and our own findings become
//! what an agent would read from Dremio.

use rusqlite::Error;
use rusqlite::ffi::ErrorCode;

use super::functions;
use super::token::{LexicalError, Position, Token};

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

    /// A token that cannot stand where it stands.
    pub(crate) fn encountered(sql: &str, token: &Token) -> Self {
        Self::parse(sql, &token.text, token.at)
    }

    pub(crate) fn unexpected_end(sql: &str) -> Self {
        Self::parse(sql, "<EOF>", sql.trim_end().len())
    }

    pub(crate) fn lexical(sql: &str, error: &LexicalError) -> Self {
        let position = Position::of(sql, error.at);
        Self::Failed(format!(
            "Failure parsing the query. Lexical error at {position}. Encountered: \"{}\"",
            error.found
        ))
    }

    pub(crate) fn object_not_found(object: &str, within: &[String]) -> Self {
        let within = if within.is_empty() {
            String::new()
        } else {
            format!(" within '{}'", within.join("."))
        };
        Self::Failed(format!(
            "Object '{object}' not found{within}. Please check that it exists in the selected context."
        ))
    }

    /// Ordinary in Dremio, and not done here.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::Failed(format!("{what} is not supported by this stand-in for Dremio."))
    }

    pub(crate) fn no_such_function(name: &str) -> Self {
        Self::Failed(format!("No match found for function signature {}", name.to_uppercase()))
    }

    fn parse(sql: &str, found: &str, at: usize) -> Self {
        let position = Position::of(sql, at);
        Self::Failed(format!("Failure parsing the query. Encountered \"{found}\" at {position}."))
    }

    /// What SQLite found wrong with the rewritten form of `tokens`. `aliases` are the table aliases
    /// of the statement, in lower case.
    pub(crate) fn from_sqlite(
        sql: &str,
        tokens: &[Token],
        aliases: &[String],
        error: &Error,
    ) -> Self {
        let message = match error {
            Error::SqlInputError { msg, .. } => msg.clone(),
            Error::SqliteFailure(cause, message) => match (cause.code, message) {
                (ErrorCode::OperationInterrupted, _) => return Self::Interrupted,
                (_, Some(message)) => message.clone(),
                (_, None) => error.to_string(),
            },
            Error::UserFunctionError(cause) => cause.to_string(),
            other => other.to_string(),
        };
        match message.split_once(functions::OWN) {
            Some((_, own)) => Self::failed(own),
            None => Self::translate(sql, tokens, aliases, &message),
        }
    }

    fn translate(sql: &str, tokens: &[Token], aliases: &[String], message: &str) -> Self {
        if let Some(column) = message.strip_prefix("no such column: ") {
            // SQLite adds advice, and then quotes the name.
            let column = column.split(" - ").next().unwrap_or(column).trim_matches('"');
            return Self::Failed(match column.rsplit_once('.') {
                None => format!("Column '{column}' not found in any table"),
                Some((table, column)) if aliases.contains(&table.to_lowercase()) => {
                    format!("Column '{column}' not found in table '{table}'")
                }
                Some((table, _)) => format!("Table '{table}' not found"),
            });
        }
        if let Some(name) = message.strip_prefix("no such function: ") {
            return Self::no_such_function(name);
        }
        if let Some(name) = message.strip_prefix("not authorized to use function: ") {
            return Self::no_such_function(name);
        }
        if let Some(rest) = message.strip_prefix("wrong number of arguments to function ") {
            let name = rest.split('(').next().unwrap_or(rest);
            return Self::Failed(format!(
                "Invalid number of arguments to function '{}'",
                name.to_uppercase()
            ));
        }
        if let Some(column) = message.strip_prefix("ambiguous column name: ") {
            return Self::Failed(format!("Column '{column}' is ambiguous"));
        }
        if message.starts_with("misuse of aggregate") {
            return Self::failed("Aggregate expression is illegal in WHERE clause");
        }
        if message.ends_with("incomplete input") {
            return Self::unexpected_end(sql);
        }
        if message.ends_with("syntax error") {
            let near = message
                .strip_prefix("near \"")
                .and_then(|rest| rest.strip_suffix("\": syntax error"));
            let near = near.unwrap_or_default().trim_matches(['"', '\'']);
            let found = tokens
                .iter()
                .find(|token| token.text.eq_ignore_ascii_case(near) && !near.is_empty());
            return match found {
                Some(token) => Self::encountered(sql, token),
                None => Self::unsupported("This statement"),
            };
        }
        if message == "integer overflow" {
            return Self::failed("NUMERIC_OVERFLOW: the result is out of range of its type");
        }
        if message.starts_with("SELECTs to the left and right of ") {
            return Self::failed("Column count mismatch in set operation");
        }
        if message.starts_with("sub-select returns ") {
            return Self::failed(
                "Cannot apply a subquery of several columns where one value is expected",
            );
        }
        if message.starts_with("no such table: ")
            || message.starts_with("access to ")
            || message.starts_with("not authorized")
        {
            return Self::failed("The statement refers to something that does not exist.");
        }
        // Everything else would be in SQLite's words about a text that nobody wrote.
        Self::unsupported("This statement")
    }
}
