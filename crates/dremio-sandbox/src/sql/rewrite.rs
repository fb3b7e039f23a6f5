//! Dremio SQL to SQLite SQL, token by token.
//!
//! Names of any depth become one quoted table name with the alias that Dremio would give it; struct and list access becomes
//! `json_extract`; typed literals, interval arithmetic, `CAST`, `EXTRACT` and their kind become calls of our own functions (`dremio_…`).
//! What is not known is passed on, and SQLite's complaint translated.

use super::brackets::Brackets;
use super::calls;
use super::error::SqlError;
use super::moment;
use super::scope::{Located, Scope, TableRef, name_end};
use super::token::{Kind, Token, quote_name, quote_text};
use super::words;

/// What a rewriting needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rewriter<'a> {
    pub(crate) sql: &'a str,
    pub(crate) tokens: &'a [Token],
    pub(crate) brackets: &'a Brackets,
    pub(crate) scope: &'a Scope,
    pub(crate) user: &'a str,
}

/// The rewritten text so far.
#[derive(Debug, Default)]
struct Output {
    pieces: Vec<String>,
    /// Where the operand begins that ends here: what interval arithmetic refers to.
    operand: Option<usize>,
}

impl Output {
    fn push(&mut self, piece: impl Into<String>) {
        self.operand = None;
        self.pieces.push(piece.into());
    }

    fn push_operand(&mut self, piece: impl Into<String>) {
        self.operand = Some(self.pieces.len());
        self.pieces.push(piece.into());
    }
}

impl Rewriter<'_> {
    /// The SQLite form of the tokens from `start` to `end`.
    ///
    /// # Errors
    /// A name that needs quotes, a literal that is none, a call that Dremio would not parse.
    pub(crate) fn range(&self, start: usize, end: usize) -> Result<String, SqlError> {
        let mut out = Output::default();
        let mut index = start;
        while index < end {
            index = self.step(index, end, &mut out)?;
        }
        Ok(out.pieces.join(" "))
    }

    fn step(&self, index: usize, end: usize, out: &mut Output) -> Result<usize, SqlError> {
        let Some(token) = self.tokens.get(index) else {
            return Ok(end);
        };
        if let Some(table) = self.scope.table_at(index) {
            out.push(table_reference(table));
            return Ok(table.end);
        }
        match token.kind {
            Kind::Text | Kind::Number => out.push_operand(token.to_sqlite()),
            Kind::Symbol if token.is_symbol("(") => {
                let close = self.brackets.close_of(index).unwrap_or(end);
                out.push_operand(format!("({})", self.range(index + 1, close)?));
                return Ok(close + 1);
            }
            Kind::Symbol if token.is_symbol("+") || token.is_symbol("-") => {
                return self.sign_or_interval(index, token, out);
            }
            Kind::Symbol => out.push(&token.text),
            Kind::Word | Kind::Quoted => return self.name(index, token, out),
        }
        Ok(index + 1)
    }

    /// `x + INTERVAL '7' DAY` moves the operand before the sign.
    fn sign_or_interval(&self, index: usize, sign: &Token, out: &mut Output) -> Result<usize, SqlError> {
        let operand = out.operand;
        let interval = self.tokens.get(index + 1).is_some_and(|token| token.is_word("INTERVAL"));
        let (Some(operand), true) = (operand, interval) else {
            out.push(&sign.text);
            return Ok(index + 1);
        };
        let (amount, unit, after) = self.interval(index + 1)?;
        let operand = out.pieces.split_off(operand).join(" ");
        let amount = if sign.is_symbol("-") { -amount } else { amount };
        out.push_operand(format!("dremio_shift({operand}, {amount}, {})", quote_text(&unit)));
        Ok(after)
    }

    /// `INTERVAL '7' DAY`, `INTERVAL 7 DAY`; `index` is at INTERVAL.
    fn interval(&self, index: usize) -> Result<(i64, String, usize), SqlError> {
        let amount = self.tokens.get(index + 1);
        let unit = self.tokens.get(index + 2);
        let (Some(amount), Some(unit)) = (amount, unit) else {
            return Err(SqlError::unexpected_end(self.sql));
        };
        let number = amount.text.trim().parse();
        let number = number.map_err(|_| SqlError::encountered(self.sql, amount))?;
        let mut after = index + 3;
        // A precision, as in DAY(3).
        if self.brackets.close_of(after).is_some() {
            after = self.brackets.after(after);
        }
        let unit_name = unit.text.to_uppercase();
        if unit.kind != Kind::Word || moment::Unit::parse(&unit_name).is_none() {
            return Err(SqlError::encountered(self.sql, unit));
        }
        Ok((number, unit_name, after))
    }

    fn name(&self, index: usize, token: &Token, out: &mut Output) -> Result<usize, SqlError> {
        let next = self.tokens.get(index + 1);
        if next.is_some_and(|next| next.is_symbol("(")) && !is_clause_word(token) {
            let (call, after) = calls::rewrite(self, index)?;
            out.push_operand(call);
            return Ok(after);
        }
        if token.kind == Kind::Word
            && let Some(literal) = next.filter(|next| next.kind == Kind::Text)
            && token.is_any_word(&["DATE", "TIME", "TIMESTAMP"])
        {
            let text = moment::literal(&token.text, &literal.text)
                .ok_or_else(|| SqlError::failed(format!("Illegal {} literal '{}'", token.text.to_uppercase(), literal.text)))?;
            out.push_operand(quote_text(&text));
            return Ok(index + 2);
        }
        let dotted = next.is_some_and(|next| next.is_symbol("."));
        if words::is_keyword(token) && !dotted {
            return self.keyword(index, token, out);
        }
        self.column(index, out)
    }

    fn keyword(&self, index: usize, token: &Token, out: &mut Output) -> Result<usize, SqlError> {
        let word = token.text.to_ascii_uppercase();
        match word.as_str() {
            // The operator that calls our `regexp`, which is a LIKE without regard to case.
            "ILIKE" => out.push("REGEXP"),
            "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => out.push_operand("dremio_now()"),
            "CURRENT_USER" | "SESSION_USER" | "USER" => out.push_operand(quote_text(self.user)),
            "TRUE" | "FALSE" | "NULL" | "CURRENT_DATE" | "CURRENT_TIME" | "END" => {
                out.push_operand(word.as_str());
                if word == "END" {
                    // The operand would be the whole CASE; it is not tracked.
                    out.operand = None;
                }
            }
            "OFFSET" | "FETCH" => return self.paging(index, out),
            "QUALIFY" => return Err(SqlError::failed("QUALIFY is not supported by this stand-in for Dremio.")),
            _ => out.push(word.as_str()),
        }
        // `CURRENT_DATE()` is `CURRENT_DATE`.
        let empty_brackets = word.starts_with("CURRENT_") && self.brackets.close_of(index + 1) == Some(index + 2);
        Ok(if empty_brackets { index + 3 } else { index + 1 })
    }

    /// `OFFSET n [ROWS] [FETCH {FIRST|NEXT} m ROWS ONLY]` in SQLite's words; after LIMIT it is the same.
    fn paging(&self, index: usize, out: &mut Output) -> Result<usize, SqlError> {
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
        let after_limit = out.pieces.iter().rev().nth(1).is_some_and(|piece| piece == "LIMIT");
        if after_limit {
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

    fn column(&self, index: usize, out: &mut Output) -> Result<usize, SqlError> {
        let end = name_end(self.tokens, index);
        let names = self.tokens.get(index..end).unwrap_or_default();
        // An alias comes this way too, and may be reserved no more than a column.
        if let Some(reserved) = names.iter().find(|token| words::is_reserved(token)) {
            return Err(SqlError::encountered(self.sql, reserved));
        }
        let parts: Vec<String> = names.iter().filter(|token| token.is_name()).map(|token| token.text.clone()).collect();
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
            out.push_operand(column);
        } else {
            let path = quote_text(&format!("${path}"));
            out.push_operand(format!("json_extract({column}, {path})"));
        }
        Ok(after)
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
    words::is_keyword(token) && !token.is_any_word(&["CAST", "EXTRACT", "LEFT", "RIGHT", "GROUPING"])
}
