//! The native engine: our own tools, in process, with the names and arguments of the official
//! server's, made for Dremio Community Edition. It needs no Python and no child process.
//!
//! The tools themselves are in [`super::tools`]; here is what MCP asks of a server.
//!
//! Errors are of two kinds, as in the protocol: a request that is no proper call (unknown method or
//! tool) is a JSON-RPC error; a call that comes to nothing, because of its arguments too, is a
//! result with `isError`, which the model reads.
//!
//! What it deliberately does not do: it declares no resources.

use std::sync::Arc;

use service_kit::lifecycle::Shutdown;

use super::fair_queue::Requester;
use super::tools::{
    Failure, Holds, Progress, Tool, ToolCall, ToolRoom, initialize_result, prompt, prompts_list,
    tools_list,
};
use super::{CallContext, CallError, FairQueue, Introduction, ToolList, limited};
use crate::audit::CallAudit;
use crate::methods;
use crate::rpc::{ErrorCode, Message, Params, ParseError, RpcError, string_literal};

/// Answers MCP requests by itself.
#[derive(Debug)]
pub(crate) struct Native {
    room: ToolRoom,
    introduction: Arc<Introduction>,
    list: Message,
    tools: Arc<ToolList>,
    queue: FairQueue,
}

impl Native {
    /// An engine with these tools. Nothing is sent yet, and neither Dremio nor a token needs to be
    /// there.
    pub(crate) fn new(room: ToolRoom, queue: FairQueue) -> Self {
        let guard = room.gate.guard();
        let list = Message::from_result(&tools_list(guard, room.answers.tokens_max));
        let tools = ToolList::read(&list);
        let introduction = Arc::new(Introduction::new(&initialize_result(guard)));
        Self { room, introduction, list, tools, queue }
    }

    /// Once `shutdown` drains, lets the jobs that nobody waits for be cancelled, for a while.
    pub(crate) async fn finish(self: Arc<Self>, shutdown: Shutdown) {
        shutdown.draining().await;
        self.room.finish().await;
    }

    /// The `InitializeResult`, as JSON text.
    pub(crate) fn introduction(&self) -> Arc<Introduction> {
        Arc::clone(&self.introduction)
    }

    /// The tools that it has.
    pub(crate) fn tools(&self) -> Arc<ToolList> {
        Arc::clone(&self.tools)
    }

    /// Answers one request. Dropping the future cancels the call, and its job at Dremio.
    ///
    /// # Errors
    /// [`CallError::Busy`].
    pub(crate) async fn call(
        &self,
        request: &Message,
        context: &CallContext,
    ) -> Result<Message, CallError> {
        let bad = |cause: ParseError| RpcError::new(ErrorCode::InvalidParams, cause.to_string());
        let params = match request.params().map_err(bad) {
            Ok(params) => params,
            Err(error) => return Ok(Message::from_error(&error.object())),
        };
        let mut progress = Progress::new(context, params.meta.progress_token);
        // Only a tool keeps anybody waiting.
        let permit = match request.method() {
            methods::TOOLS_CALL => {
                let place = self.queue.take(Requester::of(context));
                Some(Arc::new(progress.during("WAITING_FOR_A_PLACE", place).await?))
            }
            _ => None,
        };
        progress.hold(Holds { _room: request.room(), _permit: permit });
        let answer = self.answer(request.method(), &params, progress).await;
        Ok(answer.unwrap_or_else(|error| Message::from_error(&error.object())))
    }

    async fn answer(
        &self,
        method: &str,
        params: &Params<'_>,
        progress: Progress<'_>,
    ) -> Result<Message, RpcError> {
        match method {
            methods::PING => Ok(Message::from_result("{}")),
            methods::TOOLS_LIST | methods::PROMPTS_LIST if !params.is_first_page() => {
                let said = "unknown cursor: the list has one page";
                Err(RpcError::new(ErrorCode::InvalidParams, said))
            }
            methods::TOOLS_LIST => Ok(self.list.clone()),
            methods::PROMPTS_LIST => Ok(Message::from_result(&prompts_list())),
            methods::PROMPTS_GET => {
                let name = params.name.unwrap_or_default();
                let prompt = prompt(name, self.room.gate.guard()).ok_or_else(|| {
                    let said = format!("there is no prompt `{name}`; see prompts/list");
                    RpcError::new(ErrorCode::InvalidParams, said)
                })?;
                Ok(Message::from_result(&prompt))
            }
            methods::TOOLS_CALL => self.call_tool(params, progress).await,
            method => Err(RpcError::new(
                ErrorCode::MethodNotFound,
                format!("this server has no method {method}"),
            )),
        }
    }

    async fn call_tool(
        &self,
        params: &Params<'_>,
        progress: Progress<'_>,
    ) -> Result<Message, RpcError> {
        let name = params.name.unwrap_or_default();
        let caller = progress.caller();
        let tool = Tool::named(name).ok_or_else(|| {
            CallAudit::note_denial("unknown_tool");
            RpcError::new(ErrorCode::InvalidParams, limited::unknown_tool(name, caller))
        })?;
        let room = self.room.of(caller);
        let call = ToolCall { room: &room, tool: tool.name, arguments: params.arguments, progress };
        Ok(tool_result(tool.answer(call).await))
    }
}

/// A `CallToolResult` with one block of text: clients show a model one channel.
pub(super) fn tool_result(outcome: Result<String, Failure>) -> Message {
    let is_error = outcome.is_err();
    if let Err(failure) = &outcome {
        CallAudit::note_failure(failure.class());
    }
    let text = string_literal(&outcome.unwrap_or_else(|failure| failure.text()));
    Message::from_result(&format!(
        r#"{{"content":[{{"type":"text","text":{text}}}],"isError":{is_error}}}"#
    ))
}

#[cfg(test)]
mod tests;
