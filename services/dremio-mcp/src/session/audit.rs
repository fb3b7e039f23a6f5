//! The audit log of sessions: log lines with `target: "audit"` and a stable `event`. A session is
//! identified by the random part of its id, which grants no access; the id itself is not logged.
//! Calls of tools are written down by `call`, through [`crate::audit`], and here if they do not get
//! so far.

use std::sync::Arc;

use service_kit::http::Peer;

use super::Gateway;
use super::asker::Asker;
use super::id::{Claims, Serial};
use crate::audit::{About, CallAudit, Ending, Members, Who};
use crate::engine::view;
use crate::methods;
use crate::policy::Identity;
use crate::principal::Principal;
use crate::rpc::{Kind, Message, member};
use crate::telemetry::TraceParent;

/// Characters of a client's name that are logged. Names are short.
const NAME_CHARS_MAX: usize = 64;

/// What a client says about itself in `initialize`.
#[derive(Debug, Default)]
pub(super) struct ClientInfo {
    pub(super) name: String,
    pub(super) version: String,
    /// Whether it declares the extension for user interfaces.
    pub(super) shows_ui: bool,
}

impl ClientInfo {
    /// Reads it from an `initialize` request; missing or malformed members are empty.
    pub(super) fn of(initialize: &Message) -> Self {
        let params = initialize.params_text().unwrap_or("{}");
        let info = member(params, "clientInfo").unwrap_or("{}");
        let text = |name: &str| {
            member(info, name)
                .and_then(|raw| serde_json::from_str::<String>(raw).ok())
                .unwrap_or_default()
        };
        Self {
            name: in_one_line(&text("name")),
            version: in_one_line(&text("version")),
            shows_ui: member(params, "capabilities").is_some_and(view::is_shown_by),
        }
    }
}

/// A client's text, cut, and without characters that could start a new log line.
fn in_one_line(text: &str) -> String {
    text.chars()
        .take(NAME_CHARS_MAX)
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

pub(super) fn opened(asker: &Asker, claims: &Claims, client: &ClientInfo) {
    let ClientInfo { name, version, .. } = client;
    let revision = claims.opening.protocol_version;
    let (principal, peer) = (asker.principal(), asker.peer.0.ip());
    tracing::info!(
        target: "audit",
        event = "session_opened",
        session = %claims.serial,
        client = name,
        client_version = version,
        revision,
        %principal,
        %peer,
        "session opened",
    );
}

pub(super) fn resumed(asker: &Asker, claims: &Claims) {
    let revision = claims.opening.protocol_version;
    let (principal, peer, issued) = (asker.principal(), asker.peer.0.ip(), claims.issued);
    tracing::info!(
        target: "audit",
        event = "session_resumed",
        session = %claims.serial,
        revision,
        %principal,
        %peer,
        %issued,
        "session taken up again",
    );
}

pub(super) fn refused(gateway: &Gateway, asker: &Asker, reason: &'static str) {
    gateway.metrics.session_refused(reason);
    let (principal, peer) = (asker.principal(), asker.peer.0.ip());
    tracing::info!(
        target: "audit",
        event = "session_refused",
        reason,
        %principal,
        %peer,
        "no session for this request",
    );
}

pub(super) fn ended(asker: &Asker, claims: &Claims) {
    let (principal, peer) = (asker.principal(), asker.peer.0.ip());
    tracing::info!(
        target: "audit",
        event = "session_ended",
        reason = "deleted",
        session = %claims.serial,
        %principal,
        %peer,
        "session ended by its client",
    );
}

/// The key of its principal was withdrawn.
pub(super) fn withdrawn(principal: &Principal, serial: Serial) {
    tracing::info!(
        target: "audit",
        event = "session_ended",
        reason = "key_withdrawn",
        session = %serial,
        %principal,
        "session ended: its key is no longer valid",
    );
}

/// Who makes a call.
pub(super) fn who(identity: &Identity, peer: Peer) -> Who {
    let (principal, account) = (identity.principal().clone(), identity.account().cloned());
    Who { principal, account, peer: peer.0.ip() }
}

/// The tool that is called; `other` if there is none of that name: what a client makes up must not
/// become a label of a metric.
pub(super) fn tool<'m>(gateway: &Gateway, request: &'m Message) -> &'m str {
    let name = request.params().unwrap_or_default().name;
    name.filter(|name| gateway.engine.has_tool(name)).unwrap_or("other")
}

/// Of which trace a call is a part. What it says itself is nearer to it than the head of its
/// request.
pub(super) fn parent(request: &Message, of_head: Option<TraceParent>) -> Option<TraceParent> {
    let own = request.params().unwrap_or_default().meta.traceparent;
    own.and_then(TraceParent::read).or(of_head)
}

/// A request that is refused before it becomes a call. Nothing is written unless it is one for a
/// tool.
pub(super) fn call_refused(
    gateway: &Gateway,
    asker: &Asker,
    request: &Message,
    reason: &'static str,
) {
    if request.method() != methods::TOOLS_CALL || request.kind() != Kind::Request {
        return;
    }
    let tool = tool(gateway, request);
    let call = gateway.audit.begin(who(&asker.identity, asker.peer), tool);
    let ending = Ending::Refused(reason);
    let trace_id = parent(request, asker.parent).map(|parent| parent.trace_id);
    let about = About { trace_id, ..About::default() };
    let line = call_ended(gateway, asker.principal(), request, &call, ending, about);
    if let Some((line, place)) = line.zip(gateway.audit.admit().place) {
        place.leave(line);
    }
    let (outcome, took) = (ending.outcome(), call.took());
    gateway.metrics.operation(methods::TOOLS_CALL, Arc::clone(call.tool()), Some(outcome), took);
}

/// Counts a call of a tool that has ended, logs it, and gives its line for the audit file.
pub(super) fn call_ended(
    gateway: &Gateway,
    principal: &Principal,
    request: &Message,
    call: &Arc<CallAudit>,
    ending: Ending,
    about: About<'_>,
) -> Option<Members> {
    let (tool, outcome, took) = (call.tool(), ending.outcome(), call.took());
    gateway.metrics.tool_called(Arc::clone(tool), outcome, took);
    let asked = request.params().unwrap_or_default().name.filter(|name| *name != &**tool);
    let (verdict, line) = call.end(ending, About { asked, ..about });
    gateway.recent.tool_called(principal, tool, verdict, took);
    line
}
