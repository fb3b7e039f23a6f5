//! What a statement reads from, what its columns are called, and where its clauses end.

use std::ops::Range;

use super::{PARTS_MAX, Reading, is_reserved};
use crate::guard::{Kind, Token};

/// Words with which a clause begins.
pub(super) const CLAUSES: [&str; 19] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "QUALIFY",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "MINUS",
    "JOIN",
    "ON",
    "USING",
    "WITH",
];

/// Words that follow a table without being its alias, and are not reserved.
const AFTER_TABLE: [&str; 3] = ["QUALIFY", "TABLESAMPLE", "FINAL"];

/// A table, view or subquery after FROM or JOIN.
pub(in crate::coach) struct Relation {
    /// Empty for a subquery.
    pub(in crate::coach) path: Vec<String>,
    pub(in crate::coach) alias: Option<String>,
    /// Its first token.
    pub(in crate::coach) at: usize,
    /// The token behind its path.
    pub(in crate::coach) end: usize,
}

impl Relation {
    /// What its columns are qualified with.
    pub(in crate::coach) fn name(&self) -> Option<&str> {
        self.alias.as_deref().or(self.path.last().map(String::as_str))
    }

    /// Whether its columns can be qualified so: with its name, or its path with dots.
    pub(in crate::coach) fn is_called(&self, qualifier: &str) -> bool {
        self.name().is_some_and(|name| name.eq_ignore_ascii_case(qualifier))
            || self.path.join(".").eq_ignore_ascii_case(qualifier)
    }

    /// Whether it is one of the subqueries that WITH gives these names.
    pub(in crate::coach) fn is_with(&self, names: &[String]) -> bool {
        matches!(&*self.path, [own] if names.iter().any(|name| own.eq_ignore_ascii_case(name)))
    }
}

/// What a column of a SELECT is called.
pub(in crate::coach) struct Alias {
    pub(in crate::coach) name: String,
    /// The expression, in tokens.
    pub(in crate::coach) of: Range<usize>,
}

impl Reading<'_> {
    /// Whether a FROM there begins the FROM clause of a query: not that of EXTRACT, SUBSTRING or
    /// TRIM, nor of IS DISTINCT FROM.
    fn is_clause(&self, from: usize) -> bool {
        if self.before(from, 1).is_some_and(|before| before.is("DISTINCT"))
            && self.before(from, 2).is_some_and(|before| before.is("IS") || before.is("NOT"))
        {
            return false;
        }
        self.places.get(from).is_some_and(|place| place.has_select)
    }

    /// What the statement reads from, in the order in which it is written.
    pub(in crate::coach) fn relations(&self) -> Vec<Relation> {
        let mut relations = Vec::new();
        for at in self.indexes() {
            let begins = self.is(at, "JOIN")
                || (self.is(at, "FROM") && self.is_clause(at))
                || (at == 1 && self.is_any(0, &["DESCRIBE", "DESC"]));
            if !begins || relations.len() >= PARTS_MAX {
                continue;
            }
            let mut next = if self.is(at, "JOIN") || self.is(at, "FROM") { at + 1 } else { at };
            loop {
                let (relation, behind) = self.relation(next);
                relations.extend(relation);
                let is_last = relations.len() >= PARTS_MAX || !self.is_symbol(behind, ",");
                if behind <= next || is_last {
                    break;
                }
                next = behind + 1;
            }
        }
        relations
    }

    /// The relation that begins there, and the token behind it and its alias.
    fn relation(&self, start: usize) -> (Option<Relation>, usize) {
        let mut at = start + usize::from(self.is(start, "LATERAL"));
        let mut path = Vec::new();
        if self.is_symbol(at, "(") {
            at = self.partner(at).map_or(self.len(), |close| close + 1);
        } else if self.is_any(at, &["TABLE", "UNNEST"]) && self.is_symbol(at + 1, "(") {
            at = self.partner(at + 1).map_or(self.len(), |close| close + 1);
        } else {
            while let Some(part) = self.name(at) {
                path.push(part);
                at += 1;
                if !self.is_symbol(at, ".") {
                    break;
                }
                at += 1;
            }
            if path.is_empty() {
                return (None, start);
            }
        }
        let end = at;
        if self.is(at, "AT") {
            at += 2 + usize::from(self.kind(at + 2).is_some_and(|kind| kind != Kind::Symbol));
        }
        at += usize::from(self.is(at, "AS"));
        let alias = self.token(at).filter(|token| match token.kind {
            Kind::Quoted => true,
            Kind::Word => {
                !is_reserved(token.text) && !AFTER_TABLE.iter().any(|word| token.is(word))
            }
            _ => false,
        });
        let alias = alias.and_then(Token::unquoted).map(String::from);
        at += usize::from(alias.is_some());
        if alias.is_some() && self.is_symbol(at, "(") {
            at = self.partner(at).map_or(self.len(), |close| close + 1);
        }
        (Some(Relation { path, alias, at: start, end }), at)
    }

    /// The names that WITH gives.
    pub(in crate::coach) fn with_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for at in self.indexes() {
            let opens = self.is(at, "AS")
                && self.is_symbol(at + 1, "(")
                && self.is_any(at + 2, &["SELECT", "WITH", "VALUES"]);
            let mut before = at.wrapping_sub(1);
            if self.is_symbol(before, ")") {
                before = self.partner(before).map_or(before, |open| open.wrapping_sub(1));
            }
            if opens && let Some(name) = self.name(before) {
                names.push(name);
            }
        }
        names
    }

    /// The columns of all SELECTs, each a range of tokens.
    pub(in crate::coach) fn columns(&self) -> Vec<Range<usize>> {
        let selects = self.indexes().filter(|at| self.is(*at, "SELECT")).take(PARTS_MAX);
        selects.flat_map(|select| self.columns_of(select)).collect()
    }

    /// The columns of the SELECT there.
    pub(in crate::coach) fn columns_of(&self, select: usize) -> Vec<Range<usize>> {
        let start = select + 1 + usize::from(self.is_any(select + 1, &["DISTINCT", "ALL"]));
        self.split_at_commas(start..self.end_of_clause(select).max(start))
    }

    /// What columns of the statement's SELECTs are called, where that is not their own name.
    pub(in crate::coach) fn aliases(&self) -> Vec<Alias> {
        let mut aliases = Vec::new();
        for column in self.columns() {
            let Some(last) = column.end.checked_sub(1).filter(|last| *last > column.start) else {
                continue;
            };
            let of = if self.is(last - 1, "AS") {
                column.start..last - 1
            } else if self.is_symbol(last - 1, ".")
                || self.kind(last - 1) == Some(Kind::Symbol) && !self.is_symbol(last - 1, ")")
            {
                continue;
            } else {
                column.start..last
            };
            let is_name = self.token(last).is_some_and(|token| {
                token.kind == Kind::Quoted || token.kind == Kind::Word && !token.is("END")
            });
            if let Some(name) = self.name(last).filter(|_| is_name && !of.is_empty()) {
                aliases.push(Alias { name, of });
            }
        }
        aliases
    }

    /// The token behind the clause whose keyword stands there.
    pub(in crate::coach) fn end_of_clause(&self, keyword: usize) -> usize {
        let depth = self.depth(keyword);
        let ends = |at: &usize| {
            let is_clause = || {
                self.is_symbol(*at, ";")
                    || self.is_any(*at, &CLAUSES) && (!self.is(*at, "FROM") || self.is_clause(*at))
            };
            self.depth(*at) < depth || self.depth(*at) == depth && is_clause()
        };
        (keyword + 1..self.len()).find(ends).unwrap_or(self.len())
    }

    /// The clause that begins with this keyword outside of brackets or, if there is none there,
    /// anywhere: its tokens behind the
    /// keyword.
    pub(in crate::coach) fn clause(&self, keyword: &str) -> Option<Range<usize>> {
        let all = || self.indexes().filter(|at| self.is(*at, keyword));
        let at = all().find(|at| self.depth(*at) == 0).or_else(|| all().next())?;
        let start = at + 1 + usize::from(self.is(at + 1, "BY"));
        Some(start..self.end_of_clause(at).max(start))
    }

    /// The first call of this function: its name and its opening bracket.
    pub(in crate::coach) fn call(&self, function: &str) -> Option<(usize, usize)> {
        self.indexes().find_map(|at| {
            let is_it = self.name(at).is_some_and(|name| name.eq_ignore_ascii_case(function));
            (is_it && self.is_symbol(at + 1, "(")).then_some((at, at + 1))
        })
    }
}
