//! Which names are visible where: the tables of a FROM, what encloses them, and the columns behind.

use sqlparser::ast;

use crate::catalog::Column;
use crate::sql::error::SqlError;
use crate::sql::parse::{self, Position, is_reserved};
use crate::sql::tree::{Expr, Kind, RelationId};

use super::operators;

/// One query's names, and those around it.
#[derive(Debug, Default)]
pub(super) struct Scope<'o> {
    pub(super) relations: Vec<Relation>,
    /// Common table expressions that are defined here.
    pub(super) common: Vec<(String, RelationId, Vec<Column>)>,
    /// What the items of the SELECT list are called, where that may be used.
    pub(super) aliases: Aliases,
    pub(super) windows: Vec<ast::NamedWindowDefinition>,
    pub(super) outer: Option<&'o Scope<'o>>,
}

/// What the items of a SELECT list are called, and are.
pub(super) type Aliases = Vec<(String, Expr)>;

/// Something in a FROM clause.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) id: RelationId,
    /// The alias, or the last part of the path.
    pub(super) name: String,
    /// The whole path if there is no alias.
    pub(super) path: Vec<String>,
    pub(super) columns: Vec<Column>,
    /// What the columns are called inside, if an alias has renamed them.
    pub(super) stored: Option<Vec<String>>,
    /// Columns that USING has merged into those of a relation before.
    pub(super) merged: Vec<String>,
}

impl Relation {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        let wanted = name.to_lowercase();
        self.columns.iter().find(|column| column.name.to_lowercase() == wanted)
    }

    pub(super) fn is_merged(&self, name: &str) -> bool {
        self.merged.iter().any(|merged| same(merged, name))
    }

    pub(super) fn reference(&self, column: &Column, shown: String) -> Expr {
        let index = self.columns.iter().position(|known| known.name == column.name);
        let stored = self.stored.as_ref().and_then(|stored| stored.get(index?));
        let name = stored.unwrap_or(&column.name).clone();
        Expr::new(Kind::Column { relation: self.id, name, shown }, column.ty.clone())
    }
}

impl<'o> Scope<'o> {
    pub(super) fn within(outer: &'o Scope<'o>) -> Self {
        Self { outer: Some(outer), ..Self::default() }
    }

    pub(super) fn common(&self, name: &str) -> Option<(RelationId, &[Column])> {
        let here = self.common.iter().rev().find(|(known, ..)| same(known, name));
        match here {
            Some((_, id, columns)) => Some((*id, columns)),
            None => self.outer?.common(name),
        }
    }

    pub(super) fn alias(&self, name: &str) -> Option<&Expr> {
        self.aliases.iter().find(|(alias, _)| same(alias, name)).map(|(_, expr)| expr)
    }

    /// What a dotted name means: a column, or a member of one.
    ///
    /// # Errors
    /// Nothing, or more than one thing, in Dremio's words.
    pub(super) fn resolve(&self, parts: &[String]) -> Result<Expr, SqlError> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(found) = here.resolve_here(parts)? {
                return Ok(found);
            }
            scope = here.outer;
        }
        Err(match parts {
            [table, column, ..] if self.has_relation(table) => {
                SqlError::failed(format!("Column '{column}' not found in table '{table}'"))
            }
            [column] => SqlError::failed(format!("Column '{column}' not found in any table")),
            [before @ .., _] => SqlError::failed(format!("Table '{}' not found", before.join("."))),
            [] => SqlError::failed("Column '' not found in any table"),
        })
    }

    fn has_relation(&self, name: &str) -> bool {
        self.relations.iter().any(|relation| same(&relation.name, name))
            || self.outer.is_some_and(|outer| outer.has_relation(name))
    }

    fn resolve_here(&self, parts: &[String]) -> Result<Option<Expr>, SqlError> {
        for relation in &self.relations {
            let len = relation.path.len();
            let qualified = parts.get(..len).filter(|prefix| {
                len > 1 && prefix.iter().zip(&relation.path).all(|(one, other)| same(one, other))
            });
            if qualified.is_some()
                && let Some((name, members)) = parts.get(len..).and_then(<[String]>::split_first)
                && let Some(column) = relation.column(name)
            {
                return members_of(relation.reference(column, parts.join(".")), members).map(Some);
            }
        }
        if let [table, name, members @ ..] = parts {
            let named = self.relations.iter().filter(|relation| same(&relation.name, table));
            let mut found = named.filter_map(|relation| Some((relation, relation.column(name)?)));
            if let Some((relation, column)) = found.next() {
                if found.next().is_some() {
                    return Err(SqlError::failed(format!("Table '{table}' is ambiguous")));
                }
                return members_of(relation.reference(column, parts.join(".")), members).map(Some);
            }
        }
        let Some((name, members)) = parts.split_first() else {
            return Ok(None);
        };
        let Some(column) = only(&self.relations, name, parts.join("."))? else {
            return Ok(None);
        };
        if !members.is_empty() && !column.ty.is_nested() {
            return Ok(None);
        }
        members_of(column, members).map(Some)
    }
}

/// The only column of a name.
pub(super) fn only(
    relations: &[Relation],
    name: &str,
    shown: String,
) -> Result<Option<Expr>, SqlError> {
    let mut found = relations
        .iter()
        .filter(|relation| !relation.is_merged(name))
        .filter_map(|relation| Some((relation, relation.column(name)?)));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(SqlError::failed(format!("Column '{name}' is ambiguous"))),
        (found, _) => Ok(found.map(|(relation, column)| relation.reference(column, shown))),
    }
}

fn members_of(column: Expr, members: &[String]) -> Result<Expr, SqlError> {
    members.iter().try_fold(column, |of, name| operators::member(of, name))
}

/// The name that an identifier is.
///
/// # Errors
/// It is a reserved word without quotes.
pub(super) fn name(ident: &ast::Ident) -> Result<String, SqlError> {
    if ident.quote_style.is_none() && is_reserved(&ident.value) {
        let at = ident.span.start;
        return Err(parse::reserved(&ident.value, Position { line: at.line, column: at.column }));
    }
    Ok(ident.value.clone())
}

/// The parts of a dotted name.
pub(super) fn path(name: &ast::ObjectName) -> Result<Vec<String>, SqlError> {
    let parts = name.0.iter().map(|part| match part {
        ast::ObjectNamePart::Identifier(ident) => self::name(ident),
        ast::ObjectNamePart::Function(_) => Err(SqlError::unsupported("A function in a name")),
    });
    parts.collect()
}

pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// `a`, then `a0`, `a1`, as Dremio's planner makes names unique (contract §4.5).
pub(super) fn unique(taken: impl Fn(&str) -> bool, name: &str) -> String {
    let mut candidates = (0_usize..).map(|number| format!("{name}{number}"));
    if taken(name) {
        candidates.find(|candidate| !taken(candidate)).unwrap_or_default()
    } else {
        name.to_owned()
    }
}
