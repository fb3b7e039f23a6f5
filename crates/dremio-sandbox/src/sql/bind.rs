//! From syntax to meaning: names are resolved in nested scopes, stars expanded, and every output
//! column has one type.
//!
//! Every construct of the syntax tree is either known here or refused in words that say so; the
//! matches are exhaustive, so that a variant that sqlparser adds does not compile.

mod aggregates;
mod calls;
mod expression;
mod from;
mod literals;
mod operators;
mod predicates;
mod scope;
mod select;
mod table;

use std::sync::Arc;

use sqlparser::ast;

use scope::{Scope, name, same, unique};

use super::error::SqlError;
use super::parse::Versions;
use super::tree::{Body, Common, Expr, Key, Query, RelationId, Target};
use crate::catalog::{Column, Dataset, Namespace};
use crate::values::typing;

/// Where a query runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) context: &'a [String],
    pub(crate) user: &'a str,
}

/// Gives meaning to one statement.
pub(super) struct Binder<'a> {
    at: Environment<'a>,
    /// The datasets that the statement names, each once.
    pub(super) queried: Vec<Arc<Dataset>>,
    /// The tables that it reads, also those behind views, each once.
    pub(super) scanned: Vec<Arc<Dataset>>,
    versions: Versions,
    is_view: bool,
    relations: RelationId,
    /// The FLATTEN calls of the SELECT list that is being bound; `None` where there may be none.
    flattened: Option<Vec<super::tree::From>>,
}

/// The columns of a result that has not run, and which of them are NULL by themselves.
struct Shape {
    columns: Vec<Column>,
    nulls: Vec<bool>,
}

impl<'a> Binder<'a> {
    pub(super) fn new(at: Environment<'a>, versions: Versions) -> Self {
        Self {
            at,
            queried: Vec::new(),
            scanned: Vec::new(),
            versions,
            is_view: false,
            relations: 0,
            flattened: None,
        }
    }

    /// # Errors
    /// What Dremio's validator would say, or what is not here.
    pub(super) fn statement(&mut self, query: &ast::Query) -> Result<Query, SqlError> {
        self.query(query, &Scope::default())
    }

    fn next_relation(&mut self) -> RelationId {
        self.relations += 1;
        self.relations
    }

    fn query(&mut self, query: &ast::Query, outer: &Scope<'_>) -> Result<Query, SqlError> {
        let ast::Query { with, body, order_by, limit_clause, fetch, locks, for_clause, .. } = query;
        if !locks.is_empty() || for_clause.is_some() {
            return Err(SqlError::unsupported("FOR after a query"));
        }
        let flattened = self.flattened.take();
        let mut scope = Scope::within(outer);
        let common = match with {
            Some(with) => self.with(with, &mut scope)?,
            None => Vec::new(),
        };
        let keys = order_keys(order_by.as_ref())?;
        let (body, shape, order) = match &**body {
            ast::SetExpr::Select(select) => self.select(select, keys, &scope)?,
            other => {
                let (body, shape) = self.body(other, &scope)?;
                let order = keys
                    .iter()
                    .map(|key| output_key(key, &shape.columns))
                    .collect::<Result<Vec<Key>, SqlError>>()?;
                (body, shape, order)
            }
        };
        let (limit, offset) = limits(limit_clause.as_ref(), fetch.as_ref())?;
        self.flattened = flattened;
        let Shape { columns, nulls } = shape;
        Ok(Query { common, body, order, limit, offset, columns, nulls })
    }

    fn with(&mut self, with: &ast::With, scope: &mut Scope<'_>) -> Result<Vec<Common>, SqlError> {
        let mut all = Vec::new();
        for definition in &with.cte_tables {
            let ast::Cte { alias, query, .. } = definition;
            let table = name(&alias.name)?;
            let id = self.next_relation();
            let anchor = match (&*query.body, with.recursive) {
                (ast::SetExpr::SetOperation { left, .. }, true) => {
                    Some(self.body(left, scope)?.1.columns)
                }
                _ => None,
            };
            let bound = match anchor {
                // It refers to itself by the columns of what it begins with.
                Some(columns) => {
                    let mut inner = Scope::within(scope);
                    let columns = renamed(columns, alias)?;
                    inner.common.push((table.clone(), id, columns));
                    self.query(query, &inner)?
                }
                None => self.query(query, scope)?,
            };
            let columns = renamed(bound.columns.clone(), alias)?;
            scope.common.push((table, id, columns.clone()));
            all.push(Common { id, columns, query: bound });
        }
        Ok(all)
    }

    fn body(&mut self, body: &ast::SetExpr, scope: &Scope<'_>) -> Result<(Body, Shape), SqlError> {
        match body {
            ast::SetExpr::Select(select) => {
                let (body, shape, _) = self.select(select, Vec::new(), scope)?;
                Ok((body, shape))
            }
            ast::SetExpr::Query(query) => {
                let query = self.query(query, scope)?;
                let shape = Shape { columns: query.columns.clone(), nulls: query.nulls.clone() };
                Ok((Body::Query(Box::new(query)), shape))
            }
            ast::SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set(left, *op, *set_quantifier, right, scope)
            }
            ast::SetExpr::Values(values) => self.values(values, scope),
            ast::SetExpr::Insert(_)
            | ast::SetExpr::Update(_)
            | ast::SetExpr::Delete(_)
            | ast::SetExpr::Merge(_)
            | ast::SetExpr::Table(_) => Err(SqlError::unsupported("TABLE as a query")),
        }
    }

    fn set(
        &mut self,
        left: &ast::SetExpr,
        operator: ast::SetOperator,
        quantifier: ast::SetQuantifier,
        right: &ast::SetExpr,
        scope: &Scope<'_>,
    ) -> Result<(Body, Shape), SqlError> {
        use ast::{SetOperator as Op, SetQuantifier as Which};
        let operator = match (operator, quantifier) {
            (Op::Union, Which::All) => "UNION ALL",
            (Op::Union, Which::None | Which::Distinct) => "UNION",
            (Op::Intersect, Which::None | Which::Distinct) => "INTERSECT",
            (Op::Except, Which::None | Which::Distinct) => "EXCEPT",
            (operator, quantifier) => {
                return Err(SqlError::unsupported(&format!("{operator} {quantifier}")));
            }
        };
        let (left, one) = self.body(left, scope)?;
        let (right, other) = self.body(right, scope)?;
        if one.columns.len() != other.columns.len() {
            return Err(SqlError::failed(format!("Column count mismatch in {operator}")));
        }
        let mut columns = Vec::with_capacity(one.columns.len());
        let pairs = one.columns.iter().zip(&one.nulls).zip(other.columns.iter().zip(&other.nulls));
        for (index, ((column, null), (other, other_null))) in pairs.enumerate() {
            let ty = match (null, other_null) {
                (true, _) => Some(other.ty.clone()),
                (_, true) => Some(column.ty.clone()),
                _ => typing::wider(&column.ty, &other.ty),
            };
            let ty = ty.ok_or_else(|| {
                let at = index + 1;
                SqlError::failed(format!("Type mismatch in column {at} of {operator}"))
            })?;
            columns.push(Column::new(column.name.clone(), ty));
        }
        let nulls = one.nulls.iter().zip(&other.nulls).map(|(one, other)| *one && *other).collect();
        let converted = |body: Body, from: Vec<Column>| {
            let alike = from.iter().zip(&columns).all(|(from, to)| from.ty == to.ty);
            let to = columns.clone();
            if alike { body } else { Body::Converted { body: Box::new(body), from, to } }
        };
        let left = Box::new(converted(left, one.columns));
        let right = Box::new(converted(right, other.columns));
        Ok((Body::Set { operator, left, right }, Shape { columns, nulls }))
    }

    fn values(
        &mut self,
        values: &ast::Values,
        scope: &Scope<'_>,
    ) -> Result<(Body, Shape), SqlError> {
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            rows.push(self.exprs(&row.content, scope)?);
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(SqlError::failed(
                "Values passed to VALUES operator must have compatible types",
            ));
        }
        let mut shape = Shape { columns: Vec::new(), nulls: Vec::new() };
        let mut columns: Vec<std::vec::IntoIter<Expr>> = Vec::new();
        for index in 0..width {
            let column: Vec<Expr> = rows.iter().filter_map(|row| row.get(index).cloned()).collect();
            shape.nulls.push(column.iter().all(Expr::is_null));
            let mistake = "Values passed to VALUES operator must have compatible types";
            let (ty, column) = operators::unify(column, mistake)?;
            shape.columns.push(Column::new(format!("EXPR${index}"), ty));
            columns.push(column.into_iter());
        }
        let rows = (0..rows.len())
            .map(|_| columns.iter_mut().filter_map(Iterator::next).collect())
            .collect();
        Ok((Body::Values(rows), shape))
    }
}

/// Columns under the names that follow a table's alias.
fn renamed(columns: Vec<Column>, alias: &ast::TableAlias) -> Result<Vec<Column>, SqlError> {
    if alias.columns.is_empty() {
        return Ok(columns);
    }
    if alias.columns.len() != columns.len() {
        return Err(SqlError::failed(format!(
            "List of column aliases must have same degree as table; table has {} columns, \
             whereas alias list has {} columns",
            columns.len(),
            alias.columns.len()
        )));
    }
    let mut named: Vec<Column> = Vec::with_capacity(columns.len());
    for (column, new) in columns.into_iter().zip(&alias.columns) {
        let new = name(&new.name)?;
        let taken = |name: &str| named.iter().any(|column| same(&column.name, name));
        let new = unique(taken, &new);
        named.push(Column::new(new, column.ty));
    }
    Ok(named)
}

fn order_keys(order_by: Option<&ast::OrderBy>) -> Result<Vec<&ast::OrderByExpr>, SqlError> {
    match order_by {
        None => Ok(Vec::new()),
        Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(keys), interpolate: None }) => {
            Ok(keys.iter().collect())
        }
        Some(_) => Err(SqlError::unsupported("ORDER BY ALL or INTERPOLATE")),
    }
}

/// The direction of a key; NULL is the highest value.
fn key(target: Target, key: &ast::OrderByExpr) -> Result<Key, SqlError> {
    let descending = match &key.options.sort {
        None | Some(ast::OrderBySort::Asc) => false,
        Some(ast::OrderBySort::Desc) => true,
        Some(ast::OrderBySort::Using(_)) => return Err(SqlError::unsupported("ORDER BY USING")),
    };
    let nulls_first = key.options.nulls_first.unwrap_or(descending);
    Ok(Key { target, descending, nulls_first })
}

/// A key that can only be an output column: its name, or its number.
fn output_key(written: &ast::OrderByExpr, columns: &[Column]) -> Result<Key, SqlError> {
    let index = match &written.expr {
        ast::Expr::Identifier(ident) => {
            let wanted = name(ident)?;
            let found = columns.iter().position(|column| same(&column.name, &wanted));
            found.ok_or_else(|| {
                SqlError::failed(format!("Column '{wanted}' not found in any table"))
            })?
        }
        other => match ordinal(other, columns.len())? {
            Some(index) => index,
            None => {
                return Err(SqlError::unsupported("ORDER BY an expression after a set operation"));
            }
        },
    };
    key(Target::Output(index), written)
}

/// The index that a whole number stands for in ORDER BY and GROUP BY.
fn ordinal(expr: &ast::Expr, count: usize) -> Result<Option<usize>, SqlError> {
    let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), .. }) = expr
    else {
        return Ok(None);
    };
    let index = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    match index.filter(|index| *index < count) {
        Some(index) => Ok(Some(index)),
        None => Err(SqlError::failed("Ordinal out of range")),
    }
}

/// LIMIT and OFFSET, or FETCH, as numbers.
fn limits(
    clause: Option<&ast::LimitClause>,
    fetch: Option<&ast::Fetch>,
) -> Result<(Option<String>, Option<String>), SqlError> {
    let number = |expr: &ast::Expr| match expr.to_string() {
        digits if digits.parse::<u32>().is_ok() => Ok(digits),
        _ => Err(SqlError::unsupported("LIMIT, OFFSET or FETCH with anything but a whole number")),
    };
    let (limit, offset) = match clause {
        None => (None, None),
        Some(ast::LimitClause::LimitOffset { limit, offset, .. }) => (
            limit.as_ref().map(number).transpose()?,
            offset.as_ref().map(|offset| number(&offset.value)).transpose()?,
        ),
        Some(_) => return Err(SqlError::unsupported("LIMIT with a comma")),
    };
    match fetch {
        None => Ok((limit, offset)),
        Some(ast::Fetch { with_ties: false, percent: false, quantity }) if limit.is_none() => {
            let rows = quantity.as_ref().map_or(Ok("1".to_owned()), number)?;
            Ok((Some(rows), offset))
        }
        Some(_) => Err(SqlError::unsupported("FETCH WITH TIES, PERCENT, or after LIMIT")),
    }
}
