//! Adds and replaces members of a JSON object without touching what else it says.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// `object` with `members` (`"name":value` each) in front of its own. `object` must be the text of
/// a JSON object.
pub(crate) fn insert_members(object: &str, members: &[String]) -> String {
    let Some(rest) = object.strip_prefix('{').filter(|_| !members.is_empty()) else {
        return object.to_owned();
    };
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{{{}{comma}{rest}", members.join(","))
}

/// `object` with the member `name` of its `_meta` being `value`, whatever that was before. Anything
/// but an object counts as an empty one.
pub(crate) fn set_meta(object: &str, name: &str, value: &str) -> String {
    let object = if object.starts_with('{') { object } else { "{}" };
    let entry = format!("{}:{value}", string_literal(name));
    match member(object, "_meta") {
        Some(meta) if meta.starts_with('{') => {
            let meta = if member(meta, name).is_some() {
                replace_member(meta, name, value)
            } else {
                insert_members(meta, &[entry])
            };
            replace_member(object, "_meta", &meta)
        }
        Some(_) => replace_member(object, "_meta", &format!("{{{entry}}}")),
        None => insert_members(object, &[format!(r#""_meta":{{{entry}}}"#)]),
    }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn string_literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The members of `object`, each as its text; none if it is no object.
pub(crate) fn members(object: &str) -> HashMap<Cow<'_, str>, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

/// The text of the member `name` of `object`.
pub(crate) fn member<'o>(object: &'o str, name: &str) -> Option<&'o str> {
    let mut text = serde_json::Deserializer::from_str(object);
    let found = Named(name).deserialize(&mut text).ok()??;
    text.end().ok().map(|()| found.get())
}

/// Finds the member of this name, the last one where there are several, and passes over the rest.
struct Named<'n>(&'n str);

impl<'o> DeserializeSeed<'o> for Named<'_> {
    type Value = Option<&'o RawValue>;

    fn deserialize<D: Deserializer<'o>>(self, object: D) -> Result<Self::Value, D::Error> {
        object.deserialize_map(self)
    }
}

impl<'o> Visitor<'o> for Named<'_> {
    type Value = Option<&'o RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'o>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Key(name)) = members.next_key()? {
            if name == self.0 {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[derive(Deserialize)]
struct Key<'o>(#[serde(borrow)] Cow<'o, str>);

/// `object` with the value of its member `name` replaced by `value`; without that member, `object`
/// as it is.
pub(crate) fn replace_member(object: &str, name: &str, value: &str) -> String {
    let Some(old) = member(object, name) else { return object.to_owned() };
    let start = old.as_ptr() as usize - object.as_ptr() as usize;
    let (before, rest) = object.split_at(start);
    format!("{before}{value}{}", rest.get(old.len()..).unwrap_or_default())
}
