//! A statement that has failed, read as far as it can be: its tokens, what it reads from, and what
//! its columns are called.

mod shape;

use std::ops::Range;
use std::sync::LazyLock;

use self::shape::CLAUSES;
pub(super) use self::shape::Relation;
use crate::guard::lexer::lex_what_can_be;
use crate::guard::{Kind, Token};

/// What is wrong, and how to write it: the token at which it stands, and the text.
pub(super) type Finding = (usize, String);

/// How much of a statement is read, in bytes. Some of what is looked for takes time that grows with
/// the square of it.
const READ_BYTES_MAX: usize = 8 * 1024;
/// How many tables, and how many SELECTs, are looked at.
const PARTS_MAX: usize = 50;
/// Longest piece of a statement that advice repeats, in characters.
const PIECE_CHARS_MAX: usize = 120;

/// Words that need double quotes as a name: the keywords of Dremio's grammar (`Parser.tdd` of 25.2
/// over Calcite's) without those that the grammar calls non-reserved.
const RESERVED: &str = include_str!("reserved.txt");

pub(super) struct Reading<'a> {
    sql: &'a str,
    tokens: Vec<Token<'a>>,
    places: Vec<Place>,
}

/// Where a token stands.
#[derive(Clone, Copy)]
struct Place {
    /// The partner of a bracket.
    partner: Option<usize>,
    /// The bracket around it.
    around: Option<usize>,
    /// How many brackets are around it.
    depth: usize,
    /// Whether a SELECT stands before it, within the same bracket or outside of all.
    has_select: bool,
}

impl Place {
    fn within(open: &[(Option<usize>, bool)], partner: Option<usize>) -> Self {
        let (around, has_select) = open.last().copied().unwrap_or_default();
        Self {
            partner,
            around,
            depth: open.len().saturating_sub(1),
            has_select: has_select || around.is_none(),
        }
    }
}

impl<'a> Reading<'a> {
    pub(super) fn of(sql: &'a str) -> Self {
        let mut end = sql.len().min(READ_BYTES_MAX);
        while !sql.is_char_boundary(end) {
            end -= 1;
        }
        let sql = sql.get(..end).unwrap_or_default();
        let tokens = lex_what_can_be(sql);
        let mut places: Vec<Place> = Vec::with_capacity(tokens.len());
        // The open brackets, and whether a SELECT has stood in each; the first is no bracket.
        let mut open: Vec<(Option<usize>, bool)> = vec![(None, false)];
        for (at, token) in tokens.iter().enumerate() {
            if matches!((token.kind, token.text), (Kind::Symbol, ")" | "]"))
                && let Some((Some(partner), _)) = open.pop_if(|(bracket, _)| bracket.is_some())
            {
                if let Some(place) = places.get_mut(partner) {
                    place.partner = Some(at);
                }
                places.push(Place::within(&open, Some(partner)));
                continue;
            }
            places.push(Place::within(&open, None));
            if matches!((token.kind, token.text), (Kind::Symbol, "(" | "[")) {
                open.push((Some(at), false));
            } else if token.is("SELECT")
                && let Some((_, has_select)) = open.last_mut()
            {
                *has_select = true;
            }
        }
        Self { sql, tokens, places }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn indexes(&self) -> Range<usize> {
        0..self.tokens.len()
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token<'a>> {
        self.tokens.get(at)
    }

    /// The token that stands `back` before `at`.
    pub(super) fn before(&self, at: usize, back: usize) -> Option<&Token<'a>> {
        at.checked_sub(back).and_then(|at| self.tokens.get(at))
    }

    /// Whether the keyword `word`, in upper case, stands there.
    pub(super) fn is(&self, at: usize, word: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(word))
    }

    pub(super) fn is_any(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    pub(super) fn is_symbol(&self, at: usize, symbol: &str) -> bool {
        self.token(at).is_some_and(|token| token.is_symbol(symbol))
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.token(at).map(|token| token.kind)
    }

    /// A name as it is meant: without quotes, `""` undoubled.
    pub(super) fn name(&self, at: usize) -> Option<String> {
        self.token(at).and_then(Token::unquoted).map(String::from)
    }

    /// Whether nothing stands between the token there and the next one.
    pub(super) fn touches_next(&self, at: usize) -> bool {
        match (self.token(at), self.token(at + 1)) {
            (Some(one), Some(next)) => one.end() == next.start,
            _ => false,
        }
    }

    pub(super) fn depth(&self, at: usize) -> usize {
        self.places.get(at).map_or(0, |place| place.depth)
    }

    /// Where the partner of the bracket there is.
    pub(super) fn partner(&self, at: usize) -> Option<usize> {
        self.places.get(at)?.partner
    }

    /// The bracket in which the token there stands.
    pub(super) fn enclosing(&self, at: usize) -> Option<usize> {
        self.places.get(at)?.around
    }

    /// What stands before the bracket around the token there: what is called, if it is a call.
    pub(super) fn call_around(&self, at: usize) -> Option<usize> {
        self.enclosing(at)?.checked_sub(1)
    }

    /// Whether brackets are left open, or closed that were never open: the first of them.
    pub(super) fn lone_bracket(&self) -> Option<usize> {
        self.indexes().find(|at| {
            self.partner(*at).is_none()
                && ["(", ")"].iter().any(|bracket| self.is_symbol(*at, bracket))
        })
    }

    /// These tokens as they are written, shortened.
    pub(super) fn text(&self, tokens: Range<usize>) -> String {
        let last = tokens.end.checked_sub(1).and_then(|last| self.token(last));
        let (Some(first), Some(last)) = (self.token(tokens.start), last) else {
            return String::new();
        };
        let text = self.sql.get(first.start..last.end()).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(PIECE_CHARS_MAX) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }

    /// The token at this line and column, both from 1 and in UTF-16 units as Dremio counts, or the
    /// one before it.
    pub(super) fn at_position(&self, line: usize, column: usize) -> Option<usize> {
        let mut start = 0;
        for _ in 1..line {
            start += self.sql.get(start..)?.find('\n')? + 1;
        }
        let mut units = 1;
        let offset = self.sql.get(start..)?.char_indices().find(|(_, c)| {
            let is_there = units >= column;
            units += c.len_utf16();
            is_there
        });
        let at = offset.map_or(self.sql.len(), |(offset, _)| start + offset);
        self.tokens.iter().rposition(|token| token.start <= at)
    }

    /// The arguments of the call whose bracket opens there, each a range of tokens.
    pub(super) fn arguments(&self, open: usize) -> Vec<Range<usize>> {
        let close = self.partner(open).unwrap_or(self.len());
        self.split_at_commas(open + 1..close)
    }

    /// These tokens, split at commas outside of brackets.
    pub(super) fn split_at_commas(&self, tokens: Range<usize>) -> Vec<Range<usize>> {
        let depth = self.depth(tokens.start);
        let (mut parts, mut from) = (Vec::new(), tokens.start);
        for at in tokens.clone() {
            if self.is_symbol(at, ",") && self.depth(at) == depth {
                parts.push(from..at);
                from = at + 1;
            }
        }
        if from < tokens.end {
            parts.push(from..tokens.end);
        }
        parts
    }

    /// Where the operand that ends before `end` begins: a literal, a path, a call, brackets.
    pub(super) fn operand_before(&self, end: usize) -> Option<usize> {
        let mut start = end.checked_sub(1)?;
        if self.is(start, "END") {
            return (0..start).rev().find(|at| self.is(*at, "CASE"));
        }
        while self.is_symbol(start, ")") || self.is_symbol(start, "]") {
            start = self.partner(start)?;
            match start.checked_sub(1).and_then(|before| self.kind(before)) {
                Some(Kind::Word | Kind::Quoted) if !self.is_any(start - 1, &CLAUSES) => start -= 1,
                Some(Kind::Symbol) if self.is_symbol(start - 1, "]") => start -= 1,
                _ => return Some(start),
            }
        }
        self.token(start).filter(|token| token.kind != Kind::Symbol)?;
        while start >= 2 && self.is_symbol(start - 1, ".") && self.name(start - 2).is_some() {
            start -= 2;
        }
        if start > 0
            && self.is_any(start - 1, &["DATE", "TIMESTAMP", "TIME"])
            && self.kind(start) == Some(Kind::Text)
        {
            start -= 1;
        }
        Some(start)
    }

    /// Where the operand that begins at `start` ends.
    pub(super) fn operand_end(&self, start: usize) -> usize {
        let mut at = start;
        if self.is_symbol(at, "-") || self.is_symbol(at, "+") {
            at += 1;
        }
        if self.is(at, "CASE") {
            let end = (at..self.len()).find(|at| self.is(*at, "END"));
            return end.map_or(self.len(), |end| end + 1);
        }
        if self.is_any(at, &["DATE", "TIMESTAMP", "TIME", "INTERVAL"])
            && self.kind(at + 1) == Some(Kind::Text)
        {
            at += 1 + usize::from(self.is(at, "INTERVAL"));
        }
        at += usize::from(!self.is_symbol(at, "("));
        loop {
            if self.is_symbol(at, "(") || self.is_symbol(at, "[") {
                at = self.partner(at).map_or(self.len(), |close| close + 1);
            } else if self.is_symbol(at, ".") && self.name(at + 1).is_some() {
                at += 2;
            } else {
                return at.min(self.len());
            }
        }
    }
}

/// Whether a word may not be a name without double quotes.
pub(super) fn is_reserved(word: &str) -> bool {
    static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut words: Vec<&str> = RESERVED.split_ascii_whitespace().collect();
        words.sort_unstable();
        words
    });
    let upper = || word.bytes().map(|byte| byte.to_ascii_uppercase());
    WORDS.binary_search_by(|known| known.bytes().cmp(upper())).is_ok()
}
