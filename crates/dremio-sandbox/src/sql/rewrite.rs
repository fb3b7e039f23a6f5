//! Dremio SQL to SQLite SQL, token by token.
//!
//! Names of any depth become one quoted table name with the alias that Dremio would give it; struct
//! and list access becomes `json_extract`; typed literals, operators (see `expression`), `CAST`,
//! `EXTRACT` and their kind become calls of our own functions. What is not known is passed on, and
//! SQLite's complaint translated.

use super::brackets::Brackets;
use super::calls;
use super::error::SqlError;
use super::expression::{Expression, is_wide};
use super::moment;
use super::scope::{Located, Scope, TableRef, name_end};
use super::select;
use super::token::{Kind, Token, quote_name, quote_text};
use super::words;
use crate::catalog::DremioType;

/// What a rewriting needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rewriter<'a> {
    pub(crate) sql: &'a str,
    pub(crate) tokens: &'a [Token],
    pub(crate) brackets: &'a Brackets,
    pub(crate) scope: &'a Scope,
    pub(crate) user: &'a str,
}

impl Rewriter<'_> {
    /// The SQLite form of the tokens from `start` to `end`.
    ///
    /// # Errors
    /// A name that needs quotes, a literal that is none, a call that Dremio would not parse, types
    /// that do not go together.
    pub(crate) fn range(&self, start: usize, end: usize) -> Result<String, SqlError> {
        let mut out = Vec::new();
        let mut index = start;
        while index < end {
            index = self.step(index, end, &mut out)?;
        }
        Ok(out.join(" "))
    }

    fn step(&self, index: usize, end: usize, out: &mut Vec<String>) -> Result<usize, SqlError> {
        let Some(token) = self.tokens.get(index) else {
            return Ok(end);
        };
        if let Some(table) = self.scope.table_at(index) {
            out.push(table_reference(table));
            return Ok(table.end);
        }
        if let Some(after) = self.scope.common_columns(self.tokens, self.brackets, index) {
            out.push(
                self.tokens
                    .get(index..after)
                    .unwrap_or_default()
                    .iter()
                    .map(Token::to_sqlite)
                    .collect::<Vec<_>>()
                    .join(" "),
            );
            return Ok(after);
        }
        if self.begins_operand(index) {
            let expression = self.expression(index, end)?;
            self.check_condition(index, end, &expression)?;
            out.push(expression.text);
            return Ok(expression.after);
        }
        if token.kind == Kind::Word {
            return self.keyword(index, end, token, out);
        }
        out.push(token.text.clone());
        Ok(index + 1)
    }

    /// What stands alone where a condition has to be is one; SQLite would ask whether it is 0.
    fn check_condition(
        &self,
        index: usize,
        end: usize,
        expression: &Expression,
    ) -> Result<(), SqlError> {
        let expected = index.checked_sub(1).is_some_and(|before| {
            self.is_word_at(before, &["WHERE", "HAVING", "ON", "AND", "OR", "NOT"])
        });
        let goes_on = expression.after < end
            && self.is_word_at(
                expression.after,
                &["LIKE", "ILIKE", "IS", "NOT", "ESCAPE", "PRECEDING", "FOLLOWING", "COLLATE"],
            );
        match &expression.ty {
            Some(ty)
                if expected
                    && !goes_on
                    && *ty != DremioType::Boolean
                    && expression.text != "NULL" =>
            {
                Err(SqlError::failed(format!(
                    "A condition of type {ty} instead of BOOLEAN is not supported by this stand-in for Dremio."
                )))
            }
            _ => Ok(()),
        }
    }

    /// What begins with a name or a word that stands for a value.
    pub(crate) fn named(&self, index: usize, token: &Token) -> Result<(String, usize), SqlError> {
        let next = self.tokens.get(index + 1);
        if next.is_some_and(|next| next.is_symbol("(")) && !is_clause_word(token) {
            return calls::rewrite(self, index);
        }
        if token.kind == Kind::Word
            && let Some(literal) = next.filter(|next| next.kind == Kind::Text)
            && token.is_any_word(&["DATE", "TIME", "TIMESTAMP"])
        {
            let text = moment::literal(&token.text, &literal.text).ok_or_else(|| {
                SqlError::failed(format!(
                    "Illegal {} literal '{}'",
                    token.text.to_uppercase(),
                    literal.text
                ))
            })?;
            return Ok((quote_text(&text), index + 2));
        }
        if !words::is_keyword(token) || next.is_some_and(|next| next.is_symbol(".")) {
            return self.column(index);
        }
        let word = token.text.to_ascii_uppercase();
        let text = match word.as_str() {
            "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => "dremio_now()".to_owned(),
            "CURRENT_USER" | "SESSION_USER" | "USER" => quote_text(self.user),
            _ => word.clone(),
        };
        // `CURRENT_DATE()` is `CURRENT_DATE`.
        let empty_brackets =
            word.starts_with("CURRENT_") && self.brackets.close_of(index + 1) == Some(index + 2);
        Ok((text, if empty_brackets { index + 3 } else { index + 1 }))
    }

    /// `INTERVAL '7' DAY`, `INTERVAL 7 DAY`; `index` is at INTERVAL.
    pub(crate) fn interval(&self, index: usize) -> Result<(i64, String, usize), SqlError> {
        let amount = self.tokens.get(index + 1);
        let unit = self.tokens.get(index + 2);
        let (Some(amount), Some(unit)) = (amount, unit) else {
            return Err(SqlError::unexpected_end(self.sql));
        };
        let number = amount
            .text
            .trim()
            .parse()
            .ok()
            .filter(|_| matches!(amount.kind, Kind::Number | Kind::Text));
        let number: i64 = number.ok_or_else(|| {
            SqlError::unsupported("An INTERVAL that is not a whole number of one unit")
        })?;
        let mut after = index + 3;
        // A precision, as in DAY(3).
        if self.brackets.close_of(after).is_some() {
            after = self.brackets.after(after);
        }
        if self.is_word_at(after, &["TO"]) {
            return Err(SqlError::unsupported("An INTERVAL of several units"));
        }
        let unit_name = unit.text.to_uppercase();
        if unit.kind != Kind::Word || moment::Unit::parse(&unit_name).is_none() {
            return Err(SqlError::encountered(self.sql, unit));
        }
        Ok((number, unit_name, after))
    }

    fn keyword(
        &self,
        index: usize,
        end: usize,
        token: &Token,
        out: &mut Vec<String>,
    ) -> Result<usize, SqlError> {
        let word = token.text.to_ascii_uppercase();
        match word.as_str() {
            // The operator that calls our `regexp`, which is a LIKE without regard to case.
            "ILIKE" => out.push("REGEXP".to_owned()),
            "OFFSET" | "FETCH" => return self.paging(index, out),
            "QUALIFY" => return Err(SqlError::unsupported("QUALIFY")),
            "ORDER" if self.is_word_at(index + 1, &["BY"]) => {
                return self.ordering(index, end, out);
            }
            "GROUP" if self.is_word_at(index + 1, &["BY"]) => return self.groups(index, end, out),
            "AS" if self.tokens.get(index + 1).is_some_and(Token::is_name)
                && self.is_symbol_at(index + 2, "(") =>
            {
                return Err(SqlError::unsupported("A list of columns after the alias of a table"));
            }
            "VALUES" => return self.rows(index, out),
            "USING" => {
                let after = self.brackets.after(index + 1);
                out.push(
                    self.tokens
                        .get(index..after)
                        .unwrap_or_default()
                        .iter()
                        .map(Token::to_sqlite)
                        .collect::<Vec<_>>()
                        .join(" "),
                );
                return Ok(after);
            }
            _ => out.push(word),
        }
        Ok(index + 1)
    }

    /// `VALUES (1, 2), (3, 4)`.
    fn rows(&self, index: usize, out: &mut Vec<String>) -> Result<usize, SqlError> {
        out.push("VALUES".to_owned());
        let mut at = index + 1;
        while let Some(close) = self.brackets.close_of(at) {
            out.push(format!("({})", self.range(at + 1, close)?));
            at = close + 1;
            if !(self.is_symbol_at(at, ",") && self.brackets.close_of(at + 1).is_some()) {
                break;
            }
            out.push(",".to_owned());
            at += 1;
        }
        Ok(at)
    }

    /// GROUP BY with the expressions that its aliases stand for: an alias goes before a column of
    /// that name.
    fn groups(&self, index: usize, end: usize, out: &mut Vec<String>) -> Result<usize, SqlError> {
        out.push("GROUP BY".to_owned());
        let (items, after) = select::list(self.tokens, self.brackets, index + 2, end);
        let selected = select::before(self.tokens, self.brackets, index)
            .map(|at| select::items(self.tokens, self.brackets, at));
        let mut texts = Vec::with_capacity(items.len());
        for (start, stop) in items {
            if self.is_word_at(start, &["ROLLUP", "CUBE", "GROUPING"]) {
                return Err(SqlError::unsupported("GROUP BY with ROLLUP, CUBE or GROUPING SETS"));
            }
            let alias = self.tokens.get(start).filter(|token| stop == start + 1 && token.is_name());
            let item = alias.and_then(|alias| {
                selected.as_ref()?.iter().find(|item| item.is_called(&alias.text))
            });
            texts.push(match item {
                Some(item) => format!("({})", self.range(item.start, item.end)?),
                None => self.range(start, stop)?,
            });
        }
        out.push(texts.join(", "));
        Ok(after)
    }

    /// ORDER BY with NULL as the highest value, as in Dremio; in SQLite it is the lowest.
    fn ordering(&self, index: usize, end: usize, out: &mut Vec<String>) -> Result<usize, SqlError> {
        out.push("ORDER BY".to_owned());
        let (items, after) = select::list(self.tokens, self.brackets, index + 2, end);
        let selected = select::before(self.tokens, self.brackets, index);
        let mut texts = Vec::with_capacity(items.len());
        for (start, mut stop) in items {
            let mut nulls = None;
            if self.is_word_at(stop.saturating_sub(2), &["NULLS"]) {
                nulls = self.tokens.get(stop - 1).map(|token| token.text.to_ascii_uppercase());
                stop -= 2;
            }
            let descending = self.is_word_at(stop - 1, &["DESC"]);
            if descending || self.is_word_at(stop - 1, &["ASC"]) {
                stop -= 1;
            }
            let nulls =
                nulls.unwrap_or_else(|| if descending { "FIRST" } else { "LAST" }.to_owned());
            let direction = if descending { " DESC" } else { "" };
            let key = self.sort_key(selected, start, stop)?;
            texts.push(format!("{key}{direction} NULLS {nulls}"));
        }
        out.push(texts.join(", "));
        Ok(after)
    }

    fn sort_key(
        &self,
        selected: Option<usize>,
        start: usize,
        stop: usize,
    ) -> Result<String, SqlError> {
        let text = self.range(start, stop)?;
        let items =
            selected.map(|at| select::items(self.tokens, self.brackets, at)).unwrap_or_default();
        let token = self.tokens.get(start).filter(|_| stop == start + 1);
        let item = token.and_then(|token| match token.kind {
            Kind::Number => items.get(token.text.parse::<usize>().ok()?.checked_sub(1)?),
            _ => items.iter().find(|item| item.is_called(&token.text)),
        });
        let ty = match item {
            Some(item) => self.typing().of(item.start, item.end),
            None => self.typing().of(start, stop),
        };
        match (ty, item) {
            (Some(ty @ DremioType::Decimal { scale, .. }), item) if is_wide(Some(&ty)) => {
                let text = item.map_or(Ok(text), |item| self.range(item.start, item.end))?;
                Ok(format!("dremio_sort_key({text}, {scale})"))
            }
            _ => Ok(text),
        }
    }

    /// `OFFSET n [ROWS] [FETCH {FIRST|NEXT} m ROWS ONLY]` in SQLite's words; after LIMIT it is the
    /// same.
    fn paging(&self, index: usize, out: &mut Vec<String>) -> Result<usize, SqlError> {
        let number_at = |at: usize| {
            let token = self.tokens.get(at).filter(|token| token.kind == Kind::Number);
            token.map(|token| token.text.clone())
        };
        let skip_rows = |at: usize| at + usize::from(self.is_word_at(at, &["ROW", "ROWS"]));
        let mut at = index;
        let mut offset = None;
        if self.is_word_at(at, &["OFFSET"]) {
            offset = Some(number_at(at + 1).ok_or_else(|| self.unexpected(at + 1))?);
            at = skip_rows(at + 2);
        }
        let after_limit = out.iter().rev().nth(1).is_some_and(|piece| piece == "LIMIT");
        if after_limit {
            if offset.is_none() {
                return Err(self.unexpected(index));
            }
            out.push(format!("OFFSET {}", offset.unwrap_or_default()));
            return Ok(at);
        }
        let mut limit = "-1".to_owned();
        if self.is_word_at(at, &["FETCH"]) {
            limit = number_at(at + 2).ok_or_else(|| self.unexpected(at + 2))?;
            at = skip_rows(at + 3);
            if !self.is_word_at(at, &["ONLY"]) {
                return Err(self.unexpected(at));
            }
            at += 1;
        }
        out.push(format!("LIMIT {limit} OFFSET {}", offset.as_deref().unwrap_or("0")));
        Ok(at)
    }

    fn column(&self, index: usize) -> Result<(String, usize), SqlError> {
        let end = name_end(self.tokens, index);
        let names = self.tokens.get(index..end).unwrap_or_default();
        // An alias comes this way too, and may be reserved no more than a column.
        if let Some(reserved) = names.iter().find(|token| words::is_reserved(token)) {
            return Err(SqlError::encountered(self.sql, reserved));
        }
        let parts: Vec<String> =
            names.iter().filter(|token| token.is_name()).map(|token| token.text.clone()).collect();
        let Some(located) = self.scope.locate(&parts) else {
            return Err(self.unexpected(index));
        };
        let mut path = String::new();
        let mut ty = self.scope.column(located.table, located.column);
        for member in located.members {
            let (name, inner) = calls::member(ty, member);
            path.push_str(&format!(".\"{name}\""));
            ty = inner;
        }
        let (subscripts, after) = self.subscripts(end);
        path.push_str(&subscripts);
        let column = column_text(&located);
        if path.is_empty() {
            return Ok((column, after));
        }
        let path = quote_text(&format!("${path}"));
        Ok((format!("json_extract({column}, {path})"), after))
    }

    /// `[0]`, `['key']` and members after them, as a JSON path.
    fn subscripts(&self, start: usize) -> (String, usize) {
        let mut path = String::new();
        let mut at = start;
        while let Some(token) = self.tokens.get(at) {
            let inside = self.tokens.get(at + 1);
            let closed = self.brackets.close_of(at) == Some(at + 2);
            match inside {
                Some(inside) if token.is_symbol("[") && closed && inside.kind == Kind::Number => {
                    path.push_str(&format!("[{}]", inside.text));
                    at += 3;
                }
                Some(inside) if token.is_symbol("[") && closed && inside.kind == Kind::Text => {
                    path.push_str(&format!(".\"{}\"", inside.text));
                    at += 3;
                }
                Some(inside) if token.is_symbol(".") && !path.is_empty() && inside.is_name() => {
                    path.push_str(&format!(".\"{}\"", inside.text));
                    at += 2;
                }
                _ => break,
            }
        }
        (path, at)
    }

    pub(crate) fn is_word_at(&self, index: usize, any: &[&str]) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_any_word(any))
    }

    pub(crate) fn unexpected(&self, index: usize) -> SqlError {
        match self.tokens.get(index) {
            Some(token) => SqlError::encountered(self.sql, token),
            None => SqlError::unexpected_end(self.sql),
        }
    }
}

fn table_reference(table: &TableRef) -> String {
    let name = table.path.last().map(String::as_str).unwrap_or_default();
    match &table.dataset {
        None => quote_name(name),
        Some(dataset) if table.has_alias => quote_name(&dataset.table),
        Some(dataset) => format!("{} AS {}", quote_name(&dataset.table), quote_name(name)),
    }
}

fn column_text(located: &Located<'_>) -> String {
    let column = quote_name(located.column);
    match located.table {
        Some(table) => format!("{}.{column}", quote_name(table)),
        None => column,
    }
}

/// Words that may stand before a bracket without being a function.
fn is_clause_word(token: &Token) -> bool {
    words::is_keyword(token)
        && !token.is_any_word(&["CAST", "EXTRACT", "LEFT", "RIGHT", "GROUPING"])
}
