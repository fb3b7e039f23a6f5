//! `GetQueryResult`: more rows of a query, or those of one that took longer than its call.
//!
//! The handle says which job it is and whose; nothing else about it is kept.

use std::borrow::Cow;

use dremio_client::JobId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::progress::Progress;
use super::tool_call::{BadArguments, ToolCall, parse};
use super::wanted::{self, Wanted};
use super::{ToolRoom, result};
use crate::dremio::BadHandle;

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    job_id: Cow<'a, str>,
    #[serde(borrow)]
    offset: Option<&'a RawValue>,
    #[serde(borrow)]
    max_rows: Option<&'a RawValue>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
}

/// Gives rows of a job that this caller has a handle of, and waits for it if it still runs.
pub(in crate::engine) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let expected = "arguments {\"job_id\": \"…\", \"offset\": …} as the answer before named them";
    let arguments: Option<Arguments<'_>> = parse(call.arguments);
    let arguments = arguments.ok_or(BadArguments { tool: call.tool, expected })?;
    let wanted = Wanted {
        format: wanted::format(arguments.format)?.unwrap_or(call.room.answers.format),
        offset: wanted::offset(arguments.offset)?,
        rows_max: wanted::rows_max(arguments.max_rows)?,
    };
    let job = open(call.room, &call.progress, &arguments.job_id)?;
    result::of_kept_job(call.room, &job, wanted, &mut call.progress).await
}

/// The job that `handle` names, if it is the caller's.
///
/// # Errors
/// With what helps. Guesses are counted.
pub(in crate::engine) fn open(
    room: &ToolRoom,
    progress: &Progress<'_>,
    handle: &str,
) -> Result<JobId, Failure> {
    room.handles.open(progress.principal(), &progress.caller().rights(), handle).map_err(|cause| {
        let advice: Cow<'static, str> = match cause {
            BadHandle::Malformed => "Give job_id whole, as the answer before wrote it.".into(),
            BadHandle::Wrong => {
                "Give job_id as the answer before wrote it. One of another key is of no use here; \
                 one that was given long ago, or before what this key may read was changed, may \
                 be no longer: then run the query again."
                    .into()
            }
            BadHandle::TooMany { wait } => {
                let seconds = wait.as_secs().max(1);
                format!("Wait for {seconds} s, or run the query again.").into()
            }
        };
        Failure::new(cause.to_string(), advice)
    })
}
