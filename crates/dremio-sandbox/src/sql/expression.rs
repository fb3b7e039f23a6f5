//! Expressions: operators become calls that compute by Dremio's types, or are refused where the
//! types do not go together.
//!
//! Operands, arithmetic and one comparison are read here, with the usual precedence; what is around
//! them (AND, OR, NOT, clauses) is left to the rewriter, token by token. Types are those of
//! [`Typing`]; where one is not known the functions look at the values and refuse what they cannot
//! tell apart. Nothing is left to SQLite's conversions.

use super::error::SqlError;
use super::rewrite::Rewriter;
use super::token::{Kind, Token, quote_text};
use super::typing::{Typing, combine};
use super::words;
use crate::catalog::DremioType;

/// Digits that a decimal may have so that each of its values is a double, see [`super::decimal`].
const NARROW_DIGITS_MAX: u8 = super::decimal::EXACT_DIGITS_MAX;

const COMPARISONS: [&str; 7] = ["=", "<>", "!=", "<", ">", "<=", ">="];

/// A rewritten expression.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) text: String,
    pub(crate) ty: Option<DremioType>,
    /// The index after it.
    pub(crate) after: usize,
}

/// Whether the values may be texts of more digits than SQLite compares.
pub(crate) fn is_wide(ty: Option<&DremioType>) -> bool {
    matches!(ty, Some(DremioType::Decimal { precision, .. }) if *precision > NARROW_DIGITS_MAX)
}

/// `expression` in a form that SQLite compares and sorts as Dremio does.
pub(crate) fn narrow(expression: String, ty: Option<&DremioType>) -> String {
    if is_wide(ty) { format!("dremio_narrow({expression})") } else { expression }
}

impl Rewriter<'_> {
    pub(crate) fn typing(&self) -> Typing<'_> {
        Typing { tokens: self.tokens, brackets: self.brackets, scope: self.scope }
    }

    /// Whether an expression can begin at the token.
    pub(crate) fn begins_operand(&self, index: usize) -> bool {
        let Some(token) = self.tokens.get(index) else {
            return false;
        };
        let call = self.is_symbol_at(index + 1, "(");
        match token.kind {
            Kind::Number | Kind::Text | Kind::Quoted => true,
            Kind::Symbol => token.is_symbol("(") || token.is_symbol("-") || token.is_symbol("+"),
            Kind::Word if !words::is_keyword(token) || self.is_symbol_at(index + 1, ".") => true,
            Kind::Word if token.is_any_word(&["CAST", "EXTRACT", "GROUPING", "LEFT", "RIGHT"]) => {
                call
            }
            Kind::Word => token.is_any_word(&[
                "CASE",
                "CURRENT_DATE",
                "CURRENT_TIME",
                "CURRENT_TIMESTAMP",
                "CURRENT_USER",
                "FALSE",
                "INTERVAL",
                "LOCALTIMESTAMP",
                "NULL",
                "SESSION_USER",
                "TRUE",
                "USER",
            ]),
        }
    }

    /// An operand with the arithmetic and the comparison that follow it.
    pub(crate) fn expression(&self, index: usize, end: usize) -> Result<Expression, SqlError> {
        let left = self.sum(index, end)?;
        let at = left.after;
        let negated = self.is_word_at(at, &["NOT"]);
        let word = at + usize::from(negated);
        let Some(operator) = self.tokens.get(at).filter(|_| at < end) else {
            return Ok(left);
        };
        if operator.kind == Kind::Symbol && COMPARISONS.contains(&operator.text.as_str()) {
            if self.is_word_at(at + 1, &["ANY", "ALL", "SOME"]) {
                return Err(SqlError::unsupported("A comparison with ANY, SOME or ALL"));
            }
            if !self.begins_operand(at + 1) {
                return Err(self.unexpected(at + 1));
            }
            let right = self.sum(at + 1, end)?;
            let text = comparison(&left, &operator.text, &right)?;
            return Ok(Expression { text, ty: Some(DremioType::Boolean), after: right.after });
        }
        if self.is_word_at(word, &["BETWEEN"]) {
            if self.is_word_at(word + 1, &["SYMMETRIC", "ASYMMETRIC"]) {
                return Err(SqlError::unsupported("BETWEEN SYMMETRIC"));
            }
            let low = self.sum(word + 1, end)?;
            if !self.is_word_at(low.after, &["AND"]) {
                return Err(self.unexpected(low.after));
            }
            let high = self.sum(low.after + 1, end)?;
            let (above, below) = (comparison(&left, ">=", &low)?, comparison(&left, "<=", &high)?);
            let text = format!("({}({above} AND {below}))", if negated { "NOT " } else { "" });
            return Ok(Expression { text, ty: Some(DremioType::Boolean), after: high.after });
        }
        if self.is_word_at(word, &["IN"]) {
            let (list, after) = self.membership(&left, word + 1)?;
            let text = if negated { format!("(NOT {list})") } else { list };
            return Ok(Expression { text, ty: Some(DremioType::Boolean), after });
        }
        if self.is_word_at(word, &["LIKE", "ILIKE"])
            && left.ty.as_ref().is_some_and(|ty| *ty != DremioType::Varchar)
        {
            return Err(SqlError::unsupported("LIKE on anything but a VARCHAR (CAST it first)"));
        }
        if self.is_word_at(word, &["SIMILAR"]) {
            return Err(SqlError::unsupported("SIMILAR TO"));
        }
        Ok(left)
    }

    /// `left IN (…)`, with `index` at the bracket.
    fn membership(&self, left: &Expression, index: usize) -> Result<(String, usize), SqlError> {
        let close = self.brackets.close_of(index).ok_or_else(|| self.unexpected(index))?;
        if self.is_word_at(index + 1, &["SELECT", "WITH", "VALUES"]) {
            let ty = self.typing().of(index + 1, close);
            let inner = Expression { text: String::new(), ty, after: close + 1 };
            if let (Some(one), Some(other)) = (&left.ty, &inner.ty)
                && (family(one) != family(other) || is_wide(Some(one)) || is_wide(Some(other)))
            {
                return Err(cannot_apply("IN", left, &inner));
            }
            return Ok((
                format!("({} IN ({}))", left.text, self.range(index + 1, close)?),
                close + 1,
            ));
        }
        let (mut items, mut found) = (Vec::new(), Vec::new());
        let mut at = index + 1;
        while at < close {
            if !self.begins_operand(at) {
                return Err(self.unexpected(at));
            }
            let item = self.sum(at, close)?;
            found.push(comparison(left, "=", &item)?);
            at = item.after;
            items.push(item.text);
            if at < close && !self.is_symbol_at(at, ",") {
                return Err(self.unexpected(at));
            }
            at += 1;
        }
        if found.is_empty() {
            return Err(self.unexpected(close));
        }
        // Without conversions it stays a list, which may be longer than SQLite's limit on
        // operators.
        let is_plain = found
            .iter()
            .zip(&items)
            .all(|(found, item)| *found == format!("{} = {item}", left.text));
        let text = if is_plain {
            format!("({} IN ({}))", left.text, items.join(", "))
        } else {
            format!("({})", found.join(" OR "))
        };
        Ok((text, close + 1))
    }

    fn sum(&self, index: usize, end: usize) -> Result<Expression, SqlError> {
        let mut left = self.product(index, end)?;
        loop {
            let at = left.after;
            let Some(sign) = self
                .tokens
                .get(at)
                .filter(|sign| at < end && (sign.is_symbol("+") || sign.is_symbol("-")))
            else {
                return Ok(left);
            };
            if self.is_word_at(at + 1, &["INTERVAL"]) {
                left = self.shift(&left, sign, at + 1)?;
                continue;
            }
            self.check_operand(at + 1)?;
            let right = self.product(at + 1, end)?;
            left = arithmetic(&left, &sign.text, &right)?;
        }
    }

    fn product(&self, index: usize, end: usize) -> Result<Expression, SqlError> {
        let mut left = self.signed(index, end)?;
        loop {
            let at = left.after;
            let operator = self.tokens.get(at).filter(|_| at < end);
            let Some(operator) = operator
                .filter(|token| ["*", "/", "%", "||"].iter().any(|symbol| token.is_symbol(symbol)))
            else {
                return Ok(left);
            };
            self.check_operand(at + 1)?;
            let right = self.signed(at + 1, end)?;
            left = if operator.is_symbol("||") {
                let text = format!("({} || {})", as_text(&left), as_text(&right));
                Expression { text, ty: Some(DremioType::Varchar), after: right.after }
            } else {
                arithmetic(&left, &operator.text, &right)?
            };
        }
    }

    fn check_operand(&self, index: usize) -> Result<(), SqlError> {
        if self.begins_operand(index) { Ok(()) } else { Err(self.unexpected(index)) }
    }

    fn signed(&self, index: usize, end: usize) -> Result<Expression, SqlError> {
        let Some(sign) =
            self.tokens.get(index).filter(|token| token.is_symbol("-") || token.is_symbol("+"))
        else {
            return self.operand(index, end);
        };
        self.check_operand(index + 1)?;
        if let Some(number) =
            self.tokens.get(index + 1).filter(|number| number.kind == Kind::Number)
        {
            let text =
                if sign.is_symbol("-") { format!("-{}", number.text) } else { number.text.clone() };
            return Ok(Expression {
                ty: self.typing().of(index, index + 2),
                text: number_text(&text),
                after: index + 2,
            });
        }
        let mut at = index + 1;
        let mut negative = sign.is_symbol("-");
        while let Some(next) =
            self.tokens.get(at).filter(|token| token.is_symbol("-") || token.is_symbol("+"))
        {
            negative ^= next.is_symbol("-");
            at += 1;
        }
        self.check_operand(at)?;
        let operand = self.operand(at, end)?;
        if operand.ty.as_ref().is_some_and(|ty| !ty.is_numeric()) {
            let ty = operand.ty.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(SqlError::failed(format!(
                "Cannot apply '{}' to arguments of type '{0}<{ty}>'.",
                sign.text
            )));
        }
        Ok(if negative {
            Expression { text: format!("dremio_negate({})", operand.text), ..operand }
        } else {
            operand
        })
    }

    fn operand(&self, index: usize, end: usize) -> Result<Expression, SqlError> {
        let Some(token) = self.tokens.get(index).filter(|_| index < end) else {
            return Err(self.unexpected(index));
        };
        if token.is_word("INTERVAL") {
            return Err(SqlError::unsupported(
                "An INTERVAL that is not added to or subtracted from a date or timestamp",
            ));
        }
        let (text, after) = match token.kind {
            Kind::Number => (number_text(&token.text), index + 1),
            Kind::Symbol if token.is_symbol("(") => self.bracketed(index)?,
            Kind::Word if token.is_word("CASE") => {
                let last = self.case_end(index, end).ok_or_else(|| self.unexpected(end))?;
                self.check_simple_case(index, last)?;
                (format!("CASE {} END", self.range(index + 1, last)?), last + 1)
            }
            Kind::Text | Kind::Symbol => (token.to_sqlite(), index + 1),
            Kind::Word | Kind::Quoted => self.named(index, token)?,
        };
        Ok(Expression { text, ty: self.typing().of(index, after), after })
    }

    fn bracketed(&self, index: usize) -> Result<(String, usize), SqlError> {
        let close = self.brackets.close_of(index).ok_or_else(|| self.unexpected(index))?;
        let is_query = self.is_word_at(index + 1, &["SELECT", "WITH", "VALUES"])
            || self.scope.table_at(index + 1).is_some();
        if !is_query && self.typing().arguments(index + 1, close).len() > 1 {
            return Err(SqlError::unsupported("A row value, as in (a, b),"));
        }
        Ok((format!("({})", self.range(index + 1, close)?), close + 1))
    }

    fn case_end(&self, index: usize, end: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = index;
        while at < end {
            let token = self.tokens.get(at)?;
            if token.is_word("CASE") {
                depth += 1;
            } else if token.is_word("END") {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            at = self.brackets.after(at);
        }
        None
    }

    /// `CASE x WHEN y …` compares, too.
    fn check_simple_case(&self, index: usize, last: usize) -> Result<(), SqlError> {
        let mut word = None;
        let mut value = None;
        for (at, token) in self.typing().top_level(index + 1, last) {
            let first = word.is_none() && token.is_word("WHEN");
            if first && at == index + 1 {
                return Ok(());
            }
            if first {
                value = self.typing().of(index + 1, at);
            } else if token.is_word("THEN")
                && let (Some(one), Some(other)) =
                    (&value, word.and_then(|when: usize| self.typing().of(when + 1, at)))
                && (family(one) != family(&other)
                    || is_wide(value.as_ref())
                    || is_wide(Some(&other)))
            {
                return Err(SqlError::unsupported("CASE x WHEN y for x and y of different types"));
            }
            if token.is_word("WHEN") {
                word = Some(at);
            }
        }
        Ok(())
    }

    /// `x ± INTERVAL '7' DAY`, with `index` at INTERVAL.
    fn shift(&self, left: &Expression, sign: &Token, index: usize) -> Result<Expression, SqlError> {
        let (amount, unit, after) = self.interval(index)?;
        let amount = if sign.is_symbol("-") { -amount } else { amount };
        let ty = match &left.ty {
            Some(DremioType::Date)
                if ["SECOND", "MINUTE", "HOUR"].iter().any(|fine| unit.starts_with(fine)) =>
            {
                Some(DremioType::Timestamp)
            }
            Some(DremioType::Date | DremioType::Timestamp) | None => left.ty.clone(),
            Some(other) => {
                return Err(SqlError::failed(format!(
                    "Cannot apply '{0}' to arguments of type '<{other}> {0} <INTERVAL {unit}>'.",
                    sign.text
                )));
            }
        };
        Ok(Expression {
            text: format!("dremio_shift({}, {amount}, {})", left.text, quote_text(&unit)),
            ty,
            after,
        })
    }

    pub(crate) fn is_symbol_at(&self, index: usize, symbol: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_symbol(symbol))
    }
}

/// A literal; one with more digits than a double holds as text, see [`super::decimal`].
fn number_text(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_double = text.contains(['e', 'E']);
    let is_whole = text.parse::<i64>().is_ok();
    if digits > usize::from(NARROW_DIGITS_MAX) && !is_double && !is_whole {
        quote_text(text)
    } else {
        text.to_owned()
    }
}

/// An expression as the text that CAST(… AS VARCHAR) gives.
pub(crate) fn as_text(expression: &Expression) -> String {
    let text = &expression.text;
    match &expression.ty {
        Some(DremioType::Varchar) => text.clone(),
        Some(DremioType::Decimal { scale, .. }) => format!("dremio_decimal_text({text}, {scale})"),
        Some(DremioType::Boolean) => format!("dremio_boolean_text({text})"),
        _ => format!("dremio_cast({text}, 'VARCHAR')"),
    }
}

fn arithmetic(
    left: &Expression,
    operator: &str,
    right: &Expression,
) -> Result<Expression, SqlError> {
    use DremioType::{BigInt, Date, Integer, Time, Timestamp};
    let after = right.after;
    let (one, other) = (&left.text, &right.text);
    match (&left.ty, operator, &right.ty) {
        (Some(Date), "+", Some(Integer | BigInt)) => {
            return Ok(Expression {
                text: format!("dremio_shift({one}, {other}, 'DAY')"),
                ty: Some(Date),
                after,
            });
        }
        (Some(Date), "-", Some(Integer | BigInt)) => {
            return Ok(Expression {
                text: format!("dremio_shift({one}, dremio_negate({other}), 'DAY')"),
                ty: Some(Date),
                after,
            });
        }
        (Some(Integer | BigInt), "+", Some(Date)) => {
            return Ok(Expression {
                text: format!("dremio_shift({other}, {one}, 'DAY')"),
                ty: Some(Date),
                after,
            });
        }
        (Some(Date | Timestamp | Time), "-", Some(Date | Timestamp | Time)) => {
            return Err(SqlError::failed(
                "The difference of two dates or timestamps as an INTERVAL is not supported by this stand-in for Dremio: use DATEDIFF or \
                 TIMESTAMPDIFF.",
            ));
        }
        (Some(Date | Timestamp | Time), "+" | "-", ty)
        | (ty, "+", Some(Date | Timestamp | Time))
            if ty.as_ref() != Some(&DremioType::Varchar) =>
        {
            return Err(SqlError::failed(format!(
                "Cannot apply '{operator}' to arguments of type '<{}> {operator} <{}>': this stand-in for Dremio adds whole days to a \
                 DATE; for everything else use INTERVAL or TIMESTAMPADD.",
                shown(left),
                shown(right)
            )));
        }
        _ => {}
    }
    let numeric = |ty: &Option<DremioType>| ty.as_ref().is_none_or(DremioType::is_numeric);
    if !numeric(&left.ty) || !numeric(&right.ty) {
        return Err(cannot_apply(operator, left, right));
    }
    let ty = match (&left.ty, &right.ty) {
        (Some(one), Some(other)) => combine(one, operator, other),
        _ => None,
    };
    let mode = ty.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(Expression {
        text: format!("dremio_arith('{operator}', {one}, {other}, '{mode}')"),
        ty,
        after,
    })
}

/// The kinds of type between which nothing is compared without a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Number,
    Text,
    Date,
    Timestamp,
    Time,
    Boolean,
    Bytes,
    Other,
}

fn family(ty: &DremioType) -> Family {
    match ty {
        DremioType::Varchar => Family::Text,
        DremioType::Date => Family::Date,
        DremioType::Timestamp => Family::Timestamp,
        DremioType::Time => Family::Time,
        DremioType::Boolean => Family::Boolean,
        DremioType::Varbinary => Family::Bytes,
        _ if ty.is_numeric() => Family::Number,
        _ => Family::Other,
    }
}

/// `left operator right`; the text of one side is read as the type of the other.
fn comparison(left: &Expression, operator: &str, right: &Expression) -> Result<String, SqlError> {
    let (one, other) = (&left.text, &right.text);
    let plain = || format!("{one} {operator} {other}");
    let exact = || format!("dremio_compare('{operator}', {one}, {other})");
    let is_null = |expression: &Expression| expression.text == "NULL";
    let (Some(one_type), Some(other_type)) = (&left.ty, &right.ty) else {
        return Ok(exact());
    };
    if is_null(left) || is_null(right) {
        return Ok(plain());
    }
    let cast = |text: &str, ty: &DremioType| {
        format!("dremio_cast({text}, {})", quote_text(&ty.to_string()))
    };
    match (family(one_type), family(other_type)) {
        (Family::Number, Family::Number)
            if is_wide(left.ty.as_ref()) || is_wide(right.ty.as_ref()) =>
        {
            Ok(exact())
        }
        (Family::Other, _) | (_, Family::Other) => Err(cannot_apply(operator, left, right)),
        (one, other) if one == other => Ok(plain()),
        (Family::Text, Family::Number) => Ok(format!(
            "dremio_compare('{operator}', {}, {other})",
            cast(one, &as_number(other_type))
        )),
        (Family::Number, Family::Text) => Ok(format!(
            "dremio_compare('{operator}', {one}, {})",
            cast(other, &as_number(one_type))
        )),
        (Family::Date, Family::Timestamp)
        | (Family::Text, Family::Date | Family::Timestamp | Family::Time | Family::Boolean) => {
            Ok(format!("{} {operator} {other}", cast(one, other_type)))
        }
        (Family::Timestamp, Family::Date)
        | (Family::Date | Family::Timestamp | Family::Time | Family::Boolean, Family::Text) => {
            Ok(format!("{one} {operator} {}", cast(other, one_type)))
        }
        _ => Err(cannot_apply(operator, left, right)),
    }
}

/// What a text is read as next to a number of the type.
fn as_number(ty: &DremioType) -> DremioType {
    match ty {
        DremioType::Decimal { .. } | DremioType::Float => DremioType::Double,
        other => other.clone(),
    }
}

fn shown(expression: &Expression) -> String {
    expression.ty.as_ref().map_or_else(|| "ANY".to_owned(), ToString::to_string)
}

fn cannot_apply(operator: &str, left: &Expression, right: &Expression) -> SqlError {
    SqlError::failed(format!(
        "Cannot apply '{operator}' to arguments of type '<{}> {operator} <{}>' (not supported by this stand-in for Dremio; CAST one side).",
        shown(left),
        shown(right)
    ))
}
