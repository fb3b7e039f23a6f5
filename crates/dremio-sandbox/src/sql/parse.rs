//! From text to syntax tree: our own lexer, and sqlparser with the words that Dremio reserves.

mod dialect;
mod lexer;
mod mistakes;
mod versions;
mod words;

use sqlparser::ast;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token as Parsed};

pub(super) use lexer::Position;
pub(crate) use lexer::{Kind, Token, quote_name, quote_text, tokenize};
pub(super) use mistakes::reserved;
pub(crate) use mistakes::{encountered, lexical, too_deep, unexpected_end};
pub(super) use versions::{Version, Versions};
pub(crate) use words::is_reserved;

use super::error::SqlError;

/// Levels of brackets; Dremio gives up on deeper statements too, with a planning stack overflow.
const DEPTH_MAX: usize = 200;
/// Operators in one chain, as in `a OR b OR c`. SQLite's limit on depth is a thousand.
const CHAIN_MAX: usize = 900;
/// Calls of the parser within each other: some for each level of brackets.
const RECURSION_MAX: usize = 5 * DEPTH_MAX;

/// Constructs of Dremio that the parser does not know, by the words that begin them.
const NOT_HERE: [&str; 5] = ["TRY_CONVERT_FROM", "OVERLAPS", "MATCH_RECOGNIZE", "PIVOT", "UNPIVOT"];

/// The syntax tree of a query, and the versions of tables that it names.
///
/// # Errors
/// It is none, in Calcite's words, or it is nested too deeply.
pub(super) fn query(sql: &str, tokens: &[Token]) -> Result<(Box<ast::Query>, Versions), SqlError> {
    check_size(sql, tokens)?;
    let (tokens, versions) = versions::take(sql, tokens);
    tree(sql, &tokens).map(|tree| (tree, versions))
}

fn tree(sql: &str, tokens: &[Token]) -> Result<Box<ast::Query>, SqlError> {
    let dialect = dialect::Dremio;
    let converted = dialect::convert(sql, tokens);
    let mut start = 0;
    loop {
        let rest = converted.get(start..).unwrap_or_default().to_vec();
        let mut parser = Parser::new(&dialect)
            .with_recursion_limit(RECURSION_MAX)
            .with_tokens_with_locations(rest);
        let outcome = parser.parse_query();
        let next = parser.peek_token();
        let at = match &outcome {
            Ok(_) if start > 0 => next.span.start,
            Ok(_) if next.token == Parsed::EOF => return outcome.map_err(|_| too_deep()),
            Ok(_) => next.span.start,
            Err(ParserError::RecursionLimitExceeded) => return Err(too_deep()),
            Err(ParserError::ParserError(message) | ParserError::TokenizerError(message)) => {
                location(message).unwrap_or(next.span.start)
            }
        };
        let found = converted.iter().position(|token| token.span.start == at && at.line > 0);
        // What was wrong in a query within brackets is reported at its beginning, because it could
        // have been a join: look inside.
        let inner = found.filter(|index| {
            *index > start
                && index.checked_sub(1).is_some_and(|before| {
                    tokens.get(before).is_some_and(|token| token.is_symbol("("))
                })
                && tokens.get(*index).is_some_and(|t| t.is_any_word(&["SELECT", "WITH", "VALUES"]))
        });
        match (inner, found.and_then(|index| tokens.get(index))) {
            (Some(index), _) => start = index,
            (None, token) => {
                return Err(not_here(tokens).unwrap_or_else(|| match token {
                    Some(token) => encountered(sql, token),
                    None => unexpected_end(sql),
                }));
            }
        }
    }
}

fn not_here(tokens: &[Token]) -> Option<SqlError> {
    let words = tokens.iter().filter(|token| token.kind == Kind::Word);
    let words: String = words.map(|token| format!(" {} ", token.text.to_uppercase())).collect();
    let words = words.replace("  ", " ");
    let found = NOT_HERE.iter().find(|known| words.contains(&format!(" {known} ")))?;
    Some(SqlError::unsupported(found))
}

/// The location at the end of a message, `… at Line: 1, Column: 8`.
fn location(message: &str) -> Option<Location> {
    let (_, at) = message.rsplit_once(" at Line: ")?;
    let (line, column) = at.split_once(", Column: ")?;
    Some(Location::new(line.parse().ok()?, column.parse().ok()?))
}

/// Refuses what is nested too deeply, and brackets that do not match.
fn check_size(sql: &str, tokens: &[Token]) -> Result<(), SqlError> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut chain = 0_usize;
    for token in tokens {
        if token.is_symbol("(") || token.is_symbol("[") {
            open.push((if token.is_symbol("(") { ")" } else { "]" }, chain));
            chain = 0;
        } else if token.is_symbol(")") || token.is_symbol("]") {
            match open.pop() {
                Some((close, before)) if token.is_symbol(close) => chain = before,
                _ => return Err(encountered(sql, token)),
            }
        } else if token.is_symbol(",") {
            chain = 0;
        } else if token.is_any_word(&["AND", "OR", "NOT", "UNION", "INTERSECT", "EXCEPT", "CASE"])
            || token.kind == Kind::Symbol && !token.is_symbol(".")
        {
            chain += 1;
        }
        if open.len() > DEPTH_MAX || chain > CHAIN_MAX {
            return Err(too_deep());
        }
    }
    if open.is_empty() { Ok(()) } else { Err(unexpected_end(sql)) }
}
