//! Dremio SQL as tokens (contract §7.4): what is a string, what is a name, what is a comment.
//!
//! Comments are `--`, `//` and `/* */` (not nested). Names are quoted with `"` only, strings with
//! `'` only, and there is no backslash. What Dremio's lexer does not know (`` ` ``, `@`, `#` …) is
//! an error here too, so that an agent learns it here.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An unquoted identifier or keyword, as typed.
    Word,
    /// A quoted identifier; the text is what is between the quotes, `""` undoubled.
    Quoted,
    /// A string literal; the text is its value.
    Text,
    /// A number, as typed.
    Number,
    /// An operator or a bracket.
    Symbol,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// Byte offset in the statement.
    pub(crate) at: usize,
}

/// A place in the text where no token begins, or a token that does not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LexicalError {
    pub(crate) at: usize,
    pub(crate) found: String,
}

/// Line and column of a byte offset, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Position {
    pub(crate) fn of(sql: &str, at: usize) -> Self {
        let (line, column) = Self::all(sql, [at].into_iter()).next().unwrap_or_default();
        Self { line, column }
    }

    /// Lines and columns of byte offsets that grow.
    pub(crate) fn all<'a>(
        sql: &'a str,
        offsets: impl Iterator<Item = usize> + 'a,
    ) -> impl Iterator<Item = (u64, u64)> + 'a {
        let (mut from, mut line, mut column) = (0, 1_u64, 1_u64);
        offsets.map(move |at| {
            for char in sql.get(from..at).unwrap_or_default().chars() {
                (line, column) = if char == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            from = at;
            (line, column)
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Token {
    /// Whether this is the keyword `word`, which must be in capitals.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_any_word(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }
}

pub(crate) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What separates tokens in Calcite's lexer, and nothing else does.
const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', '\x0c'];

/// The tokens of `sql`, without space and comments.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<Token>, LexicalError> {
    let mut lexer = Lexer { sql, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space_and_comments()?;
        if lexer.rest().is_empty() {
            return Ok(tokens);
        }
        tokens.push(lexer.token()?);
    }
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.sql.get(self.at..).unwrap_or_default()
    }

    fn skip_space_and_comments(&mut self) -> Result<(), LexicalError> {
        loop {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start_matches(BLANKS).len();
            if space > 0 {
                self.at += space;
            } else if rest.starts_with("--") || rest.starts_with("//") {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += block_comment_len(rest).ok_or_else(|| self.error("/*"))?;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, LexicalError> {
        let rest = self.rest();
        let mut chars = rest.chars();
        let first = chars.next().unwrap_or_default();
        let second = chars.next().unwrap_or_default();
        match first {
            '\'' => self.delimited('\'', Kind::Text, 0),
            // National strings are strings.
            'n' | 'N' if second == '\'' => self.delimited('\'', Kind::Text, 1),
            '"' => self.delimited('"', Kind::Quoted, 0),
            _ if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) => {
                Ok(self.take(Kind::Number, number_len(rest)))
            }
            _ if is_name_start(first) => {
                let len = rest
                    .find(|char| !is_name_start(char) && !char.is_numeric())
                    .unwrap_or(rest.len());
                Ok(self.take(Kind::Word, len))
            }
            _ => {
                let known = ["<>", "<=", ">=", "!=", "||", "=>"]
                    .into_iter()
                    .find(|symbol| rest.starts_with(symbol));
                match known {
                    Some(symbol) => Ok(self.take(Kind::Symbol, symbol.len())),
                    None if "()[]{},.;+-*/%=<>".contains(first) => {
                        Ok(self.take(Kind::Symbol, first.len_utf8()))
                    }
                    None => Err(self.error(&first.to_string())),
                }
            }
        }
    }

    fn take(&mut self, kind: Kind, len: usize) -> Token {
        let text = self.rest().get(..len).unwrap_or_default().to_owned();
        let at = self.at;
        self.at += len;
        Token { kind, text, at }
    }

    /// A token in quotes, a doubled quote standing for one; `skip` bytes come before the opening
    /// quote.
    fn delimited(&mut self, quote: char, kind: Kind, skip: usize) -> Result<Token, LexicalError> {
        let rest = self.rest().get(skip + 1..).unwrap_or_default();
        let mut text = String::new();
        let mut chars = rest.char_indices().peekable();
        while let Some((index, char)) = chars.next() {
            if char != quote {
                text.push(char);
            } else if chars.next_if(|(_, next)| *next == quote).is_some() {
                text.push(quote);
            } else {
                let at = self.at;
                self.at += skip + 1 + index + 1;
                return Ok(Token { kind, text, at });
            }
        }
        Err(self.error(&quote.to_string()))
    }

    fn error(&self, found: &str) -> LexicalError {
        LexicalError { at: self.at, found: found.to_owned() }
    }
}

/// The length of the block comment with which `text` starts. As in Calcite, `/**` takes the
/// character behind it along, unless that is a slash: `/***/` is not closed by its own.
fn block_comment_len(text: &str) -> Option<usize> {
    let inner = text.get(2..)?;
    let taken = match inner.strip_prefix('*').and_then(|behind| behind.chars().next()) {
        Some(behind) if behind != '/' => 1 + behind.len_utf8(),
        _ => 0,
    };
    inner.get(taken..)?.find("*/").map(|end| 2 + taken + end + 2)
}

fn is_name_start(char: char) -> bool {
    char.is_alphabetic() || char == '_' || char == '$'
}

/// Digits, a fraction and an exponent.
fn number_len(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len())
    };
    let mut end = digits(0);
    if text.get(end..).is_some_and(|rest| rest.starts_with('.')) {
        end = digits(end + 1);
    }
    if text.get(end..).is_some_and(|rest| rest.starts_with(['e', 'E'])) {
        let signed = text.get(end + 1..).is_some_and(|rest| rest.starts_with(['+', '-']));
        let start = end + 1 + usize::from(signed);
        let exponent_end = digits(start);
        if exponent_end > start {
            end = exponent_end;
        }
    }
    end
}

#[cfg(test)]
mod tests;
