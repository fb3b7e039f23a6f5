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

use std::collections::HashSet;

use super::refusal::NotAllowed;
use super::schemas::Schemas;
use crate::guard::{Kind, Token};

/// Keywords that may be a part of a path without quotes.
const PARTS: [&str; 4] = ["AT", "APPLY", "EXCEPT", "INTERSECT"];

/// The word that `token` is, if it is one that means something to the walk, at least in some
/// places. By length, because nearly all words are names.
fn keyword(token: &Token<'_>) -> Option<&'static str> {
    let words: &[&str] = match token.text.len() {
        2 => &["AS", "AT"],
        4 => &["FROM", "JOIN", "WITH"],
        5 => &["WHERE", "GROUP", "ORDER", "TABLE", "UNION", "APPLY"],
        6 => &["SELECT", "VALUES", "HAVING", "EXCEPT", "UNNEST"],
        7 => &["LATERAL"],
        9 => &["INTERSECT"],
        _ => &[],
    };
    words.iter().copied().find(|word| token.is(word))
}

/// Checks the tokens of a statement that the guard takes for one that reads. `is_top` says whether
/// a space or source has this name.
///
/// # Errors
/// What it names and may not, or why that cannot be told.
pub(super) fn check(
    tokens: &[Token<'_>],
    schemas: &Schemas,
    is_top: &dyn Fn(&str) -> bool,
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
            Walk::of(rest.get(query..).unwrap_or_default(), schemas, is_top).run()
        }
        _ => Walk::of(statement, schemas, is_top).run(),
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
    if tokens.first().and_then(Token::name).is_none() {
        return Err(NO_NAME);
    }
    let mut count = 1;
    while let Some([dot, next, ..]) = tokens.get(count..)
        && dot.is_symbol(".")
        && next.name().is_some()
    {
        // All others are never a part without quotes, because they begin something.
        if keyword(next).is_some_and(|word| !PARTS.contains(&word)) {
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
    let parts = tokens.iter().take(count).step_by(2).filter_map(Token::unquoted);
    if schemas.allow(parts.clone()) { Ok(()) } else { Err(NotAllowed::path(parts)) }
}

const NO_NAME: NotAllowed = NotAllowed::Unclear("a table stands where no name is");

/// One pair of parentheses, or the whole.
#[derive(Default)]
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
    is_top: &'w dyn Fn(&str) -> bool,
    frame: Frame,
    outer: Vec<Frame>,
    with: HashSet<String>,
}

impl<'w> Walk<'w> {
    fn of(tokens: &'w [Token<'w>], schemas: &'w Schemas, is_top: &'w dyn Fn(&str) -> bool) -> Self {
        let (frame, outer, with) = (Frame::default(), Vec::new(), HashSet::new());
        Self { tokens, at: 0, schemas, is_top, frame, outer, with }
    }

    fn run(mut self) -> Result<(), NotAllowed> {
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Symbol => self.symbol(token)?,
                Kind::Word if self.keyword(token)? => {}
                Kind::Word | Kind::Quoted => self.name(token)?,
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
    fn keyword(&mut self, token: &Token<'_>) -> Result<bool, NotAllowed> {
        let Some(word) = keyword(token) else { return Ok(false) };
        match word {
            "SELECT" | "VALUES" => {
                let begins = self.at == 0 || self.tokens.get(self.at - 1).is_some_and(opens);
                if self.frame.is_in_from && !begins && !self.was(1, &["MINUS"]) {
                    return Err(NotAllowed::Unclear("a query begins in the middle of another"));
                }
                let Frame { is_query, is_body, .. } = self.frame;
                let is_query = is_query || word == "SELECT";
                self.frame = Frame { is_query, is_body, ..Frame::default() };
            }
            "WITH" if !self.frame.is_query && !self.frame.is_behind_table => {
                (self.frame.is_in_from, self.frame.wants_table) = (false, false);
                self.at += 1;
                if self.behind(0).first().is_some_and(|next| next.is("RECURSIVE")) {
                    self.at += 1;
                }
                return self.name_of_with().map(|()| true);
            }
            "FROM" => {
                // Anywhere else, as in EXTRACT, it is no clause; nor is it in IS DISTINCT FROM.
                let is_not =
                    self.was(2, &["IS"]) || (self.was(2, &["NOT"]) && self.was(3, &["IS"]));
                if self.frame.is_query && !(self.was(1, &["DISTINCT"]) && is_not) {
                    (self.frame.is_in_from, self.frame.wants_table) = (true, true);
                }
            }
            "JOIN" => (self.frame.is_in_from, self.frame.wants_table) = (true, true),
            "APPLY" if self.was(1, &["CROSS", "OUTER"]) => {
                (self.frame.is_in_from, self.frame.wants_table) = (true, true);
            }
            "TABLE" => {
                let is_call = self.is_next(1, "(");
                if is_call {
                    allowed(self.behind(2), self.schemas)?;
                } else {
                    self.frame.is_in_from = true;
                }
                self.frame.wants_table = !is_call;
            }
            "UNNEST" if self.frame.wants_table && self.is_next(1, "(") => {
                self.frame.wants_table = false;
            }
            "WHERE" | "HAVING" | "UNION" | "EXCEPT" | "INTERSECT" => self.end_from()?,
            // `WITHIN GROUP (ORDER BY …)` does not end the list of tables.
            "GROUP" | "ORDER" if self.behind(1).first().is_some_and(|next| next.is("BY")) => {
                self.end_from()?;
            }
            "AT" if !self.frame.wants_table => {
                // `AT BRANCH main` and its like: a version of the table before it. A path is none.
                for offset in [1, 2] {
                    if path_tokens(self.behind(offset)).is_ok_and(|count| count > 1) {
                        allowed(self.behind(offset), self.schemas)?;
                    }
                }
            }
            "LATERAL" => {}
            "AS" if !self.frame.wants_table => {}
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
        let unclear = NotAllowed::Unclear("WITH is not followed by a name, AS and a query");
        let name = self.behind(0).first().and_then(Token::unquoted).ok_or(unclear.clone())?;
        self.take_alias(&name)?;
        self.at += 1;
        if self.is_next(0, "(") {
            let end = self.behind(0).iter().position(|token| token.is_symbol(")"));
            self.at += end.ok_or(unclear.clone())? + 1;
        }
        match self.behind(0) {
            [is, open, ..] if is.is("AS") && open.is_symbol("(") => {
                self.at += 2;
                self.open(Frame { is_body: true, ..Frame::default() });
                self.with.insert(name.to_lowercase());
                Ok(())
            }
            _ => Err(unclear),
        }
    }

    /// A path, or an alias.
    fn name(&mut self, token: &Token<'_>) -> Result<(), NotAllowed> {
        let count = path_tokens(self.behind(0))?;
        let is_call = self.is_next(count, "(");
        let is_of_with = || {
            count == 1
                && token.unquoted().is_some_and(|name| self.with.contains(&name.to_lowercase()))
        };
        if self.frame.wants_table {
            if is_call || !is_of_with() {
                may_be_named(self.behind(0), count, self.schemas)?;
            }
        } else if count > 1 && is_call {
            may_be_named(self.behind(0), count, self.schemas)?;
        } else if count == 1 && self.frame.is_behind_table {
            self.take_alias(&token.unquoted().unwrap_or_default())?;
        }
        self.frame.is_behind_table = self.frame.wants_table;
        self.frame.wants_table = false;
        self.at += count;
        Ok(())
    }

    /// Takes a name that the statement gives to something.
    fn take_alias(&self, name: &str) -> Result<(), NotAllowed> {
        if (self.is_top)(name) { Err(NotAllowed::name(name)) } else { Ok(()) }
    }
}

fn opens(token: &Token<'_>) -> bool {
    token.is_symbol("(")
}

#[cfg(test)]
mod tests;
