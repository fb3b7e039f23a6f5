//! Splits SQL into tokens by Dremio's lexical rules: enough to know what is code and what is a string, a quoted name or a comment.
//!
//! Dremio's lexer is Calcite's with double-quoted identifiers: no backslash escapes, three kinds of comments of which `//` is the
//! surprising one, and no nesting of `/* */`. Numbers and operators are not told apart further; nobody here asks.

/// A piece of SQL that is not a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or an unquoted name, as written.
    Word(&'a str),
    /// A double-quoted name without its outer quotes, `""` still doubled.
    Quoted(&'a str),
    /// A string literal.
    Text,
    /// Digits, or the part of a number that is digits.
    Digits,
    /// Any other character.
    Symbol(char),
}

/// Why a text cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LexError {
    /// A string, a name or a comment that does not end.
    #[error("{0} is opened and never closed")]
    Unclosed(&'static str),
    /// `/*+ … */`: Dremio reads what is inside as tokens, with strings in which `*/` means nothing.
    #[error("optimizer hints (/*+ … */) are not allowed")]
    Hint,
}

impl Token<'_> {
    /// Whether this is the keyword `keyword`, which is given in upper case.
    pub(super) fn is(self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether this names `name`, quoted or not. Dremio looks names up without regard to case.
    pub(super) fn names(self, name: &str) -> bool {
        matches!(self, Self::Word(found) | Self::Quoted(found) if found.eq_ignore_ascii_case(name))
    }
}

/// The tokens of `sql`, without its comments.
///
/// # Errors
/// When it has no clear end, or a hint.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token<'_>>, LexError> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        rest = if let Some(comment) = rest.strip_prefix("--").or_else(|| rest.strip_prefix("//")) {
            comment.find(['\n', '\r']).and_then(|end| comment.get(end..)).unwrap_or_default()
        } else if let Some(comment) = rest.strip_prefix("/*") {
            if comment.starts_with('+') {
                return Err(LexError::Hint);
            }
            comment.split_once("*/").ok_or(LexError::Unclosed("a comment (/*)"))?.1
        } else if let Some(inner) = rest.strip_prefix('\'') {
            tokens.push(Token::Text);
            closed_by('\'', inner).ok_or(LexError::Unclosed("a string (')"))?.1
        } else if let Some(inner) = rest.strip_prefix('"') {
            let (name, after) = closed_by('"', inner).ok_or(LexError::Unclosed("a quoted name (\")"))?;
            tokens.push(Token::Quoted(name));
            after
        } else if first.is_ascii_digit() {
            tokens.push(Token::Digits);
            rest.trim_start_matches(|c: char| c.is_ascii_digit())
        } else if is_word(first) {
            let after = rest.trim_start_matches(is_word);
            tokens.push(Token::Word(rest.strip_suffix(after).unwrap_or(rest)));
            after
        } else {
            tokens.push(Token::Symbol(first));
            rest.get(first.len_utf8()..).unwrap_or_default()
        }
        .trim_start();
    }
    Ok(tokens)
}

/// Splits `text` at the first `quote` that is not doubled: what stands before it, and what comes after it.
pub(super) fn closed_by(quote: char, text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let end = from + text.get(from..)?.find(quote)?;
        let after = text.get(end + quote.len_utf8()..)?;
        if !after.starts_with(quote) {
            return Some((text.get(..end)?, after));
        }
        from = end + 2 * quote.len_utf8();
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::{LexError, Token, tokens};
    use Token::{Digits, Quoted, Symbol, Text, Word};

    #[test]
    fn code_strings_names_and_comments_are_told_apart() {
        let check = |sql: &str, expected: &[Token<'_>]| assert_eq!(tokens(sql).as_deref(), Ok(expected), "{sql}");
        check("", &[]);
        check(" -- only\n// comments\r/* here */ ", &[]);
        check("-- without an end", &[]);
        check("SELECT 1", &[Word("SELECT"), Digits]);
        check("a.\"b\"\"c\"", &[Word("a"), Symbol('.'), Quoted("b\"\"c")]);
        check("'it''s -- no /* comment'x", &[Text, Word("x")]);
        check("'a\\'b", &[Text, Word("b")]);
        check("\"--\"--\"", &[Quoted("--")]);
        check("/* a /* b */ c", &[Word("c")]);
        check("/**/a/*/ b */c", &[Word("a"), Word("c")]);
        check("a/b-c", &[Word("a"), Symbol('/'), Word("b"), Symbol('-'), Word("c")]);
        check("1INTO", &[Digits, Word("INTO")]);
        check("größe_$1 €", &[Word("größe_$1"), Symbol('€')]);
        check("''''''", &[Text]);
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for sql in ["'", "'it''", "\"a", "\"a\"\"", "/*", "/* *", "SELECT '/*", "/*/"] {
            assert!(matches!(tokens(sql), Err(LexError::Unclosed(_))), "{sql}");
        }
        assert_eq!(tokens("SELECT /*+ x('*/ */ 1"), Err(LexError::Hint));
    }
}
