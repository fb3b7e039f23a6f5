//! `AT SNAPSHOT '1'` and its kind after a table's name, which sqlparser does not know: taken out of
//! the tokens before it reads them.

use std::collections::HashMap;

use super::lexer::{Kind, Position, Token};

/// Which state of a table is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// `BRANCH`, `TAG`, `COMMIT`, `REF`, `REFERENCE`, `SNAPSHOT` or `TIMESTAMP`.
    pub(crate) kind: String,
    /// A name or a text; `None` for an expression.
    pub(crate) value: Option<String>,
}

/// Versions by line and column of the last part of the table's name.
pub(crate) type Versions = HashMap<(u64, u64), Version>;

const KINDS: [&str; 7] = ["BRANCH", "TAG", "COMMIT", "REF", "REFERENCE", "SNAPSHOT", "TIMESTAMP"];

/// The tokens without versions, and the versions.
pub(super) fn take(sql: &str, tokens: &[Token]) -> (Vec<Token>, Versions) {
    let (mut rest, mut versions) = (Vec::with_capacity(tokens.len()), Versions::new());
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match version(tokens.get(index..).unwrap_or_default()) {
            Some((version, len)) if rest.last().is_some_and(Token::is_name) => {
                let at = rest.last().map_or(0, |name: &Token| name.at);
                let Position { line, column } = Position::of(sql, at);
                versions.insert((line, column), version);
                index += len;
            }
            _ => {
                rest.push(token.clone());
                index += 1;
            }
        }
    }
    (rest, versions)
}

/// A version at the beginning of the tokens, and how many they are.
fn version(tokens: &[Token]) -> Option<(Version, usize)> {
    let [at, kind, value, behind @ ..] = tokens else { return None };
    if !at.is_word("AT") || !kind.is_any_word(&KINDS) {
        return None;
    }
    let kind = kind.text.to_uppercase();
    let is_call = value.kind == Kind::Word && behind.first().is_some_and(|it| it.is_symbol("("));
    if !is_call {
        return Some((Version { kind, value: Some(value.text.clone()) }, 3));
    }
    let mut open = 0_usize;
    let end = behind.iter().position(|token| {
        open += usize::from(token.is_symbol("("));
        open -= usize::from(token.is_symbol(")"));
        open == 0
    })?;
    Some((Version { kind, value: None }, 4 + end))
}
