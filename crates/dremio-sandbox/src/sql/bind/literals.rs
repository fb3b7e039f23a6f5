//! Literals, and the words that stand for a value.

use sqlparser::ast;

use crate::catalog::DremioType;
use crate::sql::convert;
use crate::sql::error::SqlError;
use crate::sql::tree::{Expr, Kind};
use crate::values::{Interval, moment};

/// USER and its kind, which need no brackets.
pub(super) fn is_user(ident: &ast::Ident) -> bool {
    let words = ["USER", "CURRENT_USER", "SESSION_USER"];
    ident.quote_style.is_none() && words.iter().any(|word| ident.value.eq_ignore_ascii_case(word))
}

pub(super) fn value(value: &ast::Value) -> Result<Expr, SqlError> {
    match value {
        ast::Value::Number(digits, _) => Ok(convert::number(digits)),
        ast::Value::SingleQuotedString(text) => Ok(Expr::text(text.as_str())),
        ast::Value::Boolean(flag) => Ok(Expr::new(Kind::Boolean(*flag), DremioType::Boolean)),
        ast::Value::Null => Ok(Expr::null()),
        // Our lexer makes no others.
        other => Err(SqlError::unsupported(&format!("The literal {other}"))),
    }
}

/// `DATE '2024-01-31'`, `TIME '…'`, `TIMESTAMP '…'`.
pub(super) fn typed(literal: &ast::TypedString) -> Result<Expr, SqlError> {
    let spelt = literal.data_type.to_string();
    let ty = DremioType::parse(&spelt)
        .filter(|ty| matches!(ty, DremioType::Date | DremioType::Time | DremioType::Timestamp));
    let (Some(ty), ast::Value::SingleQuotedString(text)) = (ty, &literal.value.value) else {
        return Err(SqlError::unsupported(&format!("A literal of type {spelt}")));
    };
    let illegal = || SqlError::failed(format!("Illegal {} literal '{text}'", ty.name()));
    let stored = moment::literal(ty.name(), text).ok_or_else(illegal)?;
    Ok(Expr::new(Kind::Text(stored), ty))
}

/// CURRENT_DATE and its kind, by the time of the statement.
pub(super) fn now(name: &str) -> Option<Expr> {
    let now = Expr::call("dremio_now", Vec::new(), DremioType::Timestamp);
    let ty = match name {
        "CURRENT_DATE" => DremioType::Date,
        "CURRENT_TIME" | "LOCALTIME" => DremioType::Time,
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "NOW" => return Some(now),
        _ => return None,
    };
    let spelt = ty.to_string();
    Some(convert::cast(now, ty, spelt))
}

/// `INTERVAL '7' DAY`, `INTERVAL 7 DAY`, `INTERVAL '1 02:03:04' DAY TO SECOND`.
pub(super) fn interval(interval: &ast::Interval) -> Result<Interval, SqlError> {
    let text = match &*interval.value {
        ast::Expr::Value(ast::ValueWithSpan {
            value: ast::Value::SingleQuotedString(text) | ast::Value::Number(text, _),
            ..
        }) => text.as_str(),
        _ => "",
    };
    let unit = |field: &ast::DateTimeField| field.to_string().to_uppercase();
    let from = interval.leading_field.as_ref().map(unit).unwrap_or_default();
    let to = interval.last_field.as_ref().map(unit);
    Interval::read(text, &from, to.as_deref()).ok_or_else(|| {
        SqlError::unsupported("An INTERVAL that is not written as whole numbers of its units")
    })
}

/// An INTERVAL literal, in whatever form.
pub(super) fn interval_of(expr: &ast::Expr) -> Option<Result<Interval, SqlError>> {
    match expr {
        ast::Expr::Interval(literal) => Some(interval(literal)),
        ast::Expr::Nested(inner) => interval_of(inner),
        ast::Expr::Cast { expr, data_type, .. } => {
            cast_to_interval(expr, &data_type.to_string().to_uppercase())
        }
        _ => None,
    }
}

/// `CAST(7 AS INTERVAL DAY)` of a literal number.
pub(super) fn cast_to_interval(expr: &ast::Expr, ty: &str) -> Option<Result<Interval, SqlError>> {
    let unit = ty.strip_prefix("INTERVAL ")?;
    let interval = expr.to_string().parse().ok().and_then(|count| Interval::of(count, unit));
    Some(interval.ok_or_else(|| SqlError::unsupported(&format!("This CAST to {ty}"))))
}

pub(super) fn interval_expr(interval: Interval) -> Expr {
    Expr::new(Kind::Text(interval.to_string()), interval.ty())
}

/// `moment + interval`.
pub(super) fn shifted(moment: Expr, by: Interval, operator: &str) -> Result<Expr, SqlError> {
    let ty = match &moment.ty {
        DremioType::Date if by.is_fine => DremioType::Timestamp,
        DremioType::Date | DremioType::Timestamp => moment.ty.clone(),
        other => {
            let ty = by.ty();
            return Err(SqlError::failed(format!(
                "Cannot apply '{operator}' to arguments of type '<{other}> {operator} <{ty}>'."
            )));
        }
    };
    let (amount, unit) = by.amount();
    let arguments = vec![moment, convert::number(&amount.to_string()), Expr::text(unit)];
    Ok(Expr::call("dremio_shift", arguments, ty))
}
