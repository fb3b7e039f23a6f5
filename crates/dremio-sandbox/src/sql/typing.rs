//! The type of an expression, as far as it shows in its tokens.
//!
//! SQLite knows five kinds of value and Dremio twenty types; what SQLite's declared types do not
//! tell is derived here: from literals, column names, operators and the functions' known results.
//! `None` is an honest answer: then the values decide (see `plan`).

use rusqlite::types::Value;

use super::brackets::Brackets;
use super::calls::{UNIT_FIRST, member};
use super::functions::{self, Argument};
use super::scope::{Scope, name_end};
use super::select;
use super::token::{Kind, Token};
use super::words;
use crate::catalog::{DECIMAL_PRECISION_MAX, DremioType};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Typing<'a> {
    pub(crate) tokens: &'a [Token],
    pub(crate) brackets: &'a Brackets,
    pub(crate) scope: &'a Scope,
}

impl Typing<'_> {
    /// The type of the expression between two tokens.
    pub(crate) fn of(&self, start: usize, end: usize) -> Option<DremioType> {
        let (start, end) = self.without_brackets(start, end);
        let first = self.tokens.get(start).filter(|_| start < end)?;
        if first.is_word("SELECT") {
            let items = select::items(self.tokens, self.brackets, start);
            return items.first().and_then(|item| self.of(item.start, item.end));
        }
        if first.is_word("CASE") {
            return self.case(start, end);
        }
        if self.has(start, end, is_boolean_operator) {
            return Some(DremioType::Boolean);
        }
        if self.has(start, end, |token| token.is_symbol("||")) {
            return Some(DremioType::Varchar);
        }
        for operators in [&["+", "-"][..], &["*", "/", "%"]] {
            let mut at = start;
            let mut ty: Option<Option<DremioType>> = None;
            let mut operator: Option<(usize, &Token)> = None;
            let signs = self.top_level(start, end).filter(|(at, token)| {
                let binary = at
                    .checked_sub(1)
                    .and_then(|before| self.tokens.get(before))
                    .is_some_and(ends_operand);
                *at > start && binary && operators.iter().any(|symbol| token.is_symbol(symbol))
            });
            for next in signs.map(Some).chain([None]) {
                let stop = next.map_or(end, |(stop, _)| stop);
                if next.is_none() && operator.is_none() {
                    break;
                }
                ty = Some(match (ty, operator) {
                    (Some(left), Some((_, operator))) => self.arithmetic(left, operator, at, stop),
                    _ => self.of(at, stop),
                });
                at = stop + 1;
                operator = next;
            }
            if let Some(ty) = ty {
                return ty;
            }
        }
        self.operand(first, start, end)
    }

    fn operand(&self, first: &Token, start: usize, end: usize) -> Option<DremioType> {
        match first.kind {
            Kind::Number if end == start + 1 => Some(number(&first.text)),
            Kind::Text if end == start + 1 => Some(DremioType::Varchar),
            Kind::Symbol if first.is_symbol("-") || first.is_symbol("+") => self.of(start + 1, end),
            Kind::Word | Kind::Quoted => {
                let next = self.tokens.get(start + 1);
                if next.is_some_and(|next| next.is_symbol("(")) {
                    return self.call(&first.text.to_uppercase(), start + 1);
                }
                if next.is_some_and(|next| next.kind == Kind::Text) {
                    return DremioType::parse(&first.text);
                }
                if first.kind == Kind::Word && end == start + 1 && words::is_keyword(first) {
                    return keyword(&first.text.to_uppercase());
                }
                self.column(start, end)
            }
            _ => None,
        }
    }

    fn column(&self, start: usize, end: usize) -> Option<DremioType> {
        let name_end = name_end(self.tokens, start);
        let parts: Vec<String> = self
            .tokens
            .get(start..name_end)?
            .iter()
            .filter(|token| token.is_name())
            .map(|token| token.text.clone())
            .collect();
        let located = self.scope.locate(&parts)?;
        let mut ty = self.scope.column(located.table, located.column)?;
        for name in located.members {
            ty = member(Some(ty), name).1?;
        }
        let mut at = name_end;
        while at < end {
            let inside = self.tokens.get(at + 1)?;
            ty = match ty {
                DremioType::List(element) if inside.kind == Kind::Number => element,
                DremioType::Struct(_) | DremioType::Map(_) => member(Some(ty), &inside.text).1?,
                _ => return None,
            };
            at = self.brackets.after(at);
            if self.tokens.get(at).is_some_and(|token| token.is_symbol(".")) {
                at += 1;
            }
        }
        Some(ty.clone())
    }

    /// The least type that holds all branches; nothing if one of them is not known.
    fn case(&self, start: usize, end: usize) -> Option<DremioType> {
        let words: Vec<(usize, usize)> = {
            let mut words = Vec::new();
            let mut at = start + 1;
            let mut cases = 0_usize;
            while at < end {
                let token = self.tokens.get(at)?;
                if token.is_word("CASE") {
                    cases += 1;
                } else if token.is_word("END") && cases > 0 {
                    cases -= 1;
                } else if cases == 0 && token.is_any_word(&["WHEN", "THEN", "ELSE", "END"]) {
                    words.push((at, usize::from(token.is_any_word(&["THEN", "ELSE"]))));
                }
                at = self.brackets.after(at);
            }
            words
        };
        let mut found: Option<DremioType> = None;
        for pair in words.windows(2) {
            let [(at, 1), (stop, _)] = pair else {
                continue;
            };
            if stop == &(at + 2)
                && self.tokens.get(at + 1).is_some_and(|token| token.is_word("NULL"))
            {
                continue;
            }
            let ty = self.of(at + 1, *stop)?;
            found = Some(match found {
                None => ty,
                Some(known) => wider(&known, &ty)?,
            });
        }
        found
    }

    fn arithmetic(
        &self,
        left: Option<DremioType>,
        operator: &Token,
        start: usize,
        end: usize,
    ) -> Option<DremioType> {
        if self.tokens.get(start).is_some_and(|token| token.is_word("INTERVAL")) {
            let fine = self.tokens.get(start + 2).is_some_and(|unit| {
                unit.is_any_word(&["SECOND", "SECONDS", "MINUTE", "MINUTES", "HOUR", "HOURS"])
            });
            return if fine && left == Some(DremioType::Date) {
                Some(DremioType::Timestamp)
            } else {
                left
            };
        }
        combine(&left?, &operator.text, &self.of(start, end)?)
    }

    fn call(&self, name: &str, open: usize) -> Option<DremioType> {
        let close = self.brackets.close_of(open)?;
        let arguments = self.arguments(open + 1, close);
        let argument = |index: usize| {
            let (start, end) = arguments.get(index)?;
            self.of(*start, *end)
        };
        let first_known = || (0..arguments.len()).find_map(argument);
        Some(match name {
            "CAST" => {
                let (at, _) = self
                    .top_level(open + 1, close)
                    .filter(|(_, token)| token.is_word("AS"))
                    .last()?;
                let ty = self.tokens.get(at + 1..close)?;
                let ty: Vec<&str> = ty.iter().map(|token| token.text.as_str()).collect();
                return DremioType::parse(&ty.join(" ").replace(" (", "("));
            }
            "COUNT"
            | "APPROX_COUNT_DISTINCT"
            | "NDV"
            | "ROW_NUMBER"
            | "RANK"
            | "DENSE_RANK"
            | "EXTRACT" => DremioType::BigInt,
            "POSITION" | "NTILE" => DremioType::Integer,
            "SUBSTRING" | "TRIM" | "LISTAGG" => DremioType::Varchar,
            "STDDEV" | "STDDEV_POP" | "STDDEV_SAMP" | "VARIANCE" | "VAR_POP" | "VAR_SAMP"
            | "PERCENT_RANK" | "CUME_DIST" | "MEDIAN" => DremioType::Double,
            "SUM" => sum(&argument(0)?),
            "AVG" => average(&argument(0)?),
            "MIN" | "MAX" | "LAG" | "LEAD" | "FIRST_VALUE" | "LAST_VALUE" => return first_known(),
            _ => {
                let known: Vec<Argument> = arguments
                    .iter()
                    .filter(|(start, end)| start < end)
                    .enumerate()
                    .map(|(index, (start, end))| self.argument(name, index, *start, *end))
                    .collect();
                return functions::bind(name, &known).ok().map(|bound| bound.ty);
            }
        })
    }

    /// The argument of a function, which may be a unit without quotes.
    pub(crate) fn argument(&self, name: &str, index: usize, start: usize, end: usize) -> Argument {
        let only = self.tokens.get(start).filter(|_| end == start + 1);
        match only {
            Some(unit) if index == 0 && UNIT_FIRST.contains(&name) && unit.kind == Kind::Word => {
                Argument::text(&unit.text.to_uppercase())
            }
            Some(token) if token.kind == Kind::Text => Argument::text(&token.text),
            Some(token) if token.is_word("NULL") => Argument::default(),
            _ => Argument { ty: self.of(start, end), literal: self.whole(start, end) },
        }
    }

    /// The value of a literal whole number.
    fn whole(&self, start: usize, end: usize) -> Option<Value> {
        let tokens = self.tokens.get(start..end)?;
        let (number, negative) = match tokens {
            [number] => (number, false),
            [sign, number] if sign.is_symbol("-") => (number, true),
            _ => return None,
        };
        let number: i64 = number.text.parse().ok().filter(|_| number.kind == Kind::Number)?;
        Some(Value::Integer(if negative { -number } else { number }))
    }

    pub(crate) fn arguments(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let mut from = start;
        if self.tokens.get(from).is_some_and(|token| token.is_any_word(&["DISTINCT", "ALL"])) {
            from += 1;
        }
        let mut arguments = Vec::new();
        for (at, token) in self.top_level(from, end) {
            if token.is_symbol(",") {
                arguments.push((from, at));
                from = at + 1;
            }
        }
        arguments.push((from, end));
        arguments
    }

    fn without_brackets(&self, mut start: usize, mut end: usize) -> (usize, usize) {
        while start < end
            && self.tokens.get(start).is_some_and(|token| token.is_symbol("("))
            && self.brackets.close_of(start) == end.checked_sub(1)
        {
            start += 1;
            end -= 1;
        }
        (start, end)
    }

    fn has(&self, start: usize, end: usize, wanted: impl Fn(&Token) -> bool) -> bool {
        self.top_level(start, end).any(|(_, token)| wanted(token))
    }

    /// The tokens outside brackets and outside CASE … END.
    pub(crate) fn top_level(
        &self,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (usize, &Token)> {
        let mut at = start;
        let mut cases = 0_usize;
        std::iter::from_fn(move || {
            while at < end {
                let index = at;
                let token = self.tokens.get(index)?;
                at = self.brackets.after(index);
                if token.is_word("CASE") {
                    cases += 1;
                } else if token.is_word("END") && cases > 0 {
                    cases -= 1;
                } else if cases == 0 {
                    return Some((index, token));
                }
            }
            None
        })
    }
}

fn is_boolean_operator(token: &Token) -> bool {
    ["=", "<>", "!=", "<", ">", "<=", ">="].iter().any(|symbol| token.is_symbol(symbol))
        || token
            .is_any_word(&["AND", "OR", "NOT", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "EXISTS"])
}

fn keyword(word: &str) -> Option<DremioType> {
    Some(match word {
        "TRUE" | "FALSE" => DremioType::Boolean,
        "CURRENT_DATE" => DremioType::Date,
        "CURRENT_TIME" => DremioType::Time,
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => DremioType::Timestamp,
        "CURRENT_USER" | "SESSION_USER" | "USER" => DremioType::Varchar,
        "NULL" => DremioType::Integer,
        _ => return None,
    })
}

fn number(text: &str) -> DremioType {
    if text.contains(['e', 'E']) {
        return DremioType::Double;
    }
    let Some((whole, fraction)) = text.split_once('.') else {
        let digits = u8::try_from(text.len()).unwrap_or(DECIMAL_PRECISION_MAX);
        return match (text.parse::<i32>(), text.parse::<i64>()) {
            (Ok(_), _) => DremioType::Integer,
            (_, Ok(_)) => DremioType::BigInt,
            _ => DremioType::decimal(digits, 0),
        };
    };
    let len = |digits: &str| u8::try_from(digits.len()).unwrap_or(DECIMAL_PRECISION_MAX);
    DremioType::decimal(len(whole).saturating_add(len(fraction)), len(fraction))
}

fn sum(ty: &DremioType) -> DremioType {
    match ty {
        DremioType::Decimal { scale, .. } => DremioType::decimal(DECIMAL_PRECISION_MAX, *scale),
        DremioType::Integer | DremioType::BigInt => DremioType::BigInt,
        _ => DremioType::Double,
    }
}

fn average(ty: &DremioType) -> DremioType {
    match ty {
        DremioType::Decimal { scale, .. } => {
            DremioType::decimal(DECIMAL_PRECISION_MAX, (*scale).max(6))
        }
        _ => DremioType::Double,
    }
}

/// The type of `left operator right`, by Dremio's rules for decimals.
pub(crate) fn combine(left: &DremioType, operator: &str, right: &DremioType) -> Option<DremioType> {
    use DremioType::{BigInt, Date, Double, Float, Integer};
    match (left, right) {
        (Date, Integer | BigInt) | (Integer | BigInt, Date) => return Some(Date),
        _ if !left.is_numeric() || !right.is_numeric() => return None,
        (Double | Float, _) | (_, Double | Float) => return Some(Double),
        (Integer, Integer) => return Some(Integer),
        (Integer | BigInt, Integer | BigInt) => return Some(BigInt),
        _ => {}
    }
    let (precision, scale) = digits(left)?;
    let (other_precision, other_scale) = digits(right)?;
    let whole = precision.saturating_sub(scale);
    let other_whole = other_precision.saturating_sub(other_scale);
    let (precision, scale) = match operator {
        "*" => (precision + other_precision, scale + other_scale),
        "/" => {
            let places = (scale + other_precision + 1).max(6);
            (whole + other_scale + places, places)
        }
        "%" => (whole.min(other_whole) + scale.max(other_scale), scale.max(other_scale)),
        _ => (whole.max(other_whole) + scale.max(other_scale) + 1, scale.max(other_scale)),
    };
    // What is too long loses decimal places, but keeps six of them.
    let excess = precision.saturating_sub(DECIMAL_PRECISION_MAX);
    Some(DremioType::decimal(precision, scale.saturating_sub(excess).max(scale.min(6))))
}

/// Whether a sign after the token is an operator between two operands.
fn ends_operand(token: &Token) -> bool {
    match token.kind {
        Kind::Symbol => token.is_symbol(")") || token.is_symbol("]"),
        Kind::Number | Kind::Text | Kind::Quoted => true,
        Kind::Word => !token.is_any_word(&[
            "AND", "OR", "NOT", "THEN", "ELSE", "WHEN", "BETWEEN", "IN", "IS", "LIKE",
        ]),
    }
}

/// The least type that both go into.
pub(crate) fn wider(left: &DremioType, right: &DremioType) -> Option<DremioType> {
    use DremioType::{BigInt, Double, Float, Integer};
    match (left, right) {
        _ if left == right => Some(left.clone()),
        _ if !left.is_numeric() || !right.is_numeric() => None,
        (Double | Float, _) | (_, Double | Float) => Some(Double),
        (Integer | BigInt, Integer | BigInt) => Some(BigInt),
        _ => {
            let ((precision, scale), (other_precision, other_scale)) =
                (digits(left)?, digits(right)?);
            let places = scale.max(other_scale);
            let whole =
                precision.saturating_sub(scale).max(other_precision.saturating_sub(other_scale));
            Some(DremioType::decimal(whole.saturating_add(places), places))
        }
    }
}

fn digits(ty: &DremioType) -> Option<(u8, u8)> {
    match ty {
        DremioType::Decimal { precision, scale } => Some((*precision, *scale)),
        DremioType::Integer => Some((10, 0)),
        DremioType::BigInt => Some((19, 0)),
        _ => None,
    }
}
