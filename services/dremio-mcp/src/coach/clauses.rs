//! Clauses in the wrong order, and what is missing or left over in them.

use super::reading::{Finding, Reading, is_reserved};
use crate::guard::Kind;

/// Clauses in the order in which they stand.
const ORDER: [(&str, usize); 10] = [
    ("SELECT", 0),
    ("FROM", 1),
    ("WHERE", 2),
    ("GROUP", 3),
    ("HAVING", 4),
    ("WINDOW", 5),
    ("QUALIFY", 6),
    ("ORDER", 7),
    ("LIMIT", 8),
    ("OFFSET", 9),
];

/// Keywords that are misspelt, where words near them are looked for.
const KEYWORDS: [&str; 19] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "DISTINCT",
    "UNION",
    "BETWEEN",
    "JOIN",
    "INNER",
    "OFFSET",
    "QUALIFY",
    "EXISTS",
    "PARTITION",
    "VALUES",
    "INTERSECT",
    "EXCEPT",
];

/// A comma with nothing behind it, or two of them.
pub(super) fn stray_comma(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_symbol(*at, ",")
            && (at + 1 == reading.len()
                || [",", ")", ";"].iter().any(|symbol| reading.is_symbol(at + 1, symbol))
                || reading.is_any(
                    at + 1,
                    &[
                        "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "SELECT",
                        "JOIN", "LEFT", "INNER",
                    ],
                ) && !reading.is_symbol(at + 2, "(")
                || at
                    .checked_sub(1)
                    .is_some_and(|before| reading.is_any(before, &["SELECT", "BY", "DISTINCT"])))
    })?;
    let around = reading.text(at.saturating_sub(2)..(at + 2).min(reading.len()));
    Some((at, format!("A comma is left over: remove it in {around}")))
}

/// GROUP, ORDER or PARTITION without BY.
pub(super) fn missing_by(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_any(*at, &["GROUP", "ORDER", "PARTITION"])
            && !reading.is(at + 1, "BY")
            && reading.name(at + 1).is_some_and(|next| !is_reserved(&next))
            && !reading.before(*at, 1).is_some_and(|before| {
                before.is_symbol(".")
                    || before.is_symbol(",")
                    || before.is("AS")
                    || before.is("WITHIN")
                    || before.is("SELECT")
            })
    })?;
    let (word, next) = (reading.token(at)?.text.to_ascii_uppercase(), reading.token(at + 1)?.text);
    Some((at, format!("Write {word} BY {next}.")))
}

/// Clauses that stand in another order than Dremio reads them.
pub(super) fn out_of_order(reading: &Reading<'_>) -> Option<Finding> {
    // The last clause at each depth, with its place in the order.
    let mut last: Vec<Option<(usize, &str)>> = Vec::new();
    for at in reading.indexes() {
        let depth = reading.depth(at);
        last.resize(depth + 1, None);
        let Some(place) = last.get_mut(depth) else { continue };
        if reading.is_any(at, &["UNION", "INTERSECT", "EXCEPT", "MINUS"])
            && !reading.before(at, 1).is_some_and(|before| before.is_symbol("*"))
        {
            if let Some((_, clause)) = place.filter(|(number, _)| *number >= 7) {
                return Some((
                    at,
                    format!(
                        "{clause} stands behind the whole UNION, or its SELECT in brackets: \
                         (SELECT ... {clause} ...) UNION (SELECT ...)."
                    ),
                ));
            }
            *place = None;
            continue;
        }
        let Some((clause, number)) = ORDER.iter().find(|(clause, _)| reading.is(at, clause)) else {
            continue;
        };
        let is_other = *clause == "LIMIT" && place.is_some_and(|(_, last)| last == "OFFSET")
            || *clause == "GROUP" && !reading.is(at + 1, "BY")
            || *clause == "ORDER" && !reading.is(at + 1, "BY")
            || reading.before(at, 1).is_some_and(|before| {
                before.is("WITHIN")
                    || before.is_symbol(".")
                    || before.is("AS")
                    || before.is("DISTINCT") && *clause == "FROM"
            });
        let in_call = *clause == "FROM" && place.is_none();
        if is_other || in_call {
            continue;
        }
        if let Some((_, earlier)) = place.filter(|(before, _)| before > number && *number > 0) {
            let text = reading.text(at..reading.end_of_clause(at));
            let cure = if *clause == "WHERE" && earlier == "GROUP" {
                " A condition on an aggregate is HAVING and stays behind it."
            } else {
                ""
            };
            let earlier = if matches!(earlier, "GROUP" | "ORDER") {
                format!("{earlier} BY")
            } else {
                earlier.to_owned()
            };
            return Some((
                at,
                format!(
                    "The order is SELECT, FROM, WHERE, GROUP BY, HAVING, QUALIFY, ORDER BY, LIMIT, \
                     OFFSET: put {text} before {earlier}.{cure}"
                ),
            ));
        }
        *place = Some((*number, clause));
    }
    None
}

/// A subquery without brackets.
pub(super) fn bare_subquery(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is(*at, "SELECT")
            && at.checked_sub(1).is_some_and(|before| {
                reading.is_any(before, &["IN", "EXISTS", "FROM", "JOIN", "ANY", "WHERE", "AND"])
                    || ["=", "<", ">", "<=", ">=", "<>", "!="]
                        .iter()
                        .any(|symbol| reading.is_symbol(before, symbol))
            })
    })?;
    let before = reading.text(at - 1..at).to_ascii_uppercase();
    Some((at, format!("A subquery stands in brackets: {before} (SELECT ...).")))
}

/// A word that needs something behind it, and has nothing.
pub(super) fn dangling(reading: &Reading<'_>) -> Option<Finding> {
    const NEED: [&str; 22] = [
        "WHERE", "AND", "OR", "ON", "FROM", "JOIN", "SELECT", "HAVING", "BY", "IN", "LIKE",
        "BETWEEN", "THEN", "WHEN", "ELSE", "AS", "LIMIT", "OFFSET", "NOT", "UNION", "QUALIFY",
        "DISTINCT",
    ];
    const NEXT: [&str; 14] = [
        "WHERE", "FROM", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "AND", "OR", "ON", "JOIN",
        "THEN", "END", "WHEN",
    ];
    if let Some(at) = reading.indexes().find(|at| {
        reading.is(*at, "BETWEEN") && reading.is_symbol(reading.operand_end(at + 1), ",")
    }) {
        let comma = reading.operand_end(at + 1);
        let (low, high) =
            (reading.text(at + 1..comma), reading.text(comma + 1..reading.operand_end(comma + 1)));
        return Some((at, format!("Write BETWEEN {low} AND {high}.")));
    }
    if let Some(at) = reading.indexes().find(|at| {
        reading.is(*at, "USING")
            && reading.name(at + 1).is_some_and(|name| !is_reserved(&name))
            && reading.indexes().any(|join| reading.is(join, "JOIN"))
    }) {
        let name = reading.token(at + 1)?.text;
        return Some((at, format!("Write USING ({name}), with brackets.")));
    }
    let at = reading.indexes().find(|at| {
        let is_name =
            reading.before(*at, 1).is_some_and(|before| before.is_symbol(".") || before.is("AS"));
        let is_over = at + 1 == reading.len()
            || reading.is_symbol(at + 1, ";")
            || reading.is_symbol(at + 1, ")")
            || reading.is_any(at + 1, &NEXT);
        reading.is_any(*at, &NEED)
            && !is_name
            && is_over
            && !(reading.is(*at, "FROM")
                && reading.before(*at, 1).is_some_and(|before| before.is("DISTINCT")))
    })?;
    let word = reading.token(at)?.text.to_ascii_uppercase();
    let behind =
        reading.token(at + 1).map_or_else(|| "the end".to_owned(), |token| token.text.to_owned());
    Some((
        at,
        format!("Something is missing between {word} and {behind}: complete it, or remove {word}."),
    ))
}

/// A word that is nearly a keyword.
pub(super) fn misspelt_keyword(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let token = reading.token(at).filter(|token| {
            token.kind == Kind::Word
                && !is_reserved(token.text)
                && (3..=12).contains(&token.text.len())
        })?;
        let is_in_path = reading.is_symbol(at + 1, ".")
            || reading.is_symbol(at + 1, ",")
            || reading.is_symbol(at + 1, "(") && at > 0
            || reading.before(at, 1).is_some_and(|before| {
                before.is_symbol(".") || before.is_symbol(",") || before.is("AS")
            });
        if is_in_path {
            return None;
        }
        let word = token.text.to_ascii_uppercase();
        let most = if word.len() <= 4 { 1 } else { 2 };
        let near = KEYWORDS
            .iter()
            .map(|keyword| (strsim::osa_distance(&word, keyword), keyword))
            .filter(|(distance, _)| (1..=most).contains(distance));
        let (_, keyword) = near.min_by_key(|(distance, _)| *distance)?;
        Some((at, format!("Did you mean {keyword} instead of {}?", token.text)))
    })
}

pub(super) fn case_without_end(reading: &Reading<'_>) -> Option<Finding> {
    let count = |word: &str| reading.indexes().filter(|at| reading.is(*at, word)).count();
    let at = reading.indexes().find(|at| reading.is(*at, "CASE"))?;
    (count("CASE") > count("END"))
        .then(|| (at, "CASE is closed by END: CASE WHEN ... THEN ... ELSE ... END.".to_owned()))
}

/// A quote that is opened and never closed.
pub(super) fn open_text(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_symbol(*at, "'")
            || reading
                .token(*at)
                .is_some_and(|token| token.kind == Kind::Symbol && token.text.starts_with('"'))
    })?;
    let quote = reading.token(at)?.text.chars().next()?;
    Some((
        at,
        format!(
            "A quote ({quote}) is opened and never closed, or one inside a text is not doubled: \
             'it''s'."
        ),
    ))
}

pub(super) fn lone_bracket(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.lone_bracket()?;
    let what = if reading.is_symbol(at, "(") {
        "is never closed: add ) where it ends"
    } else {
        "was never opened: remove it, or add ( where it begins"
    };
    let around = reading.text(at.saturating_sub(1)..(at + 3).min(reading.len()));
    Some((at, format!("The bracket in {around} {what}.")))
}

/// Names that stand side by side.
pub(super) fn missing_comma(reading: &Reading<'_>) -> Option<Finding> {
    let is_value = |at: usize| match reading.kind(at) {
        Some(Kind::Word) => reading.token(at).is_some_and(|token| !is_reserved(token.text)),
        Some(Kind::Quoted | Kind::Number | Kind::Text) => true,
        _ => false,
    };
    let at = reading.indexes().find(|at| is_value(*at) && is_value(at + 1) && is_value(at + 2))?;
    Some((
        at,
        format!(
            "Between {} something is missing: a comma, an operator or AS.",
            reading.text(at..at + 3)
        ),
    ))
}
