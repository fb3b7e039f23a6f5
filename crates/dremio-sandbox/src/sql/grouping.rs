//! What SQLite lets pass and Dremio does not: columns beside aggregates that are not grouped,
//! aliases where they are not visible yet, and an order that a DISTINCT has thrown away.
//!
//! Columns inside subqueries of a SELECT list are not looked at.

use super::brackets::Brackets;
use super::error::SqlError;
use super::scope::{Scope, name_end};
use super::select::{self, Item};
use super::token::{Kind, Token};
use super::words;

const AGGREGATES: [&str; 18] = [
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
    "MEDIAN",
    "LISTAGG",
    "APPROX_COUNT_DISTINCT",
    "NDV",
    "BIT_AND",
    "BIT_OR",
    "ARRAY_AGG",
];

const UNIT_FIRST: [&str; 4] = ["TIMESTAMPADD", "TIMESTAMPDIFF", "DATE_TRUNC", "DATE_PART"];

/// Checks every SELECT of a statement.
///
/// # Errors
/// An expression that is not grouped, an alias that is not visible, an order by what is not
/// selected; in Calcite's words.
pub(crate) fn check(tokens: &[Token], brackets: &Brackets, scope: &Scope) -> Result<(), SqlError> {
    let checker = Checker { tokens, brackets, scope };
    (0..tokens.len())
        .filter(|at| tokens.get(*at).is_some_and(|token| token.is_word("SELECT")))
        .try_for_each(|at| checker.select(at))
}

struct Checker<'a> {
    tokens: &'a [Token],
    brackets: &'a Brackets,
    scope: &'a Scope,
}

/// The clauses of one SELECT, as ranges of tokens.
#[derive(Default)]
struct Clauses {
    wheres: Option<(usize, usize)>,
    groups: Option<Vec<(usize, usize)>>,
    having: Option<(usize, usize)>,
    orders: Vec<(usize, usize)>,
    is_compound: bool,
}

impl Checker<'_> {
    fn is_word(&self, index: usize, any: &[&str]) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_any_word(any))
    }

    fn select(&self, select: usize) -> Result<(), SqlError> {
        let items = select::items(self.tokens, self.brackets, select);
        let clauses = self.clauses(select);
        for range in clauses.wheres.iter().chain(&clauses.having) {
            self.aliases_are_hidden(*range, &items, select)?;
        }
        let distinct = self.is_word(select + 1, &["DISTINCT"]);
        if distinct && !clauses.is_compound {
            for order in &clauses.orders {
                let selected = self.is_output(*order, &items)
                    || items.iter().any(|item| self.same(*order, (item.start, item.end)));
                if !selected && !items.iter().any(|item| item.is_star(self.tokens)) {
                    return Err(SqlError::failed(format!(
                        "Expression '{}' is not in the select clause",
                        self.text(*order)
                    )));
                }
            }
        }
        let aggregated = items.iter().any(|item| self.has_aggregate(item.start, item.end))
            || clauses
                .orders
                .iter()
                .any(|(start, end)| !clauses.is_compound && self.has_aggregate(*start, *end));
        if clauses.groups.is_none() && clauses.having.is_none() && !aggregated {
            return Ok(());
        }
        let groups = self.resolved(clauses.groups.unwrap_or_default(), &items)?;
        for item in &items {
            if item.is_star(self.tokens) {
                self.star(&groups)?;
            } else {
                self.grouped(item.start, item.end, &groups)?;
            }
        }
        if let Some((start, end)) = clauses.having {
            self.grouped(start, end, &groups)?;
        }
        for order in clauses
            .orders
            .into_iter()
            .filter(|order| !clauses.is_compound && !self.is_output(*order, &items))
        {
            self.grouped(order.0, order.1, &groups)?;
        }
        Ok(())
    }

    fn clauses(&self, select: usize) -> Clauses {
        const ENDS: [&str; 12] = [
            "WHERE",
            "GROUP",
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
        ];
        let mut clauses = Clauses::default();
        let mut at = select + 1;
        // A set operation before this SELECT: an ORDER BY after it is about the whole.
        let mut before = select;
        while let Some(previous) = before.checked_sub(1) {
            before = previous;
            if self.is_word(before, &["ALL", "DISTINCT"]) {
                continue;
            }
            clauses.is_compound = self.is_word(before, &["UNION", "INTERSECT", "EXCEPT"]);
            break;
        }
        while let Some(token) = self.tokens.get(at).filter(|token| !token.is_symbol(")")) {
            if token.is_any_word(&["UNION", "INTERSECT", "EXCEPT"]) {
                clauses.is_compound = true;
                break;
            }
            let mut end = at + 1;
            if token.is_any_word(&["WHERE", "HAVING"]) {
                while self
                    .tokens
                    .get(end)
                    .is_some_and(|token| !token.is_symbol(")") && !token.is_any_word(&ENDS))
                {
                    end = self.brackets.after(end);
                }
                let range = Some((at + 1, end));
                if token.is_word("WHERE") {
                    clauses.wheres = range;
                } else {
                    clauses.having = range;
                }
                at = end;
            } else if token.is_any_word(&["GROUP", "ORDER"]) && self.is_word(at + 1, &["BY"]) {
                let (list, end) =
                    select::list(self.tokens, self.brackets, at + 2, self.tokens.len());
                if token.is_word("GROUP") {
                    clauses.groups = Some(list);
                } else {
                    clauses.orders = self.bare(list);
                }
                at = end.max(at + 1);
            } else {
                at = self.brackets.after(at);
            }
        }
        clauses
    }

    /// Sort keys without direction.
    fn bare(&self, list: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        let without = |(start, mut end): (usize, usize)| {
            while end > start + 1
                && self.is_word(end - 1, &["ASC", "DESC", "NULLS", "FIRST", "LAST"])
            {
                end -= 1;
            }
            (start, end)
        };
        list.into_iter().map(without).collect()
    }

    /// An ordinal, or the name of an output column.
    fn is_output(&self, (start, end): (usize, usize), items: &[Item]) -> bool {
        let Some(token) = self.tokens.get(start).filter(|_| end == start + 1) else {
            return false;
        };
        let named = |item: &Item| {
            item.name(self.tokens).is_some_and(|name| name.eq_ignore_ascii_case(&token.text))
        };
        token.kind == Kind::Number || (token.is_name() && items.iter().any(named))
    }

    /// GROUP BY items with ordinals and aliases replaced by what they stand for.
    fn resolved(
        &self,
        groups: Vec<(usize, usize)>,
        items: &[Item],
    ) -> Result<Vec<(usize, usize)>, SqlError> {
        let mut resolved = Vec::with_capacity(groups.len());
        for (start, end) in groups {
            let token = self.tokens.get(start).filter(|_| end == start + 1);
            let item = match token {
                Some(token) if token.kind == Kind::Number => {
                    let item = token
                        .text
                        .parse::<usize>()
                        .ok()
                        .and_then(|number| items.get(number.checked_sub(1)?));
                    Some(item.ok_or_else(|| SqlError::failed("Ordinal out of range"))?)
                }
                Some(token) if token.is_name() => {
                    items.iter().find(|item| item.is_called(&token.text))
                }
                _ => None,
            };
            let (start, end) = item.map_or((start, end), |item| (item.start, item.end));
            if self.has_aggregate(start, end) {
                return Err(SqlError::failed("Aggregate expression is illegal in GROUP BY clause"));
            }
            resolved.push((start, end));
        }
        Ok(resolved)
    }

    fn aliases_are_hidden(
        &self,
        (start, end): (usize, usize),
        items: &[Item],
        select: usize,
    ) -> Result<(), SqlError> {
        let mut at = start;
        while at < end {
            let Some(token) = self.tokens.get(at) else {
                break;
            };
            if token.is_symbol("(") && self.is_word(at + 1, &["SELECT", "WITH"]) {
                at = self.brackets.after(at);
                continue;
            }
            let name_end = name_end(self.tokens, at);
            let single = token.is_name()
                && name_end == at + 1
                && !words::is_keyword(token)
                && !self.is_symbol(at + 1, "(");
            if single
                && items.iter().any(|item| item.is_called(&token.text))
                && !self.is_column(&token.text, select)
            {
                return Err(SqlError::failed(format!(
                    "Column '{}' not found in any table",
                    token.text
                )));
            }
            at = if token.is_name() { name_end } else { at + 1 };
        }
        Ok(())
    }

    /// Whether some table or another SELECT of the statement has a column of this name.
    fn is_column(&self, name: &str, select: usize) -> bool {
        let stored = self.scope.datasets().any(|dataset| dataset.column(name).is_some());
        let others =
            (0..self.tokens.len()).filter(|at| *at != select && self.is_word(*at, &["SELECT"]));
        let computed = |at: usize| {
            let items = select::items(self.tokens, self.brackets, at);
            items.iter().any(|item| {
                item.name(self.tokens).is_some_and(|found| found.eq_ignore_ascii_case(name))
            })
        };
        stored || others.into_iter().any(computed) || self.defines_columns()
    }

    /// Whether a common table expression names its columns, or VALUES has some without a SELECT.
    fn defines_columns(&self) -> bool {
        (0..self.tokens.len())
            .any(|at| self.scope.common_columns(self.tokens, self.brackets, at).is_some())
    }

    fn has_aggregate(&self, start: usize, end: usize) -> bool {
        let mut at = start;
        while at < end {
            if self.is_symbol(at, "(") && self.is_word(at + 1, &["SELECT", "WITH"]) {
                at = self.brackets.after(at);
                continue;
            }
            if self.is_aggregate(at) && !self.is_windowed(at) {
                return true;
            }
            at += 1;
        }
        false
    }

    fn is_aggregate(&self, index: usize) -> bool {
        self.is_word(index, &AGGREGATES) && self.is_symbol(index + 1, "(")
    }

    fn is_windowed(&self, index: usize) -> bool {
        let mut after = self.brackets.after(index + 1);
        if self.is_word(after, &["FILTER"]) {
            after = self.brackets.after(after + 1);
        }
        self.is_word(after, &["OVER"])
    }

    fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_symbol(symbol))
    }

    fn star(&self, groups: &[(usize, usize)]) -> Result<(), SqlError> {
        let grouped = |name: &str| {
            groups.iter().any(|(_, end)| {
                end.checked_sub(1)
                    .and_then(|at| self.tokens.get(at))
                    .is_some_and(|last| last.text.eq_ignore_ascii_case(name))
            })
        };
        let missing = self
            .scope
            .datasets()
            .flat_map(|dataset| &dataset.columns)
            .find(|column| !grouped(&column.name));
        match missing {
            Some(column) => {
                Err(SqlError::failed(format!("Expression '{}' is not being grouped", column.name)))
            }
            None if groups.is_empty() => {
                Err(SqlError::failed("Expression '*' is not being grouped"))
            }
            None => Ok(()),
        }
    }

    /// Every column between `start` and `end` is in a grouped expression or in an aggregate.
    fn grouped(&self, start: usize, end: usize, groups: &[(usize, usize)]) -> Result<(), SqlError> {
        let mut at = start;
        while at < end {
            let Some(token) = self.tokens.get(at) else {
                break;
            };
            if let Some(len) =
                groups.iter().filter_map(|group| self.begins_with(at, end, *group)).max()
            {
                at += len;
                continue;
            }
            let next = self.tokens.get(at + 1);
            let call = self.is_symbol(at + 1, "(");
            if token.is_symbol("(") && self.is_word(at + 1, &["SELECT", "WITH", "VALUES"]) {
                at = self.brackets.after(at);
            } else if self.is_aggregate(at) && !self.is_windowed(at) {
                at = self.brackets.after(at + 1);
                if self.is_word(at, &["FILTER", "WITHIN"]) {
                    at = self.brackets.after(at + 1 + usize::from(self.is_word(at, &["WITHIN"])));
                }
            } else if call
                && (token.is_word("EXTRACT")
                    || token.is_any_word(&UNIT_FIRST) && self.is_symbol(at + 3, ","))
            {
                at += 4;
            } else if token.is_word("INTERVAL") {
                at += 3;
            } else if token.is_word("AS") {
                // The type of a CAST.
                at += 2;
                at = if self.is_symbol(at, "(") { self.brackets.after(at) } else { at };
            } else if call
                || words::is_keyword(token) && !self.is_symbol(at + 1, ".")
                || !token.is_name()
            {
                at += 1;
            } else if next.is_some_and(|next| next.kind == Kind::Text) {
                at += 2;
            } else {
                let stop = name_end(self.tokens, at);
                return Err(SqlError::failed(format!(
                    "Expression '{}' is not being grouped",
                    self.text((at, stop))
                )));
            }
        }
        Ok(())
    }

    /// How many tokens at `at` are the grouped expression, if they are.
    fn begins_with(&self, at: usize, end: usize, group: (usize, usize)) -> Option<usize> {
        let wanted = self.parts(group.0, group.1);
        let mut index = at;
        let mut found = Vec::new();
        while index < end && found.len() < wanted.len() {
            let (part, after) = self.part(index);
            found.push(part);
            index = after;
        }
        (!wanted.is_empty() && found.len() == wanted.len() && alike(&found, &wanted))
            .then_some(index - at)
    }

    fn same(&self, one: (usize, usize), other: (usize, usize)) -> bool {
        let (one, other) = (self.parts(one.0, one.1), self.parts(other.0, other.1));
        one.len() == other.len() && alike(&one, &other)
    }

    fn parts(&self, start: usize, end: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut at = start;
        while at < end {
            let (part, after) = self.part(at);
            parts.push(part);
            at = after;
        }
        parts
    }

    fn part(&self, index: usize) -> (Part, usize) {
        let Some(token) = self.tokens.get(index) else {
            return (Part::Other(String::new()), index + 1);
        };
        let is_column = token.is_name()
            && (!words::is_keyword(token) || self.is_symbol(index + 1, "."))
            && !self.is_symbol(index + 1, "(");
        if !is_column {
            let text = if token.kind == Kind::Text {
                token.to_sqlite()
            } else {
                token.text.to_lowercase()
            };
            return (Part::Other(text), index + 1);
        }
        let end = name_end(self.tokens, index);
        let names: Vec<String> = self
            .tokens
            .get(index..end)
            .unwrap_or_default()
            .iter()
            .filter(|token| token.is_name())
            .map(|token| token.text.clone())
            .collect();
        let part = self.scope.locate(&names).map_or_else(
            || Part::Other(names.join(".").to_lowercase()),
            |located| {
                let path: Vec<String> = [located.column]
                    .into_iter()
                    .chain(located.members.iter().map(String::as_str))
                    .map(str::to_lowercase)
                    .collect();
                Part::Column(located.table.map(str::to_lowercase), path)
            },
        );
        (part, end)
    }

    /// The tokens as they were written, more or less.
    fn text(&self, (start, end): (usize, usize)) -> String {
        let name = name_end(self.tokens, start) >= end;
        let texts: Vec<&str> = self
            .tokens
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        if name { texts.concat() } else { texts.join(" ") }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The table if one is named, and the names from the column on.
    Column(Option<String>, Vec<String>),
    Other(String),
}

fn alike(found: &[Part], wanted: &[Part]) -> bool {
    found.iter().zip(wanted).all(|pair| match pair {
        (Part::Column(Some(one), path), Part::Column(Some(other), wanted)) => {
            one == other && path == wanted
        }
        (Part::Column(_, path), Part::Column(_, wanted)) => path == wanted,
        (one, other) => one == other,
    })
}
