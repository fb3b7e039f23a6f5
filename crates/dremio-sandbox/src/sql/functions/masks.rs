//! Functions that hide letters and digits of a text, as in Hive.

use rusqlite::types::Value;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome};

/// Characters that are masked, or left, unless the call says how many.
const COUNT: usize = 4;

pub(super) const ROWS: &[Function] = &[
    row("MASK", "varchar, text?, text?, text?, text?", Rule::Varchar, |call| {
        masked(call, 1, |_, _| true)
    }),
    row("MASK_FIRST_N", WITH_COUNT, Rule::Varchar, |call| {
        let count = count(call)?;
        masked(call, 2, |index, _| index < count)
    }),
    row("MASK_LAST_N", WITH_COUNT, Rule::Varchar, |call| {
        let count = count(call)?;
        masked(call, 2, |index, length| index + count >= length)
    }),
    row("MASK_SHOW_FIRST_N", WITH_COUNT, Rule::Varchar, |call| {
        let count = count(call)?;
        masked(call, 2, |index, _| index >= count)
    }),
    row("MASK_SHOW_LAST_N", WITH_COUNT, Rule::Varchar, |call| {
        let count = count(call)?;
        masked(call, 2, |index, length| index + count < length)
    }),
    row("MASK_HASH", "varchar", Rule::Varchar, super::hashes::sha256),
];

const WITH_COUNT: &str = "varchar, int?, text?, text?, text?, text?";

fn count(call: &Call<'_>) -> Result<usize, FunctionError> {
    if call.len() > 1 { call.count(1) } else { Ok(COUNT) }
}

/// The text with the characters replaced whose index and whose text's length `is_hidden` accepts.
/// The arguments from `first` on stand for capitals, small letters, digits and others.
fn masked(call: &Call<'_>, first: usize, is_hidden: impl Fn(usize, usize) -> bool) -> Outcome {
    // -1 leaves the character, an empty text takes the usual one.
    let mask = |index: usize, usual: Option<char>| match call.text(first + index).as_str() {
        "" => usual,
        "-1" => None,
        text => text.chars().next(),
    };
    let upper = mask(0, Some('X'));
    let lower = mask(1, Some('x'));
    let digit = mask(2, Some('n'));
    let other = mask(3, None);
    let chars: Vec<char> = call.text(0).chars().collect();
    let hidden = chars.iter().enumerate().map(|(index, char)| {
        let mask = match char {
            _ if !is_hidden(index, chars.len()) => None,
            _ if char.is_uppercase() => upper,
            _ if char.is_lowercase() => lower,
            _ if char.is_numeric() => digit,
            _ => other,
        };
        mask.unwrap_or(*char)
    });
    Ok(Value::Text(hidden.collect()))
}
