//! What the gateway changes in what Dremio's own server does and says
//! ([decision 9](../../../../../../docs/decisions/0009-official-repair.md)). Servers of other names
//! are relayed as they are.
//!
//! - `annotations`: what the list of tools says of the one that runs statements; always
//! - `listing`: the list of tools, the introduction and the prompt
//! - `query`: a statement that the child submits, and the gateway waits for
//! - `answers`: what is left of the child's own answers
//!
//! With `MCP_OFFICIAL_REPAIR`, the tools that the gateway has itself are its own; the child runs
//! the statements, and all that it offers besides.

mod annotations;
mod answers;
mod listing;
mod query;

use std::sync::atomic::{AtomicBool, Ordering};

use self::answers::OwnAddress;
use super::CurrentChild;
use super::connection::Answer;
use crate::egress::{Calls, OpenCall, Waits};
use crate::engine::native::tool_result;
use crate::engine::tools::{Holds, Progress, Tool, ToolCall, ToolRoom, prompt};
use crate::engine::{CallContext, Introduction};
use crate::guard::Guard;
use crate::methods;
use crate::rpc::{Message, member, text_member};

/// The name by which Dremio's own server introduces itself.
const DREMIOS_OWN: &str = "Dremio";

/// The tool of Dremio's own server that runs statements.
const RUN_SQL_QUERY: &str = "RunSqlQuery";

/// Whether the server that introduces itself with this `InitializeResult` is Dremio's own.
pub(super) fn is_dremios_own(introduction: &str) -> bool {
    let name = member(introduction, "serverInfo").and_then(|info| text_member(info, "name"));
    name.as_deref() == Some(DREMIOS_OWN)
}

/// How Dremio's own server is repaired.
#[derive(Debug)]
pub(crate) struct Repair {
    guard: Guard,
    calls: Calls,
    /// What is more than the guard needs, if it is wanted.
    more: Option<Workshop>,
}

/// What the gateway answers with in place of the child.
#[derive(Debug)]
struct Workshop {
    room: ToolRoom,
    own_address: OwnAddress,
    /// Whether the child runs statements: then its tools are ours.
    has_tools: AtomicBool,
}

impl Repair {
    /// Of a server whose statements pass this guard, and whose calls these are: no more than the
    /// guard needs.
    pub(crate) fn of_guard(guard: Guard, calls: Calls) -> Self {
        Self { guard, calls, more: None }
    }

    /// All of it, with these tools, for a child that finds Dremio at `egress_uri`.
    pub(crate) fn with_tools(room: ToolRoom, calls: Calls, egress_uri: &str) -> Self {
        let own_address = OwnAddress::new(egress_uri);
        let guard = room.gate.guard();
        let more = Some(Workshop { room, own_address, has_tools: AtomicBool::new(false) });
        Self { guard, calls, more }
    }

    /// For a stop, as [`ToolRoom::finish`].
    pub(super) async fn finish(&self) {
        if let Some(more) = &self.more {
            more.room.finish().await;
        }
    }

    /// The room of the tools, if the child's are ours.
    fn room(&self) -> Option<&ToolRoom> {
        let more = self.more.as_ref()?;
        more.has_tools.load(Ordering::Relaxed).then_some(&more.room)
    }

    /// Whether our own tools answer in place of the child's.
    pub(super) fn has_tools(&self) -> bool {
        self.room().is_some()
    }

    /// The answer to a request for a list, as clients get it. Whether the child's tools are ours
    /// follows from the first page; errors and later pages say nothing about it.
    pub(super) fn list(&self, method: &str, list: Message, is_first_page: bool) -> Message {
        if method != methods::TOOLS_LIST {
            return list;
        }
        let merged = self.more.as_ref().and_then(|more| {
            let merged = listing::merged(&list, self.guard, more.room.answers.tokens_max);
            if is_first_page && list.result().is_some() {
                more.has_tools.store(merged.is_some(), Ordering::Relaxed);
            }
            merged
        });
        match merged.or_else(|| annotations::corrected(&list, self.guard)) {
            Some(result) => list.with_result(&result),
            None => list,
        }
    }

    /// What the child says of itself, as clients get it. The list of its tools comes first.
    pub(super) fn introduction(&self, introduction: Introduction) -> Introduction {
        match self.room() {
            Some(_) => Introduction::new(&listing::introduced(&introduction.result, self.guard)),
            None => introduction,
        }
    }

    /// The answer to a request that the child need not see: its prompt is ours.
    pub(super) fn own_answer(&self, request: &Message) -> Option<Message> {
        self.room().filter(|_| request.method() == methods::PROMPTS_GET)?;
        let name = request.params().ok()?.name?;
        prompt(name, self.guard).map(|prompt| Message::from_result(&prompt))
    }

    /// Answers a request that the child would have got. Dropping the future cancels the call, and
    /// its job at Dremio.
    ///
    /// # Errors
    /// When the child is asked, and has no answer.
    pub(super) async fn call(
        &self,
        child: &CurrentChild,
        request: &Message,
        context: &CallContext,
        holds: Holds,
    ) -> Answer {
        let params = request.params().unwrap_or_default();
        let name = params.name.filter(|_| request.method() == methods::TOOLS_CALL);
        match (self.room(), name.and_then(Tool::named)) {
            (Some(room), Some(tool)) => {
                let mut progress = Progress::new(context, params.meta.progress_token);
                progress.hold(holds);
                let room = &room.of(&context.caller().identity);
                if tool.name != RUN_SQL_QUERY {
                    let call =
                        ToolCall { room, tool: tool.name, arguments: params.arguments, progress };
                    return Ok(tool_result(tool.answer(call).await));
                }
                self.run_sql_query(room, child, request, &params, context, progress).await
            }
            _ => {
                let is_query = name == Some(RUN_SQL_QUERY);
                let open = is_query.then(|| self.opened(context, Waits::Child)).flatten();
                let answer = child.call(request, context, open.as_ref()).await?;
                Ok(self.repaired(answer))
            }
        }
    }

    /// A call that runs a statement, so that the egress proxy knows whose that is.
    fn opened(&self, context: &CallContext, waits: Waits) -> Option<OpenCall> {
        self.calls.open(&context.caller().identity, waits).ok()
    }

    /// An answer that the child made, without what clients should not see.
    fn repaired(&self, answer: Message) -> Message {
        match &self.more {
            Some(more) => answers::repaired(answer, &more.own_address),
            None => answer,
        }
    }
}
