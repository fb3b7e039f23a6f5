//! Which rows a call wants, and how they are to be written. Models write numbers as text now and
//! then, and large ones where they mean all: both are understood.

use serde_json::value::RawValue;

use super::failure::Failure;
use crate::answer::Format;

/// Which rows of a result, and how they are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Wanted {
    pub(in crate::engine) format: Format,
    /// Rows before the first one.
    pub(in crate::engine) offset: u64,
    /// Most rows; fewer if the budget ends before.
    pub(in crate::engine) rows_max: u64,
}

/// `max_rows`: any number from 1 on; without it, all.
pub(super) fn rows_max(given: Option<&RawValue>) -> Result<u64, Failure> {
    match number(given) {
        Ok(None) => Ok(u64::MAX),
        Ok(Some(rows @ 1..)) => Ok(rows),
        _ => Err(Failure::new(
            "max_rows is not a number of rows",
            "Give 1 or more, or leave it out: an answer holds as many rows as there is room for.",
        )),
    }
}

/// `offset`: any number from 0 on, which it is without one.
pub(super) fn offset(given: Option<&RawValue>) -> Result<u64, Failure> {
    number(given).map(Option::unwrap_or_default).map_err(|()| {
        let advice = "Give the number of rows before the first one that you want, 0 or more.";
        Failure::new("offset is not a number of rows", advice)
    })
}

/// `format`, if there is one.
pub(super) fn format(given: Option<&RawValue>) -> Result<Option<Format>, Failure> {
    let Some(text) = given.map(unquoted).filter(|text| *text != "null") else { return Ok(None) };
    // Of the result view alone: no schema names it.
    if text == "cells" {
        return Ok(Some(Format::Cells));
    }
    let format = text.parse().map(Some);
    format.map_err(|_| Failure::new("format is neither csv nor json", "Leave it out for csv."))
}

/// A whole number from 0 on. What is larger than any result is [`u64::MAX`].
fn number(given: Option<&RawValue>) -> Result<Option<u64>, ()> {
    let Some(text) = given.map(unquoted).filter(|text| *text != "null") else { return Ok(None) };
    if let Ok(number) = text.parse() {
        return Ok(Some(number));
    }
    let number: f64 = text.parse().map_err(|_| ())?;
    #[expect(clippy::cast_possible_truncation, reason = "it ends at the largest number")]
    #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
    if number >= 0.0 && (number.fract() == 0.0 || number.is_infinite()) {
        Ok(Some(number as u64))
    } else {
        Err(())
    }
}

/// The text of a JSON value, without quotes around it.
fn unquoted(value: &RawValue) -> &str {
    value.get().trim_matches('"').trim()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{format, offset, rows_max};
    use crate::answer::Format;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn numbers_are_taken_as_models_write_them() {
        for (text, rows, skipped) in [
            ("null", Ok(u64::MAX), Ok(0)),
            ("10", Ok(10), Ok(10)),
            ("\"10\"", Ok(10), Ok(10)),
            ("10.0", Ok(10), Ok(10)),
            ("1e3", Ok(1000), Ok(1000)),
            ("18446744073709551615", Ok(u64::MAX), Ok(u64::MAX)),
            ("99999999999999999999999", Ok(u64::MAX), Ok(u64::MAX)),
            ("1e999", Ok(u64::MAX), Ok(u64::MAX)),
            ("0", Err(()), Ok(0)),
            ("-1", Err(()), Err(())),
            ("-1e999", Err(()), Err(())),
            ("1.5", Err(()), Err(())),
            ("\"all\"", Err(()), Err(())),
            ("\"NaN\"", Err(()), Err(())),
            ("true", Err(()), Err(())),
            ("[1]", Err(()), Err(())),
        ] {
            let value = raw(text);
            assert_eq!(rows_max(Some(&value)).map_err(drop), rows, "{text}");
            assert_eq!(offset(Some(&value)).map_err(drop), skipped, "{text}");
        }
        assert_eq!((rows_max(None), offset(None)), (Ok(u64::MAX), Ok(0)));
    }

    #[test]
    fn formats_are_csv_and_json_and_that_of_the_view() {
        assert_eq!(format(Some(&raw("\"cells\""))), Ok(Some(Format::Cells)));
        assert_eq!(format(Some(&raw("\"json\""))), Ok(Some(Format::Json)));
        assert_eq!(format(Some(&raw("\"CSV\""))), Ok(Some(Format::Csv)));
        assert_eq!((format(None), format(Some(&raw("null")))), (Ok(None), Ok(None)));
        for text in ["\"xml\"", "\"\"", "1"] {
            assert!(format(Some(&raw(text))).is_err(), "{text}");
        }
    }
}
