//! Function calls whose syntax or name SQLite does not share.

use super::error::SqlError;
use super::rewrite::Rewriter;
use super::token::{Kind, Token, quote_text};
use super::types::DremioType;

/// Functions whose first argument may be a unit without quotes.
const UNIT_FIRST: [&str; 4] = ["TIMESTAMPADD", "TIMESTAMPDIFF", "DATE_TRUNC", "DATE_PART"];

/// Rewrites the call whose name is at `index`; returns it and the index after it.
pub(crate) fn rewrite(rewriter: &Rewriter<'_>, index: usize) -> Result<(String, usize), SqlError> {
    let open = index + 1;
    let close = rewriter.brackets.close_of(open).unwrap_or(open);
    let call = Call { rewriter, name: rewriter.tokens.get(index).map(|token| token.text.to_uppercase()).unwrap_or_default(), open, close };
    let text = match call.name.as_str() {
        "CAST" => call.cast()?,
        "EXTRACT" => call.extract()?,
        "POSITION" => call.position()?,
        "SUBSTRING" => call.substring()?,
        "TRIM" => call.trim()?,
        "LISTAGG" => return call.listagg(),
        "APPROX_COUNT_DISTINCT" | "NDV" => format!("count(DISTINCT {})", rewriter.range(open + 1, close)?),
        name if UNIT_FIRST.contains(&name) => call.with_unit()?,
        name => format!("{}({})", sqlite_name(name), rewriter.range(open + 1, close)?),
    };
    Ok((text, close + 1))
}

/// Names that differ, or that SQLite reads as something else.
fn sqlite_name(name: &str) -> String {
    match name {
        "NVL" => "ifnull".to_owned(),
        "CHAR_LENGTH" | "CHARACTER_LENGTH" | "LEN" => "length".to_owned(),
        "GREATEST" => "max".to_owned(),
        "LEAST" => "min".to_owned(),
        "CARDINALITY" | "ARRAY_SIZE" => "json_array_length".to_owned(),
        "LEFT" | "RIGHT" | "NOW" | "SECOND" | "MINUTE" | "HOUR" | "DAY" | "WEEK" | "MONTH" | "QUARTER" | "YEAR" | "TIMESTAMPADD"
        | "TIMESTAMPDIFF" | "DATE_TRUNC" | "DATE_PART" => format!("dremio_{}", name.to_lowercase()),
        _ => name.to_lowercase(),
    }
}

/// The member of a struct or map by its name without regard to case, as stored, and its type.
pub(crate) fn member<'t>(ty: Option<&'t DremioType>, name: &str) -> (String, Option<&'t DremioType>) {
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
    /// `CAST(x AS type)`.
    fn cast(&self) -> Result<String, SqlError> {
        let at = self.word("AS").ok_or_else(|| self.rewriter.unexpected(self.close))?;
        let ty = self.rewriter.tokens.get(at + 1..self.close).unwrap_or_default();
        let ty: String = ty.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        let ty = ty.replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ",");
        if DremioType::parse(&ty).is_none() {
            return Err(self.rewriter.unexpected(at + 1));
        }
        let value = self.rewriter.range(self.open + 1, at)?;
        Ok(format!("dremio_cast({value}, {})", quote_text(&ty.to_uppercase())))
    }

    /// `EXTRACT(unit FROM x)`.
    fn extract(&self) -> Result<String, SqlError> {
        let at = self.word("FROM").ok_or_else(|| self.rewriter.unexpected(self.close))?;
        let unit = self.text(self.open + 1);
        let value = self.rewriter.range(at + 1, self.close)?;
        Ok(format!("dremio_date_part({}, {value})", quote_text(&unit)))
    }

    /// `POSITION(needle IN text)`.
    fn position(&self) -> Result<String, SqlError> {
        let at = self.word("IN").ok_or_else(|| self.rewriter.unexpected(self.close))?;
        let needle = self.rewriter.range(self.open + 1, at)?;
        let text = self.rewriter.range(at + 1, self.close)?;
        Ok(format!("instr({text}, {needle})"))
    }

    /// `SUBSTRING(x FROM a FOR b)` or with commas.
    fn substring(&self) -> Result<String, SqlError> {
        let Some(from) = self.word("FROM") else {
            return Ok(format!("substr({})", self.rewriter.range(self.open + 1, self.close)?));
        };
        let text = self.rewriter.range(self.open + 1, from)?;
        let Some(length) = self.word("FOR") else {
            return Ok(format!("substr({text}, {})", self.rewriter.range(from + 1, self.close)?));
        };
        let start = self.rewriter.range(from + 1, length)?;
        let length = self.rewriter.range(length + 1, self.close)?;
        Ok(format!("substr({text}, {start}, {length})"))
    }

    /// `TRIM([LEADING|TRAILING|BOTH] [characters] FROM x)` or plain.
    fn trim(&self) -> Result<String, SqlError> {
        let Some(from) = self.word("FROM") else {
            return Ok(format!("trim({})", self.rewriter.range(self.open + 1, self.close)?));
        };
        let side = self.text(self.open + 1);
        let (function, start) = match side.as_str() {
            "LEADING" => ("ltrim", self.open + 2),
            "TRAILING" => ("rtrim", self.open + 2),
            "BOTH" => ("trim", self.open + 2),
            _ => ("trim", self.open + 1),
        };
        let characters = self.rewriter.range(start, from)?;
        let text = self.rewriter.range(from + 1, self.close)?;
        let characters = if characters.is_empty() { "' '" } else { &characters };
        Ok(format!("{function}({text}, {characters})"))
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

    /// A bare unit as first argument becomes a string.
    fn with_unit(&self) -> Result<String, SqlError> {
        let first = self.rewriter.tokens.get(self.open + 1);
        let comma = self.rewriter.tokens.get(self.open + 2).is_some_and(|token| token.is_symbol(","));
        let name = sqlite_name(&self.name);
        match first {
            Some(unit) if comma && unit.kind == Kind::Word => {
                let rest = self.rewriter.range(self.open + 3, self.close)?;
                Ok(format!("{name}({}, {rest})", quote_text(&unit.text.to_uppercase())))
            }
            _ => Ok(format!("{name}({})", self.rewriter.range(self.open + 1, self.close)?)),
        }
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
