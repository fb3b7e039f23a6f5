//! Texts of the table with the endpoint put in.
//!
//! `{{name}}`, `{{url}}`, `{{variable}}` (the name of the key's variable) and `{{key}}` (as this
//! client finds it) are replaced. What stands between `{{if key}}` and `{{end}}` is left out for an
//! endpoint without a key.

use serde_json::Value;

use crate::endpoint::Endpoint;

/// `template` with what `endpoint` says; `key` in place of `{{key}}`.
pub(crate) fn text(template: &str, endpoint: &Endpoint, key: &str) -> String {
    let mut kept = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{if key}}") {
        let (inside, behind) = after.split_once("{{end}}").unwrap_or((after, ""));
        kept.push_str(before);
        if endpoint.key().is_some() {
            kept.push_str(inside);
        }
        rest = behind;
    }
    kept.push_str(rest);
    let variable = endpoint.key().map_or("", |key| &key.variable);
    let kept = kept.replace("{{name}}", endpoint.name()).replace("{{url}}", endpoint.url());
    // The key comes last: nothing in it is taken for a placeholder.
    kept.replace("{{variable}}", variable).replace("{{key}}", key)
}

/// One member of an entry, below the entry, and what it becomes. Nothing: it must not be there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) path: Vec<String>,
    pub(crate) value: Option<Value>,
}

/// The members of an entry of the table, in order. Those that speak of a key are to be taken away
/// where there is none.
pub(crate) fn members(entry: &Value, endpoint: &Endpoint, key: &str) -> Vec<Member> {
    let mut found = Vec::new();
    collect(entry, &mut Vec::new(), &mut |path, value| {
        let given = (endpoint.key().is_some() || !speaks_of_key(value))
            .then(|| filled(value, endpoint, key));
        found.push(Member { path: path.to_vec(), value: given });
    });
    found
}

/// The entry as a whole.
pub(crate) fn entry(members: &[Member]) -> Value {
    let mut whole = Value::Object(serde_json::Map::new());
    for Member { path, value } in members {
        if let Some(value) = value {
            put(&mut whole, path, value.clone());
        }
    }
    whole
}

fn put(into: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    if let Value::Object(object) = into {
        let inner =
            object.entry(first.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
        put(inner, rest, value);
    }
}

fn collect(value: &Value, path: &mut Vec<String>, found: &mut impl FnMut(&[String], &Value)) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                path.push(name.clone());
                collect(value, path, found);
                path.pop();
            }
        }
        _ => found(path, value),
    }
}

fn speaks_of_key(value: &Value) -> bool {
    let text = value.to_string();
    ["{{key}}", "{{variable}}"].iter().any(|placeholder| text.contains(placeholder))
}

fn filled(value: &Value, endpoint: &Endpoint, key: &str) -> Value {
    match value {
        Value::String(template) => Value::String(text(template, endpoint, key)),
        Value::Array(values) => {
            // An argument of a command that only a key needs is left out as a whole.
            let filled = values.iter().map(|value| filled(value, endpoint, key));
            Value::Array(filled.filter(|value| value.as_str() != Some("")).collect())
        }
        _ => value.clone(),
    }
}
