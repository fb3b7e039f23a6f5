//! The names that a query can use: tables and their aliases, common table expressions, and the
//! columns behind them.
//!
//! Found by one pass over the tokens before anything is rewritten, because a SELECT list precedes
//! its FROM. Scopes are not nested: an alias of a subquery is visible in the whole statement. That
//! is more lenient than SQL and has not mattered yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::brackets::Brackets;
use super::error::SqlError;
use super::token::Token;
use super::words;
use crate::catalog::DremioType;
use crate::catalog::{Dataset, Namespace};

/// Functions whose arguments contain the word FROM.
const FUNCTIONS_WITH_FROM: [&str; 4] = ["EXTRACT", "SUBSTRING", "TRIM", "OVERLAY"];

/// A table in a FROM clause.
#[derive(Debug)]
pub(crate) struct TableRef {
    /// Index of its first token.
    pub(crate) start: usize,
    /// Index after its last token, alias not included.
    pub(crate) end: usize,
    pub(crate) path: Vec<String>,
    pub(crate) has_alias: bool,
    /// `None` for a common table expression.
    pub(crate) dataset: Option<Arc<Dataset>>,
}

#[derive(Debug, Default)]
pub(crate) struct Scope {
    tables: Vec<TableRef>,
    common: HashSet<String>,
    /// In lower case; with the dataset behind it if it stands for one.
    aliases: HashMap<String, Option<Arc<Dataset>>>,
    /// Types of columns by name in lower case; `None` where the name has several types.
    columns: HashMap<String, Option<DremioType>>,
}

/// Where a dotted name leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub(crate) table: Option<&'a str>,
    pub(crate) column: &'a str,
    /// Members to descend into a struct or map.
    pub(crate) members: &'a [String],
}

impl Scope {
    /// Finds the tables of a query.
    ///
    /// # Errors
    /// A table that does not exist, with Dremio's text; a name that needs quotes.
    pub(crate) fn of(
        sql: &str,
        tokens: &[Token],
        brackets: &Brackets,
        namespace: &Namespace,
        context: &[String],
    ) -> Result<Self, SqlError> {
        let mut scope = Self { common: common_table_names(tokens, brackets), ..Self::default() };
        for (start, end) in table_positions(sql, tokens)? {
            scope.add_table(tokens, start, end, namespace, context)?;
        }
        scope.add_derived_aliases(tokens, brackets);
        Ok(scope)
    }

    pub(crate) fn table_at(&self, index: usize) -> Option<&TableRef> {
        self.tables.iter().find(|table| table.start == index)
    }

    /// The end of `name (columns)` where that begins the definition of a common table expression.
    pub(crate) fn common_columns(
        &self,
        tokens: &[Token],
        brackets: &Brackets,
        index: usize,
    ) -> Option<usize> {
        let name = tokens
            .get(index)
            .filter(|name| name.is_name() && self.common.contains(&name.text.to_lowercase()))?;
        let after = brackets.close_of(index + 1)? + 1;
        let defines = tokens.get(after)?.is_word("AS") && brackets.close_of(after + 1).is_some();
        (defines && !words::is_keyword(name)).then_some(after)
    }

    pub(crate) fn datasets(&self) -> impl Iterator<Item = &Arc<Dataset>> {
        self.tables.iter().filter_map(|table| table.dataset.as_ref())
    }

    pub(crate) fn aliases(&self) -> Vec<String> {
        self.aliases.keys().cloned().collect()
    }

    /// Which column a dotted name means, and what is left of it.
    pub(crate) fn locate<'a>(&'a self, parts: &'a [String]) -> Option<Located<'a>> {
        let [first, rest @ ..] = parts else {
            return None;
        };
        for table in &self.tables {
            let len = table.path.len();
            let qualifies =
                len > 1 && !table.has_alias && parts.len() > len && starts_with(parts, &table.path);
            if qualifies
                && let (Some(column), Some(members)) = (parts.get(len), parts.get(len + 1..))
            {
                let table = table.path.last().map(String::as_str);
                return Some(Located { table, column, members });
            }
        }
        let [second, deeper @ ..] = rest else {
            return Some(Located { table: None, column: first, members: &[] });
        };
        let is_alias = self.aliases.contains_key(&first.to_lowercase());
        if !is_alias && self.column(None, first).is_some_and(DremioType::is_nested) {
            return Some(Located { table: None, column: first, members: rest });
        }
        Some(Located { table: Some(first), column: second, members: deeper })
    }

    /// The type of a column, if it is known and the only one of its name.
    pub(crate) fn column(&self, table: Option<&str>, name: &str) -> Option<&DremioType> {
        if let Some(table) = table
            && let Some(Some(dataset)) = self.aliases.get(&table.to_lowercase())
        {
            return dataset.column(name).map(|column| &column.ty);
        }
        self.columns.get(&name.to_lowercase())?.as_ref()
    }

    /// Makes the type of a computed column known, for the queries around it.
    pub(crate) fn set_column(&mut self, name: &str, ty: DremioType) {
        self.add_column(name, ty);
    }

    fn add_column(&mut self, name: &str, ty: DremioType) {
        let known = self.columns.entry(name.to_lowercase());
        known
            .and_modify(|known| {
                if known.as_ref() != Some(&ty) {
                    *known = None;
                }
            })
            .or_insert(Some(ty.clone()));
    }

    fn add_table(
        &mut self,
        tokens: &[Token],
        start: usize,
        end: usize,
        namespace: &Namespace,
        context: &[String],
    ) -> Result<(), SqlError> {
        let names = tokens.get(start..end).unwrap_or_default();
        let path: Vec<String> =
            names.iter().filter(|token| token.is_name()).map(|token| token.text.clone()).collect();
        let is_common =
            matches!(path.as_slice(), [name] if self.common.contains(&name.to_lowercase()));
        let dataset = if is_common { None } else { Some(resolve(&path, namespace, context)?) };
        let alias = alias_at(tokens, end);
        let visible = alias.or(path.last().map(String::as_str)).unwrap_or_default();
        self.aliases.insert(visible.to_lowercase(), dataset.clone());
        for column in dataset.iter().flat_map(|dataset| &dataset.columns) {
            self.add_column(&column.name, column.ty.clone());
        }
        self.tables.push(TableRef { start, end, has_alias: alias.is_some(), path, dataset });
        Ok(())
    }

    /// `(SELECT …) AS x`: a name without known columns. Taking a few too many does no harm.
    fn add_derived_aliases(&mut self, tokens: &[Token], brackets: &Brackets) {
        for open in 0..tokens.len() {
            let Some(close) = brackets.close_of(open) else {
                continue;
            };
            let is_query = tokens
                .get(open + 1)
                .is_some_and(|token| token.is_any_word(&["SELECT", "WITH", "VALUES"]));
            if let Some(alias) = alias_at(tokens, close + 1).filter(|_| is_query) {
                self.aliases.entry(alias.to_lowercase()).or_insert(None);
            }
        }
    }
}

/// Looks a table up: below the context first, then from the root (contract §4.1).
pub(crate) fn resolve(
    path: &[String],
    namespace: &Namespace,
    context: &[String],
) -> Result<Arc<Dataset>, SqlError> {
    let in_context: Vec<String> = context.iter().chain(path).cloned().collect();
    let found = namespace.dataset(&in_context).or_else(|| namespace.dataset(path));
    if let Some(dataset) = found {
        return Ok(dataset);
    }
    // Name the first part that is missing, and what it is missing from.
    for prefix in (1..path.len()).rev() {
        if let (Some(within), Some(object)) = (path.get(..prefix), path.get(prefix))
            && namespace.is_container(within)
        {
            return Err(SqlError::object_not_found(object, within));
        }
    }
    let object = path.first().map_or("", String::as_str);
    let within = if path.len() == 1 && namespace.is_container(context) { context } else { &[] };
    Err(SqlError::object_not_found(object, within))
}

/// The alias that follows a table or subquery.
pub(crate) fn alias_at(tokens: &[Token], index: usize) -> Option<&str> {
    let token = tokens.get(index)?;
    let token = if token.is_word("AS") { tokens.get(index + 1)? } else { token };
    (token.is_name() && !words::is_keyword(token)).then_some(token.text.as_str())
}

/// The end of the dotted name that begins at `start`.
pub(crate) fn name_end(tokens: &[Token], start: usize) -> usize {
    let mut end = start + 1;
    while tokens.get(end).is_some_and(|token| token.is_symbol("."))
        && tokens.get(end + 1).is_some_and(Token::is_name)
    {
        end += 2;
    }
    end
}

/// What a level of brackets is about, while looking for tables.
#[derive(Clone, Copy, Default)]
struct Level {
    in_from: bool,
    /// The next name is a table.
    expects_table: bool,
    /// The brackets belong to a function in which FROM is no clause.
    function: bool,
}

fn table_positions(sql: &str, tokens: &[Token]) -> Result<Vec<(usize, usize)>, SqlError> {
    let mut found = Vec::new();
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let previous = index.checked_sub(1).and_then(|at| tokens.get(at));
        index += 1;
        if token.is_symbol("(") {
            let expects_table = level.expects_table;
            level.expects_table = false;
            outer.push(level);
            level = Level {
                in_from: expects_table,
                expects_table,
                function: previous.is_some_and(|token| token.is_any_word(&FUNCTIONS_WITH_FROM)),
            };
        } else if token.is_symbol(")") {
            level = outer.pop().unwrap_or_default();
        } else if token.is_symbol(",") && level.in_from {
            level.expects_table = true;
        } else if token.is_word("FROM") {
            let clause =
                !level.function && !previous.is_some_and(|token| token.is_word("DISTINCT"));
            if clause {
                level.in_from = true;
                level.expects_table = true;
            }
        } else if token.is_word("JOIN") {
            level.in_from = true;
            level.expects_table = true;
        } else if token.is_any_word(&[
            "SELECT",
            "VALUES",
            "WHERE",
            "GROUP",
            "HAVING",
            "ORDER",
            "LIMIT",
            "UNION",
            "INTERSECT",
            "EXCEPT",
            "WINDOW",
            "QUALIFY",
            "OFFSET",
            "FETCH",
        ]) {
            level.in_from = false;
            level.expects_table = false;
        } else if level.expects_table && token.is_name() && !token.is_any_word(&["LATERAL", "WITH"])
        {
            let start = index - 1;
            let end = name_end(tokens, start);
            check_table_name(sql, tokens, start, end)?;
            found.push((start, end));
            level.expects_table = false;
            index = end;
        }
    }
    Ok(found)
}

fn check_table_name(sql: &str, tokens: &[Token], start: usize, end: usize) -> Result<(), SqlError> {
    let names = tokens.get(start..end).unwrap_or_default();
    if tokens.get(end).is_some_and(|token| token.is_symbol("(")) {
        let name: Vec<&str> = names.iter().map(|token| token.text.as_str()).collect();
        let name = name.concat();
        if super::functions::exists(&name.to_uppercase()) {
            return Err(SqlError::unsupported(&format!("The function {}", name.to_uppercase())));
        }
        return Err(SqlError::no_such_function(&name));
    }
    match names.iter().find(|token| words::is_reserved(token)) {
        Some(reserved) => Err(SqlError::encountered(sql, reserved)),
        None => Ok(()),
    }
}

/// `WITH name [(columns)] AS (…), name AS (…)`.
fn common_table_names(tokens: &[Token], brackets: &Brackets) -> HashSet<String> {
    let mut names = HashSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(index + 1).filter(|next| next.is_name()) else {
            continue;
        };
        if !(token.is_any_word(&["WITH", "RECURSIVE"]) || token.is_symbol(",")) {
            continue;
        }
        let mut after = index + 2;
        if tokens.get(after).is_some_and(|next| next.is_symbol("(")) {
            after = brackets.after(after);
        }
        let defines = tokens.get(after).is_some_and(|next| next.is_word("AS"))
            && tokens.get(after + 1).is_some_and(|next| next.is_symbol("("));
        if defines {
            names.insert(name.text.to_lowercase());
        }
    }
    names
}

fn starts_with(parts: &[String], prefix: &[String]) -> bool {
    parts.len() >= prefix.len()
        && parts
            .iter()
            .zip(prefix)
            .all(|(part, prefix)| part.to_lowercase() == prefix.to_lowercase())
}
