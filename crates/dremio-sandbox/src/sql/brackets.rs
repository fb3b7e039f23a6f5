//! Which bracket closes which: the only structure of a statement besides the sequence of its
//! tokens.

use super::error::SqlError;
use super::token::Token;

/// Levels of brackets; Dremio gives up on deeper statements too, with a planning stack overflow.
const DEPTH_MAX: usize = 200;

/// For every token the index of the bracket that closes it, if it is an opening one.
#[derive(Debug)]
pub(crate) struct Brackets(Vec<Option<usize>>);

impl Brackets {
    pub(crate) fn pair(sql: &str, tokens: &[Token]) -> Result<Self, SqlError> {
        let mut closes = vec![None; tokens.len()];
        let mut open: Vec<(usize, &str)> = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            if token.is_symbol("(") || token.is_symbol("[") {
                if open.len() >= DEPTH_MAX {
                    return Err(SqlError::failed(
                        "The query planning failed due to a stack overflow. The expression is nested too deeply.",
                    ));
                }
                open.push((index, if token.is_symbol("(") { ")" } else { "]" }));
            } else if token.is_symbol(")") || token.is_symbol("]") {
                match open.pop() {
                    Some((opened, close)) if token.is_symbol(close) => {
                        if let Some(slot) = closes.get_mut(opened) {
                            *slot = Some(index);
                        }
                    }
                    _ => return Err(SqlError::encountered(sql, token)),
                }
            }
        }
        if open.is_empty() { Ok(Self(closes)) } else { Err(SqlError::unexpected_end(sql)) }
    }

    pub(crate) fn close_of(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied().flatten()
    }

    /// The index after the token, or after the group that it opens.
    pub(crate) fn after(&self, index: usize) -> usize {
        self.close_of(index).unwrap_or(index) + 1
    }
}
