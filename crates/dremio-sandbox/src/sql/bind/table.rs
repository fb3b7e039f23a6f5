//! What a name in FROM stands for: a common table, a view, which is expanded, or a table; and
//! UNNEST.

use std::sync::Arc;

use sqlparser::ast;

use super::scope::Scope;
use super::{Binder, Environment};
use crate::catalog::{CREATED_AT, Column, Dataset, DremioType, Kind, Origin};
use crate::sql::error::SqlError;
use crate::sql::parse::{self, Version};
use crate::sql::tree::{From, Query};
use crate::values::moment::Moment;

impl Binder<'_> {
    pub(super) fn table(
        &mut self,
        path: &[String],
        version: Option<&Version>,
        alias: Option<&ast::TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<From, SqlError> {
        let id = self.next_relation();
        let last = path.last().cloned();
        if let [only] = path
            && let Some((common, columns)) = scope.common(only)
        {
            let columns = columns.to_vec();
            self.add(id, last, Vec::new(), columns, alias, scope)?;
            return Ok(From::Common { common, id });
        }
        let dataset = self.at.namespace.resolve(path, self.at.context)?;
        if let Some(version) = version {
            self.check_version(&dataset, version)?;
        }
        self.add(id, last, path.to_vec(), dataset.columns.clone(), alias, scope)?;
        if !self.is_view {
            note(&mut self.queried, &dataset);
        }
        if let Origin::View { sql, context } = &dataset.origin {
            let query = self.view(sql, context);
            let query = match query {
                // The view that the statement names is the one to blame.
                Err(cause) if !self.is_view => return Err(cause.in_view(&dataset.path)),
                query => Box::new(query?),
            };
            return Ok(From::Query { query, id });
        }
        note(&mut self.scanned, &dataset);
        Ok(From::Table { table: dataset.table.clone(), id })
    }

    /// The query that a view is, bound in the view's own context.
    fn view(&mut self, sql: &str, context: &[String]) -> Result<Query, SqlError> {
        let tokens = parse::tokenize(sql).map_err(|cause| parse::lexical(sql, &cause))?;
        let (parsed, versions) = parse::query(sql, &tokens)?;
        let mut binder = Binder {
            scanned: std::mem::take(&mut self.scanned),
            is_view: true,
            relations: self.relations,
            ..Binder::new(Environment { context, ..self.at }, versions)
        };
        let query = binder.statement(&parsed);
        let Binder { scanned, relations, .. } = binder;
        (self.scanned, self.relations) = (scanned, relations);
        query
    }

    /// Only tables in Iceberg format have versions, by time; those of the stand-in have one, which
    /// came with the catalog. The words are those of `CatalogImpl` and `TimeTravelProcessors`.
    fn check_version(&self, dataset: &Dataset, version: &Version) -> Result<(), SqlError> {
        let root = dataset.path.first().map_or("", String::as_str);
        let entity = dataset.path.get(..1).and_then(|root| self.at.namespace.find(root));
        if !entity.is_some_and(|entity| matches!(entity.kind, Kind::Source(_))) {
            return Err(SqlError::failed(format!("Table '{}' not found", dataset.path.join("."))));
        }
        let by_time = ["SNAPSHOT", "TIMESTAMP"].contains(&version.kind.as_str());
        if !by_time {
            return Err(SqlError::failed(format!(
                "Source '{root}' does not support AT BRANCH/TAG/COMMIT specification "
            )));
        }
        let shown = format!("[{}]", dataset.path.join(", "));
        if !matches!(dataset.origin, Origin::Table { format: Some("Iceberg") }) {
            return Err(SqlError::failed(format!(
                "Time travel is not supported on table '{shown}'"
            )));
        }
        let Some(value) = &version.value else {
            return Err(SqlError::unsupported("AT with anything but a literal"));
        };
        if version.kind == "SNAPSHOT" {
            return Err(SqlError::failed(format!(
                "For table '{shown}', the provided snapshot ID '{value}' is invalid"
            )));
        }
        let moment = Moment::parse(value).ok_or_else(|| {
            SqlError::failed(format!("Invalid timestamp string value \"{value}\""))
        })?;
        if Moment::parse(CREATED_AT).is_some_and(|created| moment.at < created.at) {
            let millis = moment.part("EPOCH").unwrap_or_default() * 1_000;
            return Err(SqlError::failed(format!(
                "For table '{shown}', the provided time travel timestamp value '{millis}' is out \
                 of range"
            )));
        }
        Ok(())
    }

    /// One row for each item of a list, which may be a column of a table before it.
    pub(super) fn unnest(
        &mut self,
        arguments: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<From, SqlError> {
        let ([ast::FunctionArg::Unnamed(list)], Some(alias)) = (arguments, alias) else {
            return Err(SqlError::unsupported("UNNEST of several lists, or without an alias"));
        };
        if alias.columns.len() != 1 {
            return Err(SqlError::unsupported("UNNEST without the name of its column"));
        }
        let list = self.argument(list, scope)?;
        let DremioType::List(item) = &list.ty else {
            return Err(SqlError::unsupported(&format!("UNNEST of a {}", list.ty)));
        };
        let columns = vec![Column::new("value", (**item).clone())];
        let id = self.next_relation();
        self.add(id, None, Vec::new(), columns, Some(alias), scope)?;
        Ok(From::Flatten { list, id })
    }
}

fn note(all: &mut Vec<Arc<Dataset>>, dataset: &Arc<Dataset>) {
    if !all.iter().any(|known| known.table == dataset.table) {
        all.push(Arc::clone(dataset));
    }
}
