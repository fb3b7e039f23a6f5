//! Regular expressions. Dremio has Java's; what the two kinds share is matched the same way, and
//! what only Java has (look-around, back references, possessive repetition) is refused.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Captures, Regex, RegexBuilder};
use rusqlite::types::Value;
use serde_json::Value as Json;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, boolean, unsupported};
use crate::catalog::DremioType;

/// Compiled expressions that a thread keeps. A guess.
const KEPT_MAX: usize = 100;
/// Bytes that one compiled expression may take.
const COMPILED_BYTES_MAX: usize = 1_000_000;

pub(super) const ROWS: &[Function] = &[
    row("REGEXP_LIKE", "text, text", Rule::Boolean, found),
    row("REGEXP_MATCHES", "text, text", Rule::Boolean, found),
    row("REGEXP_COL_LIKE", "text, text", Rule::Boolean, found),
    row("REGEXP_COL_MATCHES", "text, text", Rule::Boolean, found),
    row("REGEXP_EXTRACT", "text, text, int", Rule::Varchar, extract),
    row("REGEXP_REPLACE", "text, text, text", Rule::Varchar, replace),
    row("REGEXP_SPLIT", "text, text, text, int", Rule::By(|_| Ok(texts())), split),
    row("SUBSTR", "text, text", Rule::Varchar, first),
    row("SUBSTRING", "text, text", Rule::Varchar, first),
    row("SIMILAR_TO", "text, text, text?", Rule::Boolean, similar),
    row("SIMILAR", "text, text, text?", Rule::Boolean, similar),
];

fn texts() -> DremioType {
    DremioType::List(Box::new(DremioType::Varchar))
}

/// Whether `.` stands for a line end too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Dot {
    All,
    Line,
}

fn compiled(pattern: &str, dot: Dot) -> Result<Regex, FunctionError> {
    thread_local! {
        static KEPT: RefCell<HashMap<(String, Dot), Regex>> = RefCell::new(HashMap::new());
    }
    KEPT.with_borrow_mut(|kept| {
        let key = (pattern.to_owned(), dot);
        if let Some(regex) = kept.get(&key) {
            return Ok(regex.clone());
        }
        let regex = translated(pattern).and_then(|pattern| {
            RegexBuilder::new(&pattern)
                .dot_matches_new_line(dot == Dot::All)
                .size_limit(COMPILED_BYTES_MAX)
                .build()
                .ok()
        });
        let regex =
            regex.ok_or_else(|| unsupported(&format!("The regular expression '{pattern}'")))?;
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, regex.clone());
        Ok(regex)
    })
}

/// Java's spelling in that of [`regex`]: `\Q…\E`, and classes like `\d` of ASCII alone. `None` for
/// what would mean something else.
fn translated(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            out.push_str(&regex::escape(quoted));
            rest = after;
            continue;
        }
        if first != '\\' {
            out.push(first);
            rest = rest.get(first.len_utf8()..)?;
            continue;
        }
        let escaped = rest.chars().nth(1)?;
        match escaped {
            'd' => out.push_str("[0-9]"),
            'D' => out.push_str("[^0-9]"),
            'w' => out.push_str("[0-9A-Za-z_]"),
            'W' => out.push_str("[^0-9A-Za-z_]"),
            's' => out.push_str("[ \\t\\n\\x0B\\f\\r]"),
            'S' => out.push_str("[^ \\t\\n\\x0B\\f\\r]"),
            'b' => out.push_str("(?-u:\\b)"),
            'B' | 'G' | 'h' | 'H' | 'R' | 'v' | 'V' | 'X' | 'Z' | 'e' | 'c' | '0'..='9' => {
                return None;
            }
            other => out.extend(['\\', other]),
        }
        rest = rest.get(1 + escaped.len_utf8()..)?;
    }
    // In Java a class in a class joins, and && intersects: the same here. A repetition that gives
    // nothing back is read as a repetition of a repetition here.
    let possessive = ["*+", "++", "?+", "}+"];
    let plain = out.replace("\\+", "").replace("\\*", "").replace("\\?", "").replace("\\}", "");
    (!possessive.iter().any(|spelt| plain.contains(spelt))).then_some(out)
}

fn found(call: &Call<'_>) -> Outcome {
    Ok(boolean(compiled(&call.text(1), Dot::All)?.is_match(&call.text(0))))
}

/// The first part that matches, or NULL.
fn first(call: &Call<'_>) -> Outcome {
    let text = call.text(0);
    let found =
        compiled(&call.text(1), Dot::Line)?.find(&text).map(|part| part.as_str().to_owned());
    Ok(found.map_or(Value::Null, Value::Text))
}

fn extract(call: &Call<'_>) -> Outcome {
    let (text, index) = (call.text(0), call.integer(2)?);
    let regex = compiled(&call.text(1), Dot::Line)?;
    let invalid = || FunctionError(format!("Invalid group index '{index}'"));
    let Some(captures) = regex.captures(&text) else {
        return Ok(Value::Text(String::new()));
    };
    let index = usize::try_from(index).ok().filter(|index| *index < captures.len());
    let group = captures.get(index.ok_or_else(invalid)?);
    Ok(Value::Text(group.map_or_else(String::new, |group| group.as_str().to_owned())))
}

fn replace(call: &Call<'_>) -> Outcome {
    let (text, replacement) = (call.text(0), call.text(2));
    let regex = compiled(&call.text(1), Dot::Line)?;
    let mut out = String::new();
    let mut end = 0;
    for captures in regex.captures_iter(&text) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(text.get(end..whole.start()).unwrap_or_default());
        out.push_str(
            &expanded(&replacement, &captures).ok_or_else(|| {
                FunctionError(format!("Invalid replacement string '{replacement}'"))
            })?,
        );
        end = whole.end();
    }
    out.push_str(text.get(end..).unwrap_or_default());
    Ok(Value::Text(out))
}

/// `$1` and `${name}` are groups, and a backslash takes the next character as it is.
fn expanded(replacement: &str, captures: &Captures<'_>) -> Option<String> {
    let mut out = String::new();
    let mut chars = replacement.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.push(chars.next()?),
            '$' if chars.peek() == Some(&'{') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|char| *char != '}').collect();
                out.push_str(captures.name(&name)?.as_str());
            }
            '$' => {
                let mut index = chars.next()?.to_digit(10)?;
                // As many digits as there are groups for.
                while let Some(digit) = chars.peek().and_then(|char| char.to_digit(10)) {
                    let longer = index * 10 + digit;
                    if usize::try_from(longer).ok()? >= captures.len() {
                        break;
                    }
                    index = longer;
                    chars.next();
                }
                let index = usize::try_from(index).ok().filter(|index| *index < captures.len())?;
                out.push_str(captures.get(index).map_or("", |group| group.as_str()));
            }
            _ => out.push(char),
        }
    }
    Some(out)
}

/// The parts around one match, or the first parts between all of them.
fn split(call: &Call<'_>) -> Outcome {
    let (text, position, index) = (call.text(0), call.text(2), call.integer(3)?);
    let regex = compiled(&call.text(1), Dot::Line)?;
    let matches: Vec<(usize, usize)> =
        regex.find_iter(&text).map(|part| (part.start(), part.end())).collect();
    let part = |start: usize, end: usize| text.get(start..end).unwrap_or_default();
    let mut parts: Vec<&str> = Vec::new();
    let one = match position.as_str() {
        "FIRST" => matches.first(),
        "LAST" => matches.last(),
        "INDEX" => usize::try_from(index).ok().and_then(|index| matches.get(index)),
        "ALL" => {
            let mut left = index;
            let mut start = 0;
            for (from, to) in &matches {
                parts.push(part(start, *from));
                left -= 1;
                start = *to;
                if left <= 0 {
                    break;
                }
            }
            if left > 0 || matches.is_empty() {
                parts.push(part(start, text.len()));
            }
            None
        }
        _ => return Err(unsupported(&format!("REGEXP_SPLIT with '{position}'"))),
    };
    if let Some((from, to)) = one {
        parts.extend([part(0, *from), part(*to, text.len())]);
    } else if parts.is_empty() {
        parts.push(&text);
    }
    Ok(Value::Text(Json::from(parts).to_string()))
}

fn similar(call: &Call<'_>) -> Outcome {
    let pattern = call.text(1);
    let escape = call.text(2).chars().next();
    let regex = similar_pattern(&pattern, escape)
        .ok_or_else(|| FunctionError(format!("Invalid regular expression '{pattern}'")))?;
    Ok(boolean(compiled(&format!("^(?:{regex})$"), Dot::All)?.is_match(&call.text(0))))
}

/// A pattern of SIMILAR TO as a regular expression: `%` and `_` as in LIKE, and of regular
/// expressions `| * + ? {} () []`.
fn similar_pattern(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        match char {
            _ if Some(char) == escape => {
                out.push_str(&regex::escape(&chars.next()?.to_string()));
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '\\' | '$' => out.extend(['\\', char]),
            '[' => {
                let class: String = chars.by_ref().take_while(|char| *char != ']').collect();
                if class.contains(['[', '\\']) {
                    return None;
                }
                out.push_str(&format!("[{class}]"));
            }
            ']' => return None,
            _ => out.push(char),
        }
    }
    Some(out)
}
