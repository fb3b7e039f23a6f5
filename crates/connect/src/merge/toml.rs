//! TOML.

use serde_json::Value;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike};

use super::{Broken, Entry, Problem, line_at};
use crate::clients::Place;
use crate::template;

pub(super) fn merged(text: &str, entry: &Entry<'_>) -> Result<String, Broken> {
    let mut document: DocumentMut = text.parse().map_err(|cause: toml_edit::TomlError| Broken {
        line: cause.span().map(|span| line_at(text, span.start)),
        problem: Problem::Syntax(cause.message().replace('\n', ", ")),
    })?;
    match entry.place {
        Place::Map => into_map(&mut document, entry)?,
        Place::List => into_list(&mut document, entry)?,
    }
    Ok(document.to_string())
}

fn into_map(document: &mut DocumentMut, entry: &Entry<'_>) -> Result<(), Broken> {
    let not_a_map = |what: String| Broken { line: None, problem: Problem::NotAMap(what) };
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let servers = document.entry(entry.at).or_insert(Item::Table(implicit));
    let inline = servers.is_inline_table();
    let servers = servers.as_table_like_mut().ok_or_else(|| not_a_map(entry.at.to_owned()))?;
    match servers.get_mut(entry.name) {
        None => {
            let whole = template::entry(entry.members);
            let item = if inline { Item::Value(value(&whole)) } else { Item::Table(table(&whole)) };
            servers.insert(entry.name, item);
        }
        Some(found) => {
            let ours = found
                .as_table_like_mut()
                .ok_or_else(|| not_a_map(format!("{}.{}", entry.at, entry.name)))?;
            update(ours, entry);
        }
    }
    Ok(())
}

fn into_list(document: &mut DocumentMut, entry: &Entry<'_>) -> Result<(), Broken> {
    let broken = |problem| Broken { line: None, problem };
    let whole = template::entry(entry.members);
    let comment = document.key(entry.at).and_then(|key| key.leaf_decor().prefix()).cloned();
    let servers =
        document.entry(entry.at).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    // `mcp_servers = []` stands for none.
    if servers.as_array().is_some_and(Array::is_empty) {
        let mut first = table(&whole);
        let comment = comment.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
        first.decor_mut().set_prefix(if comment.is_empty() { "\n".to_owned() } else { comment });
        *servers = Item::ArrayOfTables(ArrayOfTables::from_iter([first]));
        if let Some(mut key) = document.key_mut(entry.at) {
            key.leaf_decor_mut().clear();
        }
        return Ok(());
    }
    let mut found: Vec<&mut dyn TableLike> = Vec::new();
    let is_list = match servers {
        Item::ArrayOfTables(tables) => {
            found.extend(tables.iter_mut().map(|table| table as &mut dyn TableLike));
            true
        }
        Item::Value(toml_edit::Value::Array(values)) => {
            let all = values.len();
            let tables = values.iter_mut().filter_map(toml_edit::Value::as_inline_table_mut);
            found.extend(tables.map(|table| table as &mut dyn TableLike));
            found.len() == all
        }
        _ => false,
    };
    if !is_list {
        return Err(broken(Problem::NotAList(entry.at.to_owned())));
    }
    let is_ours = |table: &&mut dyn TableLike| {
        table.get("name").and_then(Item::as_str).is_some_and(|name| name == entry.name)
    };
    let mut ours = found.into_iter().filter(is_ours);
    match (ours.next(), ours.next()) {
        (Some(_), Some(_)) => {
            return Err(broken(Problem::Twice(format!("{} {:?}", entry.at, entry.name))));
        }
        (Some(ours), None) => update(ours, entry),
        (None, _) => match servers {
            Item::ArrayOfTables(tables) => tables.push(table(&whole)),
            Item::Value(toml_edit::Value::Array(values)) => values.push(value(&whole)),
            _ => {}
        },
    }
    Ok(())
}

/// Makes an older entry one that has the members of `entry`, and no other way to the server.
fn update(ours: &mut dyn TableLike, entry: &Entry<'_>) {
    for way in entry.other_ways() {
        ours.remove(way);
    }
    for member in entry.members {
        set(ours, &member.path, member.value.as_ref());
    }
}

/// Gives a member that value, or takes it away.
fn set(table: &mut dyn TableLike, path: &[String], new: Option<&Value>) {
    let Some((first, rest)) = path.split_first() else { return };
    match (rest.is_empty(), new) {
        (true, Some(new)) => {
            let mut new = value(new);
            match table.get_mut(first).and_then(Item::as_value_mut) {
                Some(old) if same(old, &new) => {}
                Some(old) => {
                    *new.decor_mut() = old.decor().clone();
                    *old = new;
                }
                None => {
                    table.insert(first, Item::Value(new));
                }
            }
        }
        (true, None) => {
            table.remove(first);
        }
        (false, _) => {
            let inner = match new {
                Some(_) => Some(
                    table
                        .entry(first)
                        .or_insert(Item::Value(toml_edit::Value::InlineTable(InlineTable::new()))),
                ),
                None => table.get_mut(first),
            };
            if let Some(inner) = inner.and_then(Item::as_table_like_mut) {
                set(inner, rest, new);
                if inner.is_empty() {
                    table.remove(first);
                }
            }
        }
    }
}

fn same(old: &toml_edit::Value, new: &toml_edit::Value) -> bool {
    let bare = |value: &toml_edit::Value| {
        let mut value = value.clone();
        value.decor_mut().clear();
        value.as_str().map_or_else(|| value.to_string(), |text| format!("{text:?}"))
    };
    bare(old) == bare(new)
}

fn table(whole: &Value) -> Table {
    let mut table = Table::new();
    for (name, inner) in whole.as_object().into_iter().flatten() {
        table.insert(name, Item::Value(value(inner)));
    }
    table
}

fn value(value_: &Value) -> toml_edit::Value {
    match value_ {
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::Array(values) => {
            toml_edit::Value::Array(values.iter().map(value).collect::<Array>())
        }
        Value::Object(object) => {
            let members = object.iter().map(|(name, inner)| (name.as_str(), value(inner)));
            toml_edit::Value::InlineTable(members.collect())
        }
        Value::String(text) => text.as_str().into(),
        // TOML has none, and no row of the table either.
        Value::Null => "".into(),
    }
}
