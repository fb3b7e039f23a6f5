//! `RunSqlQuery`: one statement that the guard lets pass, and its rows.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::progress::Progress;
use super::tool_call::{BadArguments, RUN_SQL_QUERY, ToolCall, parse};
use super::wanted::{self, Wanted};
use super::{ToolRoom, job, result};
use crate::dremio::HeldJob;
use crate::guard::Statement;
use crate::policy::Refusal;

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow)]
    max_rows: Option<&'a RawValue>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
}

/// A call of the tool, its arguments read: what both engines do alike.
pub(in crate::engine) struct RunSqlQuery<'a> {
    query: Cow<'a, str>,
    wanted: Wanted,
}

/// Runs one statement that the guard lets pass, and gives its rows.
pub(in crate::engine) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let room = call.room;
    let query = RunSqlQuery::read(room, call.arguments)?;
    let statement = query.check(room)?;
    let place = room.begin_query()?;
    let job = job::submit(&room.jobs, call.tool, &statement, place, &mut call.progress).await?;
    query.of_job(room, job, &mut call.progress).await
}

impl<'a> RunSqlQuery<'a> {
    /// Reads the arguments.
    ///
    /// # Errors
    /// When they have another shape, with the one that is expected.
    pub(in crate::engine) fn read(room: &ToolRoom, text: Option<&'a str>) -> Result<Self, Failure> {
        let arguments = arguments(RUN_SQL_QUERY, text)?;
        let wanted = Wanted {
            format: wanted::format(arguments.format)?.unwrap_or(room.answers.format),
            offset: 0,
            rows_max: wanted::rows_max(arguments.max_rows)?,
        };
        Ok(Self { query: arguments.query, wanted })
    }

    /// The statement, if it may be sent.
    ///
    /// # Errors
    /// With what the guard or the caller's policy has against it.
    pub(in crate::engine) fn check(&self, room: &ToolRoom) -> Result<Statement, Failure> {
        room.gate.check(&self.query).map_err(|refusal| Self::refused(room, &refusal))
    }

    /// What a refusal means for the agent.
    pub(in crate::engine) fn refused(room: &ToolRoom, refusal: &Refusal) -> Failure {
        let advice: Cow<'static, str> = match refusal {
            Refusal::Schemas { allowed, .. } if allowed.is_empty() => {
                "Nothing was sent to Dremio. This key may name no table there.".into()
            }
            Refusal::Schemas { allowed, .. } => format!(
                "Nothing was sent to Dremio. This key may query what is in {allowed}; \
                 SearchTableAndViews finds it."
            )
            .into(),
            Refusal::Guard(_) | Refusal::Nobody => {
                let writes =
                    "Nothing was sent to Dremio. Allowed is one statement of Dremio's SQL.";
                let reads = "Nothing was sent to Dremio. Allowed is one statement that reads: \
                             SELECT, WITH, VALUES, TABLE, EXPLAIN PLAN FOR, DESCRIBE or SHOW.";
                if room.gate.guard().allow_writes { writes.into() } else { reads.into() }
            }
        };
        Failure::new(refusal.to_string(), advice)
    }

    /// The answer about the job that runs the statement; see [`result::of_job`].
    ///
    /// # Errors
    /// When the job did not complete, or its rows cannot be had.
    pub(in crate::engine) async fn of_job(
        &self,
        room: &ToolRoom,
        job: HeldJob,
        progress: &mut Progress<'_>,
    ) -> Result<String, Failure> {
        result::of_job(room, job, &self.query, self.wanted, progress).await
    }
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
