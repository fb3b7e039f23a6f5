//! The MCP protocol towards clients, in both eras, on one endpoint:
//!
//! - *legacy* (2024-11-05 to 2025-11-25): `initialize` opens a session, `Mcp-Session-Id` names it
//! - *modern* (2026-07-28): every request stands alone and names its protocol version
//!
//! Modules: `endpoint` parses HTTP, `asker` is the sender of a request, `legacy` and `modern` know
//! their era, `call` runs one request, `answer` turns it into JSON or a stream of `sse`, `replay`
//! resumes a lost stream, `news` and `subscription` are the streams outside of calls,
//! `legacy_session` is one legacy client, `table` holds all of them, `audit` logs them, and `id` is
//! the content of a session id: enough to resume the session in another process.

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
use crate::audit::Audit;
use crate::budget::Budget;
use crate::engine::Engine;
use crate::metrics::Metrics;
use crate::status::Recent;
use crate::telemetry::Traces;

/// Revisions with a handshake, oldest first. Session ids contain their index; no more of them will
/// come.
const LEGACY_VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The revision without a handshake.
const MODERN_VERSION: &str = "2026-07-28";

/// Everything that serves one MCP request.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) engine: Engine,
    pub(crate) sessions: SessionTable,
    /// Where requests came in, and where their further messages are counted.
    pub(crate) access: Arc<Access>,
    pub(crate) metrics: Arc<Metrics>,
    /// What operators see of the calls.
    pub(crate) recent: Arc<Recent>,
    /// Where calls are written down.
    pub(crate) audit: Arc<Audit>,
    /// Where their traces begin, if there are any.
    pub(crate) traces: Option<Traces>,
    /// The room for what clients send and get.
    pub(crate) budget: Budget,
    /// Number of batches so far, which is also the name of the next one.
    pub(crate) batches: AtomicU64,
    /// Limit for one call, whatever it waits for.
    pub(crate) call_timeout: Duration,
    /// Cancelled when a stop has waited long enough for answers: remaining calls end while there is
    /// time to inform their clients and cancel their jobs at Dremio.
    pub(crate) last_call: CancellationToken,
    pub(crate) shutdown: Shutdown,
}
