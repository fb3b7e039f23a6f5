//! Operators between typed expressions: computed by Dremio's types, or refused where the types do
//! not go together. Nothing is left to SQLite's conversions.

use crate::catalog::DremioType;
use crate::sql::convert::{cast, convert, number};
use crate::sql::error::SqlError;
use crate::sql::parse::quote_text;
use crate::sql::tree::{Expr, Kind};
use crate::values::typing::{self, Family, family, is_wide};

/// A condition of WHERE and its kind.
///
/// # Errors
/// It is no BOOLEAN; SQLite would ask whether it is 0.
pub(super) fn condition(expr: Expr) -> Result<Expr, SqlError> {
    if expr.ty == DremioType::Boolean || expr.is_null() {
        return Ok(expr);
    }
    let what = format!("A condition of type {} instead of BOOLEAN", expr.ty);
    Err(SqlError::unsupported(&what))
}

pub(super) fn arithmetic(left: Expr, operator: &str, right: Expr) -> Result<Expr, SqlError> {
    use DremioType::{BigInt, Date, Integer, Time, Timestamp};
    let days =
        |date, days| Ok(Expr::call("dremio_shift", vec![date, days, Expr::text("DAY")], Date));
    match (&left.ty, operator, &right.ty) {
        (Date, "+", Integer | BigInt) => return days(left, right),
        (Date, "-", Integer | BigInt) => return days(left, negate(right)?),
        (Integer | BigInt, "+", Date) => return days(right, left),
        (Date | Timestamp | Time, "-", Date | Timestamp | Time) => {
            return Err(SqlError::failed(
                "The difference of two dates or timestamps as an INTERVAL is not supported by \
                 this stand-in for Dremio: use DATEDIFF or TIMESTAMPDIFF.",
            ));
        }
        (Date | Timestamp | Time, "+" | "-", other) | (other, "+", Date | Timestamp | Time)
            if *other != DremioType::Varchar =>
        {
            return Err(SqlError::failed(format!(
                "Cannot apply '{operator}' to arguments of type '<{}> {operator} <{}>': this \
                 stand-in for Dremio adds whole days to a DATE; for everything else use INTERVAL \
                 or TIMESTAMPADD.",
                left.ty, right.ty
            )));
        }
        _ => {}
    }
    let Some(ty) = typing::combine(&left.ty, operator, &right.ty) else {
        return Err(cannot_apply(operator, &left, &right));
    };
    let mode = Expr::text(ty.to_string());
    Ok(Expr::call("dremio_arith", vec![Expr::text(operator), left, right, mode], ty))
}

pub(super) fn negate(expr: Expr) -> Result<Expr, SqlError> {
    match &expr.kind {
        Kind::Number(digits) if !digits.starts_with('-') => Ok(number(&format!("-{digits}"))),
        Kind::Text(digits) if expr.ty.is_numeric() => Ok(number(&format!("-{digits}"))),
        _ => {
            check_number("-", &expr)?;
            let ty = expr.ty.clone();
            Ok(Expr::call("dremio_negate", vec![expr], ty))
        }
    }
}

pub(super) fn check_number(operator: &str, expr: &Expr) -> Result<(), SqlError> {
    if expr.ty.is_numeric() {
        return Ok(());
    }
    Err(SqlError::failed(format!(
        "Cannot apply '{operator}' to arguments of type '{operator}<{}>'.",
        expr.ty
    )))
}

/// `left operator right`; the text of one side is read as the type of the other.
pub(super) fn comparison(
    left: Expr,
    operator: &'static str,
    right: Expr,
) -> Result<Expr, SqlError> {
    let plain = |left, right| Ok(Expr::infix(operator, vec![left, right]));
    let exact = |left, right| {
        let arguments = vec![Expr::text(operator), left, right];
        Ok(Expr::call("dremio_compare", arguments, DremioType::Boolean))
    };
    if left.is_null() || right.is_null() {
        return plain(left, right);
    }
    let read = |text: Expr, ty: DremioType| {
        let spelt = ty.to_string();
        cast(text, ty, spelt)
    };
    match (family(&left.ty), family(&right.ty)) {
        (Family::Number, Family::Number) if is_wide(&left.ty) || is_wide(&right.ty) => {
            exact(left, right)
        }
        (Family::Other, _) | (_, Family::Other) => Err(cannot_apply(operator, &left, &right)),
        (one, other) if one == other => plain(left, right),
        (Family::Text, Family::Number) => {
            let ty = as_number(&right.ty);
            exact(read(left, ty), right)
        }
        (Family::Number, Family::Text) => {
            let ty = as_number(&left.ty);
            exact(left, read(right, ty))
        }
        (Family::Date, Family::Timestamp)
        | (Family::Text, Family::Date | Family::Timestamp | Family::Time | Family::Boolean) => {
            let ty = right.ty.clone();
            plain(read(left, ty), right)
        }
        (Family::Timestamp, Family::Date)
        | (Family::Date | Family::Timestamp | Family::Time | Family::Boolean, Family::Text) => {
            let ty = left.ty.clone();
            plain(left, read(right, ty))
        }
        _ => Err(cannot_apply(operator, &left, &right)),
    }
}

/// What a text is read as next to a number of the type.
fn as_number(ty: &DremioType) -> DremioType {
    match ty {
        DremioType::Decimal { .. } | DremioType::Float => DremioType::Double,
        other => other.clone(),
    }
}

pub(super) fn cannot_apply(operator: &str, left: &Expr, right: &Expr) -> SqlError {
    SqlError::failed(format!(
        "Cannot apply '{operator}' to arguments of type '<{}> {operator} <{}>' (not supported by \
         this stand-in for Dremio; CAST one side).",
        left.ty, right.ty
    ))
}

/// The least type that all go into that are not NULL, and the expressions in it.
pub(super) fn unify(exprs: Vec<Expr>, mistake: &str) -> Result<(DremioType, Vec<Expr>), SqlError> {
    let mut found: Option<DremioType> = None;
    for expr in exprs.iter().filter(|expr| !expr.is_null()) {
        found = Some(match found {
            None => expr.ty.clone(),
            Some(known) => {
                typing::wider(&known, &expr.ty).ok_or_else(|| SqlError::failed(mistake))?
            }
        });
    }
    let ty = found.unwrap_or(DremioType::Integer);
    Ok((ty.clone(), exprs.into_iter().map(|expr| convert(expr, &ty)).collect()))
}

/// A JSON path step to a member.
pub(super) fn step(name: &str) -> String {
    format!(".\"{}\"", name.replace('"', "\\\""))
}

/// The member of a struct or map by its name without regard to case, as stored, and its type.
pub(super) fn member(of: Expr, name: &str) -> Result<Expr, SqlError> {
    let found = match &of.ty {
        DremioType::Struct(members) => {
            let wanted = name.to_lowercase();
            let found = members.iter().find(|(member, _)| member.to_lowercase() == wanted);
            found.map(|(member, ty)| (step(member), ty.clone()))
        }
        DremioType::Map(value) => Some((step(name), (**value).clone())),
        _ => None,
    };
    let Some((path, ty)) = found else {
        return Err(SqlError::failed(format!(
            "Column {} not found in a value of type {}",
            quote_text(name),
            of.ty
        )));
    };
    Ok(deeper(of, path, ty))
}

/// Joins the path to the one that is there.
pub(super) fn deeper(of: Expr, step: String, ty: DremioType) -> Expr {
    let kind = match of.kind {
        Kind::Member { of, path } => Kind::Member { of, path: path + &step },
        kind => Kind::Member { of: Box::new(Expr::new(kind, of.ty)), path: step },
    };
    Expr::new(kind, ty)
}

/// A value as it goes into JSON: what is JSON already must not become a text in it.
pub(super) fn as_json(expr: Expr) -> Expr {
    if !expr.ty.is_nested() {
        return expr;
    }
    let ty = expr.ty.clone();
    Expr::call("json", vec![expr], ty)
}
