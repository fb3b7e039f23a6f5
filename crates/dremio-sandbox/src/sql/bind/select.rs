//! One SELECT: its clauses in the order in which they have a meaning. The clauses of other systems
//! that sqlparser knows begin with words that are no keywords here, see `parse::words`.

use sqlparser::ast;

use super::from::join;
use super::scope::{Aliases, Relation, Scope, name, path, same, unique};
use super::{Binder, Shape, key, ordinal};
use crate::catalog::{Column, DremioType};
use crate::sql::error::SqlError;
use crate::sql::tree::{Body, Expr, Item, Key, Select, Target};
use crate::sql::{check, lower};

impl Binder<'_> {
    pub(super) fn select(
        &mut self,
        select: &ast::Select,
        keys: Vec<&ast::OrderByExpr>,
        outer: &Scope<'_>,
    ) -> Result<(Body, Shape, Vec<Key>), SqlError> {
        let mut scope = Scope::within(outer);
        scope.windows.clone_from(&select.named_window);
        let mut from = self.from(&select.from, &mut scope)?;
        let filter =
            select.selection.as_ref().map(|one| self.condition(one, &scope)).transpose()?;
        self.flattened = Some(Vec::new());
        let (items, aliases) = self.items(&select.projection, &scope)?;
        if let Some(item) = items.iter().find(|item| is_interval(&item.expr)) {
            let ty = &item.expr.ty;
            return Err(SqlError::unsupported(&format!("A literal of type {ty} as a column")));
        }
        for flattened in self.flattened.take().unwrap_or_default() {
            from = Some(match from {
                Some(left) => join(left, flattened, "JOIN", None),
                None => flattened,
            });
        }
        let groups = self.groups(&select.group_by, &items, &aliases, &scope)?;
        let having = select.having.as_ref().map(|one| self.condition(one, &scope)).transpose()?;
        // From here on, the names of the items may be used.
        scope.aliases = aliases;
        let qualify = select.qualify.as_ref().map(|one| self.condition(one, &scope)).transpose()?;
        let distinct = match &select.distinct {
            None | Some(ast::Distinct::All) => false,
            Some(ast::Distinct::Distinct) => true,
            Some(ast::Distinct::On(_)) => return Err(SqlError::unsupported("DISTINCT ON")),
        };
        let mut order = self.order(keys, &items, &scope)?;
        if distinct {
            order.iter_mut().for_each(|key| by_output(key, &items));
        }
        let columns =
            items.iter().map(|item| Column::new(item.name.clone(), item.expr.ty.clone())).collect();
        let nulls = items.iter().map(|item| item.expr.is_null()).collect();
        let select = Select { distinct, items, from, filter, groups, having, qualify };
        check::select(&select, &order, &scope.relations.iter().map(|r| r.id).collect::<Vec<_>>())?;
        Ok((Body::Select(Box::new(select)), Shape { columns, nulls }, order))
    }

    /// The items of the SELECT list, and what those with an alias are called.
    fn items(
        &mut self,
        projection: &[ast::SelectItem],
        scope: &Scope<'_>,
    ) -> Result<(Vec<Item>, Aliases), SqlError> {
        let mut items: Vec<Item> = Vec::new();
        let mut aliases = Vec::new();
        for item in projection {
            let mut add = |wanted: Option<String>, expr: Expr| {
                let wanted = wanted.unwrap_or_else(|| format!("EXPR${}", items.len()));
                let taken = |name: &str| items.iter().any(|item| same(&item.name, name));
                let name = unique(taken, &wanted);
                items.push(Item { expr, name });
            };
            match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    let bound = self.expr(expr, scope)?;
                    add(plain_name(expr), bound);
                }
                ast::SelectItem::ExprWithAlias { expr, alias } => {
                    let bound = self.expr(expr, scope)?;
                    let alias = name(alias)?;
                    aliases.push((alias.clone(), bound.clone()));
                    add(Some(alias), bound);
                }
                ast::SelectItem::Wildcard(_) => {
                    if scope.relations.is_empty() {
                        return Err(SqlError::failed("SELECT * requires a FROM clause"));
                    }
                    for relation in &scope.relations {
                        star(relation, &mut add);
                    }
                }
                ast::SelectItem::QualifiedWildcard(kind, _) => {
                    let ast::SelectItemQualifiedWildcardKind::ObjectName(table) = kind else {
                        return Err(SqlError::unsupported(
                            "The members of an expression as a star",
                        ));
                    };
                    let table = path(table)?;
                    let found = scope.relations.iter().find(|relation| match table.as_slice() {
                        [alias] => same(&relation.name, alias),
                        path => {
                            path.len() == relation.path.len()
                                && path.iter().zip(&relation.path).all(|(one, two)| same(one, two))
                        }
                    });
                    let relation = found.ok_or_else(|| {
                        SqlError::failed(format!("Table '{}' not found", table.join(".")))
                    })?;
                    let all = Relation { merged: Vec::new(), ..relation.clone() };
                    star(&all, &mut add);
                }
                ast::SelectItem::ExprWithAliases { .. } => {
                    return Err(SqlError::unsupported("An item with several aliases"));
                }
            }
        }
        Ok((items, aliases))
    }

    fn groups(
        &mut self,
        group_by: &ast::GroupByExpr,
        items: &[Item],
        aliases: &Aliases,
        scope: &Scope<'_>,
    ) -> Result<Option<Vec<Expr>>, SqlError> {
        let written = match group_by {
            ast::GroupByExpr::Expressions(written, modifiers) if modifiers.is_empty() => written,
            ast::GroupByExpr::Expressions(..) | ast::GroupByExpr::All(_) => {
                return Err(SqlError::unsupported("GROUP BY ALL or WITH ROLLUP, CUBE or TOTALS"));
            }
        };
        let mut groups = Vec::with_capacity(written.len());
        for expr in written {
            let alias = match expr {
                ast::Expr::Identifier(ident) => {
                    aliases.iter().find(|(alias, _)| same(alias, &ident.value))
                }
                _ => None,
            };
            groups.push(match (alias, ordinal(expr, items.len())?) {
                // An alias goes before a column of that name.
                (Some((_, expr)), _) => expr.clone(),
                (None, Some(index)) => {
                    items.get(index).map_or_else(Expr::null, |item| item.expr.clone())
                }
                (None, None) => self.expr(expr, scope)?,
            });
        }
        Ok((!groups.is_empty()).then_some(groups))
    }

    fn order(
        &mut self,
        keys: Vec<&ast::OrderByExpr>,
        items: &[Item],
        scope: &Scope<'_>,
    ) -> Result<Vec<Key>, SqlError> {
        let mut order = Vec::with_capacity(keys.len());
        for written in keys {
            let named = match &written.expr {
                ast::Expr::Identifier(ident) => {
                    let wanted = name(ident)?;
                    items.iter().position(|item| same(&item.name, &wanted))
                }
                _ => None,
            };
            let target = match (named, ordinal(&written.expr, items.len())?) {
                (Some(index), _) | (None, Some(index)) => Target::Output(index),
                (None, None) => Target::Expr(self.expr(&written.expr, scope)?),
            };
            order.push(key(target, written)?);
        }
        Ok(order)
    }
}

fn is_interval(expr: &Expr) -> bool {
    let interval = matches!(expr.ty, DremioType::IntervalDay | DremioType::IntervalYear);
    interval && expr.is_constant()
}

fn star(relation: &Relation, add: &mut impl FnMut(Option<String>, Expr)) {
    for column in relation.columns.iter().filter(|column| !relation.is_merged(&column.name)) {
        add(Some(column.name.clone()), relation.reference(column, column.name.clone()));
    }
}

/// An expression that is an item stands for its column.
fn by_output(key: &mut Key, items: &[Item]) {
    if let Target::Expr(expr) = &key.target {
        let text = lower::expr(expr);
        if let Some(index) = items.iter().position(|item| lower::expr(&item.expr) == text) {
            key.target = Target::Output(index);
        }
    }
}

/// What an item without alias is called: the last part of a plain name. Dremio calls the others
/// `EXPR$n`.
fn plain_name(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::Identifier(ident) if !super::literals::is_user(ident) => {
            Some(ident.value.clone())
        }
        ast::Expr::CompoundIdentifier(parts) => parts.last().map(|last| last.value.clone()),
        _ => None,
    }
}
