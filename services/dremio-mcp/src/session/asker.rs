//! The sender of an HTTP message, and its rate limit.

use std::sync::Arc;

use axum::http::StatusCode;
use service_kit::http::Peer;

use super::Gateway;
use crate::access::TooMany;
use crate::engine::{Caller, ClientId};
use crate::policy::Identity;
use crate::principal::Principal;
use crate::rpc::Refusal;
use crate::telemetry::TraceParent;

/// The sender of a message.
pub(super) struct Asker {
    pub(super) identity: Arc<Identity>,
    pub(super) peer: Peer,
    /// Of which trace the request is a part, as its head says.
    pub(super) parent: Option<TraceParent>,
}

impl Asker {
    /// To whom the session belongs.
    pub(super) fn principal(&self) -> &Principal {
        self.identity.principal()
    }
}

/// A client without a session. Only the address distinguishes clients of one key.
pub(super) fn caller_at(Asker { identity, peer, .. }: Asker) -> Caller {
    let client = ClientId::Address(peer.0.ip());
    Caller { identity, client, batch: None, shows_ui: false, notifications: None }
}

/// Counts the messages of a request beyond the first, which was counted when it arrived: all of
/// them, or none.
///
/// When they exceed the key's rate.
pub(super) fn count_more(gateway: &Gateway, asker: &Asker, more: usize) -> Result<(), Refusal> {
    let counted = gateway.access.count_more(asker.principal(), asker.peer.0.ip(), more);
    counted.map_err(|cause| match cause {
        TooMany::Now(wait) => {
            let message = "This key sends too many messages (MCP_RATE_LIMIT). Wait as long as \
                           Retry-After says.";
            Refusal::invalid(StatusCode::TOO_MANY_REQUESTS, message).retry_after(wait)
        }
        TooMany::AtOnce => {
            let message =
                "This is more at once than MCP_RATE_LIMIT lets a key send or ask for. Split it.";
            Refusal::invalid(StatusCode::BAD_REQUEST, message)
        }
    })
}
