//! Engines answer MCP requests. *official* relays to one shared child process; *native* is in
//! process.
//!
//! Sessions, eras and HTTP are not known here: an engine gets one request and gives one response,
//! with progress on the way. Dropping the future of a call cancels the call.

mod changes;
mod context;
mod error;
mod fair_queue;
mod limited;
mod logs;
pub(crate) mod native;
mod notifications;
pub(crate) mod official;
mod tool_list;
mod tools;
pub(crate) mod view;

use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use self::changes::{Changes, List};
pub(crate) use self::context::{CallContext, Caller, ClientId, Wanted};
pub(crate) use self::error::CallError;
pub(crate) use self::fair_queue::{CALL_LIMITS, FairQueue};
pub(crate) use self::logs::LogLevel;
pub(crate) use self::notifications::Notifications;
pub(crate) use self::tool_list::{HeaderArgument, ToolList};
pub(crate) use self::tools::{TOOL_NAMES, ToolRoom};
use self::view::Asked;
use crate::rpc::{Message, member};

/// How an engine introduces itself.
#[derive(Clone, Debug)]
pub(crate) struct Introduction {
    /// Its `InitializeResult`, as JSON text.
    pub(crate) result: String,
    /// The member `serverInfo` of that, which modern answers repeat.
    pub(crate) server_info: Option<String>,
}

impl Introduction {
    pub(crate) fn new(result: &str) -> Self {
        let server_info = member(result, "serverInfo").map(str::to_owned);
        Self { result: result.to_owned(), server_info }
    }
}

/// The engine that this gateway runs.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Official(Arc<official::Official>),
    Native(Arc<native::Native>),
}

impl Engine {
    /// How the engine introduces itself.
    ///
    /// # Errors
    /// [`CallError::NotReady`] when a first child does not come up within the limit.
    pub(crate) async fn introduction(&self) -> Result<Arc<Introduction>, CallError> {
        match self {
            Self::Official(official) => official.introduction().await,
            Self::Native(native) => Ok(native.introduction()),
        }
    }

    /// The same, if it is known by now.
    pub(crate) fn known_introduction(&self) -> Option<Arc<Introduction>> {
        match self {
            Self::Official(official) => official.known_introduction(),
            Self::Native(native) => Some(native.introduction()),
        }
    }

    /// Answers one request. The response carries an id of the engine's own; the caller sets the
    /// client's. What it subscribes to comes to the caller's notification queue, and ends with it.
    /// Cancel safe: dropping the future cancels the call.
    ///
    /// # Errors
    /// When there is no response; see [`CallError`].
    pub(crate) async fn call(
        &self,
        request: &Message,
        context: &CallContext,
    ) -> Result<Message, CallError> {
        let caller = context.caller();
        let has_rows = caller.identity.may_call(view::ROWS_OF);
        if !caller.shows_ui || !has_rows || !self.has_view() {
            return self.call_plainly(request, context).await;
        }
        match Asked::of(request) {
            Asked::Page => Ok(view::page_answer()),
            Asked::Rows(request) => Box::pin(self.call_plainly(&request, context)).await,
            Asked::Other => {
                let answer = Box::pin(self.call_plainly(request, context)).await?;
                Ok(view::completed(request, answer, context.shown()))
            }
        }
    }

    /// Whether results can be shown as a page: whether our own tools answer.
    fn has_view(&self) -> bool {
        match self {
            Self::Official(official) => official.has_own_tools(),
            Self::Native(_) => true,
        }
    }

    /// What `introduction` says to a client that shows pages, or does not.
    pub(crate) fn introduction_for<'i>(
        &self,
        shows_ui: bool,
        introduction: &'i Introduction,
    ) -> Cow<'i, str> {
        if shows_ui && self.has_view() {
            view::introduced(&introduction.result).into()
        } else {
            introduction.result.as_str().into()
        }
    }

    /// Answers one request as to a client that shows no pages.
    async fn call_plainly(
        &self,
        request: &Message,
        context: &CallContext,
    ) -> Result<Message, CallError> {
        let caller = &context.caller().identity;
        if !caller.is_limited() {
            return self.call_freely(request, context).await;
        }
        if let Some(refused) = limited::refused(request, caller) {
            return Ok(refused);
        }
        // Whether the tools are ours is known when the first child has introduced itself.
        self.introduction().await?;
        if !self.has_view() {
            return Ok(limited::not_held());
        }
        let answer = Box::pin(self.call_freely(request, context)).await?;
        Ok(limited::listed(request, answer, caller))
    }

    /// Answers one request of a caller who may make it.
    async fn call_freely(
        &self,
        request: &Message,
        context: &CallContext,
    ) -> Result<Message, CallError> {
        match self {
            Self::Official(official) => official.call(request, context).await,
            // Its future is several kilobytes, which a relayed call need not carry along.
            Self::Native(native) => Box::pin(native.call(request, context)).await,
        }
    }

    /// The tools that the engine offers, as far as it is known.
    pub(crate) fn tools(&self) -> Arc<ToolList> {
        match self {
            Self::Official(official) => official.tools(),
            Self::Native(native) => native.tools(),
        }
    }

    /// Whether the engine has this tool, for models or for the page.
    pub(crate) fn has_tool(&self, name: &str) -> bool {
        self.tools().contains(name) || (name == view::ROWS_TOOL && self.has_view())
    }

    /// The changes of its lists from now on.
    pub(crate) fn changes(&self) -> Changes {
        match self {
            Self::Official(official) => official.changes(),
            Self::Native(_) => Changes::never(),
        }
    }
}
