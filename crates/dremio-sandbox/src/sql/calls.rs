//! Function calls whose syntax or name SQLite does not share.

use rusqlite::types::Value;

use super::error::SqlError;
use super::expression::{Expression, as_text, narrow};
use super::functions::{self, Argument};
use super::rewrite::Rewriter;
use super::token::{Token, quote_name, quote_text};
use crate::catalog::DremioType;

/// Functions whose first argument may be a unit without quotes.
pub(crate) const UNIT_FIRST: [&str; 4] =
    ["TIMESTAMPADD", "TIMESTAMPDIFF", "DATE_TRUNC", "DATE_PART"];

/// Rewrites the call whose name is at `index`; returns it and the index after it.
pub(crate) fn rewrite(rewriter: &Rewriter<'_>, index: usize) -> Result<(String, usize), SqlError> {
    let open = index + 1;
    let close = rewriter.brackets.close_of(open).unwrap_or(open);
    let call = Call {
        rewriter,
        name: rewriter.tokens.get(index).map(|token| token.text.to_uppercase()).unwrap_or_default(),
        open,
        close,
    };
    call.check()?;
    let text = match call.name.as_str() {
        "SUM" | "AVG" => call.total()?,
        "CAST" => call.cast()?,
        "EXTRACT" => call.extract()?,
        "POSITION" => call.position()?,
        "SUBSTRING" => call.substring()?,
        "TRIM" => call.trim()?,
        "LISTAGG" => return call.listagg(),
        "APPROX_COUNT_DISTINCT" | "NDV" => {
            format!("count(DISTINCT {})", rewriter.range(open + 1, close)?)
        }
        name if NATIVE.contains(&name) => {
            format!("{}({})", name.to_lowercase(), call.arguments()?)
        }
        _ => call.function()?,
    };
    call.window(text)
}

/// Aggregates and window functions that SQLite has under the same name, or that are added to it.
const NATIVE: &[&str] = &[
    "COUNT",
    "CUME_DIST",
    "DENSE_RANK",
    "FIRST_VALUE",
    "LAG",
    "LAST_VALUE",
    "LEAD",
    "MAX",
    "MEDIAN",
    "MIN",
    "NTH_VALUE",
    "NTILE",
    "PERCENT_RANK",
    "RANK",
    "ROW_NUMBER",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
];

/// Functions of numbers, to which SQLite would give the number that a text begins with.
const NUMERIC: &[&str] = &[
    "AVG",
    "MEDIAN",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "SUM",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
];

/// Functions that hand decimals of any length on.
const EXACT: &[&str] = &["COUNT", "LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE"];

/// The member of a struct or map by its name without regard to case, as stored, and its type.
pub(crate) fn member<'t>(
    ty: Option<&'t DremioType>,
    name: &str,
) -> (String, Option<&'t DremioType>) {
    match ty {
        Some(DremioType::Struct(members)) => {
            let wanted = name.to_lowercase();
            let found = members.iter().find(|(member, _)| member.to_lowercase() == wanted);
            found.map_or_else(|| (name.to_owned(), None), |(member, ty)| (member.clone(), Some(ty)))
        }
        Some(DremioType::Map(value)) => (name.to_owned(), Some(value)),
        _ => (name.to_owned(), None),
    }
}

struct Call<'r, 'a> {
    rewriter: &'r Rewriter<'a>,
    name: String,
    open: usize,
    close: usize,
}

impl Call<'_, '_> {
    /// Refuses what is not here, and arguments of types that SQLite would convert.
    fn check(&self) -> Result<(), SqlError> {
        let typing = self.rewriter.typing();
        let arguments = typing.arguments(self.open + 1, self.close);
        let wrong_count = match self.name.as_str() {
            // With another number of arguments these are other functions in SQLite.
            "MIN" | "MAX" | "SUM" | "AVG" => arguments.len() != 1,
            _ => false,
        };
        if wrong_count {
            return Err(SqlError::failed(format!(
                "Invalid number of arguments to function '{}'",
                self.name
            )));
        }
        let is_null = |start: usize, end: usize| {
            end == start + 1 && self.rewriter.is_word_at(start, &["NULL"])
        };
        let known = arguments
            .iter()
            .filter(|(start, end)| !is_null(*start, *end))
            .filter_map(|(start, end)| typing.of(*start, *end));
        let types: Vec<DremioType> = known.collect();
        let shown = || types.iter().map(|ty| format!("<{ty}>")).collect::<Vec<_>>().join(", ");
        let numeric =
            NUMERIC.contains(&self.name.as_str()) && types.iter().any(|ty| !ty.is_numeric());
        if numeric {
            return Err(SqlError::failed(format!(
                "Cannot apply '{0}' to arguments of type '{0}({1})' (not supported by this stand-in for Dremio; CAST them).",
                self.name,
                shown()
            )));
        }
        Ok(())
    }

    /// The arguments, long decimals in a form that SQLite computes with.
    fn arguments(&self) -> Result<String, SqlError> {
        if EXACT.contains(&self.name.as_str()) {
            return self.rewriter.range(self.open + 1, self.close);
        }
        let typing = self.rewriter.typing();
        let quantified = self.rewriter.is_word_at(self.open + 1, &["DISTINCT", "ALL"]);
        let mut texts = Vec::new();
        for (start, end) in typing.arguments(self.open + 1, self.close) {
            texts.push(narrow(self.rewriter.range(start, end)?, typing.of(start, end).as_ref()));
        }
        let quantifier = if quantified && self.rewriter.is_word_at(self.open + 1, &["DISTINCT"]) {
            "DISTINCT "
        } else {
            ""
        };
        Ok(format!("{quantifier}{}", texts.join(" , ")))
    }

    /// SUM and AVG, by the type of their result.
    fn total(&self) -> Result<String, SqlError> {
        let name = format!("dremio_{}", self.name.to_lowercase());
        let ty = self.rewriter.typing().of(self.open.saturating_sub(1), self.close + 1);
        if self.rewriter.is_word_at(self.open + 1, &["DISTINCT"]) {
            if matches!(ty, Some(DremioType::Decimal { .. })) {
                return Err(SqlError::unsupported(&format!("{} DISTINCT of a DECIMAL", self.name)));
            }
            return Ok(format!("{name}({})", self.arguments()?));
        }
        let start = self.open + 1 + usize::from(self.rewriter.is_word_at(self.open + 1, &["ALL"]));
        let argument = self.rewriter.range(start, self.close)?;
        Ok(format!(
            "{name}({argument}, {})",
            quote_text(&ty.map(|ty| ty.to_string()).unwrap_or_default())
        ))
    }

    /// A function that has a row.
    fn function(&self) -> Result<String, SqlError> {
        let typing = self.rewriter.typing();
        let places = typing.arguments(self.open + 1, self.close);
        let mut texts = Vec::new();
        let mut arguments = Vec::new();
        for (index, (start, end)) in places.into_iter().enumerate() {
            if start == end {
                continue;
            }
            let argument = typing.argument(&self.name, index, start, end);
            texts.push(match &argument.literal {
                Some(Value::Text(text)) => quote_text(text),
                _ => self.rewriter.range(start, end)?,
            });
            arguments.push(argument);
        }
        let bound = functions::bind(&self.name, &arguments)?;
        Ok(bound.sql(&texts))
    }

    /// A call of `name` for the special syntax of another; the last places are of expressions.
    fn special(
        &self,
        name: &str,
        literal: Option<&str>,
        places: &[(usize, usize)],
    ) -> Result<String, SqlError> {
        let typing = self.rewriter.typing();
        let mut texts: Vec<String> = literal.map(quote_text).into_iter().collect();
        let mut arguments: Vec<Argument> = literal.map(Argument::text).into_iter().collect();
        for (start, end) in places {
            texts.push(self.rewriter.range(*start, *end)?);
            arguments.push(typing.argument(name, usize::MAX, *start, *end));
        }
        Ok(functions::bind(name, &arguments)?.sql(&texts))
    }

    /// FILTER and OVER after the call.
    fn window(&self, mut text: String) -> Result<(String, usize), SqlError> {
        let mut at = self.close + 1;
        if self.rewriter.is_word_at(at, &["WITHIN"]) {
            return Err(SqlError::unsupported(&format!("{} WITHIN GROUP", self.name)));
        }
        if self.rewriter.is_word_at(at, &["IGNORE", "RESPECT"]) {
            return Err(SqlError::unsupported("IGNORE NULLS"));
        }
        for word in ["FILTER", "OVER"] {
            if !self.rewriter.is_word_at(at, &[word]) {
                continue;
            }
            if let Some(end) = self.rewriter.brackets.close_of(at + 1) {
                text.push_str(&format!(" {word} ({})", self.rewriter.range(at + 2, end)?));
                at = end + 1;
            } else if word == "OVER" {
                let name = self.rewriter.tokens.get(at + 1).filter(|name| name.is_name());
                let name = name.ok_or_else(|| self.rewriter.unexpected(at + 1))?;
                text.push_str(&format!(" OVER {}", quote_name(&name.text)));
                at += 2;
            }
        }
        Ok((text, at))
    }

    /// `CAST(x AS type)`.
    fn cast(&self) -> Result<String, SqlError> {
        let at = self.word("AS").ok_or_else(|| self.rewriter.unexpected(self.close))?;
        let ty = self.rewriter.tokens.get(at + 1..self.close).unwrap_or_default();
        let ty: String = ty.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        let ty = ty.replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ",");
        let Some(target) = DremioType::parse(&ty) else {
            if self
                .rewriter
                .is_word_at(at + 1, &["INTERVAL", "ROW", "ARRAY", "LIST", "STRUCT", "MAP"])
            {
                return Err(SqlError::unsupported(&format!("CAST to {}", ty.to_uppercase())));
            }
            return Err(self.rewriter.unexpected(at + 1));
        };
        let source = self.rewriter.typing().of(self.open + 1, at);
        let value = self.rewriter.range(self.open + 1, at)?;
        let value = match source {
            Some(DremioType::Decimal { .. } | DremioType::Boolean)
                if target == DremioType::Varchar =>
            {
                as_text(&Expression { text: value, ty: source, after: at })
            }
            _ => value,
        };
        Ok(format!("dremio_cast({value}, {})", quote_text(&ty.to_uppercase())))
    }

    /// `EXTRACT(unit FROM x)`.
    fn extract(&self) -> Result<String, SqlError> {
        let at = self.word("FROM").ok_or_else(|| self.rewriter.unexpected(self.close))?;
        let unit = self.text(self.open + 1);
        self.special("EXTRACT", Some(&unit), &[(at + 1, self.close)])
    }

    /// `POSITION(needle IN text)`.
    fn position(&self) -> Result<String, SqlError> {
        let at = self.word("IN").ok_or_else(|| self.rewriter.unexpected(self.close))?;
        self.special("POSITION", None, &[(self.open + 1, at), (at + 1, self.close)])
    }

    /// `SUBSTRING(x FROM a FOR b)` or with commas.
    fn substring(&self) -> Result<String, SqlError> {
        let Some(from) = self.word("FROM") else {
            return self.function();
        };
        let length = self.word("FOR");
        let mut places = vec![(self.open + 1, from), (from + 1, length.unwrap_or(self.close))];
        places.extend(length.map(|length| (length + 1, self.close)));
        self.special("SUBSTRING", None, &places)
    }

    /// `TRIM([LEADING|TRAILING|BOTH] [characters] FROM x)` or plain.
    fn trim(&self) -> Result<String, SqlError> {
        let Some(from) = self.word("FROM") else {
            return self.function();
        };
        let side = self.text(self.open + 1);
        let (function, start) = match side.as_str() {
            "LEADING" => ("LTRIM", self.open + 2),
            "TRAILING" => ("RTRIM", self.open + 2),
            "BOTH" => ("BTRIM", self.open + 2),
            _ => ("BTRIM", self.open + 1),
        };
        let mut places = vec![(from + 1, self.close)];
        places.extend((start < from).then_some((start, from)));
        self.special(function, None, &places)
    }

    /// `LISTAGG(x[, separator]) [WITHIN GROUP (ORDER BY y)]`.
    fn listagg(&self) -> Result<(String, usize), SqlError> {
        let mut arguments = self.rewriter.range(self.open + 1, self.close)?;
        let distinct = self.rewriter.is_word_at(self.open + 1, &["DISTINCT"]);
        let separated = self.top_level().any(|(_, token)| token.is_symbol(","));
        if !separated && !distinct {
            // Dremio's default separator is nothing; SQLite's is a comma.
            arguments.push_str(", ''");
        }
        let group = self.close + 3;
        let ordered = self.rewriter.is_word_at(self.close + 1, &["WITHIN"]);
        if let Some(end) = self.rewriter.brackets.close_of(group).filter(|_| ordered) {
            let order = self.rewriter.range(group + 1, end)?;
            return Ok((format!("group_concat({arguments} {order})"), end + 1));
        }
        Ok((format!("group_concat({arguments})"), self.close + 1))
    }

    /// The last occurrence of a word between the call's own brackets.
    fn word(&self, word: &str) -> Option<usize> {
        self.top_level().filter(|(_, token)| token.is_word(word)).map(|(at, _)| at).last()
    }

    fn text(&self, index: usize) -> String {
        let token = self.rewriter.tokens.get(index);
        token.map(|token| token.text.to_uppercase()).unwrap_or_default()
    }

    fn top_level(&self) -> impl Iterator<Item = (usize, &Token)> {
        let mut at = self.open + 1;
        std::iter::from_fn(move || {
            let index = at;
            if index >= self.close {
                return None;
            }
            at = self.rewriter.brackets.after(index);
            Some((index, self.rewriter.tokens.get(index)?))
        })
    }
}
