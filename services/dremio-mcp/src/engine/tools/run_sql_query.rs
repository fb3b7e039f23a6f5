//! `RunSqlQuery`: one statement that the guard lets pass, and its rows.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::handlers::{BadArguments, ToolCall, parse};
use super::wanted::{self, Wanted};
use super::{job, result};

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow)]
    max_rows: Option<&'a RawValue>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
}

/// Runs one statement that the guard lets pass, and gives its rows.
pub(in crate::engine) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let arguments = arguments(call.tool, call.arguments)?;
    let wanted = Wanted {
        format: wanted::format(arguments.format)?.unwrap_or(call.room.answers.format),
        offset: 0,
        rows_max: wanted::rows_max(arguments.max_rows)?,
    };
    let statement = call.room.gate.check(&arguments.query).map_err(|refusal| {
        let advice = if call.room.gate.guard().allow_writes {
            "Nothing was sent to Dremio. Allowed is one statement of Dremio's SQL."
        } else {
            "Nothing was sent to Dremio. Allowed is one statement that reads: SELECT, WITH, \
             VALUES, TABLE, EXPLAIN PLAN FOR, DESCRIBE or SHOW."
        };
        Failure::new(refusal.to_string(), advice)
    })?;
    let job = job::submit(&call.room.jobs, call.tool, &statement, &mut call.progress).await?;
    result::of_job(call.room, job, statement.as_str(), wanted, &mut call.progress).await
}

fn arguments<'c>(
    tool: &'static str,
    arguments: Option<&'c str>,
) -> Result<Arguments<'c>, BadArguments> {
    let expected = "arguments {\"query\": \"…\"}: the text of one SQL statement";
    parse(arguments).ok_or(BadArguments { tool, expected })
}

#[cfg(test)]
mod tests {
    fn query(text: &str) -> Result<String, String> {
        let arguments = super::arguments("RunSqlQuery", (!text.is_empty()).then_some(text));
        arguments.map(|it| it.query.into_owned()).map_err(|cause| cause.to_string())
    }

    #[test]
    fn the_query_is_read_and_other_shapes_say_what_is_expected() {
        assert_eq!(query(r#"{"query":"SELECT 1"}"#).unwrap(), "SELECT 1");
        let text = r#"{"limit":5,"query":"SELECT \"a\"","max_rows":1e999,"format":null}"#;
        assert_eq!(query(text).unwrap(), "SELECT \"a\"");
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
            assert_eq!(
                query(text).unwrap_err(),
                "RunSqlQuery expects arguments {\"query\": \"…\"}: the text of one SQL statement",
                "{text}"
            );
        }
    }
}
