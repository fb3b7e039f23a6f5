//! Functions over text. Positions and lengths count characters, from 1.

use rusqlite::types::Value;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, boolean};

/// Characters that REPEAT and the padding functions may produce: enough for the widest cell that
/// readers are tested with.
const CHARACTERS_MAX: usize = 8_000_000;

pub(super) const ROWS: &[Function] = &[
    row("CONCAT", "primitive, primitive...", Rule::Varchar, |call| {
        Ok(Value::Text((0..call.len()).map(|index| call.text(index)).collect()))
    })
    .with_nulls(),
    row("CONCAT_WS", "text, text...", Rule::Varchar, concat_ws).with_nulls(),
    row("UPPER", "text", Rule::Varchar, |call| Ok(Value::Text(call.text(0).to_uppercase()))),
    row("UCASE", "text", Rule::Varchar, |call| Ok(Value::Text(call.text(0).to_uppercase()))),
    row("LOWER", "text", Rule::Varchar, |call| Ok(Value::Text(call.text(0).to_lowercase()))),
    row("LCASE", "text", Rule::Varchar, |call| Ok(Value::Text(call.text(0).to_lowercase()))),
    row("INITCAP", "text", Rule::Varchar, |call| Ok(Value::Text(initcap(&call.text(0))))),
    row("REVERSE", "text", Rule::Varchar, |call| {
        Ok(Value::Text(call.text(0).chars().rev().collect()))
    }),
    row("REPEAT", "text, int", Rule::Varchar, repeat),
    row("REPEATSTR", "text, int", Rule::Varchar, repeat),
    row("SPACE", "int", Rule::Varchar, |call| {
        let spaces = call.count(0)?;
        within(spaces)?;
        Ok(Value::Text(" ".repeat(spaces)))
    }),
    row("LEFT", "text, int", Rule::Varchar, |call| {
        let whole: Vec<char> = call.text(0).chars().collect();
        let end = from_end(call.integer(1)?, whole.len());
        Ok(Value::Text(whole.into_iter().take(end).collect()))
    }),
    row("RIGHT", "text, int", Rule::Varchar, |call| {
        let whole: Vec<char> = call.text(0).chars().collect();
        let skip = whole.len() - from_end(call.integer(1)?, whole.len());
        Ok(Value::Text(whole.into_iter().skip(skip).collect()))
    }),
    row("SUBSTR", "text, int, int?", Rule::Varchar, substring),
    row("SUBSTRING", "text, int, int?", Rule::Varchar, substring),
    row("CHARSUBSTRING", "text, int, int", Rule::Varchar, substring),
    row("SUBSTR2", "text, int, int", Rule::Varchar, substring),
    row("SUBSTRING2", "text, int, int", Rule::Varchar, substring),
    row("SUBSTRING_INDEX", "text, text, int", Rule::Varchar, substring_index),
    row("LPAD", "text, int, text?", Rule::Varchar, |call| {
        pad(call, |whole, fill| format!("{fill}{whole}"))
    }),
    row("RPAD", "text, int, text?", Rule::Varchar, |call| {
        pad(call, |whole, fill| format!("{whole}{fill}"))
    }),
    row("TRIM", "text, text?", Rule::Varchar, btrim),
    row("BTRIM", "text, text?", Rule::Varchar, btrim),
    row("LTRIM", "text, text?", Rule::Varchar, |call| {
        let cut = trimmed(call);
        Ok(Value::Text(call.text(0).trim_start_matches(|char| cut.contains(char)).to_owned()))
    }),
    row("RTRIM", "text, text?", Rule::Varchar, |call| {
        let cut = trimmed(call);
        Ok(Value::Text(call.text(0).trim_end_matches(|char| cut.contains(char)).to_owned()))
    }),
    row("SPLIT_PART", "text, text, int", Rule::Varchar, split_part),
    row("REPLACE", "text, text, text", Rule::Varchar, |call| {
        let (whole, old) = (call.text(0), call.text(1));
        Ok(Value::Text(if old.is_empty() { whole } else { whole.replace(&old, &call.text(2)) }))
    }),
    row("TRANSLATE", "text, text, text", Rule::Varchar, translate),
    row("TRANSLATE3", "text, text, text", Rule::Varchar, translate),
    row("POSITION", "text, text, int?", Rule::Integer, locate),
    row("LOCATE", "text, text, int?", Rule::Integer, locate),
    row("INSTR", "text, text", Rule::Integer, |call| Ok(position(&call.text(0), &call.text(1), 0))),
    row("STRPOS", "text, text", Rule::Integer, |call| {
        Ok(position(&call.text(0), &call.text(1), 0))
    }),
    row("LENGTH", "text", Rule::Integer, |call| Ok(size(call.text(0).chars().count()))),
    row("CHAR_LENGTH", "text", Rule::Integer, |call| Ok(size(call.text(0).chars().count()))),
    row("CHARACTER_LENGTH", "text", Rule::Integer, |call| Ok(size(call.text(0).chars().count()))),
    row("OCTET_LENGTH", "text|bytes", Rule::Integer, |call| Ok(size(call.bytes(0).len()))),
    row("BIT_LENGTH", "text|bytes", Rule::Integer, |call| Ok(size(call.bytes(0).len() * 8))),
    // The first byte, which has a sign in Java.
    row("ASCII", "text", Rule::Integer, |call| {
        let first = call.bytes(0).first().copied().unwrap_or(0);
        Ok(Value::Integer(i64::from(first.cast_signed())))
    }),
    row("STARTS_WITH", "text, text", Rule::Boolean, |call| {
        Ok(boolean(call.text(0).starts_with(&call.text(1))))
    }),
    row("ENDS_WITH", "text, text", Rule::Boolean, |call| {
        Ok(boolean(call.text(0).ends_with(&call.text(1))))
    }),
    row("IS_SUBSTR", "text, text", Rule::Boolean, |call| {
        Ok(boolean(call.text(0).contains(&call.text(1))))
    }),
    row("FIND_IN_SET", "text, text", Rule::Integer, |call| {
        let (wanted, set) = (call.text(0), call.text(1));
        Ok(size(set.split(',').position(|item| item == wanted).map_or(0, |index| index + 1)))
    }),
    row("ELT", "int, text...", Rule::Varchar, |call| {
        let index = call.count(0)?;
        Ok(if index == 0 { Value::Null } else { call.value(index).clone() })
    })
    .with_nulls(),
];

/// A number of characters or bytes.
pub(super) fn size(count: usize) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Refuses to make a text that is too long.
pub(super) fn within(characters: usize) -> Result<(), FunctionError> {
    if characters > CHARACTERS_MAX {
        return Err(FunctionError(format!(
            "a text of {characters} characters is more than this stand-in for Dremio makes"
        )));
    }
    Ok(())
}

/// How many of `all` characters `count` are; a negative number leaves out as many.
fn from_end(count: i64, all: usize) -> usize {
    match usize::try_from(count) {
        Ok(count) => count.min(all),
        Err(_) => all.saturating_sub(usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

fn repeat(call: &Call<'_>) -> Outcome {
    let (piece, times) = (call.text(0), call.count(1)?);
    within(piece.len().saturating_mul(times))?;
    Ok(Value::Text(piece.repeat(times)))
}

fn concat_ws(call: &Call<'_>) -> Outcome {
    if call.is_null(0) {
        return Ok(Value::Null);
    }
    let words: Vec<String> = (1..call.len())
        .filter(|index| !call.is_null(*index))
        .map(|index| call.text(index))
        .collect();
    Ok(Value::Text(words.join(&call.text(0))))
}

fn initcap(whole: &str) -> String {
    let mut in_word = false;
    whole
        .chars()
        .flat_map(|char| {
            let cased: Vec<char> =
                if in_word { char.to_lowercase().collect() } else { char.to_uppercase().collect() };
            in_word = char.is_alphanumeric();
            cased
        })
        .collect()
}

/// A start before the first character gives nothing, 0 is the first, negative ones count from the
/// end.
fn substring(call: &Call<'_>) -> Outcome {
    let whole: Vec<char> = call.text(0).chars().collect();
    let start = call.integer(1)?;
    let skip = match usize::try_from(start) {
        Ok(start) => Some(start.saturating_sub(1)),
        Err(_) => {
            whole.len().checked_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX))
        }
    };
    let count = if call.len() > 2 { call.count(2)? } else { whole.len() };
    let part = skip.map(|skip| whole.into_iter().skip(skip).take(count).collect());
    Ok(Value::Text(part.unwrap_or_default()))
}

/// What is before the nth separator; for a negative n, what is after the nth from the end.
fn substring_index(call: &Call<'_>) -> Outcome {
    let (whole, separator, count) = (call.text(0), call.text(1), call.integer(2)?);
    if separator.is_empty() || count == 0 {
        return Ok(Value::Text(String::new()));
    }
    let parts: Vec<&str> = whole.split(&separator).collect();
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(parts.len());
    let skip = if count > 0 { 0 } else { parts.len() - wanted };
    let parts: Vec<&str> = parts.into_iter().skip(skip).take(wanted).collect();
    Ok(Value::Text(parts.join(&separator)))
}

fn pad(call: &Call<'_>, join: fn(&str, &str) -> String) -> Outcome {
    let (whole, wanted) = (call.text(0), call.count(1)?);
    let filler = if call.len() > 2 { call.text(2) } else { " ".to_owned() };
    within(wanted)?;
    let present = whole.chars().count();
    if present >= wanted || filler.is_empty() {
        return Ok(Value::Text(whole.chars().take(wanted).collect()));
    }
    let fill: String = filler.chars().cycle().take(wanted - present).collect();
    Ok(Value::Text(join(&whole, &fill)))
}

/// The characters to cut off.
fn trimmed(call: &Call<'_>) -> String {
    if call.len() > 1 { call.text(1) } else { " ".to_owned() }
}

fn btrim(call: &Call<'_>) -> Outcome {
    let cut = trimmed(call);
    Ok(Value::Text(call.text(0).trim_matches(|char| cut.contains(char)).to_owned()))
}

fn split_part(call: &Call<'_>) -> Outcome {
    let (whole, separator, index) = (call.text(0), call.text(1), call.integer(2)?);
    if index < 1 {
        return Err(FunctionError(format!(
            "Index in split_part must be positive, value provided was {index}"
        )));
    }
    let mut parts: Box<dyn Iterator<Item = &str>> = if separator.is_empty() {
        Box::new(std::iter::once(whole.as_str()))
    } else {
        Box::new(whole.split(&separator))
    };
    let part = parts.nth(usize::try_from(index - 1).unwrap_or(usize::MAX));
    Ok(Value::Text(part.unwrap_or_default().to_owned()))
}

/// Each character of the second text becomes the one at the same place in the third, or goes.
fn translate(call: &Call<'_>) -> Outcome {
    let old: Vec<char> = call.text(1).chars().collect();
    let new: Vec<char> = call.text(2).chars().collect();
    let replaced = |char: char| match old.iter().position(|wanted| *wanted == char) {
        Some(index) => new.get(index).copied(),
        None => Some(char),
    };
    Ok(Value::Text(call.text(0).chars().filter_map(replaced).collect()))
}

fn locate(call: &Call<'_>) -> Outcome {
    let (part, whole) = (call.text(0), call.text(1));
    let start = if call.len() > 2 { call.integer(2)? } else { 1 };
    let Some(skip) = usize::try_from(start).ok().and_then(|start| start.checked_sub(1)) else {
        return Err(FunctionError(format!("Start index ({start}) must be greater than 0")));
    };
    Ok(position(&whole, &part, skip))
}

/// The position of a part after `skip` characters; 0 if it is not there, or empty.
fn position(whole: &str, part: &str, skip: usize) -> Value {
    let start = whole.char_indices().nth(skip).map_or(whole.len(), |(at, _)| at);
    let found = whole.get(start..).filter(|_| !part.is_empty()).and_then(|rest| rest.find(part));
    let before = found.and_then(|at| whole.get(..start + at));
    size(before.map_or(0, |before| before.chars().count() + 1))
}
