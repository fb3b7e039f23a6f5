//! What the engine is asked for by the page, or because of it.

use serde_json::json;

use super::listing::listed;
use super::{RESULT_META, ROWS_TOOL, SHOWN_TOOLS, URI, page};
use crate::engine::context::Shown;
use crate::methods;
use crate::rpc::{Message, Params, set_member, set_meta};

/// What a client that shows pages asks for.
#[derive(Debug)]
pub(in crate::engine) enum Asked {
    /// The page.
    Page,
    /// Rows for it: this request is to be answered in place of the client's.
    Rows(Message),
    /// Something else.
    Other,
}

impl Asked {
    /// What `request` asks for. Rows are those of `GetQueryResult`, so that the same handle, policy
    /// and budget apply; only they are written for the page.
    pub(in crate::engine) fn of(request: &Message) -> Self {
        match (request.method(), request.params()) {
            (methods::RESOURCES_READ, Ok(Params { uri: Some(URI), .. })) => Self::Page,
            (methods::TOOLS_CALL, Ok(Params { name: Some(ROWS_TOOL), arguments, .. })) => {
                let arguments = set_member(arguments.unwrap_or("{}"), "format", "\"cells\"");
                let params = format!(r#"{{"name":"GetQueryResult","arguments":{arguments}}}"#);
                Self::Rows(Message::request(methods::TOOLS_CALL, &params))
            }
            _ => Self::Other,
        }
    }
}

/// The page, as the answer to who reads it.
pub(in crate::engine) fn page_answer() -> Message {
    Message::from_result(&page::read_result())
}

/// An answer as a client gets it that shows pages: lists with the page, and results with where
/// their rows are.
pub(in crate::engine) fn completed(
    request: &Message,
    answer: Message,
    shown: Option<&Shown>,
) -> Message {
    if request.method() != methods::TOOLS_CALL {
        return listed(request, answer);
    }
    let name = request.params().ok().and_then(|params| params.name);
    match (name, answer.result(), shown) {
        (Some(name), Some(result), Some(Shown { handle, offset }))
            if SHOWN_TOOLS.contains(&name) =>
        {
            let place = json!({ "job_id": handle, "offset": offset }).to_string();
            let result = set_meta(result, RESULT_META, &place);
            answer.with_result(&result)
        }
        _ => answer,
    }
}
