//! Aggregates and GROUP BY.

use std::ops::Range;

use super::names::{self, list, written};
use super::reading::Reading;
use crate::catalog::Snapshot;

/// Functions that make one value of many rows.
pub(super) const AGGREGATES: [&str; 22] = [
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "MEDIAN",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
    "LISTAGG",
    "ARRAY_AGG",
    "ANY_VALUE",
    "APPROX_COUNT_DISTINCT",
    "NDV",
    "APPROX_PERCENTILE",
    "PERCENTILE_CONT",
    "PERCENTILE_DISC",
    "BOOL_AND",
    "BOOL_OR",
];

/// What to do about an expression of SELECT that is not in GROUP BY.
pub(super) fn not_grouped(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    expression: &str,
) -> String {
    let selects_all = reading.indexes().any(|at| {
        reading.is_symbol(at, "*")
            && reading.before(at, 1).is_some_and(|before| {
                before.is("SELECT") || before.is_symbol(".") || before.is_symbol(",")
            })
    });
    let grouped =
        reading.clause("GROUP").map(|clause| reading.text(clause)).filter(|text| !text.is_empty());
    if selects_all {
        let names = grouped.unwrap_or_else(|| "the columns to group by".to_owned());
        let columns = reading
            .relations()
            .iter()
            .find_map(|relation| names::table(catalog, &relation.path))
            .map(|table| {
                format!(
                    " To choose from: {}.",
                    list(
                        table.columns.iter().map(|column| written(&column.name)),
                        names::NAMES_MAX
                    )
                )
            });
        return format!(
            "SELECT * cannot stand with GROUP BY: name the grouped columns and aggregate the rest: \
             SELECT {names}, COUNT(*) ... GROUP BY {names}.{}",
            columns.unwrap_or_default()
        );
    }
    let expression = as_written(reading, expression);
    match grouped {
        Some(grouped) => format!(
            "Add it to GROUP BY: GROUP BY {grouped}, {expression}; or aggregate it: \
             MAX({expression})."
        ),
        None => format!(
            "Aggregates beside other columns need GROUP BY: add GROUP BY {expression} (and every \
             other column of SELECT without an aggregate), or aggregate it: MAX({expression})."
        ),
    }
}

/// The expression as the query writes it: Dremio names columns with their table.
fn as_written(reading: &Reading<'_>, expression: &str) -> String {
    let expression = expression.replace('`', "");
    let Some((table, column)) =
        expression.rsplit_once('.').filter(|_| !expression.contains(['(', ' ']))
    else {
        return expression;
    };
    let (table, column) = (table.trim_matches('"'), column.trim_matches('"'));
    let is_qualified = reading.indexes().any(|at| {
        reading.name(at).is_some_and(|name| name.eq_ignore_ascii_case(column))
            && reading.before(at, 1).is_some_and(|dot| dot.is_symbol("."))
    });
    if is_qualified { format!("{}.{}", written(table), written(column)) } else { written(column) }
}

/// What to do about an aggregate, or a window function, in a clause that sees single rows.
pub(super) fn misplaced(reading: &Reading<'_>, clause: &str, is_window: bool) -> String {
    let clause = clause.to_ascii_uppercase();
    let is_window = is_window
        || reading
            .clause(first_word(&clause))
            .is_some_and(|mut tokens| tokens.any(|at| reading.is(at, "OVER")));
    if is_window {
        let condition = condition(reading, first_word(&clause), &["OVER"]);
        let condition = condition.unwrap_or_else(|| "ROW_NUMBER() OVER (...) = 1".to_owned());
        return format!(
            "{clause} sees rows before window functions are made: filter with QUALIFY {condition}, \
             which stands behind WHERE and GROUP BY."
        );
    }
    if clause.starts_with("GROUP") {
        return "GROUP BY takes columns or expressions without aggregates: group by the other \
                columns only, and leave the aggregate in SELECT."
            .to_owned();
    }
    if clause.starts_with("ORDER") {
        return "Sort by an aggregate only in a query with GROUP BY: add GROUP BY with the columns \
                of SELECT.".to_owned();
    }
    let condition = condition(reading, first_word(&clause), &AGGREGATES);
    let condition = condition.unwrap_or_else(|| "the condition".to_owned());
    let grouped = reading
        .clause("GROUP")
        .map(|clause| reading.text(clause))
        .filter(|text| !text.is_empty())
        .or_else(|| plain_columns(reading));
    let grouped = grouped.unwrap_or_else(|| "...".to_owned());
    format!(
        "{clause} sees single rows. Move it behind GROUP BY: GROUP BY {grouped} HAVING \
         {condition}. To compare each row with an aggregate of all, use a subquery: x > (SELECT \
         AVG(x) FROM ...)."
    )
}

pub(super) fn nested(reading: &Reading<'_>) -> String {
    let inner = reading.indexes().find(|at| {
        reading.is_any(*at, &AGGREGATES)
            && reading.is_symbol(at + 1, "(")
            && reading.call_around(*at).is_some_and(|outer| reading.is_any(outer, &AGGREGATES))
    });
    let call = inner.map(|at| reading.text(at..reading.operand_end(at)));
    let call = call.unwrap_or_else(|| "the inner one".to_owned());
    format!(
        "Aggregate in two steps: SELECT MAX(x) FROM (SELECT {call} AS x FROM ... GROUP BY ...) t."
    )
}

/// What to do about QUALIFY without a window function.
pub(super) fn no_window(reading: &Reading<'_>) -> String {
    let condition = reading.clause("QUALIFY").map(|clause| reading.text(clause));
    let condition = condition.unwrap_or_else(|| "the condition".to_owned());
    format!(
        "QUALIFY is for window functions. Write HAVING {condition} for a condition on aggregates, \
         or WHERE {condition} for one on single rows."
    )
}

/// What to do about a window function without OVER.
pub(super) fn no_over(reading: &Reading<'_>) -> String {
    const WINDOWS: [&str; 11] = [
        "ROW_NUMBER",
        "RANK",
        "DENSE_RANK",
        "NTILE",
        "LAG",
        "LEAD",
        "FIRST_VALUE",
        "LAST_VALUE",
        "NTH_VALUE",
        "PERCENT_RANK",
        "CUME_DIST",
    ];
    let is_bare = |at: &usize| {
        reading.is_any(*at, &WINDOWS)
            && reading.is_symbol(at + 1, "(")
            && !reading.is(reading.operand_end(*at), "OVER")
    };
    let call = reading.indexes().find(is_bare).map(|at| reading.text(at..reading.operand_end(at)));
    let call = call.unwrap_or_else(|| "ROW_NUMBER()".to_owned());
    format!("A window function needs OVER: write {call} OVER (PARTITION BY ... ORDER BY ...).")
}

fn first_word(clause: &str) -> &str {
    clause.split(' ').next().unwrap_or(clause)
}

/// The part of a clause, between AND and OR, that has one of these words in it.
fn condition(reading: &Reading<'_>, clause: &str, words: &[&str]) -> Option<String> {
    let clause = reading.clause(clause)?;
    let depth = reading.depth(clause.start);
    let mut from = clause.start;
    let mut parts: Vec<Range<usize>> = Vec::new();
    for at in clause.clone() {
        if reading.depth(at) == depth && reading.is_any(at, &["AND", "OR"]) {
            parts.push(from..at);
            from = at + 1;
        }
    }
    parts.push(from..clause.end);
    let part = parts.into_iter().find(|part| part.clone().any(|at| reading.is_any(at, words)))?;
    Some(reading.text(part))
}

/// The columns of SELECT without an aggregate.
fn plain_columns(reading: &Reading<'_>) -> Option<String> {
    let columns = reading.columns().into_iter().filter(|column| {
        !column.clone().any(|at| {
            reading.is_any(at, &AGGREGATES) || reading.is_symbol(at, "*") || reading.is(at, "AS")
        })
    });
    let columns: Vec<String> = columns.map(|column| reading.text(column)).take(8).collect();
    (!columns.is_empty()).then(|| columns.join(", "))
}
