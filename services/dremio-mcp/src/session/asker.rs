//! Who sends a message over HTTP, and what that costs.

use axum::http::{StatusCode, header};
use axum::response::Response;
use service_kit::http::Peer;

use super::Gateway;
use crate::access::TooMany;
use crate::engine::{Caller, ClientId};
use crate::principal::Principal;
use crate::rpc::{ErrorCode, RpcError, refuse};

/// Who sends a message.
pub(super) struct Asker {
    pub(super) principal: Principal,
    pub(super) peer: Peer,
}

/// A client without a session. Nothing but the address tells clients of one key apart.
pub(super) fn caller_at(Asker { principal, peer }: Asker) -> Caller {
    Caller { principal, client: ClientId::Address(peer.0.ip()), batch: None, notifications: None }
}

/// Counts what a request holds beyond the one message as which it was counted when it came in: all
/// of it, or nothing and gives the answer, when that is too much for the key's rate.
pub(super) fn count_more(
    gateway: &Gateway,
    asker: &Asker,
    more: usize,
    id: Option<&str>,
) -> Option<Response> {
    let cause = gateway.access.count_more(&asker.principal, asker.peer.0.ip(), more).err()?;
    let invalid = |message: &str| RpcError::new(ErrorCode::InvalidRequest, message);
    Some(match cause {
        TooMany::Now(wait) => {
            let error = invalid(
                "This key sends too many messages (MCP_RATE_LIMIT). Wait as long as Retry-After says.",
            );
            let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, &error, id);
            // Whole seconds, rounded up so that the retry succeeds (RFC 9110 §10.2.3).
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, wait.as_secs().saturating_add(1).into());
            response
        }
        TooMany::AtOnce => {
            let error = invalid(
                "This is more at once than MCP_RATE_LIMIT lets a key send or ask for. Split it.",
            );
            refuse(StatusCode::BAD_REQUEST, &error, id)
        }
    })
}
