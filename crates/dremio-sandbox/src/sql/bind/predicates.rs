//! IN, LIKE, IS DISTINCT FROM, and CASE, which compares too.

use sqlparser::ast;

use super::scope::Scope;
use super::{Binder, calls, operators};
use crate::catalog::DremioType;
use crate::sql::error::SqlError;
use crate::sql::tree::{Expr, Kind};
use crate::values::typing::{family, is_wide};

impl Binder<'_> {
    pub(super) fn distinct(
        &mut self,
        left: &ast::Expr,
        operator: &'static str,
        right: &ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let (left, right) = (self.expr(left, scope)?, self.expr(right, scope)?);
        let bound = operators::comparison(left, operator, right)?;
        match bound.kind {
            Kind::Infix { .. } => Ok(bound),
            _ => Err(SqlError::unsupported("IS DISTINCT FROM between different types")),
        }
    }

    pub(super) fn membership(
        &mut self,
        of: &ast::Expr,
        target: &ast::InTarget,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let of = self.expr(of, scope)?;
        match target {
            ast::InTarget::List(list) => {
                let mut items = Vec::with_capacity(list.len());
                let mut comparisons = Vec::with_capacity(list.len());
                for item in list {
                    let item = self.expr(item, scope)?;
                    comparisons.push(operators::comparison(of.clone(), "=", item.clone())?);
                    items.push(item);
                }
                // Without conversions it stays a list, which may be longer than a chain of OR.
                let is_plain = items.iter().all(|item| {
                    let alike = family(&item.ty) == family(&of.ty);
                    item.is_null() || alike && !is_wide(&of.ty) && !is_wide(&item.ty)
                });
                if is_plain {
                    let kind = Kind::InList { of: Box::new(of), items };
                    return Ok(Expr::new(kind, DremioType::Boolean));
                }
                Ok(Expr::infix("OR", comparisons))
            }
            ast::InTarget::Subquery(query) => {
                let query = self.query(query, scope)?;
                let [column] = query.columns.as_slice() else {
                    return Err(SqlError::failed(
                        "Values passed to IN operator must have compatible types",
                    ));
                };
                let one = Expr::new(Kind::Null, column.ty.clone());
                if !query.nulls.contains(&true)
                    && (family(&of.ty) != family(&column.ty)
                        || is_wide(&of.ty)
                        || is_wide(&column.ty))
                {
                    return Err(operators::cannot_apply("IN", &of, &one));
                }
                let kind = Kind::InQuery { of: Box::new(of), query: Box::new(query) };
                Ok(Expr::new(kind, DremioType::Boolean))
            }
            ast::InTarget::Unnest(_) | ast::InTarget::Table { .. } => {
                Err(SqlError::unsupported("IN with anything but a list or a query"))
            }
        }
    }

    /// `expr LIKE pattern`, also with ANY or ALL patterns in brackets.
    pub(super) fn like(
        &mut self,
        function: &'static str,
        expr: &ast::Expr,
        pattern: &ast::Expr,
        any: bool,
        escape: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let of = self.expr(expr, scope)?;
        let escape = escape.map(|escape| self.expr(escape, scope)).transpose()?;
        let (word, patterns): (&'static str, Vec<&ast::Expr>) = match pattern {
            ast::Expr::Tuple(patterns) if any => ("OR", patterns.iter().collect()),
            ast::Expr::Nested(pattern) if any => ("OR", vec![pattern]),
            ast::Expr::Function(call) => match calls::quantifier(call) {
                Some((word, patterns)) => (word, patterns),
                None => ("OR", vec![pattern]),
            },
            pattern => ("OR", vec![pattern]),
        };
        let mut matches = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let pattern = self.expr(pattern, scope)?;
            if [&of, &pattern].iter().any(|side| side.ty != DremioType::Varchar && !side.is_null())
            {
                return Err(SqlError::unsupported(
                    "LIKE on anything but a VARCHAR (CAST it first)",
                ));
            }
            let arguments = |one, other| [one, other].into_iter().chain(escape.clone()).collect();
            matches.push(if function == "ILIKE" {
                calls::function(function, arguments(of.clone(), pattern))?
            } else {
                Expr::call(function, arguments(pattern, of.clone()), DremioType::Boolean)
            });
        }
        Ok(Expr::infix(word, matches))
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let operand = operand.map(|operand| self.expr(operand, scope)).transpose()?;
        let (mut tests, mut values) = (Vec::new(), Vec::new());
        for ast::CaseWhen { condition, result } in conditions {
            let test = match &operand {
                None => self.condition(condition, scope)?,
                Some(operand) => {
                    let value = self.expr(condition, scope)?;
                    let known = !value.is_null() && !operand.is_null();
                    if known && family(&operand.ty) != family(&value.ty) {
                        return Err(SqlError::unsupported(
                            "CASE x WHEN y for x and y of different types",
                        ));
                    }
                    operators::comparison(operand.clone(), "=", value)?
                }
            };
            tests.push(test);
            values.push(self.expr(result, scope)?);
        }
        if let Some(otherwise) = otherwise {
            values.push(self.expr(otherwise, scope)?);
        }
        let mistake = "Illegal mixing of types in CASE or COALESCE statement";
        let (ty, mut values) = operators::unify(values, mistake)?;
        let otherwise = if otherwise.is_some() { values.pop().map(Box::new) } else { None };
        let arms = tests.into_iter().zip(values).collect();
        Ok(Expr::new(Kind::Case { arms, otherwise }, ty))
    }
}
