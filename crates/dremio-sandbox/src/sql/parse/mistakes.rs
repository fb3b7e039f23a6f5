//! What is wrong with a text, in the form of Calcite's parser: what was found and where, and over
//! several lines what could have been there.

use super::lexer::{Kind, LexicalError, Position, Token, tokenize};
use super::words;
use crate::sql::error::SqlError;

/// What the grammar takes at the beginning of a statement.
const STATEMENTS: &str = "ALTER CREATE DESCRIBE EXPLAIN SELECT SHOW USE VALUES WITH (";
/// What it takes where a name belongs.
const NAMES: &str = "<BRACKET_QUOTED_IDENTIFIER> <QUOTED_IDENTIFIER> <IDENTIFIER>";
/// Some of what it takes elsewhere.
const CLAUSES: &str = "<EOF> EXCEPT FETCH FROM GROUP LIMIT OFFSET ORDER UNION WHERE , )";

/// A token that cannot stand where it stands.
pub(crate) fn encountered(sql: &str, token: &Token) -> SqlError {
    let expected = match token.kind {
        Kind::Word if token.at == first_token(sql) => STATEMENTS,
        Kind::Word if words::is_reserved(&token.text) => NAMES,
        _ => CLAUSES,
    };
    mistake(&token.text, Position::of(sql, token.at), expected)
}

/// A reserved word where a name belongs.
pub(crate) fn reserved(word: &str, at: Position) -> SqlError {
    mistake(word, at, NAMES)
}

pub(crate) fn unexpected_end(sql: &str) -> SqlError {
    let end = sql.trim_end().len();
    let expected = if end == 0 { STATEMENTS } else { CLAUSES };
    mistake("<EOF>", Position::of(sql, end), expected)
}

pub(crate) fn lexical(sql: &str, error: &LexicalError) -> SqlError {
    let position = Position::of(sql, error.at);
    let code = error.found.chars().next().map_or(0, u32::from);
    SqlError::Syntax(format!(
        "Lexical error at {position}.  Encountered: \"{}\" ({code}), after : \"\"",
        error.found
    ))
}

pub(crate) fn too_deep() -> SqlError {
    SqlError::failed(
        "The query planning failed due to a stack overflow. The expression is nested too deeply.",
    )
}

fn mistake(found: &str, at: Position, expected: &str) -> SqlError {
    let mut message = format!("Encountered \"{found}\" at {at}.\nWas expecting one of:");
    for token in expected.split(' ') {
        message.push_str(&match token {
            "<EOF>" => "\n    <EOF> ".to_owned(),
            class if class.starts_with('<') => format!("\n    {class} ..."),
            word => format!("\n    \"{word}\" ..."),
        });
    }
    SqlError::Syntax(message)
}

fn first_token(sql: &str) -> usize {
    tokenize(sql).ok().and_then(|tokens| tokens.first().map(|token| token.at)).unwrap_or(0)
}
