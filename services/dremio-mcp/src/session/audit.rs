//! The audit log of sessions: log lines with `target: "audit"` and a stable `event`. A session is
//! identified by the random part of its id, which grants no access; the id itself is not logged.

use super::Gateway;
use super::asker::Asker;
use super::id::{Claims, Serial};
use crate::engine::view;
use crate::principal::Principal;
use crate::rpc::{Message, member};

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
