//! The rules by which types follow from types.

use crate::catalog::{DECIMAL_PRECISION_MAX, DremioType};

/// Digits that a decimal may have so that each of its values is a double, see [`super::decimal`].
pub(crate) const NARROW_DIGITS_MAX: u8 = super::decimal::EXACT_DIGITS_MAX;

/// The kinds of type between which nothing is compared without a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Number,
    Text,
    Date,
    Timestamp,
    Time,
    Boolean,
    Bytes,
    Other,
}

pub(crate) fn family(ty: &DremioType) -> Family {
    match ty {
        DremioType::Varchar => Family::Text,
        DremioType::Date => Family::Date,
        DremioType::Timestamp => Family::Timestamp,
        DremioType::Time => Family::Time,
        DremioType::Boolean => Family::Boolean,
        DremioType::Varbinary => Family::Bytes,
        _ if ty.is_numeric() => Family::Number,
        _ => Family::Other,
    }
}

/// Whether the values may be texts of more digits than SQLite compares.
pub(crate) fn is_wide(ty: &DremioType) -> bool {
    matches!(ty, DremioType::Decimal { precision, .. } if *precision > NARROW_DIGITS_MAX)
}

/// The type of a number as it is written.
pub(crate) fn number(text: &str) -> DremioType {
    if text.contains(['e', 'E']) {
        return DremioType::Double;
    }
    let len = |digits: &str| u8::try_from(digits.len()).unwrap_or(DECIMAL_PRECISION_MAX);
    let Some((whole, fraction)) = text.split_once('.') else {
        return match (text.parse::<i32>(), text.parse::<i64>()) {
            (Ok(_), _) => DremioType::Integer,
            (_, Ok(_)) => DremioType::BigInt,
            _ => DremioType::decimal(len(text.trim_start_matches('-')), 0),
        };
    };
    DremioType::decimal(len(whole).saturating_add(len(fraction)), len(fraction))
}

pub(crate) fn sum(ty: &DremioType) -> DremioType {
    match ty {
        DremioType::Decimal { scale, .. } => DremioType::decimal(DECIMAL_PRECISION_MAX, *scale),
        DremioType::Integer | DremioType::BigInt => DremioType::BigInt,
        _ => DremioType::Double,
    }
}

pub(crate) fn average(ty: &DremioType) -> DremioType {
    match ty {
        DremioType::Decimal { scale, .. } => {
            DremioType::decimal(DECIMAL_PRECISION_MAX, (*scale).max(6))
        }
        _ => DremioType::Double,
    }
}

/// The type of `left operator right` for numbers, by Dremio's rules for decimals.
pub(crate) fn combine(left: &DremioType, operator: &str, right: &DremioType) -> Option<DremioType> {
    use DremioType::{BigInt, Double, Float, Integer};
    match (left, right) {
        _ if !left.is_numeric() || !right.is_numeric() => return None,
        (Double | Float, _) | (_, Double | Float) => return Some(Double),
        (Integer, Integer) => return Some(Integer),
        (Integer | BigInt, Integer | BigInt) => return Some(BigInt),
        _ => {}
    }
    let (precision, scale) = digits(left)?;
    let (other_precision, other_scale) = digits(right)?;
    let whole = precision.saturating_sub(scale);
    let other_whole = other_precision.saturating_sub(other_scale);
    let (precision, scale) = match operator {
        "*" => (precision + other_precision, scale + other_scale),
        "/" => {
            let places = (scale + other_precision + 1).max(6);
            (whole + other_scale + places, places)
        }
        "%" => (whole.min(other_whole) + scale.max(other_scale), scale.max(other_scale)),
        _ => (whole.max(other_whole) + scale.max(other_scale) + 1, scale.max(other_scale)),
    };
    // What is too long loses decimal places, but keeps six of them.
    let excess = precision.saturating_sub(DECIMAL_PRECISION_MAX);
    Some(DremioType::decimal(precision, scale.saturating_sub(excess).max(scale.min(6))))
}

/// The least type that both go into.
pub(crate) fn wider(left: &DremioType, right: &DremioType) -> Option<DremioType> {
    use DremioType::{BigInt, Date, Double, Float, Integer, List, Map, Timestamp};
    match (left, right) {
        _ if left == right => Some(left.clone()),
        (Date, Timestamp) | (Timestamp, Date) => Some(Timestamp),
        (List(one), List(other)) => wider(one, other).map(|item| List(Box::new(item))),
        (Map(one), Map(other)) => wider(one, other).map(|value| Map(Box::new(value))),
        _ if !left.is_numeric() || !right.is_numeric() => None,
        (Double | Float, _) | (_, Double | Float) => Some(Double),
        (Integer | BigInt, Integer | BigInt) => Some(BigInt),
        _ => {
            let ((precision, scale), (other_precision, other_scale)) =
                (digits(left)?, digits(right)?);
            let places = scale.max(other_scale);
            let whole =
                precision.saturating_sub(scale).max(other_precision.saturating_sub(other_scale));
            Some(DremioType::decimal(whole.saturating_add(places), places))
        }
    }
}

fn digits(ty: &DremioType) -> Option<(u8, u8)> {
    match ty {
        DremioType::Decimal { precision, scale } => Some((*precision, *scale)),
        DremioType::Integer => Some((10, 0)),
        DremioType::BigInt => Some((19, 0)),
        _ => None,
    }
}
