//! JSON, with comments and commas at the end where the file has them.

use jsonc_parser::cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode};
use jsonc_parser::{ParseOptions, ast, parse_to_ast};
use serde_json::Value;

use super::{Broken, Entry, Problem, line_at};
use crate::template;

/// What every client of the table reads, and nothing more lenient.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn merged(text: &str, entry: &Entry<'_>) -> Result<String, Broken> {
    let root = CstRootNode::parse(text, &OPTIONS).map_err(|cause| Broken {
        line: Some(line_at(text, cause.range().start)),
        problem: Problem::Syntax(cause.kind().to_string()),
    })?;
    let whole = match root.value() {
        None => root.object_value_or_set(),
        Some(value) => {
            let problem = || Problem::NotAMap("the file".to_owned());
            value.as_object().ok_or_else(|| Broken { line: Some(1), problem: problem() })?
        }
    };
    let place = |path: &[&str], problem| Broken { line: line_of(text, path), problem };
    let not_a_map =
        |path: &[&str]| place(path, Problem::NotAMap(format!("\"{}\"", path.join("\".\""))));
    let twice = |path: &[&str]| place(path, Problem::Twice(format!("\"{}\"", path.join("\".\""))));

    let servers = match only(&whole, entry.at).ok_or_else(|| twice(&[entry.at]))? {
        None => whole.object_value_or_set(entry.at),
        Some(found) => found.object_value().ok_or_else(|| not_a_map(&[entry.at]))?,
    };
    let path = [entry.at, entry.name];
    match only(&servers, entry.name).ok_or_else(|| twice(&path))? {
        None => {
            servers.append(entry.name, input(&template::entry(entry.members)));
        }
        Some(found) => {
            let ours = found.object_value().ok_or_else(|| not_a_map(&path))?;
            for way in entry.other_ways() {
                if let Some(other) = ours.get(way) {
                    other.remove();
                }
            }
            for member in entry.members {
                set(&ours, &member.path, member.value.as_ref());
            }
        }
    }
    Ok(root.to_string())
}

/// The member of that name, if there is one. Nothing at all, if there are several.
fn only(object: &CstObject, name: &str) -> Option<Option<CstObjectProp>> {
    let properties = object.properties().into_iter();
    let mut found = properties.filter(|it| it.decoded_name().as_deref() == Some(name));
    let first = found.next();
    found.next().is_none().then_some(first)
}

/// Gives a member that value, or takes it away.
fn set(object: &CstObject, path: &[String], value: Option<&Value>) {
    let Some((first, rest)) = path.split_first() else { return };
    let found = object.get(first);
    match (rest.is_empty(), value) {
        (true, Some(value)) => match found {
            None => {
                object.append(first, input(value));
            }
            Some(found) if found.to_serde_value().as_ref() == Some(value) => {}
            Some(found) => found.set_value(input(value)),
        },
        (true, None) => {
            if let Some(found) = found {
                found.remove();
            }
        }
        (false, Some(_)) => set(&object.object_value_or_set(first), rest, value),
        (false, None) => {
            if let Some(inner) = object.object_value(first) {
                set(&inner, rest, None);
                if inner.properties().is_empty()
                    && let Some(empty) = found
                {
                    empty.remove();
                }
            }
        }
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(object) => CstInputValue::Object(
            object.iter().map(|(name, value)| (name.clone(), input(value))).collect(),
        ),
    }
}

/// The line on which the member at `path` begins: the last one, if there are several.
fn line_of(text: &str, path: &[&str]) -> Option<usize> {
    let parsed = parse_to_ast(text, &jsonc_parser::CollectOptions::default(), &OPTIONS).ok()?;
    let mut value = parsed.value?;
    let mut start = None;
    for name in path {
        let ast::Value::Object(object) = value else { return None };
        let found = object.properties.into_iter().rev().find(|it| it.name.as_str() == *name)?;
        start = Some(found.range.start);
        value = found.value;
    }
    Some(line_at(text, start?))
}
