//! Typed expressions in other types and forms.

use super::tree::{Expr, Kind};
use crate::catalog::DremioType;
use crate::values::typing::{self, NARROW_DIGITS_MAX, family, is_wide};

/// A number; one with more digits than a double holds as text, see [`crate::values::decimal`].
pub(super) fn number(text: &str) -> Expr {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_whole = text.parse::<i64>().is_ok();
    let long = digits > usize::from(NARROW_DIGITS_MAX) && !text.contains(['e', 'E']) && !is_whole;
    let kind = if long { Kind::Text(text.to_owned()) } else { Kind::Number(text.to_owned()) };
    Expr::new(kind, typing::number(text))
}

/// `CAST(expr AS ty)`, with the spelling of the type, which may have a length.
pub(super) fn cast(expr: Expr, ty: DremioType, spelt: String) -> Expr {
    let expr = match (&expr.ty, &ty) {
        (DremioType::Decimal { .. } | DremioType::Boolean, DremioType::Varchar) => as_text(expr),
        _ => expr,
    };
    Expr::call("dremio_cast", vec![expr, Expr::text(spelt)], ty)
}

/// The same values in another type that they go into without being asked.
pub(super) fn convert(expr: Expr, ty: &DremioType) -> Expr {
    if expr.ty == *ty || expr.is_null() {
        return Expr { ty: ty.clone(), ..expr };
    }
    let is_double = |ty: &DremioType| matches!(ty, DremioType::Double | DremioType::Float);
    let same_form = family(&expr.ty) == family(ty) && (is_double(&expr.ty) || !is_double(ty));
    if same_form { Expr { ty: ty.clone(), ..expr } } else { cast(expr, ty.clone(), ty.to_string()) }
}

/// The text that CAST(… AS VARCHAR) gives.
pub(super) fn as_text(expr: Expr) -> Expr {
    let call = |name, arguments| Expr::call(name, arguments, DremioType::Varchar);
    match &expr.ty {
        DremioType::Varchar => expr,
        DremioType::Decimal { scale, .. } => {
            let scale = number(&scale.to_string());
            call("dremio_decimal_text", vec![expr, scale])
        }
        DremioType::Boolean => call("dremio_boolean_text", vec![expr]),
        _ => call("dremio_cast", vec![expr, Expr::text("VARCHAR")]),
    }
}

/// An expression in a form that SQLite compares and sorts as Dremio does.
pub(super) fn narrow(expr: Expr) -> Expr {
    if !is_wide(&expr.ty) {
        return expr;
    }
    let ty = expr.ty.clone();
    Expr::call("dremio_narrow", vec![expr], ty)
}
