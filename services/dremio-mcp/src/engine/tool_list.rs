//! What an engine's answer to `tools/list` says, read once: the names, and which arguments a modern
//! client must repeat in headers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::rpc::{Message, read_json};

/// The tools of an engine by name.
#[derive(Debug, Default)]
pub(crate) struct ToolList {
    tools: HashMap<String, Vec<HeaderArgument>>,
}

/// An argument that must stand in `Mcp-Param-{name}` as well (2026-07-28, "Custom Headers from Tool
/// Parameters").
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeaderArgument {
    /// The part of the header's name after `Mcp-Param-`.
    pub(crate) name: String,
    /// The `properties` keys that lead to the argument.
    pub(crate) path: Vec<String>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    tools: Vec<Tool<'a>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "inputSchema")]
    input_schema: Option<&'a RawValue>,
}

impl ToolList {
    /// Reads a response to `tools/list`; anything else is no tools.
    pub(crate) fn read(response: &Message) -> Arc<Self> {
        let list = response.result().and_then(|result| read_json::<List<'_>>(result).ok());
        let tools = list.map(|list| list.tools).unwrap_or_default();
        let tools = tools.into_iter().map(|tool| {
            (tool.name.into_owned(), tool.input_schema.map(header_arguments).unwrap_or_default())
        });
        Arc::new(Self { tools: tools.collect() })
    }

    pub(crate) fn len(&self) -> usize {
        self.tools.len()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    pub(crate) fn header_arguments(&self, tool: &str) -> &[HeaderArgument] {
        self.tools.get(tool).map(Vec::as_slice).unwrap_or_default()
    }
}

fn header_arguments(schema: &RawValue) -> Vec<HeaderArgument> {
    // Most schemas have none; this spares them the parsing.
    if !schema.get().contains("x-mcp-header") {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Ok(schema) = serde_json::from_str(schema.get()) {
        collect(&schema, &mut Vec::new(), &mut found);
    }
    found
}

/// Follows `properties` only: an annotation anywhere else has no meaning.
fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<HeaderArgument>) {
    if let Some(name) =
        schema.get("x-mcp-header").and_then(Value::as_str).filter(|_| !path.is_empty())
    {
        found.push(HeaderArgument { name: name.to_owned(), path: path.clone() });
    }
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        path.push(key.clone());
        collect(property, path, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderArgument, ToolList};
    use crate::rpc::Message;

    #[test]
    fn names_and_header_arguments_are_read() {
        let result = r#"{"tools":[
            {"name":"plain","inputSchema":{"type":"object","properties":{"q":{"type":"string"}}}},
            {"name":"region","inputSchema":{"properties":{
                "where":{"type":"object","properties":{
                    "r":{"type":"string","x-mcp-header":"Region"}}},
                "list":{"items":{"x-mcp-header":"Ignored"}}}}}]}"#;
        let tools = ToolList::read(&Message::from_result(result));
        assert!(tools.contains("plain") && !tools.contains("other"));
        assert_eq!(tools.header_arguments("plain"), []);
        let expected =
            HeaderArgument { name: "Region".into(), path: vec!["where".into(), "r".into()] };
        assert_eq!(tools.header_arguments("region"), [expected]);
    }
}
