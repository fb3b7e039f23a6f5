//! Forms of other systems that Dremio's grammar does not have.

mod phrases;

use self::phrases::PHRASES;
use super::names::{self, NAMES_MAX, list, written};
use super::reading::{Finding, Reading};
use crate::catalog::Snapshot;
use crate::guard::Kind;

/// `SELECT TOP n`.
pub(super) fn top(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_any(*at, &["TOP", "FIRST"])
            && at
                .checked_sub(1)
                .is_some_and(|before| reading.is_any(before, &["SELECT", "DISTINCT", "ALL"]))
            && (reading.kind(at + 1) == Some(Kind::Number)
                || reading.is_symbol(at + 1, "(") && reading.kind(at + 2) == Some(Kind::Number))
    })?;
    let number = reading
        .token(at + 1)
        .filter(|token| token.kind == Kind::Number)
        .or_else(|| reading.token(at + 2))?
        .text;
    let word = reading.token(at)?.text.to_ascii_uppercase();
    Some((
        at,
        format!(
            "Dremio has no {word}: remove {word} {number}, and write LIMIT {number} at the end, \
             behind ORDER BY."
        ),
    ))
}

/// `LIMIT start, count`, and OFFSET before LIMIT.
pub(super) fn limit_with_start(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let text = |at: usize| reading.token(at).map(|token| token.text);
        if reading.is(at, "LIMIT") && reading.is_symbol(at + 2, ",") {
            return Some((
                at + 2,
                format!("Write LIMIT {} OFFSET {}.", text(at + 3)?, text(at + 1)?),
            ));
        }
        if reading.is(at, "OFFSET") && (reading.is(at + 2, "LIMIT") || reading.is(at + 3, "LIMIT"))
        {
            let limit = if reading.is(at + 2, "LIMIT") { at + 3 } else { at + 4 };
            return Some((
                at,
                format!(
                    "LIMIT stands before OFFSET: write LIMIT {} OFFSET {}.",
                    text(limit)?,
                    text(at + 1)?
                ),
            ));
        }
        None
    })
}

/// `SELECT * EXCEPT (a)` and its relatives.
pub(super) fn star_except(reading: &Reading<'_>, catalog: Option<&Snapshot>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_any(*at, &["EXCEPT", "EXCLUDE", "REPLACE", "RENAME"])
            && at.checked_sub(1).is_some_and(|star| reading.is_symbol(star, "*"))
            && !reading.is_any(at + 1, &["SELECT", "ALL"])
            && !(reading.is_symbol(at + 1, "(") && reading.is_any(at + 2, &["SELECT", "WITH"]))
    })?;
    let word = reading.token(at)?.text.to_ascii_uppercase();
    let left_out: Vec<String> = if reading.is_symbol(at + 1, "(") {
        reading
            .arguments(at + 1)
            .into_iter()
            .filter_map(|argument| reading.name(argument.start))
            .collect()
    } else {
        reading.name(at + 1).into_iter().collect()
    };
    let table =
        reading.relations().iter().find_map(|relation| names::table(catalog, &relation.path));
    let columns = table.map_or_else(
        || "the columns that you want".to_owned(),
        |table| {
            let kept = table.columns.iter().filter(|column| {
                word == "REPLACE"
                    || word == "RENAME"
                    || !left_out.iter().any(|name| name.eq_ignore_ascii_case(&column.name))
            });
            list(kept.map(|column| written(&column.name)), NAMES_MAX)
        },
    );
    Some((at, format!("Dremio has no SELECT * {word}: name the columns, SELECT {columns}.")))
}

pub(super) fn phrase(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let first = reading.token(at)?;
        if first.kind != Kind::Word {
            return None;
        }
        let fits = |phrase: &str| {
            phrase.split(' ').enumerate().all(|(number, part)| matches(reading, at + number, part))
        };
        PHRASES.iter().find(|(phrase, _)| fits(phrase)).map(|(_, fix)| (at, (*fix).to_owned()))
    })
}

fn matches(reading: &Reading<'_>, at: usize, part: &str) -> bool {
    match part {
        "#" => reading.kind(at) == Some(Kind::Number),
        "'" => reading.kind(at) == Some(Kind::Text),
        "(" | ")" => reading.is_symbol(at, part),
        word => reading.is(at, word),
    }
}

/// Operators of other languages: their symbols, and what to write.
const OPERATORS: [(&[&str], &str); 14] = [
    (&["=", "="], "Write = to compare: Dremio has no ==."),
    (&["&", "&"], "Write AND instead of &&."),
    (&["<=", ">"], "Write IS NOT DISTINCT FROM instead of <=>."),
    (&["=", "<"], "Write <= instead of =<."),
    (&["=>"], "Write >= instead of =>."),
    (&["=", ">"], "Write >= instead of =>."),
    (&[":", "="], "Write = to compare; values cannot be assigned."),
    (
        &["-", ">", ">"],
        "Dremio has no ->>: reach into a struct by column['field'] or table.column.field, and \
         parse JSON text first: CONVERT_FROM(column, 'JSON')['field'].",
    ),
    (
        &["-", ">"],
        "Dremio has no ->: reach into a struct by column['field'] or table.column.field, and parse \
         JSON text first: CONVERT_FROM(column, 'JSON')['field'].",
    ),
    (&["^", "="], "Write <> instead of ^=."),
    (&["&"], "Write AND; for bits write BITWISE_AND(a, b)."),
    (&["!"], "Write NOT instead of !; <> and != compare."),
    (&["#"], "# opens no comment: write -- or /* */. In a name it needs double quotes."),
    (
        &["\\"],
        "A backslash means nothing here: write a quote inside a text twice, '', and remove line \
         continuations.",
    ),
];

pub(super) fn operator(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let fits = |symbols: &[&str]| {
            symbols.iter().enumerate().all(|(number, symbol)| {
                reading.is_symbol(at + number, symbol)
                    && (number + 1 == symbols.len() || reading.touches_next(at + number))
            })
        };
        let (_, fix) = OPERATORS.iter().find(|(symbols, _)| fits(symbols))?;
        Some((at, (*fix).to_owned()))
    })
}

/// `x REGEXP 'p'`, `x RLIKE 'p'`, `x ~ 'p'`, `x GLOB 'p'`.
pub(super) fn pattern_operator(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        (reading.is_any(*at, &["REGEXP", "RLIKE", "GLOB", "REGEX"]) || reading.is_symbol(*at, "~"))
            && !reading.is_symbol(at + 1, "(")
    })?;
    let text = (at..at + 3).find(|next| reading.kind(*next) == Some(Kind::Text));
    let is_not = at
        .checked_sub(1)
        .is_some_and(|before| reading.is(before, "NOT") || reading.is_symbol(before, "!"));
    let value_end = if is_not { at - 1 } else { at };
    let value = reading
        .operand_before(value_end)
        .map_or_else(|| "x".to_owned(), |start| reading.text(start..value_end));
    let pattern = text.map_or_else(|| "'...'".to_owned(), |text| reading.text(text..text + 1));
    let not = if is_not { "NOT " } else { "" };
    Some((at, format!("Write {not}REGEXP_LIKE({value}, {pattern}).")))
}

/// `x NOT NULL`, `x ISNULL`, `x NOTNULL`.
pub(super) fn null_test(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let value = || {
            reading
                .operand_before(at)
                .map_or_else(|| "x".to_owned(), |start| reading.text(start..at))
        };
        if reading.is(at, "NOT")
            && reading.is(at + 1, "NULL")
            && !reading.before(at, 1).is_some_and(|before| before.is("IS"))
            || reading.is(at, "NOTNULL") && !reading.is_symbol(at + 1, "(")
        {
            return Some((at, format!("Write {} IS NOT NULL.", value())));
        }
        if reading.is(at, "ISNULL") && !reading.is_symbol(at + 1, "(") {
            return Some((at, format!("Write {} IS NULL.", value())));
        }
        None
    })
}

/// Placeholders that nobody fills in.
pub(super) fn placeholder(reading: &Reading<'_>) -> Option<Finding> {
    let at = reading.indexes().find(|at| {
        reading.is_symbol(*at, "{")
            || reading.is_symbol(*at, "?")
            || reading.is_symbol(*at, ":")
                && reading.touches_next(*at)
                && reading.kind(at + 1) == Some(Kind::Word)
            || reading.is_symbol(*at, "%")
                && reading.touches_next(*at)
                && reading.is_any(at + 1, &["S", "D"])
            || reading
                .token(*at)
                .is_some_and(|token| token.text.starts_with('$') && token.text.len() > 1)
    })?;
    Some((
        at,
        "Placeholders (?, :name, {name}, $1, %s) are not filled in here: write the value itself."
            .to_owned(),
    ))
}

/// `TABLE(path)`, which takes a function, and a function in FROM without it.
pub(super) fn table_function(reading: &Reading<'_>) -> Option<Finding> {
    reading.indexes().find_map(|at| {
        let in_from =
            reading.before(at, 1).is_some_and(|before| before.is("FROM") || before.is("JOIN"));
        if !in_from {
            return None;
        }
        if reading.is(at, "TABLE") && reading.is_symbol(at + 1, "(") {
            let close = reading.partner(at + 1)?;
            let is_path =
                (at + 2..close).all(|at| reading.name(at).is_some() || reading.is_symbol(at, "."));
            let path = reading.text(at + 2..close);
            return is_path.then(|| {
                (
                    at,
                    format!(
                        "TABLE(...) takes a function, and {path} is a table: write FROM {path}."
                    ),
                )
            });
        }
        let end = reading.operand_end(at);
        let open = (at..end).find(|at| reading.is_symbol(*at, "("))?;
        let is_call = open > at
            && reading.kind(at) != Some(Kind::Symbol)
            && !reading.is_any(at, &["LATERAL", "UNNEST", "TABLE"]);
        is_call.then(|| {
            let call = reading.text(at..end);
            (at, format!("A function in FROM stands in TABLE(...): write FROM TABLE({call})."))
        })
    })
}

/// Functions that have a form of their own in the grammar.
pub(super) fn call_form(reading: &Reading<'_>) -> Option<Finding> {
    const NAMES: [&str; 5] = ["POSITION", "TRIM", "DATE", "TIMESTAMP", "TIME"];
    let is_call = |at: &usize| reading.is_any(*at, &NAMES) && reading.is_symbol(at + 1, "(");
    reading.indexes().filter(is_call).find_map(|at| {
        let arguments = reading.arguments(at + 1);
        let text = |number: usize| arguments.get(number).map(|range| reading.text(range.clone()));
        let fix = if reading.is(at, "POSITION") && arguments.len() == 2 {
            format!("Write POSITION({} IN {}).", text(0)?, text(1)?)
        } else if reading.is_any(at, &["TRIM"]) && arguments.len() == 2 {
            format!("Write BTRIM({0}, {1}), or TRIM(BOTH {1} FROM {0}).", text(0)?, text(1)?)
        } else if reading.is_any(at, &["DATE", "TIMESTAMP", "TIME"])
            && arguments.len() == 1
            && !reading.before(at, 1).is_some_and(|before| before.is("AS") || before.is_symbol("."))
        {
            let word = reading.token(at)?.text.to_ascii_uppercase();
            let value = text(0)?;
            if value.starts_with('\'') {
                format!("Write {word} {value}, without brackets.")
            } else {
                format!("Write CAST({value} AS {word}).")
            }
        } else {
            return None;
        };
        Some((at, fix))
    })
}
