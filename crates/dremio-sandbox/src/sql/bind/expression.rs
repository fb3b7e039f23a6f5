//! Expressions, one arm for each construct that sqlparser knows.

use sqlparser::ast;

use super::literals;
use super::scope::{Scope, name};
use super::{Binder, calls, operators};
use crate::catalog::DremioType;
use crate::sql::convert;
use crate::sql::error::SqlError;
use crate::sql::tree::{Expr, Kind};

impl Binder<'_> {
    pub(super) fn expr(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr, SqlError> {
        use ast::Expr as E;
        let is = |of: Expr, what| {
            Ok(Expr::new(Kind::Is { of: Box::new(of), what }, DremioType::Boolean))
        };
        match expr {
            E::Identifier(ident) if literals::is_user(ident) => Ok(Expr::text(self.at.user)),
            E::Identifier(ident) => {
                let name = name(ident)?;
                match scope.alias(&name) {
                    Some(expr) => Ok(expr.clone()),
                    None => scope.resolve(&[name]),
                }
            }
            E::CompoundIdentifier(parts) => {
                let parts = parts.iter().map(name).collect::<Result<Vec<String>, SqlError>>()?;
                scope.resolve(&parts)
            }
            E::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, scope),
            E::Nested(inner) => self.expr(inner, scope),
            E::Value(value) => literals::value(&value.value),
            E::TypedString(literal) => literals::typed(literal),
            E::Interval(literal) => literals::interval(literal).map(literals::interval_expr),
            E::IsNull(of) => is(self.expr(of, scope)?, "IS NULL"),
            E::IsNotNull(of) => is(self.expr(of, scope)?, "IS NOT NULL"),
            E::IsTrue(of) => is(self.condition(of, scope)?, "IS TRUE"),
            E::IsNotTrue(of) => is(self.condition(of, scope)?, "IS NOT TRUE"),
            E::IsFalse(of) => is(self.condition(of, scope)?, "IS FALSE"),
            E::IsNotFalse(of) => is(self.condition(of, scope)?, "IS NOT FALSE"),
            E::IsUnknown(of) => is(self.condition(of, scope)?, "IS NULL"),
            E::IsNotUnknown(of) => is(self.condition(of, scope)?, "IS NOT NULL"),
            E::IsDistinctFrom(left, right) => self.distinct(left, "IS NOT", right, scope),
            E::IsNotDistinctFrom(left, right) => self.distinct(left, "IS", right, scope),
            E::In { expr, target, negated, global: false } => {
                let list = self.membership(expr, target, scope)?;
                Ok(negate_if(*negated, list))
            }
            E::Between { expr, negated, low, high } => {
                let of = self.expr(expr, scope)?;
                let low = operators::comparison(of.clone(), ">=", self.expr(low, scope)?)?;
                let high = operators::comparison(of, "<=", self.expr(high, scope)?)?;
                Ok(negate_if(*negated, Expr::infix("AND", vec![low, high])))
            }
            E::BinaryOp { left, op, right } => self.binary(left, op, right, scope),
            E::UnaryOp { op, expr } => self.unary(*op, expr, scope),
            E::Like { negated, any, expr, pattern, escape_char } => {
                let like = self.like("like", expr, pattern, *any, escape_char.as_deref(), scope)?;
                Ok(negate_if(*negated, like))
            }
            E::ILike { negated, any, expr, pattern, escape_char } => {
                let escape = escape_char.as_deref();
                let like = self.like("ILIKE", expr, pattern, *any, escape, scope)?;
                Ok(negate_if(*negated, like))
            }
            E::Cast { kind, expr, data_type, format: None } => {
                self.cast(kind, expr, data_type, scope)
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            E::Exists { subquery, negated } => {
                let query = Box::new(self.query(subquery, scope)?);
                Ok(negate_if(*negated, Expr::new(Kind::Exists(query), DremioType::Boolean)))
            }
            E::Subquery(query) => {
                let query = self.query(query, scope)?;
                let [column] = query.columns.as_slice() else {
                    return Err(SqlError::failed(
                        "Cannot apply a subquery of several columns where one value is expected",
                    ));
                };
                let ty = column.ty.clone();
                Ok(Expr::new(Kind::Scalar(Box::new(query)), ty))
            }
            E::Function(call) => self.call(call, scope),
            E::Extract { field, expr, syntax: ast::ExtractSyntax::From } => {
                let unit = Expr::text(field.to_string().to_uppercase());
                let of = self.expr(expr, scope)?;
                calls::function("EXTRACT", vec![unit, of])
            }
            E::Position { expr, r#in } => {
                calls::function("POSITION", self.exprs([&**expr, &**r#in], scope)?)
            }
            E::Substring { expr, substring_from, substring_for, .. } => {
                let rest = substring_from.iter().chain(substring_for).map(|part| &**part);
                let parts = std::iter::once(&**expr).chain(rest);
                calls::function("SUBSTRING", self.exprs(parts, scope)?)
            }
            E::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(ast::TrimWhereField::Leading) => "LTRIM",
                    Some(ast::TrimWhereField::Trailing) => "RTRIM",
                    Some(ast::TrimWhereField::Both) | None => "BTRIM",
                };
                let what = trim_what.iter().map(|what| &**what);
                let parts = std::iter::once(&**expr).chain(what);
                let parts = parts.chain(trim_characters.iter().flatten());
                calls::function(name, self.exprs(parts, scope)?)
            }
            E::Array(ast::Array { elem, named: true }) => self.list(elem, scope),
            E::Tuple(_) => Err(SqlError::unsupported("A row value, as in (a, b),")),
            E::AnyOp { .. } | E::AllOp { .. } => {
                Err(SqlError::unsupported("A comparison with ANY, SOME or ALL"))
            }
            E::SimilarTo { negated, expr, pattern, escape_char } => {
                let parts = [Some(expr), Some(pattern), escape_char.as_ref()];
                let arguments = parts.into_iter().flatten().map(|part| self.expr(part, scope));
                let arguments = arguments.collect::<Result<Vec<Expr>, SqlError>>()?;
                Ok(negate_if(*negated, calls::function("SIMILAR_TO", arguments)?))
            }
            E::RLike { .. } => Err(SqlError::unsupported("RLIKE")),
            E::GroupingSets(_) | E::Cube(_) | E::Rollup(_) => {
                Err(SqlError::unsupported("GROUP BY with ROLLUP, CUBE or GROUPING SETS"))
            }
            E::AtTimeZone { .. } => Err(SqlError::unsupported("AT TIME ZONE")),
            E::Collate { .. } => Err(SqlError::unsupported("COLLATE")),
            E::Ceil { .. } | E::Floor { .. } => {
                Err(SqlError::unsupported("CEIL or FLOOR TO a unit"))
            }
            // The rest has no keyword or operator here, so that the parser does not make it, or
            // is a form of what is above.
            E::In { .. }
            | E::Cast { .. }
            | E::Extract { .. }
            | E::Array(_)
            | E::Wildcard(_)
            | E::QualifiedWildcard(..)
            | E::JsonAccess { .. }
            | E::IsJson { .. }
            | E::IsNormalized { .. }
            | E::Convert { .. }
            | E::Overlay { .. }
            | E::Prefixed { .. }
            | E::Struct { .. }
            | E::Named { .. }
            | E::Dictionary(_)
            | E::Map(_)
            | E::MatchAgainst { .. }
            | E::OuterJoin(_)
            | E::Prior(_)
            | E::Lambda(_)
            | E::MemberOf(_) => Err(SqlError::unsupported("This expression")),
        }
    }

    pub(super) fn exprs<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Expr>, SqlError> {
        exprs.into_iter().map(|expr| self.expr(expr, scope)).collect()
    }

    pub(super) fn condition(
        &mut self,
        expr: &ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        operators::condition(self.expr(expr, scope)?)
    }

    fn binary(
        &mut self,
        left: &ast::Expr,
        operator: &ast::BinaryOperator,
        right: &ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        use ast::BinaryOperator as Op;
        if let Op::And | Op::Or = operator {
            let word = if *operator == Op::And { "AND" } else { "OR" };
            let mut operands = Vec::new();
            for side in [left, right] {
                match self.condition(side, scope)? {
                    // One node for a whole chain.
                    Expr { kind: Kind::Infix { operator, operands: inner }, .. }
                        if operator == word =>
                    {
                        operands.extend(inner);
                    }
                    other => operands.push(other),
                }
            }
            return Ok(Expr::infix(word, operands));
        }
        if let (Op::Plus | Op::Minus, Some(by)) = (operator, literals::interval_of(right)) {
            let moment = self.expr(left, scope)?;
            return match operator {
                Op::Minus => literals::shifted(moment, by?.negated(), "-"),
                _ => literals::shifted(moment, by?, "+"),
            };
        }
        if let (Op::Plus, Some(by)) = (operator, literals::interval_of(left)) {
            return literals::shifted(self.expr(right, scope)?, by?, "+");
        }
        let (left, right) = (self.expr(left, scope)?, self.expr(right, scope)?);
        match operator {
            Op::Plus => operators::arithmetic(left, "+", right),
            Op::Minus => operators::arithmetic(left, "-", right),
            Op::Multiply => operators::arithmetic(left, "*", right),
            Op::Divide => operators::arithmetic(left, "/", right),
            Op::Modulo => operators::arithmetic(left, "%", right),
            Op::StringConcat => {
                let operands = vec![convert::as_text(left), convert::as_text(right)];
                let kind = Kind::Infix { operator: "||", operands };
                Ok(Expr::new(kind, DremioType::Varchar))
            }
            Op::Eq => operators::comparison(left, "=", right),
            Op::NotEq => operators::comparison(left, "<>", right),
            Op::Lt => operators::comparison(left, "<", right),
            Op::LtEq => operators::comparison(left, "<=", right),
            Op::Gt => operators::comparison(left, ">", right),
            Op::GtEq => operators::comparison(left, ">=", right),
            // The operators of other systems, which our lexer does not make.
            other => Err(SqlError::unsupported(&format!("The operator {other}"))),
        }
    }

    fn unary(
        &mut self,
        operator: ast::UnaryOperator,
        expr: &ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        match operator {
            ast::UnaryOperator::Not => Ok(negate_if(true, self.condition(expr, scope)?)),
            ast::UnaryOperator::Minus => operators::negate(self.expr(expr, scope)?),
            ast::UnaryOperator::Plus => {
                let expr = self.expr(expr, scope)?;
                operators::check_number("+", &expr)?;
                Ok(expr)
            }
            other => Err(SqlError::unsupported(&format!("The operator {other}"))),
        }
    }

    fn cast(
        &mut self,
        kind: &ast::CastKind,
        expr: &ast::Expr,
        ty: &ast::DataType,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        if *kind != ast::CastKind::Cast {
            return Err(SqlError::unsupported("TRY_CAST or another CAST"));
        }
        let spelt = ty.to_string().to_uppercase();
        if let Some(interval) = literals::cast_to_interval(expr, &spelt) {
            return interval.map(literals::interval_expr);
        }
        let Some(target) = DremioType::parse(&spelt) else {
            return Err(SqlError::unsupported(&format!("CAST to {spelt}")));
        };
        if target.is_nested() || spelt.starts_with("INTERVAL") {
            return Err(SqlError::unsupported(&format!("CAST to {spelt}")));
        }
        Ok(convert::cast(self.expr(expr, scope)?, target, spelt))
    }

    /// `x[0]`, `x['key']`, `x.member`, and further down.
    fn access(
        &mut self,
        root: &ast::Expr,
        chain: &[ast::AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        // The parts up to the first bracket are one dotted name.
        let dotted = |access: &ast::AccessExpr| match access {
            ast::AccessExpr::Dot(ast::Expr::Identifier(ident)) => Some(name(ident)),
            _ => None,
        };
        let (mut of, rest) = match root {
            ast::Expr::Identifier(ident) => {
                let mut parts = vec![name(ident)?];
                for part in chain.iter().map_while(dotted) {
                    parts.push(part?);
                }
                let taken = parts.len() - 1;
                (scope.resolve(&parts)?, chain.get(taken..).unwrap_or_default())
            }
            other => (self.expr(other, scope)?, chain),
        };
        for access in rest {
            of = match access {
                ast::AccessExpr::Dot(ast::Expr::Identifier(ident)) => {
                    operators::member(of, &ident.value)?
                }
                ast::AccessExpr::Subscript(ast::Subscript::Index {
                    index: ast::Expr::Value(index),
                }) => match (&index.value, &of.ty) {
                    (ast::Value::Number(digits, _), DremioType::List(item)) => {
                        let item = (**item).clone();
                        operators::deeper(of, format!("[{digits}]"), item)
                    }
                    (ast::Value::SingleQuotedString(key), _) => operators::member(of, key)?,
                    _ => return Err(SqlError::unsupported("This subscript")),
                },
                ast::AccessExpr::Dot(_) | ast::AccessExpr::Subscript(_) => {
                    return Err(SqlError::unsupported("This subscript"));
                }
            };
        }
        Ok(of)
    }

    /// `ARRAY[…]`.
    fn list(&mut self, items: &[ast::Expr], scope: &Scope<'_>) -> Result<Expr, SqlError> {
        let items = self.exprs(items, scope)?;
        let (ty, items) = operators::unify(items, "Require items of one type in ARRAY")?;
        let items = items.into_iter().map(operators::as_json).collect();
        Ok(Expr::call("json_array", items, DremioType::List(Box::new(ty))))
    }
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::new(Kind::Not(Box::new(expr)), DremioType::Boolean) } else { expr }
}
