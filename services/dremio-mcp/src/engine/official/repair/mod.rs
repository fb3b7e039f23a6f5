//! What the gateway changes in what Dremio's own server says. Servers of other names are relayed
//! as they are.
//!
//! - `annotations`: what the list of tools says of the one that runs statements

mod annotations;

use crate::egress::{Calls, FollowedCall, Waits};
use crate::engine::CallContext;
use crate::guard::Guard;
use crate::methods;
use crate::rpc::{Message, member};

/// The name by which Dremio's own server introduces itself.
const DREMIOS_OWN: &str = "Dremio";

/// The tool of Dremio's own server that runs statements.
const RUN_SQL_QUERY: &str = "RunSqlQuery";

/// Whether the server that introduces itself with this `InitializeResult` is Dremio's own.
pub(super) fn is_dremios_own(introduction: &str) -> bool {
    let name = member(introduction, "serverInfo").and_then(|info| member(info, "name"));
    name.and_then(|name| serde_json::from_str::<String>(name).ok()).as_deref() == Some(DREMIOS_OWN)
}

/// How Dremio's own server is repaired.
#[derive(Debug)]
pub(crate) struct Repair {
    guard: Guard,
    calls: Calls,
}

impl Repair {
    /// A repair of a server whose statements pass this guard, and whose calls these are.
    pub(crate) fn new(guard: Guard, calls: Calls) -> Self {
        Self { guard, calls }
    }

    /// A call that runs a statement: as the child gets it, and what is known of its query. `None`
    /// for any other.
    pub(super) fn followed(
        &self,
        request: &Message,
        context: &CallContext,
    ) -> Option<(Message, FollowedCall)> {
        let is_query = request.method() == methods::TOOLS_CALL
            && request.params().is_ok_and(|params| params.name == Some(RUN_SQL_QUERY));
        if !is_query {
            return None;
        }
        let call = self.calls.follow(&context.caller().principal, Waits::Child).ok()?;
        Some((request.with_longer_argument("query", &call.mark())?, call))
    }

    /// The answer to a request for a list, as clients get it.
    pub(super) fn list(&self, method: &str, list: Message) -> Message {
        if method != methods::TOOLS_LIST {
            return list;
        }
        annotations::corrected(&list, self.guard).unwrap_or(list)
    }
}
