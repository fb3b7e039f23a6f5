//! Functions over bytes, and between bytes and text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::Value;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::texts::size;
use super::{FunctionError, Outcome, boolean};

pub(super) const ROWS: &[Function] = &[
    row("BINARY_STRING", "text", Rule::Varbinary, |call| {
        Ok(Value::Blob(unescaped(call.text(0).as_bytes())))
    }),
    row("STRING_BINARY", "bytes", Rule::Varchar, |call| {
        Ok(Value::Text(call.bytes(0).into_iter().map(escaped).collect()))
    }),
    row("HEX", "text|bytes", Rule::Varchar, |call| Ok(Value::Text(hex(&call.bytes(0), true)))),
    row("TO_HEX", "text|bytes", Rule::Varchar, |call| Ok(Value::Text(hex(&call.bytes(0), true)))),
    row("HEX", "int", Rule::Varchar, |call| Ok(Value::Text(format!("{:X}", call.integer(0)?)))),
    row("TO_HEX", "int", Rule::Varchar, |call| Ok(Value::Text(format!("{:X}", call.integer(0)?)))),
    row("UNHEX", "text", Rule::Varbinary, unhex),
    row("FROM_HEX", "text", Rule::Varbinary, unhex),
    row("BASE64", "bytes|text", Rule::Varchar, |call| {
        Ok(Value::Text(STANDARD.encode(call.bytes(0))))
    }),
    row("UNBASE64", "text", Rule::Varbinary, |call| {
        let bytes = STANDARD.decode(call.text(0));
        bytes.map(Value::Blob).map_err(|cause| FunctionError(format!("invalid Base64: {cause}")))
    }),
    row("LENGTH", "bytes", Rule::Integer, |call| match String::from_utf8(call.bytes(0)) {
        Ok(text) => Ok(size(text.chars().count())),
        Err(_) => Err(not_utf8()),
    }),
    row("IS_UTF8", "text|bytes", Rule::Boolean, |call| {
        Ok(boolean(String::from_utf8(call.bytes(0)).is_ok()))
    }),
    row("CONVERT_REPLACEUTF8", "text|bytes, text", Rule::Varchar, replace_utf8),
];

pub(super) fn not_utf8() -> FunctionError {
    FunctionError("Unexpected byte encountered while decoding UTF8 string.".to_owned())
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8], capitals: bool) -> String {
    bytes
        .iter()
        .map(|byte| if capitals { format!("{byte:02X}") } else { format!("{byte:02x}") })
        .collect()
}

fn unhex(call: &Call<'_>) -> Outcome {
    let digits = call.text(0);
    if !digits.len().is_multiple_of(2) {
        return Err(FunctionError(
            "Failure parsing hex string, length was not a multiple of two.".to_owned(),
        ));
    }
    let pairs = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs.map(|pair| byte(pair.first()?, pair.get(1)?)).collect();
    bytes.map(Value::Blob).ok_or_else(|| {
        FunctionError(
            "Failure parsing hex string, one or more bytes was not a valid hex value.".to_owned(),
        )
    })
}

fn byte(high: &u8, low: &u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? * 16 + digit(*low)?)
}

/// `\xHH` is the byte with this number.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = match rest {
            [b'\\', b'x' | b'X', high, low, after @ ..] => {
                byte(high, low).map(|byte| (byte, after))
            }
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// A byte as itself if it can be printed, else as `\xHH`; a backslash is never itself.
fn escaped(byte: u8) -> String {
    let printable = byte == b' ' || byte.is_ascii_graphic() && byte != b'\\';
    if printable { char::from(byte).to_string() } else { format!("\\x{byte:02X}") }
}

/// Each byte that belongs to no character becomes one ASCII character.
pub(super) fn replace_utf8(call: &Call<'_>) -> Outcome {
    let replacement = call.text(1);
    if replacement.len() > 1 {
        return Err(FunctionError(
            "In convert_from(<input>, 'UTF8', <replace string>), replace string must be 0 or 1 \
             characters long"
                .to_owned(),
        ));
    }
    let bytes = call.bytes(0);
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&replacement.repeat(chunk.invalid().len()));
    }
    Ok(Value::Text(text))
}
