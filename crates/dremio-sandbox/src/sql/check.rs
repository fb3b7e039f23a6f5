//! What SQLite lets pass and Dremio does not: columns beside aggregates that are not grouped,
//! aggregates where there are none yet, and an order that a DISTINCT has thrown away.

use super::error::SqlError;
use super::lower;
use super::tree::{Expr, Key, Kind, RelationId, Select, keys};

/// Checks one SELECT whose own tables are `relations`.
///
/// # Errors
/// An expression that is not grouped, an aggregate that is not possible, an order by what is not
/// selected; in Calcite's words.
pub(super) fn select(
    select: &Select,
    order: &[Key],
    relations: &[RelationId],
) -> Result<(), SqlError> {
    let groups = select.groups.as_deref().unwrap_or_default();
    let filter = || select.filter.iter();
    let illegal = [
        (filter().any(has_aggregate), "Aggregate expression is illegal in WHERE clause"),
        (filter().any(has_window), "Windowed aggregate expression is illegal in WHERE clause"),
        (groups.iter().any(has_aggregate), "Aggregate expression is illegal in GROUP BY clause"),
        (
            groups.iter().chain(&select.having).any(has_window),
            "Windowed aggregate expression is illegal in GROUP BY clause",
        ),
    ];
    if let Some((_, message)) = illegal.iter().find(|(found, _)| *found) {
        return Err(SqlError::failed(*message));
    }
    // What is an item is an output by now.
    if let Some(expr) = keys(order).next().filter(|_| select.distinct) {
        let shown = shown(expr);
        return Err(SqlError::failed(format!("Expression '{shown}' is not in the select clause")));
    }
    let items = select.items.iter().map(|item| &item.expr);
    let all = || items.clone().chain(&select.having).chain(&select.qualify).chain(keys(order));
    if all().any(is_nested) {
        return Err(SqlError::failed("Aggregate expressions cannot be nested"));
    }
    if select.groups.is_none() && select.having.is_none() && !all().any(has_aggregate) {
        return Ok(());
    }
    let grouped = Grouped { groups: groups.iter().map(lower::expr).collect(), relations };
    all().try_for_each(|expr| grouped.check(expr))
}

struct Grouped<'a> {
    groups: Vec<String>,
    relations: &'a [RelationId],
}

impl Grouped<'_> {
    /// Every column of the SELECT's own tables is in a grouped expression or in an aggregate.
    fn check(&self, expr: &Expr) -> Result<(), SqlError> {
        let mut missing = None;
        expr.walk(&mut |part| {
            if missing.is_some() || self.is_group(part) {
                return false;
            }
            match &part.kind {
                Kind::Aggregate(_) => return false,
                Kind::Column { relation, shown, .. } if self.relations.contains(relation) => {
                    let message = format!("Expression '{shown}' is not being grouped");
                    missing = Some(SqlError::failed(message));
                }
                _ => {}
            }
            true
        });
        missing.map_or(Ok(()), Err)
    }

    fn is_group(&self, expr: &Expr) -> bool {
        !self.groups.is_empty() && self.groups.contains(&lower::expr(expr))
    }
}

/// Whether an aggregate or a window is computed over another one.
fn is_nested(expr: &Expr) -> bool {
    contains(expr, |part| match &part.kind {
        Kind::Aggregate(of) => of.arguments.iter().any(|one| has_aggregate(one) || has_window(one)),
        Kind::Window { call, .. } => has_window(call),
        _ => false,
    })
}

fn has_aggregate(expr: &Expr) -> bool {
    contains(expr, |part| matches!(part.kind, Kind::Aggregate(_)))
}

fn has_window(expr: &Expr) -> bool {
    contains(expr, |part| matches!(part.kind, Kind::Window { .. }))
}

/// Whether there is such a part in the expression; what is in subqueries is theirs.
fn contains(expr: &Expr, wanted: impl Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |part| {
        found |= wanted(part);
        !found && !matches!(part.kind, Kind::Scalar(_) | Kind::Exists(_) | Kind::InQuery { .. })
    });
    found
}

/// An expression for a message: the name of a column, or that it is one.
fn shown(expr: &Expr) -> &str {
    match &expr.kind {
        Kind::Column { shown, .. } => shown,
        _ => "ORDER BY",
    }
}
