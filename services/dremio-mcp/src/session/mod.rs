//! The MCP protocol towards clients, in both eras, on one endpoint:
//!
//! - *legacy* (2024-11-05 to 2025-11-25): `initialize` opens a session, `Mcp-Session-Id` names it
//! - *modern* (2026-07-28): every request stands alone and says which protocol it speaks
//!
//! Modules: `endpoint` takes HTTP apart, `asker` is who sends a request, `legacy` and `modern` know
//! their era, `call` runs one request, `answer` turns it into JSON or a stream of `sse`, `replay`
//! lets a lost stream be read on, `news` and `subscription` are the streams for what belongs to no
//! call, `legacy_session` is one legacy client, `table` holds them, `audit` is their record, and `id` is
//! what a session's id says: enough to take it up again in another process.

mod answer;
mod asker;
mod audit;
mod call;
mod endpoint;
mod id;
mod legacy;
mod legacy_session;
mod modern;
mod news;
mod replay;
mod sse;
mod subscription;
mod table;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use service_kit::lifecycle::Shutdown;
use tokio_util::sync::CancellationToken;

pub(crate) use self::endpoint::answer;
pub(crate) use self::id::SessionIds;
pub(crate) use self::table::{SessionLimits, SessionTable};
use crate::access::Access;
use crate::budget::Budget;
use crate::engine::Engine;
use crate::metrics::Metrics;

/// Revisions with a handshake, oldest first. Their places stand in session ids; there will be no
/// more of them.
const LEGACY_VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The revision without one.
const MODERN_VERSION: &str = "2026-07-28";

/// Everything that serves one MCP request.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) engine: Engine,
    pub(crate) sessions: SessionTable,
    /// Where requests came in, and what else they hold is counted.
    pub(crate) access: Arc<Access>,
    pub(crate) metrics: Arc<Metrics>,
    /// The room for what clients send and get.
    pub(crate) budget: Budget,
    /// How many batches there were: their names.
    pub(crate) batches: AtomicU64,
    /// Limit for one call, whoever it waits for.
    pub(crate) call_timeout: Duration,
    /// Cancelled when a stop has waited long enough for answers: what still runs is ended then,
    /// while its client can be told and its job at Dremio cancelled.
    pub(crate) last_call: CancellationToken,
    pub(crate) shutdown: Shutdown,
}
