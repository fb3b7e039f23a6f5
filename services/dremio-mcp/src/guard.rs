//! Decides what SQL goes to Dremio, in both engines, and writes the text that is sent.
//!
//! This is the second lock, against an agent that is mistaken or misled. The first one is at the
//! sources: a Dremio user of Community Edition is always an administrator (contract §0.5), so what
//! must never be written to is protected by the credentials with which Dremio reaches it. The lock
//! is built to refuse when in doubt:
//!
//! - *What was read is what is sent.* Each comment is overwritten with spaces, keeping its line
//!   ends, so that positions in Dremio's messages match the agent's text; all else stays byte for
//!   byte. The result must have the same tokens when read again. `lexer` refuses what Dremio could
//!   split differently.
//! - *The first keyword decides*: a list of what is allowed, not of what is forbidden. Dremio's
//!   grammar has no statement that starts like a query and writes; `WITH` cannot precede DML there,
//!   and data-modifying `WITH` members do not exist.
//! - *No writing clause anywhere*, in case a later grammar allows one: `INTO` (of `INSERT`,
//!   `MERGE`, `UPSERT`, `COPY`, `SELECT`), `DELETE FROM`, `UPDATE name`. A column of such a name is
//!   written in quotes; functions like `TRUNCATE(x, 2)` pass.
//! - *One statement*, as in Dremio itself; `;` at the end is fine.
//! - *No `external_query(…)`*, the only function that sends arbitrary text to a source (contract
//!   §7.2).
//! - *No job history* (`history`), which shows the queries of all other agents.
//! - `CONTAINS(` starts a Lucene sub-grammar with other quotes: allowed if both lexers split it in
//!   the same way.
//!
//! `MCP_ALLOW_WRITES` lifts the second and third rule, `MCP_ALLOW_JOB_HISTORY` the one on job
//! history; all others stay.
//!
//! It does not prevent an expensive `SELECT`, the automatic promotion of a file by a `SELECT` in a
//! source that allows it, or what a view does that was made over `external_query` or the job
//! history.

mod history;
pub(crate) mod lexer;
mod refusal;
pub(crate) mod shape;
mod table_name;
mod token;

pub(crate) use history::folded_char;
pub use lexer::{LexError, Lexed, lex};
pub use refusal::Refusal;
use service_kit::runtime::compute;
pub(crate) use table_name::{NameError, TableName};
pub use token::{Kind, Token};

/// Keywords that start a query (contract §7.2).
const QUERY_STARTS: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];

/// What may follow `DESCRIBE` that is not a table name: planning of any statement, and things
/// without use here.
const DESCRIBE_OTHERS: [&str; 14] = [
    "STATEMENT",
    "SCHEMA",
    "DATABASE",
    "CATALOG",
    "PIPE",
    "SELECT",
    "WITH",
    "VALUES",
    "INSERT",
    "UPSERT",
    "DELETE",
    "UPDATE",
    "MERGE",
    "EXPLAIN",
];

/// Longest statement, in bytes. Dremio's job history keeps 32,000 characters of one; the tokens are
/// held in memory, in the worst case about 32 bytes for each byte of the statement.
const STATEMENT_BYTES_MAX: usize = 1024 * 1024;

/// Which statements are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Statements of any kind (`MCP_ALLOW_WRITES`).
    pub allow_writes: bool,
    /// The tables in which Dremio keeps all queries (`MCP_ALLOW_JOB_HISTORY`).
    pub allow_job_history: bool,
}

/// A statement that the guard has read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement(String);

impl Statement {
    /// What goes to Dremio. It ends outside any string or comment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Guard {
    /// Reads `sql`, and returns what to send instead.
    ///
    /// # Errors
    /// The reason and its cure, when it may not be sent or cannot be read with certainty.
    pub fn check(self, sql: &str) -> Result<Statement, Refusal> {
        self.check_seen(sql, |_| {})
    }

    /// The same; `see` gets the tokens of a text that can be read, whatever becomes of it.
    pub(crate) fn check_seen(
        self,
        sql: &str,
        see: impl FnOnce(&[Token<'_>]),
    ) -> Result<Statement, Refusal> {
        if sql.len() > STATEMENT_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        compute(sql.len(), || self.read(sql, see))
    }

    fn read(self, sql: &str, see: impl FnOnce(&[Token<'_>])) -> Result<Statement, Refusal> {
        let lexed = lex(sql)?;
        see(&lexed.tokens);
        let mut statement = lexed.tokens.as_slice();
        while let [before @ .., last] = statement
            && last.is_symbol(";")
        {
            statement = before;
        }
        if statement.is_empty() {
            return Err(Refusal::Empty);
        }
        if statement.iter().any(|token| token.is_symbol(";")) {
            return Err(Refusal::SeveralStatements);
        }
        if !self.allow_writes {
            check_kind(statement)?;
            check_clauses(statement)?;
        }
        check_contains(statement)?;
        if calls_external_query(statement) {
            return Err(Refusal::ExternalQuery);
        }
        if !self.allow_job_history && history::is_asked_for(statement) {
            return Err(Refusal::JobHistory);
        }
        let text = without_comments(sql, &lexed);
        if !is_same(&lexed, &text) {
            return Err(Refusal::Unstable);
        }
        Ok(Statement(text))
    }

    /// Checks the path in which Dremio looks up names that a statement does not qualify.
    ///
    /// # Errors
    /// When it leads to the job history.
    pub fn check_context<'c>(
        self,
        mut context: impl Iterator<Item = &'c str>,
    ) -> Result<(), Refusal> {
        if !self.allow_job_history && context.any(history::is_system_schema) {
            Err(Refusal::JobHistory)
        } else {
            Ok(())
        }
    }
}

/// `sql` with spaces in place of its comments: one per UTF-16 code unit, which is what Dremio
/// counts.
fn without_comments(sql: &str, lexed: &Lexed<'_>) -> String {
    let (mut text, mut from) = (String::with_capacity(sql.len()), 0);
    for comment in &lexed.comments {
        text.push_str(sql.get(from..comment.start).unwrap_or_default());
        for c in sql.get(comment.clone()).unwrap_or_default().chars() {
            match c {
                '\n' | '\r' => text.push(c),
                _ => text.extend(std::iter::repeat_n(' ', c.len_utf16())),
            }
        }
        from = comment.end;
    }
    text.push_str(sql.get(from..).unwrap_or_default());
    text
}

/// Whether `text` has the tokens of `lexed`, and no comment.
fn is_same(lexed: &Lexed<'_>, text: &str) -> bool {
    let Ok(again) = lex(text) else { return false };
    let pairs = again.tokens.iter().zip(&lexed.tokens);
    again.comments.is_empty()
        && again.tokens.len() == lexed.tokens.len()
        && pairs.into_iter().all(|(new, old)| (new.kind, new.text) == (old.kind, old.text))
}

/// Checks the kind of statement by its first keywords.
fn check_kind(statement: &[Token<'_>]) -> Result<(), Refusal> {
    match statement {
        [first, ..] if first.is("SHOW") => Ok(()),
        [first, second, ..] if first.is("DESCRIBE") || first.is("DESC") => {
            if second.name().is_none() || DESCRIBE_OTHERS.iter().any(|other| second.is(other)) {
                Err(Refusal::not_a_query(statement))
            } else {
                Ok(())
            }
        }
        [first, second, rest @ ..] if first.is("EXPLAIN") => {
            let explained =
                rest.iter().position(|token| token.is("FOR")).and_then(|end| rest.get(end + 1..));
            let is_plan = second.is("PLAN") || second.is("JSON");
            if is_plan && explained.is_some_and(is_query) {
                Ok(())
            } else {
                Err(Refusal::NotAnExplainedQuery)
            }
        }
        [first] if first.is("EXPLAIN") => Err(Refusal::NotAnExplainedQuery),
        _ if is_query(statement) => Ok(()),
        _ => Err(Refusal::not_a_query(statement)),
    }
}

/// Whether `statement` starts like a query, after any number of opening parentheses.
fn is_query(statement: &[Token<'_>]) -> bool {
    let first = statement.iter().find(|token| !token.is_symbol("("));
    first.is_some_and(|first| QUERY_STARTS.iter().any(|start| first.is(start)))
}

fn check_clauses(statement: &[Token<'_>]) -> Result<(), Refusal> {
    if statement.iter().any(|token| token.is("INTO")) {
        return Err(Refusal::Writes("INTO"));
    }
    for pair in statement.windows(2) {
        match pair {
            [delete, from] if delete.is("DELETE") && from.is("FROM") => {
                return Err(Refusal::Writes("DELETE FROM"));
            }
            [update, name] if update.is("UPDATE") && name.name().is_some() => {
                return Err(Refusal::Writes("UPDATE"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn calls_external_query(statement: &[Token<'_>]) -> bool {
    let is_call = |pair: &[Token<'_>]| match pair {
        [called, open] => open.is_symbol("(") && called.name().is_some_and(is_external_query),
        _ => false,
    };
    statement.windows(2).any(is_call)
}

fn is_external_query(name: &str) -> bool {
    history::folded(name) == "external_query"
}

/// Dremio's lexer takes `CONTAINS(`, written without a space, as the start of a Lucene query, which
/// ends with its parenthesis. There, a single quote is a letter, a backslash escapes, and a slash
/// or a bracket opens something that hides quotes and parentheses. How a bracket after it is lexed
/// is not known.
fn check_contains(statement: &[Token<'_>]) -> Result<(), Refusal> {
    let (mut rest, mut was_there) = (statement, false);
    while let [token, behind @ ..] = rest {
        rest = behind;
        match behind {
            [open, lucene @ ..]
                if token.is("CONTAINS") && open.is_symbol("(") && open.start == token.end() =>
            {
                rest = behind_lucene(lucene)?;
                was_there = true;
            }
            _ if was_there && token.is_symbol("[") => return Err(Refusal::Contains),
            _ => {}
        }
    }
    Ok(())
}

/// What follows the Lucene query at the start of `rest`.
fn behind_lucene<'s, 't>(mut rest: &'s [Token<'t>]) -> Result<&'s [Token<'t>], Refusal> {
    let mut depth = 1_usize;
    while let [token, behind @ ..] = rest {
        rest = behind;
        match token.text {
            "(" => depth += 1,
            ")" if depth == 1 => return Ok(rest),
            ")" => depth -= 1,
            "/" | "[" | "]" | "^" => break,
            text if token.kind == Kind::Text || text.contains('\\') => break,
            _ => {}
        }
    }
    Err(Refusal::Contains)
}

#[cfg(test)]
mod tests;
