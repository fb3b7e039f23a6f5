//! Lets only statements through that read.
//!
//! This is the second lock, against an agent that is mistaken or misled. The first one is at the sources: a Dremio user of Community
//! Edition is always an administrator (contract §0.5), so what must never be written to is protected by the credentials with which
//! Dremio reaches it. The lock is built so that being wrong means refusing:
//!
//! - *The first keyword decides*: a list of what is allowed, not of what is forbidden. Dremio's grammar has no statement that starts
//!   like a query and writes; `WITH` cannot precede DML there, and data-modifying `WITH` members do not exist.
//! - *No writing clause anywhere*, in case a later grammar allows one: `INTO` (of `INSERT`, `MERGE`, `UPSERT`, `COPY`, `SELECT`),
//!   `DELETE FROM`, `UPDATE name`. These words are reserved, so no unquoted column can have such a name; quoted ones and functions
//!   like `TRUNCATE(x, 2)` pass.
//! - *One statement*, as in Dremio itself; `;` at the end is fine.
//! - *No `external_query(…)`*, the one function that ships arbitrary text to a source (contract §7.2).
//! - *No text that Dremio might split otherwise than the lexer here does*: hints, and names in Unicode escapes. `CONTAINS(` starts a
//!   Lucene sub-grammar with other quotes: it is allowed, and behind it `external_query` is refused even inside a string.
//!
//! What it does not prevent: a `SELECT` that is expensive, and the automatic promotion of a file by a `SELECT` in a source that has
//! that switched on.

use super::lexer::{LexError, Token, tokens};

/// Keywords with which a query starts (contract §7.2).
const QUERY_STARTS: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];

/// What `DESCRIBE` may be followed by that is not the name of a table: planning of any statement, and things without use here.
const DESCRIBE_OTHERS: [&str; 5] = ["STATEMENT", "SCHEMA", "DATABASE", "CATALOG", "PIPE"];

/// Longest piece of the statement that a refusal repeats, in characters: enough to recognise a keyword.
const KEYWORD_CHARS_MAX: usize = 24;

/// Why a statement is not sent to Dremio. The text is for the agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the query is empty")]
    Empty,
    #[error("the query cannot be read: {0}")]
    Unreadable(#[from] LexError),
    #[error("the query has several statements; send one per call")]
    SeveralStatements,
    #[error("a statement that starts with {0} is not allowed")]
    NotAQuery(String),
    #[error("EXPLAIN is allowed as EXPLAIN PLAN FOR, followed by a query")]
    NotAnExplainedQuery,
    #[error("the query contains {0}, which writes; if that is a name, write it in double quotes")]
    Writes(&'static str),
    #[error("external_query is not allowed: it sends statements to a source that cannot be checked here")]
    ExternalQuery,
    #[error("names in Unicode escapes (U&\"…\") are not allowed; write the characters themselves in double quotes")]
    EscapedName,
}

/// Checks that `sql` is one statement that reads.
///
/// # Errors
/// With the reason, when it is anything else or cannot be told.
pub(super) fn check(sql: &str) -> Result<(), Refusal> {
    let tokens = tokens(sql)?;
    let mut statement = tokens.as_slice();
    while let [before @ .., Token::Symbol(';')] = statement {
        statement = before;
    }
    if statement.is_empty() {
        return Err(Refusal::Empty);
    }
    if statement.contains(&Token::Symbol(';')) {
        return Err(Refusal::SeveralStatements);
    }
    check_kind(statement)?;
    check_clauses(statement)?;
    check_names(statement, sql)
}

/// The kind of statement, by its first keywords.
fn check_kind(statement: &[Token<'_>]) -> Result<(), Refusal> {
    match statement {
        [first, ..] if first.is("SHOW") => Ok(()),
        [first, second, ..] if first.is("DESCRIBE") || first.is("DESC") => {
            if DESCRIBE_OTHERS.iter().any(|other| second.is(other)) {
                Err(not_a_query(statement))
            } else {
                Ok(())
            }
        }
        [first, rest @ ..] if first.is("EXPLAIN") => {
            let explained = rest.iter().position(|token| token.is("FOR")).and_then(|end| rest.get(end + 1..));
            let is_plan = rest.first().is_some_and(|second| second.is("PLAN"));
            if is_plan && explained.is_some_and(is_query) { Ok(()) } else { Err(Refusal::NotAnExplainedQuery) }
        }
        _ if is_query(statement) => Ok(()),
        _ => Err(not_a_query(statement)),
    }
}

/// Whether `statement` starts like a query, behind any number of opening parentheses.
fn is_query(statement: &[Token<'_>]) -> bool {
    let first = statement.iter().find(|token| **token != Token::Symbol('('));
    first.is_some_and(|first| QUERY_STARTS.iter().any(|start| first.is(start)))
}

fn not_a_query(statement: &[Token<'_>]) -> Refusal {
    let mut start = String::new();
    for word in statement.iter().take(2).map_while(|token| if let Token::Word(word) = token { Some(word) } else { None }) {
        if !start.is_empty() {
            start.push(' ');
        }
        start.extend(word.chars().take(KEYWORD_CHARS_MAX).map(|c| c.to_ascii_uppercase()));
    }
    Refusal::NotAQuery(if start.is_empty() { "something else than a keyword".to_owned() } else { start })
}

fn check_clauses(statement: &[Token<'_>]) -> Result<(), Refusal> {
    if statement.iter().any(|token| token.is("INTO")) {
        return Err(Refusal::Writes("INTO"));
    }
    for pair in statement.windows(2) {
        match pair {
            [delete, from] if delete.is("DELETE") && from.is("FROM") => return Err(Refusal::Writes("DELETE FROM")),
            [update, Token::Word(_) | Token::Quoted(_)] if update.is("UPDATE") => return Err(Refusal::Writes("UPDATE")),
            _ => {}
        }
    }
    Ok(())
}

fn check_names(statement: &[Token<'_>], sql: &str) -> Result<(), Refusal> {
    let is_escaped = |part: &[Token<'_>]| matches!(part, [u, Token::Symbol('&'), Token::Quoted(_)] if u.is("U"));
    if statement.windows(3).any(is_escaped) {
        return Err(Refusal::EscapedName);
    }
    let calls = |name: &str| statement.windows(2).any(|pair| matches!(pair, [called, Token::Symbol('(')] if called.names(name)));
    if calls("external_query") {
        return Err(Refusal::ExternalQuery);
    }
    if calls("contains") {
        let text = sql.to_ascii_lowercase();
        if text.contains("external_query") {
            return Err(Refusal::ExternalQuery);
        }
        if text.contains("u&\"") {
            return Err(Refusal::EscapedName);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
