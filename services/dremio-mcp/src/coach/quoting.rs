//! Names and texts in the wrong quotes, or in none.

use super::names::{self, literal, path, quoted};
use super::reading::{Finding, Reading, is_reserved};
use crate::catalog::Snapshot;
use crate::guard::Kind;

pub(super) fn curly_quotes(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.token(*at).is_some_and(|token| ["‘", "’", "“", "”", "´"].contains(&token.text))
    })?;
    Some((
        at,
        "The quotes are typographic (‘ ’ “ ”): write straight ones, 'text' for text and \
               \"name\" for names."
            .to_owned(),
    ))
}

pub(super) fn back_ticks(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| reading.is_symbol(*at, "`"))?;
    let end = (at + 1..reading.len()).find(|end| reading.is_symbol(*end, "`")).unwrap_or(at + 2);
    let name = reading.text(at + 1..end).replace('"', "");
    let parts: Vec<&str> = name.split('.').collect();
    let right = if parts.len() > 1 { path(&parts) } else { quoted(&name) };
    Some((at, format!("A back-tick is no quote in Dremio: write names in double quotes, {right}.")))
}

/// `[name]`, where an index cannot be meant.
pub(super) fn square_brackets(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        let follows = at.checked_sub(1).is_some_and(|before| {
            reading.touches_next(before)
                && (reading.name(before).is_some()
                    || reading.is_symbol(before, ")")
                    || reading.is_symbol(before, "]"))
        });
        reading.is_symbol(*at, "[") && !follows
    })?;
    let close = reading.partner(at).unwrap_or(reading.len());
    let name = reading.text(at + 1..close);
    Some((
        at,
        format!(
            "Square brackets are no quotes in Dremio: write names in double quotes, {}.",
            quoted(&name)
        ),
    ))
}

/// A quote within a text that ends it.
pub(super) fn unquoted_apostrophe(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.kind(*at) == Some(Kind::Text)
            && reading.touches_next(*at)
            && reading.kind(at + 1) == Some(Kind::Word)
    })?;
    let (text, rest) = (reading.token(at)?.text, reading.token(at + 1)?.text);
    let start = text.trim_matches('\'').trim_end_matches('\\');
    Some((
        at,
        format!(
            "A quote inside a text is written twice: '{start}''{rest}...'; a backslash does not \
             escape it."
        ),
    ))
}

/// A path in FROM with characters that need quotes: `@`, `-`, a blank, a digit at the start.
pub(super) fn odd_path(reading: &Reading<'_>, catalog: Option<&Snapshot>) -> Option<Finding> {
    let starts = reading.indexes().filter(|at| {
        reading.is(*at, "FROM")
            || reading.is(*at, "JOIN")
            || *at == 0 && reading.is_any(0, &["DESCRIBE", "DESC"])
    });
    starts.map(|at| at + 1).find_map(|start| {
        let end = rough_end(reading, start);
        let odd = |at: &usize| {
            let token = reading.token(*at);
            token.is_some_and(|token| {
                token.kind == Kind::Number
                    || token.kind == Kind::Symbol
                        && !matches!(token.text, "." | "\"" | "`" | "[" | "]" | "'")
            }) || *at > start
                && !reading.is_symbol(*at, ".")
                && !reading.is_symbol(*at - 1, ".")
                && !reading.touches_next(*at - 1)
        };
        let first = (start..end).find(odd)?;
        if reading.is_symbol(start, "(") {
            return None;
        }
        let raw = reading.text(start..end);
        let table = catalog.and_then(|catalog| names::table_spelt_like(catalog, &raw));
        let right = table.map_or_else(|| path(&parts(&raw)), |table| path(&table.path));
        Some((
            first,
            format!(
                "Characters like @, - and blanks need quotes: write {right}, each \
                              part of the path in double quotes of its own."
            ),
        ))
    })
}

/// Where the path that starts there ends, with all that touches it.
fn rough_end(reading: &Reading<'_>, start: usize) -> usize {
    let ends = |at: &usize| {
        let is_over = ["(", ")", ",", ";"].iter().any(|symbol| reading.is_symbol(*at, symbol));
        let is_apart = *at > start && !reading.touches_next(*at - 1);
        // A word behind a blank belongs to the path if the path goes on behind it.
        let goes_on = (*at..at + 3)
            .any(|next| reading.is_symbol(next, ".") && reading.touches_next(next - 1))
            && reading.kind(*at) == Some(Kind::Word)
            && !reading.token(*at).is_some_and(|token| is_reserved(token.text));
        let is_odd = ["-", "@", "&", "#"].iter().any(|symbol| {
            reading.is_symbol(*at, symbol)
                || at.checked_sub(1).is_some_and(|before| reading.is_symbol(before, symbol))
        });
        is_over || is_apart && !goes_on && !is_odd
    };
    (start..reading.len()).find(ends).unwrap_or(reading.len())
}

/// The parts of a path as it is written, split at dots outside of quotes.
fn parts(raw: &str) -> Vec<String> {
    let (mut parts, mut is_quoted) = (vec![String::new()], false);
    for c in raw.chars() {
        match c {
            '"' | '`' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            c => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts
}

/// `@name` that is not a path in FROM: a variable of another system, or a home.
pub(super) fn variable(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| reading.is_symbol(*at, "@"))?;
    let name = reading.token(at + 1).map(|token| token.text).unwrap_or_default();
    Some((
        at,
        format!(
            "@ needs quotes in a name: write {}. Variables do not exist here: write the value.",
            quoted(&format!("@{name}"))
        ),
    ))
}

/// Names in single quotes after FROM or JOIN.
pub(super) fn path_as_text(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.kind(*at) == Some(Kind::Text)
            && at.checked_sub(1).is_some_and(|before| {
                reading.is_any(before, &["FROM", "JOIN"])
                    && !reading.call_around(before).is_some_and(|call| {
                        reading
                            .is_any(call, &["EXTRACT", "SUBSTRING", "TRIM", "OVERLAY", "POSITION"])
                    })
            })
    })?;
    let end = (at..reading.len())
        .find(|at| {
            reading.kind(*at) != Some(Kind::Text)
                && !reading.is_symbol(*at, ".")
                && reading.kind(*at) != Some(Kind::Quoted)
        })
        .unwrap_or(reading.len());
    let raw = reading.text(at..end).replace('\'', "\"");
    let parts = if end == at + 1 {
        raw.trim_matches('"').split('.').map(str::to_owned).collect()
    } else {
        parts(&raw)
    };
    Some((
        at,
        format!("Single quotes are for text: write names in double quotes, {}.", path(&parts)),
    ))
}

/// An alias in single quotes.
pub(super) fn text_as_alias(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.kind(*at) == Some(Kind::Text)
            && at.checked_sub(1).is_some_and(|before| reading.is(before, "AS"))
            && !reading.call_around(*at).is_some_and(|call| reading.is(call, "CAST"))
            || reading.kind(*at) == Some(Kind::Text)
                && at.checked_sub(1).is_some_and(|before| {
                    reading.is_symbol(before, ")")
                        || reading.kind(before) == Some(Kind::Quoted)
                        || reading.kind(before) == Some(Kind::Word)
                            && reading.token(before).is_some_and(|word| !is_reserved(word.text))
                })
    })?;
    let text = reading.token(at)?.text.trim_matches('\'').replace("''", "'");
    Some((
        at,
        format!(
            "An alias is a name: write AS {} in double quotes; {} in single quotes is text.",
            quoted(&text),
            literal(&text)
        ),
    ))
}

/// A name that starts with a digit.
pub(super) fn number_first(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.kind(*at) == Some(Kind::Number)
            && reading.touches_next(*at)
            && reading.kind(at + 1) == Some(Kind::Word)
    })?;
    let name = reading.text(at..at + 2);
    Some((at, format!("A name that starts with a digit needs double quotes: {}.", quoted(&name))))
}
