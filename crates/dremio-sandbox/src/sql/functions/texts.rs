//! Functions over text. Positions and lengths count characters, from 1.

use rusqlite::types::Value;

use super::{FunctionError, Outcome, Scalar, boolean, integer, scalar, text};

/// Characters that REPEAT and the padding functions may produce. A guess that keeps a slip from
/// filling the memory.
const CHARACTERS_MAX: usize = 1_000_000;

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        name: "concat",
        arity: 1..=12,
        takes_nulls: true,
        run: |arguments| Ok(Value::Text(arguments.iter().map(text).collect())),
    },
    scalar("upper", 1..=1, |a| Ok(Value::Text(at(a, 0).to_uppercase()))),
    scalar("lower", 1..=1, |a| Ok(Value::Text(at(a, 0).to_lowercase()))),
    scalar("initcap", 1..=1, |a| Ok(Value::Text(initcap(&at(a, 0))))),
    scalar("reverse", 1..=1, |a| Ok(Value::Text(at(a, 0).chars().rev().collect()))),
    scalar("repeat", 2..=2, |a| {
        let (piece, times) = (at(a, 0), length(a, 1)?);
        within(piece.len().saturating_mul(times))?;
        Ok(Value::Text(piece.repeat(times)))
    }),
    scalar("dremio_left", 2..=2, |a| {
        let count = length(a, 1)?;
        Ok(Value::Text(at(a, 0).chars().take(count).collect()))
    }),
    scalar("dremio_right", 2..=2, |a| {
        let (whole, count) = (at(a, 0), length(a, 1)?);
        let skip = whole.chars().count().saturating_sub(count);
        Ok(Value::Text(whole.chars().skip(skip).collect()))
    }),
    scalar("substr", 2..=3, |a| {
        let whole: Vec<char> = at(a, 0).chars().collect();
        let start = a.get(1).map_or(Ok(1), integer)?;
        let skip = match usize::try_from(start) {
            // Before the first character is at the first.
            Ok(start) => start.saturating_sub(1),
            Err(_) => whole
                .len()
                .saturating_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        let count = if a.len() > 2 { length(a, 2)? } else { whole.len() };
        Ok(Value::Text(whole.into_iter().skip(skip).take(count).collect()))
    }),
    scalar("lpad", 2..=3, |a| pad(a, |whole, fill| format!("{fill}{whole}"))),
    scalar("rpad", 2..=3, |a| pad(a, |whole, fill| format!("{whole}{fill}"))),
    scalar("btrim", 1..=2, |a| {
        let characters = a.get(1).map_or_else(|| " ".to_owned(), text);
        Ok(Value::Text(at(a, 0).trim_matches(|char| characters.contains(char)).to_owned()))
    }),
    scalar("split_part", 3..=3, |a| {
        let (whole, separator, index) = (at(a, 0), at(a, 1), length(a, 2)?);
        let part = index.checked_sub(1).and_then(|index| whole.split(&separator).nth(index));
        Ok(Value::Text(part.unwrap_or_default().to_owned()))
    }),
    scalar("strpos", 2..=2, |a| Ok(position(&at(a, 0), &at(a, 1)))),
    scalar("locate", 2..=2, |a| Ok(position(&at(a, 1), &at(a, 0)))),
    scalar("ascii", 1..=1, |a| {
        let first = at(a, 0).chars().next();
        Ok(Value::Integer(first.map_or(0, |char| i64::from(u32::from(char)))))
    }),
    scalar("starts_with", 2..=2, |a| Ok(boolean(at(a, 0).starts_with(&at(a, 1))))),
    scalar("ends_with", 2..=2, |a| Ok(boolean(at(a, 0).ends_with(&at(a, 1))))),
    scalar("ilike", 2..=2, |a| Ok(boolean(like(&at(a, 1), &at(a, 0), None, true)))),
    // `x LIKE y` calls like(y, x), which in SQLite does not regard case; in Dremio it does.
    scalar("like", 2..=3, |a| {
        let escape = a.get(2).and_then(|escape| text(escape).chars().next());
        Ok(boolean(like(&at(a, 0), &at(a, 1), escape, false)))
    }),
    // `x ILIKE y` is rewritten to `x REGEXP y`, which calls regexp(y, x).
    scalar("regexp", 2..=2, |a| Ok(boolean(like(&at(a, 0), &at(a, 1), None, true)))),
    scalar("array_contains", 2..=2, |a| {
        let items: Vec<serde_json::Value> = serde_json::from_str(&at(a, 0)).unwrap_or_default();
        let wanted = at(a, 1);
        let found = items.iter().any(|item| match item {
            serde_json::Value::String(item) => *item == wanted,
            serde_json::Value::Number(item) => item.to_string() == wanted,
            _ => false,
        });
        Ok(boolean(found))
    }),
];

fn at(arguments: &[Value], index: usize) -> String {
    arguments.get(index).map(text).unwrap_or_default()
}

fn length(arguments: &[Value], index: usize) -> Result<usize, FunctionError> {
    let number = arguments.get(index).map_or(Ok(0), integer)?;
    Ok(usize::try_from(number).unwrap_or(0))
}

fn within(characters: usize) -> Result<(), FunctionError> {
    if characters > CHARACTERS_MAX {
        return Err(FunctionError(format!(
            "a text of {characters} characters is more than this stand-in for Dremio makes"
        )));
    }
    Ok(())
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

fn pad(arguments: &[Value], join: fn(&str, &str) -> String) -> Outcome {
    let (whole, wanted) = (at(arguments, 0), length(arguments, 1)?);
    let filler = arguments.get(2).map_or_else(|| " ".to_owned(), text);
    within(wanted)?;
    let present = whole.chars().count();
    if present >= wanted || filler.is_empty() {
        return Ok(Value::Text(whole.chars().take(wanted).collect()));
    }
    let fill: String = filler.chars().cycle().take(wanted - present).collect();
    Ok(Value::Text(join(&whole, &fill)))
}

fn position(whole: &str, part: &str) -> Value {
    let at = whole.find(part).and_then(|at| whole.get(..at));
    let characters = at.map_or(0, |before| before.chars().count() + 1);
    Value::Integer(i64::try_from(characters).unwrap_or(i64::MAX))
}

/// A piece of a LIKE pattern.
#[derive(Clone, Copy, PartialEq)]
enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Exactly(char),
}

fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        pieces.push(match char {
            _ if Some(char) == escape => Piece::Exactly(chars.next().unwrap_or(char)),
            '%' => Piece::Any,
            '_' => Piece::One,
            _ => Piece::Exactly(char),
        });
    }
    pieces
}

/// SQL's LIKE: `%` any characters, `_` one. Takes at most the product of the two lengths.
pub(super) fn like(pattern: &str, whole: &str, escape: Option<char>, any_case: bool) -> bool {
    let fold = |text: &str| if any_case { text.to_lowercase() } else { text.to_owned() };
    let pattern = pieces(&fold(pattern), escape);
    let whole: Vec<char> = fold(whole).chars().collect();
    let (mut p, mut w) = (0, 0);
    // Where to go on when the last `%` has to take one more character.
    let mut retry: Option<(usize, usize)> = None;
    while w < whole.len() || p < pattern.len() {
        let matches = match (pattern.get(p), whole.get(w)) {
            (Some(Piece::Any), _) => {
                p += 1;
                retry = Some((p, w));
                continue;
            }
            (Some(Piece::One), Some(_)) => true,
            (Some(Piece::Exactly(wanted)), Some(char)) => wanted == char,
            _ => false,
        };
        match retry {
            _ if matches => {
                p += 1;
                w += 1;
            }
            Some((after, from)) if from < whole.len() => {
                retry = Some((after, from + 1));
                p = after;
                w = from + 1;
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_as_in_sql() {
        let check = |pattern: &str, whole: &str, expected: bool| {
            assert_eq!(like(pattern, whole, Some('\\'), false), expected, "{whole} LIKE {pattern}");
        };
        check("abc", "abc", true);
        check("ABC", "abc", false);
        check("a%", "abc", true);
        check("%c", "abc", true);
        check("%b%", "abc", true);
        check("a_c", "abc", true);
        check("a_", "abc", false);
        check("%", "", true);
        check("", "", true);
        check("_", "", false);
        check("100\\%", "100%", true);
        check("100\\%", "1000", false);
        check("%a%b%c", "xxaxxbxxc", true);
        assert!(like("GOLD%", "golden", None, true));
    }
}
