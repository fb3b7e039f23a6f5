//! Result cells as JSON text (contract §4.5).
//!
//! Text and not [`serde_json::Value`], because the spelling of a number is part of the contract:
//! `12.50`, `9223372036854775807`, `1.0E10`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::Value;
use serde_json::Value as Json;

use super::decimal::Decimal;
use crate::catalog::DremioType;

/// Appends `value`, read as a `ty`, to `out`.
pub(crate) fn write(out: &mut String, value: &Value, ty: &DremioType) {
    match (ty, value) {
        (_, Value::Null) => out.push_str("null"),
        (DremioType::Boolean, Value::Integer(number)) => {
            out.push_str(if *number == 0 { "false" } else { "true" });
        }
        (DremioType::Decimal { scale, .. }, _) => write_decimal(out, value, *scale),
        (DremioType::Float | DremioType::Double, Value::Integer(number)) => {
            out.push_str(&number.to_string());
            out.push_str(".0");
        }
        (DremioType::Integer | DremioType::BigInt, Value::Real(number)) => {
            // A whole number that SQLite computed as REAL; `{:.0}` also covers what does not fit an
            // i64.
            out.push_str(&format!("{:.0}", number.trunc()));
        }
        (_, Value::Integer(number)) if ty.is_numeric() => out.push_str(&number.to_string()),
        (_, Value::Real(number)) if ty.is_numeric() => write_double(out, *number),
        (DremioType::Varbinary, Value::Blob(bytes)) => write_string(out, &STANDARD.encode(bytes)),
        (DremioType::Varbinary, Value::Text(text)) => write_string(out, &STANDARD.encode(text)),
        (DremioType::Timestamp, Value::Text(text)) => write_string(out, &with_millis(text, 19)),
        (DremioType::Time, Value::Text(text)) => write_string(out, &with_millis(text, 8)),
        (DremioType::Date, Value::Text(text)) => write_string(out, text.get(..10).unwrap_or(text)),
        (DremioType::List(_) | DremioType::Struct(_) | DremioType::Map(_), Value::Text(text)) => {
            match serde_json::from_str(text) {
                Ok(json) => write_nested(out, &json, ty),
                Err(_) => write_string(out, text),
            }
        }
        (_, Value::Integer(number)) => write_string(out, &number.to_string()),
        (_, Value::Real(number)) => write_string(out, &double_text(*number)),
        (_, Value::Text(text)) => write_string(out, text),
        (_, Value::Blob(bytes)) => write_string(out, &String::from_utf8_lossy(bytes)),
    }
}

/// A JSON string with its quotes.
pub(crate) fn write_string(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(&Json::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// A double as Java writes it: `12.5`, `1.0E10`, and strings for what JSON has no number for.
pub(crate) fn write_double(out: &mut String, number: f64) {
    if number.is_finite() {
        out.push_str(&double_text(number));
    } else {
        write_string(out, &double_text(number));
    }
}

/// `Double.toString`: plain from 10⁻³ to 10⁷, else one digit, a point and an exponent.
pub(crate) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

fn write_decimal(out: &mut String, value: &Value, scale: u8) {
    let decimal = Decimal::from_value(value).and_then(|number| number.rescaled(u32::from(scale)));
    match (decimal, value) {
        (Some(decimal), _) => out.push_str(&decimal.to_string()),
        (None, Value::Real(number)) => write_double(out, *number),
        (None, Value::Text(text)) => write_string(out, text),
        (None, _) => out.push_str("null"),
    }
}

/// Cuts or fills the fraction of a time of `seconds_len` characters to milliseconds.
pub(crate) fn with_millis(text: &str, seconds_len: usize) -> String {
    let text = text.replacen('T', " ", 1);
    let text = text.trim_end_matches('Z');
    let date_only = seconds_len == 19 && text.len() == 10;
    let (seconds, fraction) = match text.get(..seconds_len) {
        Some(seconds) => (seconds.to_owned(), text.get(seconds_len + 1..).unwrap_or_default()),
        None if date_only => (format!("{text} 00:00:00"), ""),
        None => return text.to_owned(),
    };
    format!("{seconds}.{:0<3}", fraction.get(..3).unwrap_or(fraction))
}

fn write_nested(out: &mut String, json: &Json, ty: &DremioType) {
    match (ty, json) {
        (_, Json::Null) => out.push_str("null"),
        (DremioType::List(element), Json::Array(items)) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_nested(out, item, element);
            }
            out.push(']');
        }
        (DremioType::Struct(members), Json::Object(object)) => {
            let present = members.iter().filter_map(|(name, ty)| {
                // Null members are left out.
                let value = object.get(name).filter(|value| !value.is_null())?;
                Some((name.as_str(), value, ty))
            });
            write_object(out, present);
        }
        (DremioType::Map(value_type), Json::Object(object)) => {
            let entries = object.iter().map(|(key, value)| (key.as_str(), value, &**value_type));
            write_object(out, entries);
        }
        (_, Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => write(out, &Value::Integer(number), ty),
            (None, Some(number)) => write(out, &Value::Real(number), ty),
            (None, None) => out.push_str(&number.to_string()),
        },
        (_, Json::Bool(flag)) => out.push_str(if *flag { "true" } else { "false" }),
        (_, Json::String(text)) => write(out, &Value::Text(text.clone()), ty),
        (_, Json::Array(_) | Json::Object(_)) => out.push_str(&json.to_string()),
    }
}

fn write_object<'a>(
    out: &mut String,
    members: impl Iterator<Item = (&'a str, &'a Json, &'a DremioType)>,
) {
    out.push('{');
    for (index, (name, value, ty)) in members.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_nested(out, value, ty);
    }
    out.push('}');
}

#[cfg(test)]
mod tests;
