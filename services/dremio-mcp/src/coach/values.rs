//! Queries that Dremio understands, and whose values do not fit.

mod mismatch;

use self::mismatch::mismatch;
use super::names::literal;
use super::reading::Reading;
use super::{dates, functions, types};
use crate::catalog::Snapshot;
use crate::guard::Kind;

/// What to do about a division by zero.
pub(super) fn division(reading: &Reading<'_>) -> String {
    let fixes: Vec<String> = reading
        .indexes()
        .filter_map(|at| {
            if reading.is_symbol(at, "/") || reading.is_symbol(at, "%") {
                let start = reading.operand_before(at)?;
                let end = reading.operand_end(at + 1);
                let (above, below) = (reading.text(start..at), reading.text(at + 1..end));
                // A number that is not zero is not what was meant.
                if reading.kind(at + 1) == Some(Kind::Number)
                    && end == at + 2
                    && below.parse::<f64>().is_ok_and(|number| number != 0.0)
                {
                    return None;
                }
                let sign = reading.token(at)?.text;
                return Some(format!("{above} {sign} NULLIF({below}, 0)"));
            }
            if reading.is_any(at, &["MOD", "DIV"]) && reading.is_symbol(at + 1, "(") {
                let arguments = reading.arguments(at + 1);
                let [above, below] = arguments.as_slice() else { return None };
                let name = reading.token(at)?.text;
                return Some(format!(
                    "{name}({}, NULLIF({}, 0))",
                    reading.text(above.clone()),
                    reading.text(below.clone())
                ));
            }
            None
        })
        .take(3)
        .collect();
    if fixes.is_empty() {
        return "Divide by NULLIF(x, 0), which gives NULL where x is 0.".to_owned();
    }
    format!("Divide by NULLIF(x, 0), which gives NULL where x is 0: {}.", fixes.join("; "))
}

/// What to do about a literal of DATE, TIME or TIMESTAMP in another form.
pub(super) fn literal_form(reading: &Reading<'_>, kind: &str, text: &str) -> String {
    let shown = literal(text);
    match kind.to_ascii_uppercase().as_str() {
        "DATE" => {
            let example = date_of(text).unwrap_or_else(|| "2024-01-31".to_owned());
            format!(
                "A date is written YYYY-MM-DD and must be a real day: DATE '{example}'; {shown} is \
                 none."
            )
        }
        "TIME" => format!("A time is written TIME '23:59:59'; {shown} is none."),
        "TIMESTAMP" => format!(
            "A timestamp is written YYYY-MM-DD HH:MM:SS with a blank between and no zone: \
             TIMESTAMP \
             '2024-01-31 23:59:59', or DATE '2024-01-31' for a day; {shown} is none."
        ),
        _ => dates::interval(reading).map_or_else(
            || format!("An interval is written INTERVAL '3' DAY; {shown} is none."),
            |(_, fix)| fix,
        ),
    }
}

/// The numbers of a date in a text, as they stand, with what stands between.
fn date_parts(text: &str) -> Option<(Vec<&str>, char)> {
    let day = text.trim().split([' ', 'T']).next()?;
    let between = day.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = day.split(between).collect();
    let are_numbers =
        parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    (parts.len() == 3 && are_numbers && day.len() <= 10).then_some((parts, between))
}

/// How Dremio writes the format of the date in a text, as far as it can be told.
fn format_of(text: &str) -> Option<String> {
    let (parts, between) = date_parts(text)?;
    let number =
        |at: usize| parts.get(at).and_then(|part| part.parse::<u32>().ok()).unwrap_or_default();
    let forms: &[[&str; 3]] = if parts.first().is_some_and(|part| part.len() == 4) {
        &[["YYYY", "MM", "DD"]]
    } else if number(0) > 12 || between == '.' {
        &[["DD", "MM", "YYYY"]]
    } else if number(1) > 12 {
        &[["MM", "DD", "YYYY"]]
    } else {
        &[["MM", "DD", "YYYY"], ["DD", "MM", "YYYY"]]
    };
    let time = text.trim().split_once([' ', 'T']).map_or("", |(_, time)| {
        match time.matches(':').count() {
            0 => "",
            1 => " HH24:MI",
            _ => " HH24:MI:SS",
        }
    });
    let forms: Vec<String> =
        forms.iter().map(|form| format!("'{}{time}'", form.join(&between.to_string()))).collect();
    Some(forms.join(" or "))
}

/// The date in a text, written as Dremio reads it; months first, where that cannot be told.
fn date_of(text: &str) -> Option<String> {
    let (parts, between) = date_parts(text)?;
    let [one, two, three] = parts.as_slice() else { return None };
    let number = |part: &str| part.parse::<u32>().unwrap_or_default();
    let (year, month, day) = if one.len() == 4 {
        (*one, *two, *three)
    } else if number(one) > 12 || between == '.' {
        (*three, *two, *one)
    } else {
        (*three, *one, *two)
    };
    let is_date =
        year.len() == 4 && (1..=12).contains(&number(month)) && (1..=31).contains(&number(day));
    is_date.then(|| format!("{year}-{:02}-{:02}", number(month), number(day)))
}

/// Functions that take a format.
const FORMATTED: [&str; 4] = ["TO_DATE", "TO_TIMESTAMP", "TO_TIME", "TO_CHAR"];

/// A call with a format, written with one that fits.
fn format_fix(reading: &Reading<'_>, at: usize, open: usize) -> String {
    let arguments = reading.arguments(open);
    let name = reading.name(at).unwrap_or_default().to_ascii_uppercase();
    let value = arguments.first().map(|range| reading.text(range.clone())).unwrap_or_default();
    let format = arguments.get(1).map(|range| reading.text(range.clone())).unwrap_or_default();
    let parts = "Dremio's formats are made of YYYY, MM, DD, HH24, MI (minutes) and SS";
    if format.contains('%') {
        let format = [
            ("%Y", "YYYY"),
            ("%y", "YY"),
            ("%m", "MM"),
            ("%d", "DD"),
            ("%H", "HH24"),
            ("%i", "MI"),
            ("%M", "MI"),
            ("%S", "SS"),
            ("%s", "SS"),
            ("%b", "MON"),
            ("%a", "DY"),
        ]
        .iter()
        .fold(format, |format, (theirs, ours)| format.replace(theirs, ours));
        return format!("{parts}: write {name}({value}, {format}).");
    }
    let of_text =
        value.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).and_then(format_of);
    let right = of_text.unwrap_or_else(|| "'YYYY-MM-DD'".to_owned());
    format!(
        "The format must follow the text. {parts}: write {name}({value}, {right}). A third \
         argument \
         1 gives NULL where it does not fit."
    )
}

/// What to do about a value that is not of the type that it is to have.
pub(super) fn unfit(reading: &Reading<'_>, catalog: Option<&Snapshot>, sentence: &str) -> String {
    let lower = sentence.to_lowercase();
    let of_format = FORMATTED.iter().find_map(|name| reading.call(name));
    if let Some((at, open)) = of_format
        && (lower.contains("format") || types::first_cast(reading).is_none())
    {
        return format_fix(reading, at, open);
    }
    if lower.contains("overflow") || lower.contains("out of range") {
        return "A number is too large for its type: CAST to BIGINT, DECIMAL(38, 2) or DOUBLE \
                before calculating."
            .to_owned();
    }
    if let Some((value, ty)) = types::first_cast(reading) {
        let pattern = if ty.starts_with("DATE") || ty.starts_with("TIME") {
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
        } else if ty.starts_with("BOOL") {
            "^(true|false)$"
        } else if ty.contains("INT") {
            "^-?[0-9]+$"
        } else {
            "^-?[0-9]+([.][0-9]+)?$"
        };
        if lower.contains("cast function cannot") || lower.contains("casting or coercing") {
            return format!(
                "{value} cannot become {ty} directly: CAST it to VARCHAR first, or convert it by a \
                 function (TO_CHAR, TO_DATE, EXTRACT)."
            );
        }
        return format!(
            "Some value of {value} is no {ty}: CAST only those that are, CASE WHEN \
             REGEXP_LIKE({value}, '{pattern}') THEN CAST({value} AS {ty}) END."
        );
    }
    mismatch(reading, catalog).unwrap_or_else(|| {
        "A text is compared or calculated with as a number or date, and is none: compare columns \
         with values of their own type (text in single quotes), or CAST what fits only: CASE WHEN \
         REGEXP_LIKE(x, '^-?[0-9]+$') THEN CAST(x AS BIGINT) END."
            .to_owned()
    })
}

/// What to do about an operator or a function that does not take these types.
pub(super) fn arguments(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    of: &str,
    types: &str,
) -> String {
    let upper = types.to_uppercase();
    let of_text = upper.contains("CHAR");
    match of {
        "+" if of_text => {
            let plus = reading
                .indexes()
                .find(|at| reading.is_symbol(*at, "+") && joins_text(reading, *at))
                .or_else(|| reading.indexes().find(|at| reading.is_symbol(*at, "+")));
            let example = plus.and_then(|at| {
                Some(format!(
                    "{} || \
                                                           {}",
                    reading.text(reading.operand_before(at)?..at),
                    reading.text(at + 1..reading.operand_end(at + 1))
                ))
            });
            return format!(
                "Texts are joined by ||, not by +: {}. CAST others AS VARCHAR \
                            first.",
                example.unwrap_or_else(|| "a || b".to_owned())
            );
        }
        "-" if upper.matches("DATE").count() + upper.matches("TIMESTAMP").count() >= 2 => {
            let minus = reading.indexes().find(|at| reading.is_symbol(*at, "-"));
            let (end, start) = minus
                .and_then(|at| {
                    Some((
                        reading.text(reading.operand_before(at)?..at),
                        reading.text(at + 1..reading.operand_end(at + 1)),
                    ))
                })
                .unwrap_or_else(|| ("end".to_owned(), "start".to_owned()));
            return format!(
                "Write TIMESTAMPDIFF(DAY, {start}, {end}) (or HOUR, MINUTE, SECOND ...) \
                            for the time between two moments."
            );
        }
        "+" | "-" if upper.contains("DATE") || upper.contains("TIMESTAMP") => {
            let at = reading.indexes().find(|at| reading.is_symbol(*at, of));
            let parts = at.and_then(|at| {
                Some((
                    reading.text(reading.operand_before(at)?..at),
                    reading.text(at + 1..reading.operand_end(at + 1)),
                ))
            });
            let (date, number) = parts.unwrap_or_else(|| ("date".to_owned(), "7".to_owned()));
            let function = if of == "+" { "DATE_ADD" } else { "DATE_SUB" };
            return format!(
                "Write {function}({date}, {number}) for days, or {date} {of} INTERVAL \
                            '1' MONTH for other units."
            );
        }
        "LIKE" | "ILIKE" | "NOT LIKE" if !upper.contains("ARRAY") => {
            let at = reading.indexes().find(|at| reading.is_any(*at, &["LIKE", "ILIKE"]));
            let end = at.map(|at| {
                if reading.before(at, 1).is_some_and(|before| before.is("NOT")) {
                    at - 1
                } else {
                    at
                }
            });
            let value = end.and_then(|end| Some(reading.text(reading.operand_before(end)?..end)));
            let value = value.unwrap_or_else(|| "x".to_owned());
            return format!("{of} takes texts: write CAST({value} AS VARCHAR) {of} ...");
        }
        "||" => return "|| takes texts: CAST(x AS VARCHAR) first.".to_owned(),
        "SUM" | "AVG" | "STDDEV" | "VARIANCE" | "ROUND" | "ABS" | "CEIL" | "FLOOR" => {
            let argument = reading.call(of).and_then(|(_, open)| {
                reading.arguments(open).first().map(|range| reading.text(range.clone()))
            });
            let argument = argument.unwrap_or_else(|| "x".to_owned());
            let value = if upper.contains("BOOLEAN") {
                format!(
                    "CASE WHEN {argument} THEN 1 ELSE 0 \
                                                            END"
                )
            } else {
                format!("CAST({argument} AS DOUBLE)")
            };
            return format!(
                "{of} takes numbers: write {of}({value}), or COUNT({argument}) to \
                            count."
            );
        }
        "AND" | "OR" | "NOT" => {
            return format!(
                "{of} takes conditions: compare the value with \
                                                something (x = 1, x IS NOT NULL)."
            );
        }
        "ITEM" | "[]" => {
            return "[...] takes a list with a number from 0, or a struct or map with \
                                 a name: column[0], column['field']."
                .to_owned();
        }
        "CASE" => {
            return "All results of CASE need one type: CAST the one that differs.".to_owned();
        }
        _ => {}
    }
    if (upper.contains("ARRAY") || upper.contains("LIST"))
        && let Some((list, value)) = compared(reading)
    {
        return format!(
            "{list} is a list: write ARRAY_CONTAINS({list}, {value}), {list}[0] for one of its \
             values, or FLATTEN({list}) in SELECT for a row each."
        );
    }
    if matches!(
        of,
        "=" | "<>"
            | "!="
            | "<"
            | ">"
            | "<="
            | ">="
            | "IN"
            | "BETWEEN"
            | "NOT IN"
            | "BETWEEN ASYMMETRIC"
    ) {
        if let Some(fix) = mismatch(reading, catalog) {
            return fix;
        }
        if upper.contains("BOOLEAN") {
            return "A BOOLEAN is TRUE or FALSE, not a number or text: write WHERE x, WHERE NOT x, \
                    or x = TRUE.".to_owned();
        }
        if upper.contains("DATE") || upper.contains("TIMESTAMP") {
            return "Compare a date with a date: DATE '2024-01-31', TIMESTAMP '2024-01-31 00:00:00' \
                    or CAST(x AS DATE); a year with EXTRACT(YEAR FROM x) = 2024.".to_owned();
        }
        return "Both sides need one type: put text in single quotes and numbers in none, or CAST \
                one side (CAST(x AS BIGINT), CAST(x AS VARCHAR))."
            .to_owned();
    }
    if let Some((_, fix)) = dates::call(reading) {
        return fix;
    }
    functions::equivalent(reading, of).or_else(|| functions::arguments(of)).unwrap_or_else(|| {
        format!(
            "{} does not take these types: CAST the arguments first, CAST(x AS VARCHAR), \
                 CAST(x AS DOUBLE) or CAST(x AS DATE).",
            of.to_ascii_uppercase()
        )
    })
}

/// The two sides of the first comparison.
fn compared(reading: &Reading<'_>) -> Option<(String, String)> {
    reading.indexes().find_map(|at| {
        let is_comparison = ["=", "<>", "!="].iter().any(|symbol| reading.is_symbol(at, symbol))
            || reading.is_any(at, &["IN", "LIKE", "ILIKE"]);
        let start = reading.operand_before(at).filter(|_| is_comparison)?;
        let value = if reading.is_symbol(at + 1, "(") { at + 2 } else { at + 1 };
        Some((reading.text(start..at), reading.text(value..value + 1)))
    })
}

fn joins_text(reading: &Reading<'_>, at: usize) -> bool {
    reading.kind(at + 1) == Some(Kind::Text)
        || at.checked_sub(1).is_some_and(|before| reading.kind(before) == Some(Kind::Text))
}
