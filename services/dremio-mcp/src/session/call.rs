//! One request on its way through the engine: deadline, cancellation, audit and metrics, in one
//! place for both eras.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tokio::time::Instant;

use super::answer::{Delivery, Finished, answer};
use super::legacy_session::Running;
use super::{Gateway, modern};
use crate::budget::{Charge, Held, Kind, NoRoom};
use crate::engine::{CallContext, CallError, Caller, LogLevel};
use crate::methods;
use crate::rpc::Message;

/// A request that was accepted, and what its answer needs.
pub(super) struct Call {
    pub(super) request: Message,
    pub(super) caller: Caller,
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
        let (context, notifications) =
            CallContext::new(self.caller.clone(), self.log_level, &gateway.budget);
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
        let (context, _unread) = CallContext::new(self.caller.clone(), None, &gateway.budget);
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

    async fn run(self, gateway: &Gateway, context: CallContext) -> Finished {
        let mut record =
            Record { gateway, call: &self, started: Instant::now(), outcome: "abandoned" };
        let limit = gateway.call_timeout;
        let called = tokio::select! {
            // Start nothing for a client that has cancelled or lost its key.
            biased;
            () = self.cancelled() => {
                record.outcome = "cancelled";
                return Finished { status: StatusCode::OK, body: None };
            }
            called = tokio::time::timeout(limit, gateway.engine.call(&self.request, &context)) => {
                called.unwrap_or(Err(CallError::TimedOut { limit }))
            }
            () = gateway.last_call.cancelled() => Err(CallError::Stopping),
        };
        record.outcome = outcome(&called);
        drop(record);
        let id = self.request.id();
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

/// The audit line and metrics of a tool call, written when it ends, whatever the reason. Arguments
/// and rows never appear.
struct Record<'c> {
    gateway: &'c Gateway,
    call: &'c Call,
    started: Instant,
    outcome: &'static str,
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let Self { gateway, call, started, outcome } = *self;
        if call.request.method() != methods::TOOLS_CALL {
            return;
        }
        let took = started.elapsed();
        let params = call.request.params().unwrap_or_default();
        // A name made up by a client must not become a metric label.
        let tool = params.name.filter(|name| gateway.engine.has_tool(name)).unwrap_or("other");
        gateway.metrics.tool_called(tool, outcome, took);
        gateway.recent.tool_called(call.caller.principal(), tool, outcome, took);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "audit",
            event = "tool_called",
            tool,
            principal = %call.caller.principal(),
            outcome,
            duration_ms,
            "tool called",
        );
    }
}

/// The members of a `CallToolResult` and an `ErrorObject` that show how a call went.
#[derive(Default, Deserialize)]
struct ToolResult {
    #[serde(rename = "isError", default)]
    is_error: bool,
}

fn outcome(called: &Result<Message, CallError>) -> &'static str {
    match called {
        Err(cause) => cause.outcome(),
        Ok(response) => match response.result() {
            None => "rpc_error",
            Some(result)
                if serde_json::from_str::<ToolResult>(result).unwrap_or_default().is_error =>
            {
                "tool_error"
            }
            Some(_) => "ok",
        },
    }
}
