//! Formats of numbers, in TO_CHAR, TO_NUMBER and FORMAT_NUMBER: those of Java's `DecimalFormat`,
//! of `#`, `0`, `,`, `.` and text without a meaning around them.

use rusqlite::types::Value;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, unsupported};
use crate::sql::decimal::Decimal;

pub(super) const ROWS: &[Function] = &[
    row("TO_CHAR", "number, text", Rule::Varchar, |call| {
        Ok(Value::Text(Format::parse(&call.text(1))?.print(call.real(0)?)))
    }),
    row("TO_NUMBER", "text, text", Rule::Double, to_number),
    row("FORMAT_NUMBER", "number, int", Rule::Varchar, |call| {
        let places = u32::try_from(call.integer(1)?.clamp(0, 30)).unwrap_or(0);
        let number = call.decimal(0)?.rescaled(places).ok_or_else(super::arithmetic::overflow)?;
        Ok(Value::Text(grouped(&number.to_string(), 3)))
    }),
];

#[derive(Debug, PartialEq)]
struct Format {
    prefix: String,
    suffix: String,
    whole_min: usize,
    fraction_min: usize,
    fraction_max: usize,
    /// Digits between commas.
    group: Option<usize>,
}

impl Format {
    fn parse(format: &str) -> Result<Self, FunctionError> {
        let refused = || unsupported(&format!("The number format '{format}'"));
        let is_digit = |char: char| "#0,.".contains(char);
        let start = format.find(is_digit).ok_or_else(refused)?;
        let end = format.rfind(is_digit).map_or(format.len(), |at| at + 1);
        let part = |from: usize, to: usize| format.get(from..to).unwrap_or_default().to_owned();
        let (prefix, digits, suffix) = (part(0, start), part(start, end), part(end, format.len()));
        let has_meaning = |char: char| "-'%‰¤;Ee#0,.".contains(char);
        if prefix.contains(has_meaning) || suffix.contains(has_meaning) {
            return Err(refused());
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let group = whole.rsplit_once(',').map(|(_, last)| last.len());
        let is_ordered = |text: &str, first: char, then: char| {
            let rest = text.trim_start_matches(first).trim_start_matches(then);
            rest.is_empty()
        };
        let whole: String = whole.chars().filter(|char| *char != ',').collect();
        if !is_ordered(&whole, '#', '0') || !is_ordered(fraction, '0', '#') || group == Some(0) {
            return Err(refused());
        }
        let zeros = |text: &str| text.matches('0').count();
        let (whole_min, fraction_min) = (zeros(&whole), zeros(fraction));
        // A point without any zero around it makes the last digit before it a zero.
        let point_only = digits.contains('.') && whole_min == 0 && fraction_min == 0;
        Ok(Self {
            prefix,
            suffix,
            whole_min: if point_only && !whole.is_empty() { 1 } else { whole_min },
            fraction_min,
            fraction_max: fraction.len(),
            group,
        })
    }

    fn print(&self, number: f64) -> String {
        // Rounded half to even on the exact value, as Java does.
        let text = format!("{:.*}", self.fraction_max, number.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let mut fraction = fraction.to_owned();
        while fraction.len() > self.fraction_min && fraction.ends_with('0') {
            fraction.pop();
        }
        let mut whole = whole.trim_start_matches('0').to_owned();
        if whole.is_empty() && fraction.is_empty() && self.whole_min == 0 {
            whole.push('0');
        }
        let whole = format!("{whole:0>width$}", width = self.whole_min);
        let whole = self.group.map_or_else(|| whole.clone(), |group| grouped(&whole, group));
        let is_zero = !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        let sign = if number < 0.0 || is_zero && number.is_sign_negative() { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{whole}{point}{fraction}{}", self.prefix, self.suffix)
    }
}

/// Commas between groups of digits before the point.
fn grouped(number: &str, group: usize) -> String {
    let (whole, rest) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (number, String::new()),
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(group) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}{rest}")
}

/// The number that a text begins with, rounded to the decimal places of the format.
fn to_number(call: &Call<'_>) -> Outcome {
    let (text, pattern) = (call.text(0), call.text(1));
    let format = Format::parse(&pattern)?;
    if !format.prefix.is_empty() || !format.suffix.is_empty() {
        return Err(unsupported(&format!("The number format '{pattern}' for reading")));
    }
    let unreadable =
        || FunctionError(format!("Cannot parse input: {text} with pattern : {pattern}"));
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let mut seen_point = false;
    let taken = digits.chars().take_while(|char| match char {
        '.' if !seen_point => {
            seen_point = true;
            true
        }
        ',' => format.group.is_some() && !seen_point,
        _ => char.is_ascii_digit(),
    });
    let number: String = taken.filter(|char| *char != ',').collect();
    let rest = digits.trim_start_matches(|char: char| char.is_ascii_digit() || ",.".contains(char));
    if rest.starts_with(['E', 'e']) {
        return Err(unsupported("TO_NUMBER of a number with an exponent"));
    }
    let number = Decimal::parse(&format!("{sign}{}", number.trim_end_matches('.')));
    let places = u32::try_from(format.fraction_max).unwrap_or(0);
    let rounded = number.ok_or_else(unreadable)?.rescaled(places);
    match rounded.map(|number| number.to_string().parse()) {
        Some(Ok(number)) => Ok(Value::Real(number)),
        _ => Err(unreadable()),
    }
}
