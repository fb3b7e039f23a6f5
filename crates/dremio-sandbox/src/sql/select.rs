//! The SELECT list: what each item is called and where its expression is.

use super::brackets::Brackets;
use super::scope::name_end;
use super::token::{Kind, Token};
use super::words;

/// One item of a SELECT list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The expression's tokens, without alias.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) alias: Option<String>,
}

impl Item {
    /// `*` or `t.*`, which stands for any number of columns.
    pub(crate) fn is_star(&self, tokens: &[Token]) -> bool {
        tokens.get(self.end.wrapping_sub(1)).is_some_and(|token| token.is_symbol("*"))
            && (self.end == self.start + 1
                || tokens.get(self.end - 2).is_some_and(|token| token.is_symbol(".")))
    }

    /// Whether the item has this alias.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.alias.as_ref().is_some_and(|alias| alias.to_lowercase() == name.to_lowercase())
    }

    /// The output name: the alias, the last part of a plain name, or nothing for an expression,
    /// which Dremio calls `EXPR$n`.
    pub(crate) fn name(&self, tokens: &[Token]) -> Option<String> {
        if let Some(alias) = &self.alias {
            return Some(alias.clone());
        }
        let first = tokens.get(self.start)?;
        let plain = first.is_name()
            && !words::is_keyword(first)
            && name_end(tokens, self.start) == self.end;
        let last = tokens.get(self.end.checked_sub(1)?)?;
        plain.then(|| last.text.clone())
    }
}

/// The SELECT whose list names the result: the first one outside brackets, or within brackets
/// around the whole.
pub(crate) fn outermost(tokens: &[Token], brackets: &Brackets) -> Option<usize> {
    let mut at = 0;
    while tokens.get(at).is_some_and(|token| token.is_symbol("(")) {
        at += 1;
    }
    while let Some(token) = tokens.get(at) {
        if token.is_word("SELECT") {
            return Some(at);
        }
        at = brackets.after(at);
    }
    None
}

/// The SELECT that a clause at `index` belongs to: the last one before it that is not in brackets
/// of its own.
pub(crate) fn before(tokens: &[Token], brackets: &Brackets, index: usize) -> Option<usize> {
    let select =
        (0..index).rev().filter(|at| tokens.get(*at).is_some_and(|token| token.is_word("SELECT")));
    let closed = |at: usize| {
        (0..at).any(|open| brackets.close_of(open).is_some_and(|close| at < close && close < index))
    };
    select.into_iter().find(|at| !closed(*at))
}

/// The items of a GROUP BY or ORDER BY list from `start`, and where it ends.
pub(crate) fn list(
    tokens: &[Token],
    brackets: &Brackets,
    start: usize,
    end: usize,
) -> (Vec<(usize, usize)>, usize) {
    let mut items = Vec::new();
    let (mut from, mut at) = (start, start);
    loop {
        let token = tokens.get(at).filter(|_| at < end);
        let ends = token.is_none_or(|token| token.is_symbol(")") || token.is_any_word(&LIST_ENDS));
        if ends || token.is_some_and(|token| token.is_symbol(",")) {
            if at > from {
                items.push((from, at));
            }
            from = at + 1;
        }
        if ends {
            return (items, at.min(end));
        }
        at = brackets.after(at);
    }
}

/// The words that end a GROUP BY or ORDER BY list.
const LIST_ENDS: [&str; 14] = [
    "HAVING",
    "WINDOW",
    "QUALIFY",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "ROWS",
    "RANGE",
    "GROUPS",
    "MINUS",
];

/// The items of the list that follows the SELECT at `select`.
pub(crate) fn items(tokens: &[Token], brackets: &Brackets, select: usize) -> Vec<Item> {
    let mut items = Vec::new();
    let mut at = select + 1;
    if tokens.get(at).is_some_and(|token| token.is_any_word(&["DISTINCT", "ALL"])) {
        at += 1;
    }
    let mut start = at;
    loop {
        let token = tokens.get(at);
        let ends_list = token.is_none_or(|token| {
            let from = token.is_word("FROM")
                && !at
                    .checked_sub(1)
                    .and_then(|before| tokens.get(before))
                    .is_some_and(|before| before.is_word("DISTINCT"));
            from || token.is_symbol(")")
                || token.is_any_word(&[
                    "WHERE",
                    "UNION",
                    "INTERSECT",
                    "EXCEPT",
                    "ORDER",
                    "LIMIT",
                    "GROUP",
                    "HAVING",
                    "OFFSET",
                    "FETCH",
                ])
        });
        if ends_list || token.is_some_and(|token| token.is_symbol(",")) {
            if at > start {
                items.push(item(tokens, start, at));
            }
            start = at + 1;
        }
        if ends_list {
            return items;
        }
        at = brackets.after(at);
    }
}

fn item(tokens: &[Token], start: usize, end: usize) -> Item {
    let whole = Item { start, end, alias: None };
    let (Some(last), Some(before)) = (
        end.checked_sub(1).and_then(|at| tokens.get(at)),
        end.checked_sub(2).filter(|at| *at >= start).and_then(|at| tokens.get(at)),
    ) else {
        return whole;
    };
    let aliased = |end: usize| Item { start, end, alias: Some(last.text.clone()) };
    if before.is_word("AS") && last.is_name() {
        return aliased(end - 2);
    }
    let in_interval = end
        .checked_sub(3)
        .and_then(|at| tokens.get(at))
        .is_some_and(|token| token.is_word("INTERVAL"));
    let could_be_alias = last.is_name() && !words::is_keyword(last) && !in_interval;
    let ends_operand = match before.kind {
        Kind::Quoted | Kind::Text | Kind::Number => true,
        Kind::Symbol => before.is_symbol(")") || before.is_symbol("]"),
        Kind::Word => {
            !words::is_keyword(before)
                || before.is_any_word(&["END", "NULL", "TRUE", "FALSE", "CURRENT_DATE"])
        }
    };
    if could_be_alias && ends_operand {
        return aliased(end - 1);
    }
    whole
}
