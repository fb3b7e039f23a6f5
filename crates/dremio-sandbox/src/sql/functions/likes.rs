//! LIKE and its relatives.

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{Outcome, Scalar, boolean, scalar, text};

pub(super) const ROWS: &[Function] = &[
    row("LIKE", "text, text, text?", Rule::Boolean, |call| matched(call, false)),
    row("ILIKE", "text, text, text?", Rule::Boolean, |call| matched(call, true)),
];

pub(super) const OPERATORS: &[Scalar] = &[
    // `x LIKE y` calls like(y, x), which in SQLite does not regard case; in Dremio it does.
    scalar("like", 2..=3, |a| operator(a, false)),
    // `x ILIKE y` is rewritten to `x REGEXP y`, which calls regexp(y, x).
    scalar("regexp", 2..=2, |a| operator(a, true)),
];

fn operator(arguments: &[rusqlite::types::Value], any_case: bool) -> Outcome {
    let at = |index: usize| arguments.get(index).map(text).unwrap_or_default();
    let escape = at(2).chars().next();
    Ok(boolean(like(&at(0), &at(1), escape, any_case)))
}

fn matched(call: &Call<'_>, any_case: bool) -> Outcome {
    let escape = call.text(2).chars().next();
    Ok(boolean(like(&call.text(1), &call.text(0), escape, any_case)))
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
