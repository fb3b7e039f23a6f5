//! The tokens of SQL, as the lexer finds them: what each is, and its name where it is one.

use std::borrow::Cow;

/// A piece of SQL that is neither comment nor whitespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// Its kind.
    pub kind: Kind,
    /// As written, including quotes and prefix.
    pub text: &'a str,
    /// Where it starts, in bytes.
    pub start: usize,
}

/// The kind of a token, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyword or an unquoted name.
    Word,
    /// A double-quoted name.
    Quoted,
    /// A string literal, also with the prefix `N` or `X`.
    Text,
    /// An unsigned number.
    Number,
    /// An operator or a separator.
    Symbol,
}

impl<'a> Token<'a> {
    /// Whether this is the keyword `keyword`, given in upper case.
    #[must_use]
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether this is the operator or separator `symbol`.
    #[must_use]
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// The name that this is, without outer quotes and with `""` still doubled.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Word => Some(self.text),
            Kind::Quoted => self.text.get(1..self.text.len().saturating_sub(1)),
            _ => None,
        }
    }

    /// The name that this is, as it is meant: without outer quotes, `""` undoubled.
    pub(crate) fn unquoted(&self) -> Option<Cow<'a, str>> {
        self.name().map(|name| match self.kind {
            Kind::Quoted if name.contains('"') => name.replace("\"\"", "\"").into(),
            _ => name.into(),
        })
    }

    /// Where it ends, in bytes.
    #[must_use]
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}
