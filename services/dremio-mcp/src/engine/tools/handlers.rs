//! What each tool does, and the arguments that it takes. Unknown members are ignored: models add
//! some, and the official server does not mind either.

use std::borrow::Cow;

use serde::Deserialize;

use super::failure::Failure;
use super::progress::Progress;
use super::table_name::TableName;
use super::{ToolRoom, system_tables, table_schema};

/// One call of a tool.
pub(in crate::engine) struct ToolCall<'c> {
    pub(in crate::engine) room: &'c ToolRoom,
    /// The name of the tool.
    pub(in crate::engine) tool: &'static str,
    /// As the client wrote them, if it did.
    pub(in crate::engine) arguments: Option<&'c str>,
    pub(in crate::engine) progress: Progress<'c>,
}

/// Arguments that do not have the shape that the tool's schema describes. The text is for the
/// agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool} expects {expected}")]
pub(super) struct BadArguments {
    pub(super) tool: &'static str,
    pub(super) expected: &'static str,
}

/// `table_name` in either of its forms.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum NameArgument<'a> {
    /// Dotted.
    Text(#[serde(borrow)] Cow<'a, str>),
    /// One element per part.
    Parts(Vec<String>),
}

#[derive(Deserialize)]
struct TableNameArgument<'a> {
    #[serde(borrow)]
    table_name: NameArgument<'a>,
}

#[derive(Deserialize)]
struct Nothing {}

/// Gives the columns of a table or view, its tags and its wiki.
pub(in crate::engine) async fn schema_of_table(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let name = table_name(call.tool, call.arguments)?;
    let _room = call.progress.room(table_schema::ROOM_BYTES).await?;
    let name = match name {
        // Models often write a list as text.
        NameArgument::Text(text) => match serde_json::from_str::<Vec<String>>(&text) {
            Ok(parts) => TableName::from_parts(parts),
            Err(_) => TableName::parse(&text),
        },
        NameArgument::Parts(parts) => TableName::from_parts(parts),
    };
    let name = name.map_err(|cause| {
        let advice = "Give a dotted name like \"source\".\"folder\".\"table\", or a list of its \
                      parts like [\"source\", \"folder\", \"table\"].";
        Failure::new(format!("table_name cannot be read: {cause}"), advice)
    })?;
    table_schema::fetch(call.room.jobs.dremio(), &name).await
}

/// Names the system tables that may be queried.
pub(in crate::engine) async fn system_tables(call: ToolCall<'_>) -> Result<String, Failure> {
    none(call.tool, call.arguments)?;
    Ok(system_tables::to_json(call.room.gate.guard()))
}

/// The `table_name` of a tool that looks at one.
fn table_name<'c>(
    tool: &'static str,
    arguments: Option<&'c str>,
) -> Result<NameArgument<'c>, BadArguments> {
    let expected = "arguments {\"table_name\": …}: a string like \
                    \"\\\"source\\\".\\\"folder\\\".\\\"table\\\"\", or a list of strings like \
                    [\"source\", \"folder\", \"table\"]";
    parse::<TableNameArgument<'_>>(arguments)
        .map(|arguments| arguments.table_name)
        .ok_or(BadArguments { tool, expected })
}

/// Arguments of a tool that has none: absent, or any object.
fn none(tool: &'static str, arguments: Option<&str>) -> Result<(), BadArguments> {
    parse::<Nothing>(arguments)
        .map(|Nothing {}| ())
        .ok_or(BadArguments { tool, expected: "no arguments, or an empty object" })
}

/// Absent arguments are empty arguments. A list is none: serde would take it for an object's
/// members in order.
pub(super) fn parse<'a, T: Deserialize<'a>>(arguments: Option<&'a str>) -> Option<T> {
    let text = arguments.unwrap_or("{}");
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// A model can correct its arguments, so it must see what was wrong with them (2025-11-25, tools,
/// "Error Handling").
impl From<BadArguments> for Failure {
    fn from(cause: BadArguments) -> Self {
        Self::new(cause.to_string(), "Correct the arguments and call the tool again.")
    }
}

#[cfg(test)]
mod tests {
    use super::{BadArguments, NameArgument, none};

    fn table_name(arguments: Option<&str>) -> Result<NameArgument<'_>, BadArguments> {
        super::table_name("GetSchemaOfTable", arguments)
    }

    fn raw(text: &str) -> Option<&str> {
        (!text.is_empty()).then_some(text)
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(
            table_name(raw(r#"{"table_name":"a.b"}"#)),
            Ok(NameArgument::Text("a.b".into()))
        );
        assert_eq!(
            table_name(raw(r#"{"table_name":["a","\"b"]}"#)),
            Ok(NameArgument::Parts(vec!["a".to_owned(), "\"b".to_owned()]))
        );
        for text in ["", "{}", r#"{"x":1}"#] {
            assert_eq!(none("GetUsefulSystemTableNames", raw(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn other_shapes_say_what_is_expected() {
        for text in [
            "",
            r#"{"table_name":7}"#,
            r#"{"table_name":[1]}"#,
            r#"{"table_name":null}"#,
            r#"{"name":"a"}"#,
        ] {
            let problem = table_name(raw(text)).unwrap_err().to_string();
            assert!(
                problem.starts_with(
                    "GetSchemaOfTable expects arguments {\"table_name\": …}: a string like"
                ),
                "{text}"
            );
        }
        for text in ["null", "[]", "\"\""] {
            assert!(none("GetUsefulSystemTableNames", raw(text)).is_err(), "{text}");
        }
    }
}
