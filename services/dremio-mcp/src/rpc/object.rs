//! Adds and replaces members of a JSON object without touching what else it says.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use service_kit::runtime::compute;

/// `object` with `members` (`"name":value` each) in front of its own. `object` must be the text of
/// a JSON object.
pub(crate) fn insert_members(object: &str, members: &[String]) -> String {
    let Some(rest) = object.strip_prefix('{').filter(|_| !members.is_empty()) else {
        return object.to_owned();
    };
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{{{}{comma}{rest}", members.join(","))
}

/// `object` with the member `name` being `value`: in its place if there is one, and else in front
/// of the others. `object` must be the text of a JSON object.
pub(crate) fn set_member(object: &str, name: &str, value: &str) -> String {
    match member(object, name) {
        Some(old) => with_part(object, old, value),
        None => insert_members(object, &[format!("{}:{value}", string_literal(name))]),
    }
}

/// `object` with the member `name` of its `_meta` being `value`, whatever that was before. Anything
/// but an object counts as an empty one.
pub(crate) fn set_meta(object: &str, name: &str, value: &str) -> String {
    let object = if object.starts_with('{') { object } else { "{}" };
    let meta = member(object, "_meta").filter(|meta| meta.starts_with('{')).unwrap_or("{}");
    set_member(object, "_meta", &set_member(meta, name, value))
}

/// `text` as a JSON string, quotes included.
pub(crate) fn string_literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Reads JSON that may be long, so that other calls go on meanwhile.
///
/// # Errors
/// When it is not JSON, or of another shape.
pub(crate) fn read_json<'t, T: Deserialize<'t>>(text: &'t str) -> serde_json::Result<T> {
    compute(text.len(), || serde_json::from_str(text))
}

/// The members of `object`, each as its text; none if it is no object.
pub(crate) fn members(object: &str) -> HashMap<Cow<'_, str>, &RawValue> {
    read_json(object).unwrap_or_default()
}

/// The text of the member `name` of `object`.
pub(crate) fn member<'o>(object: &'o str, name: &str) -> Option<&'o str> {
    compute(object.len(), || {
        let mut text = serde_json::Deserializer::from_str(object);
        let found = Named(name).deserialize(&mut text).ok()??;
        text.end().ok().map(|()| found.get())
    })
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

/// The elements of the member `name` of `object`, if it is a list.
pub(crate) fn list_member<'o>(object: &'o str, name: &str) -> Option<Vec<&'o RawValue>> {
    serde_json::from_str(member(object, name)?).ok()
}

/// The member `name` of `object`, if it is a text.
pub(crate) fn text_member(object: &str, name: &str) -> Option<String> {
    serde_json::from_str(member(object, name)?).ok()
}

/// `object` with the value of its member `name` replaced by `value`; without that member, `object`
/// as it is.
pub(crate) fn replace_member(object: &str, name: &str, value: &str) -> String {
    member(object, name).map_or_else(|| object.to_owned(), |old| with_part(object, old, value))
}

/// `text` with `value` in place of `part`, which is a part of it.
pub(crate) fn with_part(text: &str, part: &str, value: &str) -> String {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    let (before, rest) = text.split_at(start);
    format!("{before}{value}{}", rest.get(part.len()..).unwrap_or_default())
}
