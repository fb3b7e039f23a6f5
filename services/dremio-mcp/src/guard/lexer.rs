//! Splits SQL into the same tokens as Dremio's lexer, at the same positions, or refuses what the
//! two could split differently.
//!
//! Dremio's lexer is Calcite's in its state for double-quoted names (`Parser.jj` of Calcite 1.21,
//! the lexical part at its end): the longest match wins, strings have no backslash escapes, `//`
//! starts a comment as `--` does, and comments do not nest. Three of its rules surprise:
//!
//! - `/**` opens a comment together with the next character. So `/***/` is not closed by its own
//!   slash: what looks like code after it is still a comment.
//! - a character set before a string may contain dashes, and so may the name of a collation:
//!   `_a--'x'` and `a--b$c` are one token each.
//! - whitespace is five ASCII characters and no others; a line ends only at `\n` or `\r`.
//!
//! It refuses whatever depends on the version (hints, `*/` outside a comment, `E'…'`), escapes, and
//! every character that the lexer does not know, which Dremio would reject as well.

use std::ops::Range;

use super::token::{Kind, Token};

/// The parts of a text.
#[derive(Debug)]
pub struct Lexed<'a> {
    /// Its tokens in order.
    pub tokens: Vec<Token<'a>>,
    /// The positions of its comments, in bytes; the line end after a `--` or `//` is not part of
    /// the comment.
    pub comments: Vec<Range<usize>>,
}

impl Lexed<'_> {
    /// A digest of the tokens, for comparison with another lexer: FNV-1a, 32 bits, of each token
    /// followed by a zero byte.
    #[must_use]
    pub fn digest(&self) -> u32 {
        let bytes = self.tokens.iter().flat_map(|token| token.text.bytes().chain([0]));
        bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }
}

/// Why a text cannot be split, or not with certainty. The message is for the agent, and ASCII, so
/// that it fits into a status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is")]
pub enum LexError {
    #[error("{0} is opened and never closed")]
    Unclosed(&'static str),
    #[error(
        "a comment that starts with /** goes on past the slash of /***/, and here it is never \
         closed; write /* and a blank"
    )]
    UnclosedStars,
    #[error("*/ stands where no comment is open; remove it, or write a blank between the two")]
    StrayCommentEnd,
    #[error("optimizer hints (/*+ ... */) are not allowed; write the query without the hint")]
    Hint,
    #[error(
        "Unicode escapes (U&'...' and U&\"...\") are not allowed; write the characters themselves"
    )]
    UnicodeEscape,
    #[error(
        "a string with a character set (_utf8'...') is not allowed; write the string without it"
    )]
    CharacterSet,
    #[error("a string with the prefix E is not allowed; write '...' with '' for a quote")]
    EscapedString,
    #[error("an unquoted name with $ inside is not allowed here; write it in double quotes")]
    Collation,
    #[error(
        "{{d '...'}}, {{ts '...'}} and {{fn ...}} are not allowed; write DATE '...', TIMESTAMP \
         '...', or the function without braces"
    )]
    Brace,
    #[error("a double-quoted name is empty; remove it or name what is meant")]
    EmptyName,
    #[error("a double-quoted name goes over the end of its line; is a double quote missing?")]
    NameOverLines,
    #[error("a back-tick is no quote in Dremio; write names in double quotes")]
    BackTick,
    #[error(
        "the character {0} is not allowed outside strings and double-quoted names; if it belongs \
         to a name, write that in double quotes"
    )]
    Character(char),
    #[error(
        "the character {} is not allowed outside strings and double-quoted names; {}",
        code(*.0),
        .1
    )]
    Unknown(char, &'static str),
}

/// Splits `sql`.
///
/// # Errors
/// When it has no clear end, or something that Dremio could read differently.
pub fn lex(sql: &str) -> Result<Lexed<'_>, LexError> {
    let mut lexed = Lexed { tokens: Vec::new(), comments: Vec::new() };
    let (mut at, mut prefixes) = (0, Prefixes::default());
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let piece = piece(rest)?;
        let length = match piece {
            Piece::Blank => 1,
            Piece::Comment(length) => {
                lexed.comments.push(at..at + length);
                length
            }
            Piece::Token(kind, length) => {
                if matches!(kind, Kind::Word | Kind::Number) {
                    prefixes.check(rest, at)?;
                }
                let text = rest.get(..length).unwrap_or(rest);
                lexed.tokens.push(Token { kind, text, start: at });
                length
            }
        };
        at += length;
    }
    Ok(lexed)
}

/// Takes apart what can be taken apart, for advice about a text that Dremio has refused: what
/// [`lex`] refuses is a symbol of its own, and a comment that is never closed is left out. Nothing
/// that goes to Dremio may come from here.
pub(crate) fn lex_what_can_be(sql: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let (kind, length) = match piece(rest) {
            Ok(Piece::Blank) => (None, 1),
            Ok(Piece::Comment(length)) => (None, length),
            Ok(Piece::Token(kind, length)) => (Some(kind), length),
            Err(LexError::Hint | LexError::UnclosedStars) => {
                (None, rest.find("*/").map_or(rest.len(), |end| end + 2))
            }
            Err(LexError::Unclosed(_)) if rest.starts_with("/*") => (None, rest.len()),
            Err(LexError::StrayCommentEnd) => (None, 2),
            Err(LexError::EmptyName) => (Some(Kind::Symbol), 2),
            Err(LexError::NameOverLines) => {
                (Some(Kind::Symbol), run(rest, |c| c != '\n' && c != '\r'))
            }
            Err(LexError::EscapedString | LexError::UnicodeEscape) => (Some(Kind::Word), first),
            Err(_) => (Some(Kind::Symbol), first),
        };
        if let (Some(kind), Some(text)) = (kind, rest.get(..length)) {
            tokens.push(Token { kind, text, start: at });
        }
        at += length;
    }
    tokens
}

/// What is at the start of a text, and its length in bytes.
enum Piece {
    Blank,
    Comment(usize),
    Token(Kind, usize),
}

fn piece(rest: &str) -> Result<Piece, LexError> {
    let Some(first) = rest.chars().next() else { return Ok(Piece::Blank) };
    let second = rest.as_bytes().get(1).copied().unwrap_or_default();
    let symbol = |length| Ok(Piece::Token(Kind::Symbol, length));
    match (first, second) {
        (' ' | '\t' | '\n' | '\r' | '\x0c', _) => Ok(Piece::Blank),
        ('-', b'-') | ('/', b'/') => {
            Ok(Piece::Comment(rest.find(['\n', '\r']).unwrap_or(rest.len())))
        }
        ('/', b'*') => block_comment(rest).map(Piece::Comment),
        ('*', b'/') => Err(LexError::StrayCommentEnd),
        ('\'', _) => string(rest, 0),
        ('"', _) => quoted_name(rest),
        ('n' | 'N' | 'x' | 'X', b'\'') => string(rest, 1),
        ('e' | 'E', b'\'') => Err(LexError::EscapedString),
        ('u' | 'U', b'&') => Err(LexError::UnicodeEscape),
        ('0'..='9', _) | ('.', b'0'..=b'9') => {
            Ok(Piece::Token(Kind::Number, number(rest.as_bytes())))
        }
        (c, _) if is_letter(c) => {
            Ok(Piece::Token(Kind::Word, run(rest, |c| is_letter(c) || c.is_ascii_digit())))
        }
        ('<', b'=' | b'>') | ('>' | '!', b'=') | ('=', b'>') | ('|', b'|') | ('.', b'.') => {
            symbol(2)
        }
        (
            '(' | ')' | '[' | ']' | ';' | ',' | '.' | '=' | '<' | '>' | '?' | ':' | '+' | '-' | '*'
            | '/' | '%' | '|' | '^',
            _,
        ) => symbol(1),
        ('{' | '}', _) => Err(LexError::Brace),
        ('`', _) => Err(LexError::BackTick),
        ('!'..='~', _) => Err(LexError::Character(first)),
        (c, _) if c.is_alphanumeric() => {
            Err(LexError::Unknown(c, "write the name that it belongs to in double quotes"))
        }
        (c, _) => Err(LexError::Unknown(
            c,
            "write a plain blank, or the name that it belongs to in double quotes",
        )),
    }
}

/// The length of the comment at the start of `rest`, which begins with `/*`.
fn block_comment(rest: &str) -> Result<usize, LexError> {
    let inner = rest.get(2..).unwrap_or_default();
    if inner.starts_with('+') {
        return Err(LexError::Hint);
    }
    // `/**` includes the next character, unless that is a slash.
    let taken = match inner.strip_prefix('*').and_then(|behind| behind.chars().next()) {
        Some(behind) if behind != '/' => 1 + behind.len_utf8(),
        _ => 0,
    };
    let unclosed =
        if taken > 0 { LexError::UnclosedStars } else { LexError::Unclosed("a comment (/*)") };
    let end = inner.get(taken..).unwrap_or_default().find("*/").ok_or(unclosed)?;
    Ok(2 + taken + end + 2)
}

/// A string literal whose quote is at `prefix`.
fn string(rest: &str, prefix: usize) -> Result<Piece, LexError> {
    let inner = rest.get(prefix + 1..).unwrap_or_default();
    let (text, _) = closed_by('\'', inner).ok_or(LexError::Unclosed("a string (')"))?;
    Ok(Piece::Token(Kind::Text, prefix + text.len() + 2))
}

fn quoted_name(rest: &str) -> Result<Piece, LexError> {
    let (name, _) = closed_by('"', rest.get(1..).unwrap_or_default())
        .ok_or(LexError::Unclosed("a quoted name (\")"))?;
    match name {
        "" => Err(LexError::EmptyName),
        _ if name.contains(['\n', '\r']) => Err(LexError::NameOverLines),
        _ => Ok(Piece::Token(Kind::Quoted, name.len() + 2)),
    }
}

/// The length of the number at the start of `rest`: digits, a dot, digits, an exponent.
fn number(rest: &[u8]) -> usize {
    let digits =
        |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if rest.get(end) == Some(&b'.') {
        end += 1;
        end += digits(end);
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// Looks for tokens that begin like a word or a number and continue past its end. Each run of
/// characters that could belong to one is scanned once, however many words it has.
#[derive(Default)]
struct Prefixes {
    collation_checked_to: usize,
    charset_run: Range<usize>,
    charset_run_is_quoted: bool,
}

impl Prefixes {
    /// `rest` starts with a word or a number, at position `at`.
    fn check(&mut self, rest: &str, at: usize) -> Result<(), LexError> {
        if at >= self.collation_checked_to {
            let length =
                run(rest, |c| is_letter(c) || c.is_ascii_digit() || matches!(c, ':' | '.' | '-'));
            if is_collation(rest.get(..length).unwrap_or(rest)) {
                return Err(LexError::Collation);
            }
            self.collation_checked_to = at + length;
        }
        let Some(behind) = rest.strip_prefix('_') else { return Ok(()) };
        if !self.charset_run.contains(&at) {
            let length = 1 + run(behind, |c| {
                c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-' | '_')
            });
            self.charset_run = at..at + length;
            self.charset_run_is_quoted =
                rest.get(length..).is_some_and(|behind| behind.starts_with('\''));
        }
        let is_name = behind.starts_with(|c: char| c.is_ascii_alphanumeric());
        if is_name && self.charset_run_is_quoted { Err(LexError::CharacterSet) } else { Ok(()) }
    }
}

/// Whether the name of a collation could begin at the start of `run`: a `$` that is not first, and
/// a letter after it.
fn is_collation(run: &str) -> bool {
    let mut characters = run.chars().skip(1).peekable();
    while let Some(c) = characters.next() {
        if c == '$' && characters.peek().copied().is_some_and(is_letter) {
            return true;
        }
    }
    false
}

/// Unicode's notation of a character that may be invisible.
fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Splits `text` at the first `quote` that is not doubled, into what comes before and after it.
pub(crate) fn closed_by(quote: char, text: &str) -> Option<(&str, &str)> {
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

/// A letter in both Calcite and Unicode: Calcite's ranges contain whitespace and format characters.
/// Its digits beyond ASCII count as letters there too.
fn is_letter(c: char) -> bool {
    match c {
        'A'..='Z' | 'a'..='z' | '_' | '$' => true,
        '\u{c0}'..='\u{d6}'
        | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{1fff}'
        | '\u{3040}'..='\u{318f}'
        | '\u{3300}'..='\u{337f}'
        | '\u{3400}'..='\u{3d2d}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' => c.is_alphanumeric(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
