//! One request on its way through the engine: deadline, cancellation, audit and metrics, in one
//! place for both eras.

use std::pin::pin;
use std::sync::Arc;

use super::answer::{Delivery, Finished, answer};
use super::legacy_session::Running;
use super::{Gateway, audit, modern};
use crate::audit::{About, CallAudit, Ending, Members, Place};
use crate::budget::{Charge, Held, Kind, NoRoom};
use crate::engine::{CallContext, CallError, Caller, LogLevel, Wanted};
use crate::methods;
use crate::rpc::{Message, read_json};
use crate::telemetry::{Span, TraceParent};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use service_kit::http::Peer;

/// A request that was accepted, and what its answer needs.
pub(super) struct Call {
    pub(super) request: Message,
    pub(super) caller: Caller,
    pub(super) peer: Peer,
    /// Of which trace it is a part, as the head of its request says.
    pub(super) parent: Option<TraceParent>,
    pub(super) client: Client,
    /// Whether the client accepts a stream.
    pub(super) may_stream: bool,
    /// The least severe log messages that the client wants; `None` for no messages.
    pub(super) log_level: Option<LogLevel>,
}

/// What the client's era adds to a call.
pub(super) enum Client {
    /// The call belongs to a session, through which it can be cancelled.
    Legacy(Running),
    /// The call stands alone; its answer must be completed as that revision requires.
    Modern,
}

impl Call {
    /// Runs the call and answers it. Dropping the future cancels the call; for a modern client,
    /// dropping the body of a stream does so as well.
    pub(super) async fn answer(self, gateway: Arc<Gateway>) -> Response {
        let meta = self.request.params().unwrap_or_default().meta;
        let wanted = Wanted { progress: meta.progress_token.is_some(), log_level: self.log_level };
        let (context, notifications) =
            CallContext::new(self.caller.clone(), wanted, &gateway.budget);
        let delivery = match &self.client {
            _ if !self.may_stream => Delivery::Whole,
            Client::Legacy(running) => Delivery::Resumable(
                running.session(),
                self.request.id().unwrap_or("null").to_owned(),
            ),
            Client::Modern => Delivery::Stream,
        };
        let shutdown = gateway.shutdown.clone();
        let call = Box::pin(async move { self.run(&gateway, context).await });
        answer(call, notifications, delivery, shutdown).await
    }

    /// Runs the call for a caller that accepts no stream. Returns its response; `None` if it was
    /// cancelled.
    pub(super) async fn finish(self, gateway: &Gateway) -> Option<Held> {
        let (context, _) =
            CallContext::new(self.caller.clone(), Wanted::default(), &gateway.budget);
        self.run(gateway, context).await.body
    }

    /// Resolves when the client cancels the call by another request, or its key is withdrawn.
    /// Cancel safe.
    async fn cancelled(&self) {
        match &self.client {
            Client::Legacy(running) => running.cancelled().await,
            Client::Modern => self.caller.principal().withdrawn().cancelled().await,
        }
    }

    async fn run(&self, gateway: &Gateway, context: CallContext) -> Finished {
        let id = self.request.id();
        let mut record = Record::begin(gateway, self);
        if record.is_refused {
            let cause = CallError::AuditUnavailable;
            record.ending = Ending::Failed(cause.outcome());
            return failed(gateway, &cause, id);
        }
        let limit = gateway.call_timeout;
        let work = record.span.clone().run(gateway.engine.call(&self.request, &context));
        let called = {
            // Its future is large: what follows moves a pointer to it. It ends with this block.
            let work = pin!(Arc::clone(&record.audit).scope(work));
            tokio::select! {
                // Start nothing for a client that has cancelled or lost its key.
                biased;
                () = self.cancelled() => {
                    let has_no_key = self.caller.principal().withdrawn().is_cancelled();
                    let by = if has_no_key { "key_withdrawn" } else { "client" };
                    record.ending = Ending::Cancelled(by);
                    return Finished { status: StatusCode::OK, body: None };
                }
                called = tokio::time::timeout(limit, work) => {
                    called.unwrap_or(Err(CallError::TimedOut { limit }))
                }
                () = gateway.last_call.cancelled() => Err(CallError::Stopping),
            }
        };
        if !record.end(&called).await {
            return failed(gateway, &CallError::AuditUnavailable, id);
        }
        let mut response = match called {
            Ok(response) => response,
            Err(cause) => return failed(gateway, &cause, id),
        };
        let charge = response.take_charge();
        let finished = match &self.client {
            Client::Legacy(_) => Finished {
                status: StatusCode::OK,
                body: Some(response.with_id(id.unwrap_or("null")).into()),
            },
            Client::Modern => modern::finish(gateway, &self.request, &response).await,
        };
        drop(response);
        self.held(gateway, finished, charge)
            .unwrap_or_else(|cause| failed(gateway, &CallError::NoRoom(cause), id))
    }

    /// The answer with room of its size: what is left of the room of the engine's response, or new
    /// room.
    fn held(
        &self,
        gateway: &Gateway,
        finished: Finished,
        charge: Option<Charge>,
    ) -> Result<Finished, NoRoom> {
        let Some(text) = finished.body else { return Ok(finished) };
        let text = text.into_text();
        let mut charge = match charge {
            Some(charge) => charge,
            None => gateway.budget.try_take(self.caller.principal(), Kind::Answers, 0)?,
        };
        charge.resize(text.len())?;
        Ok(Finished { body: Some(charge.hold(text)), ..finished })
    }
}

fn failed(gateway: &Gateway, cause: &CallError, id: Option<&str>) -> Finished {
    if let CallError::NoRoom(cause) = cause {
        gateway.metrics.refused(cause.name());
    }
    Finished { status: StatusCode::OK, body: Some(cause.to_rpc().response(id).into()) }
}

/// What is told of a call when it ends, whatever the reason: metrics, and of the call of a tool an
/// audit line and a span. Arguments and rows never appear.
struct Record<'c> {
    gateway: &'c Gateway,
    call: &'c Call,
    audit: Arc<CallAudit>,
    parent: Option<TraceParent>,
    span: Span,
    place: Option<Place>,
    /// The audit file takes no lines, so that no call of a tool may be made.
    is_refused: bool,
    ending: Ending,
    answer_bytes: usize,
    /// Whether there is nothing to write, or it was written.
    is_done: bool,
}

impl<'c> Record<'c> {
    fn begin(gateway: &'c Gateway, call: &'c Call) -> Self {
        let is_tool = call.request.method() == methods::TOOLS_CALL;
        let tool = if is_tool { audit::tool(gateway, &call.request) } else { "" };
        let who = audit::who(&call.caller.identity, call.peer);
        let parent = audit::parent(&call.request, call.parent);
        let traces = gateway.traces.as_ref().filter(|_| is_tool);
        let admission = is_tool.then(|| gateway.audit.admit());
        Self {
            gateway,
            call,
            parent,
            span: traces.map(|traces| traces.tool_call(tool, parent)).unwrap_or_default(),
            audit: gateway.audit.begin(who, tool),
            is_refused: admission.as_ref().is_some_and(|admission| admission.is_refused),
            place: admission.and_then(|admission| admission.place),
            ending: Ending::Abandoned,
            answer_bytes: 0,
            is_done: !is_tool,
        }
    }

    /// Writes the line of a call that the engine has answered, or failed to. Returns `false` if it
    /// is not in the audit file, so that no answer may leave.
    async fn end(&mut self, called: &Result<Message, CallError>) -> bool {
        let is_tool = !self.is_done;
        self.ending = ending(called, is_tool);
        if !is_tool {
            return true;
        }
        let result = called.as_ref().ok().and_then(Message::result);
        self.answer_bytes = result.map_or(0, str::len);
        let (line, place) = (self.line(), self.place.take());
        match line.zip(place) {
            Some((line, place)) => place.write(line).done().await,
            None => true,
        }
    }

    /// Counts the call, logs it, and gives its line for the audit file.
    fn line(&mut self) -> Option<Members> {
        self.is_done = true;
        let session = match &self.call.client {
            Client::Legacy(running) => Some(running.session()),
            Client::Modern => None,
        };
        let about = About {
            session: session.as_ref().map(|session| &session.claims.serial as _),
            trace_id: self.span.trace_id().or(self.parent.map(|parent| parent.trace_id)),
            bytes: self.answer_bytes,
            ..About::default()
        };
        let Call { request, caller, .. } = self.call;
        let (principal, audit) = (caller.principal(), &self.audit);
        audit::call_ended(self.gateway, principal, request, audit, self.ending, about)
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.is_done
            && let Some((line, place)) = self.line().zip(self.place.take())
        {
            place.leave(line);
        }
        let Self { gateway, call, audit, span, ending, .. } = self;
        let error = Some(ending.outcome()).filter(|outcome| *outcome != "ok");
        if let Some(error) = error {
            span.failed(error);
        }
        let method = methods::known(call.request.method());
        gateway.metrics.operation(method, Arc::clone(audit.tool()), error, audit.took());
    }
}

/// The members of a `CallToolResult` and an `ErrorObject` that show how a call went.
#[derive(Default, Deserialize)]
struct ToolResult {
    #[serde(rename = "isError", default)]
    is_error: bool,
}

fn ending(called: &Result<Message, CallError>, is_tool: bool) -> Ending {
    match called {
        Err(cause) => Ending::Failed(cause.outcome()),
        Ok(response) => Ending::Answered(match response.result() {
            None => "rpc_error",
            Some(result)
                if is_tool && read_json::<ToolResult>(result).unwrap_or_default().is_error =>
            {
                "tool_error"
            }
            Some(_) => "ok",
        }),
    }
}
