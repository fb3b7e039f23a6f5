//! Whether a statement names only what its client may name, decided over the guard's tokens.
//!
//! Calcite's grammar has few places where a table can stand: behind FROM, JOIN and APPLY, behind a
//! comma of FROM, and behind TABLE; besides, a function of a space can read tables. At each of
//! these places stands something that is known here and allowed, or the statement is refused. The
//! walk errs towards seeing such a place where there is none:
//!
//! - FROM is a clause in every pair of parentheses that has a SELECT of its own; it goes on until
//!   WHERE, GROUP BY, ORDER BY, HAVING or a set operation, all of them reserved words.
//! - A name without dots is of WITH, or must be allowed itself. Where WITH names are known is not
//!   followed, so none may be the name of a space or source, and neither may an alias.
//! - A statement of another kind than a query, DESCRIBE or SHOW is refused.
//!
//! What a view or a function reads that may be named is not looked at: that is how a part of the
//! data is shared.

mod keyword;

use self::keyword::Keyword;
use super::names::{NameSet, fold};
use super::refusal::NotAllowed;
use super::schemas::Schemas;
use crate::guard::{Kind, Token};

/// Checks the tokens of a statement that the guard takes for one that reads. `tops` are the names
/// of spaces and sources.
///
/// # Errors
/// What it names and may not, or why that cannot be told.
pub(super) fn check(
    tokens: &[Token<'_>],
    schemas: &Schemas,
    tops: &NameSet,
) -> Result<(), NotAllowed> {
    let mut statement = tokens;
    while let [before @ .., last] = statement
        && last.is_symbol(";")
    {
        statement = before;
    }
    match statement {
        [first, rest @ ..] if first.is("SHOW") => shown(rest, schemas),
        [first, rest @ ..] if first.is("DESCRIBE") || first.is("DESC") => described(rest, schemas),
        [first, rest @ ..] if first.is("EXPLAIN") => {
            let query = rest.iter().position(|token| token.is("FOR")).map_or(0, |end| end + 1);
            Walk::of(rest.get(query..).unwrap_or_default(), schemas, tops).run()
        }
        _ => Walk::of(statement, schemas, tops).run(),
    }
}

/// `SHOW TABLES IN path`, `SHOW CREATE VIEW path`.
fn shown(rest: &[Token<'_>], schemas: &Schemas) -> Result<(), NotAllowed> {
    let of_create = match rest {
        [create, what, ..] if create.is("CREATE") && (what.is("TABLE") || what.is("VIEW")) => {
            Some(2)
        }
        _ => None,
    };
    let behind = |token: &Token<'_>| token.is("IN") || token.is("FROM");
    let at = of_create.or_else(|| rest.iter().position(behind).map(|place| place + 1));
    let at = at.ok_or(NotAllowed::Unclear("SHOW lists everything without IN and a path"))?;
    allowed(rest.get(at..).unwrap_or_default(), schemas)
}

/// `DESCRIBE path`, with or without TABLE or FUNCTION.
fn described(rest: &[Token<'_>], schemas: &Schemas) -> Result<(), NotAllowed> {
    let path = match rest {
        [what, path @ ..] if what.is("TABLE") || what.is("FUNCTION") => path,
        path => path,
    };
    allowed(path, schemas)
}

/// How many tokens the path at the start of `tokens` has.
fn path_tokens(tokens: &[Token<'_>]) -> Result<usize, NotAllowed> {
    if !tokens.first().is_some_and(Token::is_name) {
        return Err(NO_NAME);
    }
    let mut count = 1;
    while let Some([dot, next, ..]) = tokens.get(count..)
        && dot.is_symbol(".")
        && next.is_name()
    {
        // All others are never a part without quotes, because they begin something.
        if Keyword::of(next).is_some_and(|word| !word.may_be_a_name()) {
            return Err(NotAllowed::Unclear("a part of a name is a reserved word; quote it"));
        }
        count += 2;
    }
    Ok(count)
}

/// Whether the path at the start of `tokens` may be named.
fn allowed(tokens: &[Token<'_>], schemas: &Schemas) -> Result<(), NotAllowed> {
    may_be_named(tokens, path_tokens(tokens)?, schemas)
}

/// The same of a path of so many tokens.
fn may_be_named(tokens: &[Token<'_>], count: usize, schemas: &Schemas) -> Result<(), NotAllowed> {
    // Every other token is a dot.
    let parts = tokens.get(..count).unwrap_or(tokens).iter().step_by(2);
    let texts = parts.clone().map(|part| part.text.trim_matches('"'));
    if schemas.allow_by(texts, |place, name| {
        parts.clone().nth(place).is_some_and(|part| part.means(name))
    }) {
        return Ok(());
    }
    Err(NotAllowed::path(parts.filter_map(Token::unquoted)))
}

const NO_NAME: NotAllowed = NotAllowed::Unclear("a table stands where no name is");

/// One pair of parentheses, or the whole.
#[derive(Clone, Copy, Default)]
struct Frame {
    /// It has a SELECT of its own.
    is_query: bool,
    is_in_from: bool,
    /// The next thing is a table.
    wants_table: bool,
    /// The last thing was a table: a name behind it is its alias.
    is_behind_table: bool,
    /// It is the body of a name of WITH, and what is behind it may be the next name.
    is_body: bool,
}

struct Walk<'w> {
    tokens: &'w [Token<'w>],
    at: usize,
    schemas: &'w Schemas,
    tops: &'w NameSet,
    frame: Frame,
    outer: Vec<Frame>,
    /// The names of WITH.
    with: NameSet,
    /// The name that is looked up.
    folded: String,
}

impl<'w> Walk<'w> {
    fn of(tokens: &'w [Token<'w>], schemas: &'w Schemas, tops: &'w NameSet) -> Self {
        let (frame, outer) = (Frame::default(), Vec::new());
        let (with, folded) = (NameSet::default(), String::new());
        Self { tokens, at: 0, schemas, tops, frame, outer, with, folded }
    }

    fn run(mut self) -> Result<(), NotAllowed> {
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Symbol => self.symbol(token)?,
                Kind::Word => match Keyword::of(token) {
                    Some(word) if self.keyword(word)? => {}
                    _ => self.name(token)?,
                },
                Kind::Quoted => self.name(token)?,
                Kind::Text | Kind::Number if self.frame.wants_table => return Err(NO_NAME),
                Kind::Text | Kind::Number => self.at += 1,
            }
        }
        if self.outer.is_empty() && !self.frame.wants_table {
            Ok(())
        } else {
            Err(NotAllowed::Unclear("it ends in the middle"))
        }
    }

    /// The tokens from `offset` behind the current one on.
    fn behind(&self, offset: usize) -> &'w [Token<'w>] {
        self.tokens.get(self.at + offset..).unwrap_or_default()
    }

    fn is_next(&self, offset: usize, symbol: &str) -> bool {
        self.behind(offset).first().is_some_and(|next| next.is_symbol(symbol))
    }

    /// Whether the token so far back is one of these words.
    fn was(&self, back: usize, words: &[&str]) -> bool {
        let before = self.at.checked_sub(back).and_then(|at| self.tokens.get(at));
        before.is_some_and(|before| words.iter().any(|word| before.is(word)))
    }

    fn open(&mut self, frame: Frame) {
        self.outer.push(std::mem::replace(&mut self.frame, frame));
    }

    fn symbol(&mut self, token: &Token<'_>) -> Result<(), NotAllowed> {
        self.at += 1;
        let frame = &mut self.frame;
        match token.text {
            "(" => {
                // `FROM (a JOIN b)`: what wanted a table finds it inside.
                let wants_table = std::mem::take(&mut frame.wants_table);
                frame.is_behind_table = false;
                self.open(Frame { wants_table, is_in_from: wants_table, ..Frame::default() });
            }
            ")" => {
                let outer = self.outer.pop().filter(|_| !self.frame.wants_table);
                let outer = outer.ok_or(NotAllowed::Unclear("its parentheses do not match"))?;
                let closed = std::mem::replace(&mut self.frame, outer);
                self.frame.is_behind_table = self.frame.is_in_from;
                if closed.is_body && self.is_next(0, ",") {
                    self.at += 1;
                    self.name_of_with()?;
                }
            }
            _ if frame.wants_table => return Err(NO_NAME),
            "," => (frame.wants_table, frame.is_behind_table) = (frame.is_in_from, false),
            _ => frame.is_behind_table = false,
        }
        Ok(())
    }

    /// Takes a word that means something here; false if it is a name.
    fn keyword(&mut self, word: Keyword) -> Result<bool, NotAllowed> {
        match word {
            Keyword::Select | Keyword::Values => {
                let begins = self.at == 0 || self.tokens.get(self.at - 1).is_some_and(opens);
                if self.frame.is_in_from && !begins && !self.was(1, &["MINUS"]) {
                    return Err(NotAllowed::Unclear("a query begins in the middle of another"));
                }
                let Frame { is_query, is_body, .. } = self.frame;
                let is_query = is_query || word == Keyword::Select;
                self.frame = Frame { is_query, is_body, ..Frame::default() };
            }
            Keyword::With if !self.frame.is_query && !self.frame.is_behind_table => {
                (self.frame.is_in_from, self.frame.wants_table) = (false, false);
                self.at += 1;
                if self.behind(0).first().is_some_and(|next| next.is("RECURSIVE")) {
                    self.at += 1;
                }
                return self.name_of_with().map(|()| true);
            }
            Keyword::From => {
                // Anywhere else, as in EXTRACT, it is no clause; nor is it in IS DISTINCT FROM.
                let is_operator = self.was(1, &["DISTINCT"])
                    && (self.was(2, &["IS"]) || (self.was(2, &["NOT"]) && self.was(3, &["IS"])));
                if self.frame.is_query && !is_operator {
                    (self.frame.is_in_from, self.frame.wants_table) = (true, true);
                }
            }
            Keyword::Join => (self.frame.is_in_from, self.frame.wants_table) = (true, true),
            Keyword::Apply if self.was(1, &["CROSS", "OUTER"]) => {
                (self.frame.is_in_from, self.frame.wants_table) = (true, true);
            }
            Keyword::Table => {
                let is_call = self.is_next(1, "(");
                if is_call {
                    allowed(self.behind(2), self.schemas)?;
                } else {
                    self.frame.is_in_from = true;
                }
                self.frame.wants_table = !is_call;
            }
            Keyword::Unnest if self.frame.wants_table && self.is_next(1, "(") => {
                self.frame.wants_table = false;
            }
            Keyword::EndsFrom | Keyword::EndsFromOrName => self.end_from()?,
            // `WITHIN GROUP (ORDER BY …)` does not end the list of tables.
            Keyword::GroupOrOrder if self.behind(1).first().is_some_and(|next| next.is("BY")) => {
                self.end_from()?;
            }
            Keyword::At if !self.frame.wants_table => {
                // `AT BRANCH main` and its like: a version of the table before it. A path is none.
                for offset in [1, 2] {
                    if path_tokens(self.behind(offset)).is_ok_and(|count| count > 1) {
                        allowed(self.behind(offset), self.schemas)?;
                    }
                }
            }
            Keyword::Lateral => {}
            // `a MULTISET UNION b` is an operator of values, which does not end the list of tables.
            Keyword::Multiset => {
                return Err(NotAllowed::Unclear("it has MULTISET, which Dremio has no use for"));
            }
            Keyword::As if !self.frame.wants_table => {}
            _ => return Ok(false),
        }
        self.at += 1;
        Ok(true)
    }

    /// The list of tables ends.
    fn end_from(&mut self) -> Result<(), NotAllowed> {
        if self.frame.wants_table {
            return Err(NO_NAME);
        }
        (self.frame.is_in_from, self.frame.is_behind_table) = (false, false);
        Ok(())
    }

    /// A name of WITH, up to the parenthesis of its body: `name AS (` or `name (columns) AS (`.
    fn name_of_with(&mut self) -> Result<(), NotAllowed> {
        let unclear = || NotAllowed::Unclear("WITH is not followed by a name, AS and a query");
        let name = self.behind(0).first().filter(|name| name.is_name()).ok_or_else(unclear)?;
        self.take_alias(name)?;
        self.with.insert(self.folded.clone());
        self.at += 1;
        if self.is_next(0, "(") {
            let end = self.behind(0).iter().position(|token| token.is_symbol(")"));
            self.at += end.ok_or_else(unclear)? + 1;
        }
        match self.behind(0) {
            [is, open, ..] if is.is("AS") && open.is_symbol("(") => {
                self.at += 2;
                self.open(Frame { is_body: true, ..Frame::default() });
                Ok(())
            }
            _ => Err(unclear()),
        }
    }

    /// A path, or an alias.
    fn name(&mut self, token: &Token<'_>) -> Result<(), NotAllowed> {
        let Frame { wants_table, is_behind_table, .. } = self.frame;
        // Most names are of columns.
        if !wants_table && !is_behind_table && !self.is_next(1, ".") {
            self.at += 1;
            return Ok(());
        }
        let tokens = self.behind(0);
        let count = path_tokens(tokens)?;
        let is_call = tokens.get(count).is_some_and(opens);
        if wants_table {
            if is_call || count > 1 || !self.is_of_with(token) {
                may_be_named(tokens, count, self.schemas)?;
            }
        } else if count > 1 && is_call {
            may_be_named(tokens, count, self.schemas)?;
        } else if count == 1 && is_behind_table {
            self.take_alias(token)?;
        }
        (self.frame.is_behind_table, self.frame.wants_table) = (wants_table, false);
        self.at += count;
        Ok(())
    }

    fn is_of_with(&mut self, name: &Token<'_>) -> bool {
        if self.with.is_empty() {
            return false;
        }
        fold(&name.unquoted().unwrap_or_default(), &mut self.folded);
        self.with.contains(&self.folded)
    }

    /// Takes a name that the statement gives to something, and leaves it folded.
    fn take_alias(&mut self, name: &Token<'_>) -> Result<(), NotAllowed> {
        let name = name.unquoted().unwrap_or_default();
        fold(&name, &mut self.folded);
        if self.tops.contains(&self.folded) || self.schemas.begin_with(&self.folded) {
            return Err(NotAllowed::name(&name));
        }
        Ok(())
    }
}

fn opens(token: &Token<'_>) -> bool {
    token.is_symbol("(")
}

#[cfg(test)]
mod tests;
