//! CONVERT_FROM and CONVERT_TO: values from and to bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::Value;

use super::argument::Argument;
use super::call::Call;
use super::json;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, unsupported};
use crate::catalog::DremioType;
use crate::sql::error::SqlError;

/// The binary forms of numbers, each with its own functions: `CONVERT_TOINT`, `CONVERT_FROMINT`.
macro_rules! numbers {
    ($($form:literal $takes:literal $result:ident,)*) => {
        &[$(
            row(concat!("CONVERT_TO", $form), $takes, Rule::Varbinary, |call| {
                written(call, $form)
            }),
            row(concat!("CONVERT_FROM", $form), "bytes", Rule::$result, |call| {
                number(call, $form)
            }),
        )*]
    };
}

pub(super) const NUMBERS: &[Function] = numbers! {
    "INT" "int" Integer,
    "INT_BE" "int" Integer,
    "BIGINT" "int" BigInt,
    "BIGINT_BE" "int" BigInt,
    "DOUBLE" "number" Double,
    "DOUBLE_BE" "number" Double,
};

pub(super) const ROWS: &[Function] = &[
    row("CONVERT_FROM", "text|bytes, text", Rule::By(read_type), read),
    row("CONVERT_FROM", "text|bytes, text, text", Rule::Varchar, super::bytes::replace_utf8),
    row("CONVERT_TO", "any, text", Rule::By(written_type), |call| {
        written(call, &call.text(1).to_uppercase())
    }),
    row("CONVERT_FROMUTF8", "text|bytes", Rule::Varchar, |call| Ok(Value::Text(utf8(call)?))),
    row("CONVERT_TOUTF8", "text", Rule::Varbinary, |call| written(call, "UTF8")),
];

/// The type that CONVERT_FROM reads, which only a literal tells, and of JSON its text too.
fn read_type(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let [value, name] = arguments else {
        return Ok(DremioType::Varchar);
    };
    let name = name.literal_text().unwrap_or_default().to_uppercase();
    Ok(match name.as_str() {
        "UTF8" => DremioType::Varchar,
        "INT" | "INT_BE" => DremioType::Integer,
        "BIGINT" | "BIGINT_BE" => DremioType::BigInt,
        "DOUBLE" | "DOUBLE_BE" => DremioType::Double,
        "JSON" => {
            let text = value.literal_text().ok_or_else(|| {
                SqlError::unsupported(
                    "CONVERT_FROM of JSON that is no literal, whose type does not show,",
                )
            })?;
            let json = json::parse(text).map_err(|cause| SqlError::failed(cause.0))?;
            let ty = json::type_of(&json).map_err(|cause| SqlError::failed(cause.0))?;
            ty.unwrap_or(DremioType::Integer)
        }
        _ => return Err(SqlError::unsupported(&format!("CONVERT_FROM with '{name}'"))),
    })
}

fn read(call: &Call<'_>) -> Outcome {
    let name = call.text(1).to_uppercase();
    match name.as_str() {
        "UTF8" => Ok(Value::Text(utf8(call)?)),
        "JSON" => Ok(json::to_value(&json::parse(&utf8(call)?)?, call.ty)),
        _ => number(call, &name),
    }
}

fn utf8(call: &Call<'_>) -> Result<String, FunctionError> {
    String::from_utf8(call.bytes(0)).map_err(|_| super::bytes::not_utf8())
}

/// A number from its bytes, the lowest one first unless the name ends in `_BE`.
fn number(call: &Call<'_>, name: &str) -> Outcome {
    let mut bytes = call.bytes(0);
    let (kind, reversed) = match name.strip_suffix("_BE") {
        Some(kind) => (kind, true),
        None => (name, false),
    };
    if reversed {
        bytes.reverse();
    }
    let expected = if kind == "INT" { 4 } else { 8 };
    let wrong =
        || FunctionError(format!("Wrong length {}({expected}-bytes) in the buffer", bytes.len()));
    Ok(match kind {
        "INT" => {
            let bytes: [u8; 4] = bytes.as_slice().try_into().map_err(|_| wrong())?;
            Value::Integer(i64::from(i32::from_le_bytes(bytes)))
        }
        _ => {
            let bytes: [u8; 8] = bytes.as_slice().try_into().map_err(|_| wrong())?;
            if kind == "DOUBLE" {
                Value::Real(f64::from_le_bytes(bytes))
            } else {
                Value::Integer(i64::from_le_bytes(bytes))
            }
        }
    })
}

fn written_type(arguments: &[Argument]) -> Result<DremioType, SqlError> {
    let name = arguments.get(1).and_then(Argument::literal_text).unwrap_or_default().to_uppercase();
    let of = families_of(&name)
        .ok_or_else(|| SqlError::unsupported(&format!("CONVERT_TO with '{name}'")))?;
    match arguments.first().and_then(|argument| argument.ty.as_ref()) {
        Some(ty) if !of(ty) => {
            Err(SqlError::unsupported(&format!("CONVERT_TO with '{name}' of <{ty}>")))
        }
        _ => Ok(DremioType::Varbinary),
    }
}

/// Which types a name writes.
fn families_of(name: &str) -> Option<fn(&DremioType) -> bool> {
    Some(match name {
        "UTF8" | "BASE64" => |ty| *ty == DremioType::Varchar,
        "INT" | "INT_BE" => |ty| *ty == DremioType::Integer,
        "BIGINT" | "BIGINT_BE" => |ty| matches!(ty, DremioType::Integer | DremioType::BigInt),
        "DOUBLE" | "DOUBLE_BE" => DremioType::is_numeric,
        _ => return None,
    })
}

fn written(call: &Call<'_>, name: &str) -> Outcome {
    let (kind, reversed) = match name.strip_suffix("_BE") {
        Some(kind) => (kind, true),
        None => (name, false),
    };
    let mut bytes = match kind {
        "UTF8" => call.bytes(0),
        "BASE64" => {
            STANDARD.decode(call.text(0)).map_err(|cause| FunctionError(cause.to_string()))?
        }
        "INT" => {
            let number = i32::try_from(call.integer(0)?);
            number.map_err(|_| super::arithmetic::overflow())?.to_le_bytes().to_vec()
        }
        "BIGINT" => call.integer(0)?.to_le_bytes().to_vec(),
        "DOUBLE" => call.real(0)?.to_le_bytes().to_vec(),
        _ => return Err(unsupported(&format!("CONVERT_TO with '{name}'"))),
    };
    if reversed {
        bytes.reverse();
    }
    Ok(Value::Blob(bytes))
}
