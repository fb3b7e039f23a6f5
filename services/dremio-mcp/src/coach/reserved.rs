//! Reserved words where names belong.

use super::names::{self, quoted, written};
use super::reading::{Finding, Reading, is_reserved};
use super::{columns, dates, objects, types};
use crate::catalog::Snapshot;
use crate::guard::Kind;

/// Reserved words that can stand in an expression on their own.
const VALUES: [&str; 17] = [
    "NULL",
    "TRUE",
    "FALSE",
    "UNKNOWN",
    "USER",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "SESSION_USER",
    "SYSTEM_USER",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "CURRENT_SCHEMA",
    "CURRENT_CATALOG",
    "CURRENT_ROLE",
    "DEFAULT",
];

/// Reserved words of queries, which stand where they belong for the most part.
const STRUCTURE: &str = "\
    ALL AND ANY ARRAY AS ASC AT BETWEEN BOTH BY CASE CAST COLLATE CROSS CURRENT DISTINCT ELSE END \
    ESCAPE EXCEPT EXISTS \
    EXPLAIN DESCRIBE SHOW TABLES SCHEMAS FETCH FILTER FOR FROM FULL GROUP GROUPING HAVING ILIKE IN \
    INNER INTERSECT INTERVAL IS JOIN LATERAL LEADING \
    LEFT LIKE LIMIT MINUS NATURAL NEXT NOT OF OFFSET ON ONLY OR ORDER OUTER OVER OVERLAPS \
    PARTITION PRECEDING QUALIFY RANGE \
    RECURSIVE RIGHT ROLLUP CUBE ROW ROWS SELECT SIMILAR SOME SYMMETRIC ASYMMETRIC TABLE \
    TABLESAMPLE THEN TO TRAILING \
    UNION UNNEST USING VALUES WHEN WHERE WINDOW WITH WITHIN WITHOUT SET";

/// A reserved word behind a dot in FROM: `INFORMATION_SCHEMA.TABLES`.
pub(super) fn in_path(reading: &Reading<'_>, catalog: Option<&Snapshot>) -> Option<Finding> {
    let relations = reading.relations();
    relations.iter().filter(|relation| relation.path.len() > 1).find_map(|relation| {
        let bad = (relation.at..relation.end).find(|at| {
            let token = reading.token(*at);
            token.is_some_and(|token| token.kind == Kind::Word && is_reserved(token.text))
        })?;
        let (word, joined) = (reading.token(bad)?.text, relation.path.join("."));
        if let Some(fix) = objects::of_another_system(&joined, word) {
            return Some((bad, fix));
        }
        let is_known = names::table(catalog, &relation.path).is_some();
        if catalog.is_some()
            && !is_known
            && !joined.to_lowercase().starts_with("information_schema.")
        {
            let fix = objects::not_found(reading, catalog, word, None);
            return Some((bad, format!("{word} is a reserved word. {fix}")));
        }
        let parts: Vec<String> = relation.path.iter().map(|part| written(part)).collect();
        Some((bad, format!("{word} is a reserved word: write {}.", parts.join("."))))
    })
}

/// Most reserved words that one piece of advice quotes.
const RESERVED_MAX: usize = 8;

/// Reserved words where names belong.
pub(super) fn as_names(reading: &Reading<'_>, catalog: Option<&Snapshot>) -> Option<Finding> {
    let mut all: Vec<usize> = reading.indexes().filter(|at| is_name(reading, *at)).collect();
    let first = *all.first()?;
    let mut seen: Vec<String> = Vec::new();
    all.retain(|at| {
        let word = reading.token(*at).map(|token| token.text.to_lowercase()).unwrap_or_default();
        let is_new = !seen.contains(&word);
        seen.push(word);
        is_new
    });
    all.truncate(RESERVED_MAX);
    let mut better = String::new();
    let written: Vec<String> = all
        .iter()
        .filter_map(|at| {
            let word = reading.token(*at)?.text;
            let table = at.checked_sub(2).filter(|_| reading.is_symbol(at - 1, "."));
            let table = table.and_then(|table| reading.token(table)).map(|table| table.text);
            let is_column = !reading.before(*at, 1).is_some_and(|before| before.is("AS"));
            if is_column && let Some(near) = columns::better(reading, catalog, word, table) {
                better.push_str(&format!(" There is no column {word}: did you mean {near}?"));
            }
            Some(table.map_or_else(|| quoted(word), |table| format!("{table}.{}", quoted(word))))
        })
        .collect();
    let words: Vec<&str> = all.iter().filter_map(|at| Some(reading.token(*at)?.text)).collect();
    let (is, it) = if words.len() > 1 {
        ("are reserved words", "as names they need")
    } else {
        ("is a reserved word", "as a name it needs")
    };
    Some((
        first,
        format!("{} {is}: {it} double quotes, {}.{better}", words.join(", "), written.join(", ")),
    ))
}

/// Whether the reserved word there stands as a name.
fn is_name(reading: &Reading<'_>, at: usize) -> bool {
    let Some(token) =
        reading.token(at).filter(|token| token.kind == Kind::Word && is_reserved(token.text))
    else {
        return false;
    };
    let is_call = reading.is_symbol(at + 1, "(");
    let before = |symbols: &[&str], words: &[&str]| {
        at.checked_sub(1).is_some_and(|before| {
            symbols.iter().any(|symbol| reading.is_symbol(before, symbol))
                || reading.is_any(before, words)
        })
    };
    if before(&["."], &[]) {
        return !is_call;
    }
    // The name of a query in WITH, and where it is read.
    let opens_with = reading.is(at + 1, "AS") && reading.is_symbol(at + 2, "(");
    if before(&[","], &["WITH"]) && opens_with && !is_call {
        return true;
    }
    if before(&[], &["FROM", "JOIN"]) && !is_call {
        return !reading
            .is_any(at, &["LATERAL", "TABLE", "UNNEST", "SELECT", "WHERE", "VALUES", "ON"]);
    }
    // Types, and what stands in their brackets.
    const TYPED: [&str; 8] =
        ["CAST", "TRY_CAST", "SAFE_CAST", "CONVERT", "VARCHAR", "CHAR", "DECIMAL", "NVARCHAR"];
    let around = reading.call_around(at);
    if around.is_some_and(|call| reading.is_any(call, &TYPED))
        && (types::is_name(token.text) || token.is("MAX"))
    {
        return false;
    }
    if dates::is_unit_of_call(reading, at) {
        return false;
    }
    if before(&[], &["AS"]) {
        // A type, or the query that WITH names.
        let in_cast = reading.call_around(at).is_some_and(|call| {
            reading.is_any(call, &["CAST", "TRY_CAST", "SAFE_CAST", "CONVERT"])
        });
        return !is_call && !in_cast;
    }
    let behind = |symbols: &[&str], words: &[&str]| {
        symbols.iter().any(|symbol| reading.is_symbol(at + 1, symbol))
            || reading.is_any(at + 1, words)
            || at + 1 == reading.len()
    };
    let ends = || {
        behind(
            &[",", ")", "=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "||"],
            &[
                "FROM", "AS", "ASC", "DESC", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "NOT", "AND",
                "OR", "ORDER", "GROUP", "WHERE", "HAVING", "LIMIT", "THEN", "ELSE", "END", "ON",
                "JOIN", "LEFT", "INNER", "UNION",
            ],
        )
    };
    let begins = || {
        before(
            &[",", "(", "=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "/", "||"],
            &[
                "SELECT", "DISTINCT", "BY", "WHERE", "AND", "OR", "ON", "HAVING", "WHEN", "THEN",
                "ELSE", "NOT", "BETWEEN", "LIKE", "CASE", "QUALIFY", "IN",
            ],
        )
    };
    if STRUCTURE.split_ascii_whitespace().any(|word| token.is(word)) {
        return begins()
            && ends()
            && !is_call
            && !(token.is("ALL")
                || token.is("ANY")
                || token.is("ROW")
                || token.is("CURRENT")
                || token.is("NOT")
                || token.is("CASE")
                || token.is("EXISTS")
                || token.is("END")
                    && reading.indexes().any(|case| case < at && reading.is(case, "CASE")))
            && !(before(&["("], &["BY"]) && token.is("GROUPING"));
    }
    if is_call
        || VALUES.iter().any(|value| token.is(value))
        || reading.kind(at + 1) == Some(Kind::Text)
    {
        return false;
    }
    // Units of time in EXTRACT, TIMESTAMPADD, INTERVAL and FLOOR(x TO MONTH).
    if dates::unit(token.text).is_some()
        && (before(&[], &["TO"])
            || at.checked_sub(1).is_some_and(|before| {
                reading.kind(before) == Some(Kind::Text)
                    || reading.kind(before) == Some(Kind::Number)
            })
            || reading.call_around(at).is_some_and(|call| {
                reading.is_any(call, &["EXTRACT", "TIMESTAMPADD", "TIMESTAMPDIFF"])
            }) && before(&["("], &[]))
    {
        return false;
    }
    begins() && ends()
        || !begins()
            && ends()
            && at.checked_sub(1).is_some_and(|before| {
                reading.name(before).is_some() || reading.is_symbol(before, ")")
            })
}
