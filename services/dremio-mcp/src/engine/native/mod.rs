//! The native engine: our own tools, in process, with the names and arguments of the official
//! server's, made for Dremio Community Edition. It needs no Python and no child process.
//!
//! One call goes: `arguments` (are they what the tool expects?) → for a query the gate of
//! [`crate::guard`] → `job` (submit, wait, cancel when dropped) → `rows` (as many as fit); for a
//! schema `table_name` → `table_schema`. All of them reach Dremio through [`crate::dremio`], and
//! fail with a `failure`, which says what helps. `listing` and `system_tables` are the texts.
//!
//! Errors are of two kinds, as in the protocol: a request that is no proper call (unknown method or
//! tool) is a JSON-RPC error; a call that comes to nothing, be it for its arguments, is a result
//! with `isError`, which the model reads.
//!
//! What it deliberately does not do: it declares no prompts and no resources, and keeps no state
//! between calls.

mod arguments;
mod failure;
mod job;
mod listing;
mod progress;
mod rows;
mod system_tables;
mod table_name;
mod table_schema;

use std::sync::Arc;

use service_kit::lifecycle::Shutdown;

use self::arguments::{BadArguments, NameArgument};
use self::failure::Failure;
use self::listing::Tool;
use self::progress::{Holds, Progress};
use self::table_name::TableName;
use super::{CallContext, CallError, FairQueue, Introduction, ToolList};
use crate::dremio::{DremioCaller, JobCustody};
use crate::guard::gate::Gate;
use crate::rpc::{ErrorCode, Message, Params, RpcError, string_literal};

/// Answers MCP requests by itself.
#[derive(Debug)]
pub(crate) struct Native {
    jobs: JobCustody,
    gate: Gate,
    introduction: Arc<Introduction>,
    list: Message,
    tools: Arc<ToolList>,
    queue: FairQueue,
}

impl Native {
    /// An engine over this Dremio. Nothing is sent yet, and neither Dremio nor a token needs to be
    /// there.
    pub(crate) fn new(dremio: DremioCaller, gate: Gate, queue: FairQueue) -> Self {
        let list = Message::from_result(&listing::tools_list(gate.guard()));
        let tools = ToolList::read(&list);
        let introduction = Arc::new(Introduction::new(&listing::initialize_result(gate.guard())));
        Self { jobs: JobCustody::new(dremio), gate, introduction, list, tools, queue }
    }

    /// Once `shutdown` drains, lets the jobs that nobody waits for be cancelled, for a while.
    pub(crate) async fn finish(self: Arc<Self>, shutdown: Shutdown) {
        shutdown.draining().await;
        self.jobs.finish().await;
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
        // Only a tool keeps anybody waiting.
        let permit = match request.method() {
            "tools/call" => Some(Arc::new(self.queue.take(context.requester()).await?)),
            _ => None,
        };
        let holds = Holds { _room: request.room(), _permit: permit };
        Ok(self
            .answer(request, context, holds)
            .await
            .unwrap_or_else(|error| Message::from_error(&error.object())))
    }

    async fn answer(
        &self,
        request: &Message,
        context: &CallContext,
        holds: Holds,
    ) -> Result<Message, RpcError> {
        let params = request
            .params()
            .map_err(|cause| RpcError::new(ErrorCode::InvalidParams, cause.to_string()))?;
        match request.method() {
            "ping" => Ok(Message::from_result("{}")),
            "tools/list" if !params.is_first_page() => Err(RpcError::new(
                ErrorCode::InvalidParams,
                "unknown cursor: the list of tools has one page",
            )),
            "tools/list" => Ok(self.list.clone()),
            "tools/call" => self.call_tool(&params, context, holds).await,
            method => Err(RpcError::new(
                ErrorCode::MethodNotFound,
                format!("this server has no method {method}"),
            )),
        }
    }

    async fn call_tool(
        &self,
        params: &Params<'_>,
        context: &CallContext,
        holds: Holds,
    ) -> Result<Message, RpcError> {
        let name = params.name.unwrap_or_default();
        let tool = Tool::named(name).ok_or_else(|| {
            let known = Tool::ALL.map(Tool::name).join(", ");
            RpcError::new(
                ErrorCode::InvalidParams,
                format!("there is no tool `{name}`; the tools are {known}"),
            )
        })?;
        let token = params.meta.progress_token;
        let mut progress = Progress::new(context, token, holds);
        Ok(tool_result(self.run(tool, params.arguments, &mut progress).await))
    }

    async fn run(
        &self,
        tool: Tool,
        arguments: Option<&str>,
        progress: &mut Progress<'_>,
    ) -> Result<String, Failure> {
        match tool {
            Tool::RunSqlQuery => self.run_sql_query(&arguments::query(arguments)?, progress).await,
            Tool::GetSchemaOfTable => {
                let name = arguments::table_name(arguments)?;
                let _room = progress.room(table_schema::ROOM_BYTES).await?;
                self.schema_of_table(name).await
            }
            Tool::GetUsefulSystemTableNames => {
                arguments::none(tool, arguments)?;
                Ok(system_tables::to_json(self.gate.guard()))
            }
        }
    }

    async fn run_sql_query(
        &self,
        query: &str,
        progress: &mut Progress<'_>,
    ) -> Result<String, Failure> {
        let statement = self.gate.check(query).map_err(|refusal| {
            let advice = if self.gate.guard().allow_writes {
                "Nothing was sent to Dremio. Allowed is one statement of Dremio's SQL."
            } else {
                "Nothing was sent to Dremio. Allowed is one statement that reads: SELECT, WITH, VALUES, TABLE, EXPLAIN PLAN FOR, DESCRIBE \
                 or SHOW."
            };
            Failure::new(refusal.to_string(), advice)
        })?;
        let job = job::run(&self.jobs, Tool::RunSqlQuery.name(), &statement, progress).await?;
        rows::fetch(self.jobs.dremio(), &job, progress).await
    }

    async fn schema_of_table(&self, name: NameArgument<'_>) -> Result<String, Failure> {
        let name = match name {
            // Models often write a list as text.
            NameArgument::Text(text) => match serde_json::from_str::<Vec<String>>(&text) {
                Ok(parts) => TableName::from_parts(parts),
                Err(_) => TableName::parse(&text),
            },
            NameArgument::Parts(parts) => TableName::from_parts(parts),
        };
        let name = name.map_err(|cause| {
            let advice =
                "Give a dotted name like \"source\".\"folder\".\"table\", or a list of its parts like [\"source\", \"folder\", \"table\"].";
            Failure::new(format!("table_name cannot be read: {cause}"), advice)
        })?;
        table_schema::fetch(self.jobs.dremio(), &name).await
    }
}

/// A model can correct its arguments, so it must see what was wrong with them (2025-11-25, tools,
/// "Error Handling").
impl From<BadArguments> for Failure {
    fn from(cause: BadArguments) -> Self {
        Self::new(cause.to_string(), "Correct the arguments and call the tool again.")
    }
}

/// A `CallToolResult` with one block of text, which is JSON.
fn tool_result(outcome: Result<String, Failure>) -> Message {
    let is_error = outcome.is_err();
    let text = string_literal(&outcome.unwrap_or_else(|failure| failure.to_json()));
    Message::from_result(&format!(
        r#"{{"content":[{{"type":"text","text":{text}}}],"isError":{is_error}}}"#
    ))
}

#[cfg(test)]
mod tests;
