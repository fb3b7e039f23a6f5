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

    /// Whether this is a name, or a word that may be one.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// Whether this is the name `name`, whatever the case of ASCII letters.
    pub(crate) fn means(&self, name: &str) -> bool {
        if self.kind == Kind::Word {
            return self.text.eq_ignore_ascii_case(name);
        }
        let Some(own) = self.name() else { return false };
        let mut own = own.bytes();
        let is_same = |byte: u8| {
            let next = own.next();
            // Inside, a double quote is written twice.
            if next == Some(b'"') {
                own.next();
            }
            next.is_some_and(|next| next.eq_ignore_ascii_case(&byte))
        };
        name.bytes().all(is_same) && own.next().is_none()
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

#[cfg(test)]
mod tests {
    use crate::guard::lex;

    #[test]
    fn a_token_means_the_name_that_it_is_without_its_quotes() {
        let names = ["a", "A", "\"", "a\"b", "a\"\"b", "a\"", "\"a", "ab", "a.b", "ä", "Ä", ""];
        let tokens = [
            "a",
            "A",
            "ab",
            "ä",
            "\"a\"",
            "\"\"\"\"",
            "\"a\"\"b\"",
            "\"a\"\"\"\"b\"",
            "\"a\"\"\"",
            "\"\"\"a\"",
            "\"a.b\"",
            "\"Ä\"",
            "'a'",
            "1",
            ".",
        ];
        for (text, name) in tokens.iter().flat_map(|text| names.map(|name| (text, name))) {
            let token = lex(text).unwrap().tokens[0];
            let expected = token.unquoted().is_some_and(|own| own.eq_ignore_ascii_case(name));
            assert_eq!(token.means(name), expected, "{text} {name}");
        }
    }
}
