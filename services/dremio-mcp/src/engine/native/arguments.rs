//! The arguments of tool calls. Unknown members are ignored: models add some, and the official
//! server does not mind either.

use std::borrow::Cow;

use serde::Deserialize;

use super::listing::Tool;

/// Arguments that do not have the shape that the tool's schema describes. The text is for the
/// agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} expects {expected}", .tool.name())]
pub(super) struct BadArguments {
    tool: Tool,
    expected: &'static str,
}

/// `table_name` in either of its forms.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum NameArgument<'a> {
    /// Dotted.
    Text(#[serde(borrow)] Cow<'a, str>),
    /// One element per part.
    Parts(Vec<String>),
}

#[derive(Deserialize)]
struct Query<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
}

#[derive(Deserialize)]
struct TableNameArgument<'a> {
    #[serde(borrow)]
    table_name: NameArgument<'a>,
}

#[derive(Deserialize)]
struct Nothing {}

/// The `query` of `RunSqlQuery`.
pub(super) fn query(arguments: Option<&str>) -> Result<Cow<'_, str>, BadArguments> {
    let expected = "arguments {\"query\": \"…\"}: the text of one SQL statement";
    parse::<Query<'_>>(arguments)
        .map(|arguments| arguments.query)
        .ok_or(BadArguments { tool: Tool::RunSqlQuery, expected })
}

/// The `table_name` of `GetSchemaOfTable`.
pub(super) fn table_name(arguments: Option<&str>) -> Result<NameArgument<'_>, BadArguments> {
    let expected = "arguments {\"table_name\": …}: a string like \"\\\"source\\\".\\\"folder\\\".\\\"table\\\"\", or a list of strings like \
                    [\"source\", \"folder\", \"table\"]";
    parse::<TableNameArgument<'_>>(arguments)
        .map(|arguments| arguments.table_name)
        .ok_or(BadArguments { tool: Tool::GetSchemaOfTable, expected })
}

/// Arguments of a tool that has none: absent, or any object.
pub(super) fn none(tool: Tool, arguments: Option<&str>) -> Result<(), BadArguments> {
    parse::<Nothing>(arguments)
        .map(|Nothing {}| ())
        .ok_or(BadArguments { tool, expected: "no arguments, or an empty object" })
}

/// Absent arguments are empty arguments. A list is none: serde would take it for an object's
/// members in order.
fn parse<'a, T: Deserialize<'a>>(arguments: Option<&'a str>) -> Option<T> {
    let text = arguments.unwrap_or("{}");
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {

    use super::{NameArgument, Tool, none, query, table_name};

    fn raw(text: &str) -> Option<&str> {
        (!text.is_empty()).then_some(text)
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(query(raw(r#"{"query":"SELECT 1"}"#)).unwrap(), "SELECT 1");
        assert_eq!(query(raw(r#"{"limit":5,"query":"SELECT \"a\""}"#)).unwrap(), "SELECT \"a\"");
        assert_eq!(
            table_name(raw(r#"{"table_name":"a.b"}"#)),
            Ok(NameArgument::Text("a.b".into()))
        );
        assert_eq!(
            table_name(raw(r#"{"table_name":["a","\"b"]}"#)),
            Ok(NameArgument::Parts(vec!["a".to_owned(), "\"b".to_owned()]))
        );
        for text in ["", "{}", r#"{"x":1}"#] {
            assert_eq!(none(Tool::GetUsefulSystemTableNames, raw(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn other_shapes_say_what_is_expected() {
        for text in [
            "",
            "{}",
            "null",
            "[]",
            r#"["SELECT 1"]"#,
            r#"{"query":null}"#,
            r#"{"query":1}"#,
            r#"{"sql":"SELECT 1"}"#,
            "7",
        ] {
            let problem = query(raw(text)).unwrap_err().to_string();
            assert_eq!(
                problem,
                "RunSqlQuery expects arguments {\"query\": \"…\"}: the text of one SQL statement",
                "{text}"
            );
        }
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
            assert!(none(Tool::GetUsefulSystemTableNames, raw(text)).is_err(), "{text}");
        }
    }
}
