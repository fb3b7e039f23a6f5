//! `CAST`, which in SQLite is about storage and in Dremio about types.

use rusqlite::types::Value;

use super::{FunctionError, Outcome, Scalar, boolean, integer, real, scalar, text};
use crate::catalog::DremioType;
use crate::sql::decimal::Decimal;
use crate::sql::moment;

pub(super) const OPERATORS: &[Scalar] =
    &[scalar("dremio_cast", 2..=2, |arguments| match arguments {
        [value, ty] => cast(value, &text(ty)),
        _ => Ok(Value::Null),
    })];

/// A value of one type as a value of another.
pub(super) fn convert(value: &Value, from: Option<&DremioType>, to: &DremioType) -> Outcome {
    if *to == DremioType::Varchar {
        return Ok(Value::Text(to_text(value, from)));
    }
    cast(value, &to.to_string())
}

/// A value as the text that CAST(… AS VARCHAR) gives.
pub(super) fn to_text(value: &Value, ty: Option<&DremioType>) -> String {
    match (value, ty) {
        (Value::Integer(number), Some(DremioType::Boolean)) => {
            if *number == 0 { "false" } else { "true" }.to_owned()
        }
        (_, Some(DremioType::Decimal { scale, .. })) => {
            let exact =
                Decimal::from_value(value).and_then(|number| number.rescaled(u32::from(*scale)));
            exact.map_or_else(|| text(value), |number| number.to_string())
        }
        _ => text(value),
    }
}

fn cast(value: &Value, type_text: &str) -> Outcome {
    let Some(ty) = DremioType::parse(type_text) else {
        return Err(FunctionError(format!("Cannot cast to {type_text}")));
    };
    let as_text = || text(value);
    let invalid = || FunctionError(format!("Cannot cast '{}' to {type_text}", as_text()));
    match ty {
        DremioType::Boolean => match as_text().to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(boolean(true)),
            "false" | "f" | "0" => Ok(boolean(false)),
            _ => match value {
                Value::Integer(number) => Ok(boolean(*number != 0)),
                _ => Err(invalid()),
            },
        },
        DremioType::Integer => {
            let number = integer(value)?;
            i32::try_from(number).map_err(|_| invalid())?;
            Ok(Value::Integer(number))
        }
        DremioType::BigInt => integer(value).map(Value::Integer),
        DremioType::Float | DremioType::Double => real(value).map(Value::Real),
        DremioType::Decimal { precision, scale } => {
            let number = Decimal::from_value(value).ok_or_else(invalid)?;
            let number =
                number.rescaled(u32::from(scale)).filter(|number| number.fits(precision, scale));
            number.map(Decimal::to_value).ok_or_else(invalid)
        }
        DremioType::Varchar => {
            let limit = type_text
                .split_once('(')
                .and_then(|(_, rest)| rest.strip_suffix(')')?.parse().ok());
            let whole = as_text();
            Ok(Value::Text(match limit {
                Some(limit) => whole.chars().take(limit).collect(),
                None => whole,
            }))
        }
        DremioType::Varbinary => Ok(Value::Blob(as_text().into_bytes())),
        DremioType::Date | DremioType::Timestamp => {
            let literal = moment::literal(ty.name(), &as_text());
            literal.map(Value::Text).ok_or_else(invalid)
        }
        DremioType::Time => {
            let whole = as_text();
            let time = whole.split_once(' ').map_or(whole.as_str(), |(_, time)| time);
            moment::literal("TIME", time).map(Value::Text).ok_or_else(invalid)
        }
        _ => Err(invalid()),
    }
}

/// A double as a whole number, rounded as Dremio does.
pub(super) fn to_integer(number: f64) -> Result<i64, FunctionError> {
    let text = format!("{:.0}", number.round());
    text.parse().map_err(|_| FunctionError(format!("Cannot cast '{number}' to BIGINT")))
}
