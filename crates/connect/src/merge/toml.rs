//! TOML.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

use super::{Broken, Entry, Problem, line_at};
use crate::template;

pub(super) fn merged(text: &str, entry: &Entry<'_>) -> Result<String, Broken> {
    let mut document: DocumentMut = text.parse().map_err(|cause: toml_edit::TomlError| Broken {
        line: cause.span().map(|span| line_at(text, span.start)),
        problem: Problem::Syntax(cause.message().replace('\n', ", ")),
    })?;
    let not_a_map = |what: String| Broken { line: None, problem: Problem::NotAMap(what) };

    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let servers = document.entry(entry.at).or_insert(Item::Table(implicit));
    let inline = servers.is_inline_table();
    let servers = servers.as_table_like_mut().ok_or_else(|| not_a_map(entry.at.to_owned()))?;
    match servers.get_mut(entry.name) {
        None => {
            let whole = template::entry(entry.members);
            let item = if inline { Item::Value(value(&whole)) } else { table(&whole) };
            servers.insert(entry.name, item);
        }
        Some(found) => {
            let ours = found
                .as_table_like_mut()
                .ok_or_else(|| not_a_map(format!("{}.{}", entry.at, entry.name)))?;
            for way in entry.other_ways() {
                ours.remove(way);
            }
            for member in entry.members {
                set(ours, &member.path, member.value.as_ref());
            }
        }
    }
    Ok(document.to_string())
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

fn table(whole: &Value) -> Item {
    let mut table = Table::new();
    for (name, inner) in whole.as_object().into_iter().flatten() {
        table.insert(name, Item::Value(value(inner)));
    }
    Item::Table(table)
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
