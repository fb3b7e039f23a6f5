//! FROM: tables, subqueries and joins.

use sqlparser::ast;

use super::scope::{Relation, Scope, name, only, path, same};
use super::{Binder, operators, renamed};
use crate::catalog::Column;
use crate::sql::error::SqlError;
use crate::sql::functions;
use crate::sql::tree::{Expr, From};

impl Binder<'_> {
    /// Binds a FROM clause, and makes its names visible in `scope`.
    pub(super) fn from(
        &mut self,
        tables: &[ast::TableWithJoins],
        scope: &mut Scope<'_>,
    ) -> Result<Option<From>, SqlError> {
        let mut all: Option<From> = None;
        for table in tables {
            let next = self.joins(table, scope)?;
            all = Some(match all {
                None => next,
                Some(left) => join(left, next, "JOIN", None),
            });
        }
        Ok(all)
    }

    fn joins(
        &mut self,
        table: &ast::TableWithJoins,
        scope: &mut Scope<'_>,
    ) -> Result<From, SqlError> {
        let first = scope.relations.len();
        let mut left = self.factor(&table.relation, scope)?;
        for ast::Join { relation, join_operator, .. } in &table.joins {
            use ast::JoinOperator as Op;
            let (kind, constraint) = match join_operator {
                Op::Join(constraint) | Op::Inner(constraint) | Op::CrossJoin(constraint) => {
                    ("JOIN", constraint)
                }
                Op::Left(constraint) | Op::LeftOuter(constraint) => ("LEFT JOIN", constraint),
                Op::Right(constraint) | Op::RightOuter(constraint) => ("RIGHT JOIN", constraint),
                Op::FullOuter(constraint) => ("FULL JOIN", constraint),
                _ => return Err(SqlError::unsupported("This kind of JOIN")),
            };
            let second = scope.relations.len();
            let right = self.factor(relation, scope)?;
            let on = self.constraint(constraint, kind, first, second, scope)?;
            left = join(left, right, kind, on);
        }
        Ok(left)
    }

    /// The condition of a join whose left side begins at the relation `first`, its right at
    /// `second`.
    fn constraint(
        &mut self,
        constraint: &ast::JoinConstraint,
        kind: &str,
        first: usize,
        second: usize,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Expr>, SqlError> {
        let columns: Vec<String> = match constraint {
            ast::JoinConstraint::None => return Ok(None),
            ast::JoinConstraint::On(condition) => {
                return operators::condition(self.expr(condition, scope)?).map(Some);
            }
            ast::JoinConstraint::Using(columns) => {
                let name = |column: &ast::ObjectName| Ok(path(column)?.join("."));
                columns.iter().map(name).collect::<Result<_, SqlError>>()?
            }
            ast::JoinConstraint::Natural => {
                let right = scope.relations.get(second..).unwrap_or_default();
                let left = scope.relations.get(first..second).unwrap_or_default();
                let both = |column: &&Column| left.iter().any(|l| l.column(&column.name).is_some());
                let columns = right.iter().flat_map(|relation| &relation.columns).filter(both);
                columns.map(|column| column.name.clone()).collect()
            }
            ast::JoinConstraint::UsingAlias(..) => {
                return Err(SqlError::unsupported("USING with an alias"));
            }
        };
        if kind == "RIGHT JOIN" || kind == "FULL JOIN" {
            return Err(SqlError::unsupported("USING or NATURAL in a RIGHT or FULL JOIN"));
        }
        let mut conditions = Vec::with_capacity(columns.len());
        for column in &columns {
            let side = |relations: Option<&[Relation]>| {
                let found = only(relations.unwrap_or_default(), column, column.clone())?;
                let missing = || format!("Column '{column}' not found in any table");
                found.ok_or_else(|| SqlError::failed(missing()))
            };
            let left = side(scope.relations.get(first..second))?;
            let right = side(scope.relations.get(second..))?;
            conditions.push(operators::comparison(left, "=", right)?);
            for relation in scope.relations.iter_mut().skip(second) {
                relation.merged.push(column.clone());
            }
        }
        Ok((!conditions.is_empty()).then(|| Expr::infix("AND", conditions)))
    }

    fn factor(
        &mut self,
        factor: &ast::TableFactor,
        scope: &mut Scope<'_>,
    ) -> Result<From, SqlError> {
        use ast::TableFactor as Factor;
        match factor {
            Factor::Table { name, args: Some(args), alias, with_ordinality: false, .. }
                if name.to_string().eq_ignore_ascii_case("UNNEST") =>
            {
                self.unnest(&args.args, alias.as_ref(), scope)
            }
            Factor::Table { name, args: Some(_), .. } | Factor::Function { name, .. } => {
                Err(no_table_function(name))
            }
            Factor::Table { name, alias, with_hints, version, sample, .. } => {
                if !with_hints.is_empty() || version.is_some() || sample.is_some() {
                    return Err(SqlError::unsupported("An option after a table"));
                }
                let version = name.0.last().and_then(ast::ObjectNamePart::as_ident);
                let at = version.map(|ident| ident.span.start);
                let version = at.and_then(|at| self.versions.get(&(at.line, at.column)).cloned());
                self.table(&path(name)?, version.as_ref(), alias.as_ref(), scope)
            }
            Factor::Derived { lateral, subquery, alias, sample } => {
                if *lateral || sample.is_some() {
                    return Err(SqlError::unsupported("LATERAL or TABLESAMPLE"));
                }
                // A subquery does not see the tables beside it.
                let around = Scope { outer: scope.outer, ..Scope::default() };
                let query = self.query(subquery, &around)?;
                let id = self.next_relation();
                let columns = query.columns.clone();
                self.add(id, None, Vec::new(), columns, alias.as_ref(), scope)?;
                Ok(From::Query { query: Box::new(query), id })
            }
            Factor::NestedJoin { table_with_joins, alias } => {
                if alias.is_some() {
                    return Err(SqlError::unsupported("An alias after a join in brackets"));
                }
                self.joins(table_with_joins, scope)
            }
            Factor::TableFunction { expr, .. } => match expr {
                ast::Expr::Function(call) => Err(no_table_function(&call.name)),
                _ => Err(SqlError::unsupported("TABLE of anything but a function")),
            },
            // What has no keyword here.
            _ => Err(SqlError::unsupported("This construct in FROM")),
        }
    }

    pub(super) fn add(
        &self,
        id: usize,
        own_name: Option<String>,
        path: Vec<String>,
        columns: Vec<Column>,
        alias: Option<&ast::TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<(), SqlError> {
        let (name, path, stored, columns) = match alias {
            Some(alias) if alias.columns.is_empty() => {
                (name(&alias.name)?, Vec::new(), None, columns)
            }
            Some(alias) => {
                let stored = columns.iter().map(|column| column.name.clone()).collect();
                (name(&alias.name)?, Vec::new(), Some(stored), renamed(columns, alias)?)
            }
            None => (own_name.unwrap_or_default(), path, None, columns),
        };
        let mut named = scope.relations.iter().filter(|_| alias.is_some());
        if named.any(|known| same(&known.name, &name)) {
            return Err(SqlError::failed(format!(
                "Duplicate relation name '{name}' in FROM clause"
            )));
        }
        scope.relations.push(Relation { id, name, path, columns, stored, merged: Vec::new() });
        Ok(())
    }
}

pub(super) fn join(left: From, right: From, kind: &'static str, on: Option<Expr>) -> From {
    From::Join { left: Box::new(left), right: Box::new(right), kind, on }
}

/// A function in place of a table: none is here.
fn no_table_function(name: &ast::ObjectName) -> SqlError {
    let name = name.to_string().to_uppercase();
    if functions::exists(&name) || name == "FLATTEN" || name.ends_with("EXTERNAL_QUERY") {
        return SqlError::unsupported(&format!("The function {name}"));
    }
    SqlError::no_such_function(&name)
}
