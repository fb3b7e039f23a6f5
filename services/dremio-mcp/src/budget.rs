//! Limits how many bytes of clients' messages the gateway holds, in total and per principal. A
//! message takes its room first ([`Budget::try_take`], [`Budget::take`]) and has it until the
//! [`Charge`] is dropped; a text that goes out keeps its charge until the network has it
//! ([`Held`]).
//!
//! It counts bytes and allocates nothing. What is smaller than a page of memory and lives as long
//! as a call (ids, names) is not counted: connections and calls have their own limits.

mod held;
mod pool;

pub(crate) use self::held::Held;
pub(crate) use self::pool::Charge;
use self::pool::Pool;
use crate::metrics::Metrics;
use crate::principal::Principal;

/// Bytes of messages held at a time. The gateway should stay below 400 MB, of which 16,384
/// connections may take half.
const TOTAL_BYTES: usize = 128 * 1024 * 1024;

/// How many of these one principal may hold.
const SHARE_BYTES: usize = TOTAL_BYTES / 2;

/// Bytes of rows held at a time. A call waits for these while it holds its request, so requests
/// must not be able to use them up.
const PAGES_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// How many of these one principal may hold; the MCP server process, which fetches for all, is one.
const PAGES_SHARE_BYTES: usize = 48 * 1024 * 1024;

/// The limit for small messages. The last eighth of every budget is reserved for them, so that a
/// short request and its answer succeed while the same key moves megabytes.
const SMALL_BYTES_MAX: usize = 256 * 1024;

/// What bytes are held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests, from their first byte until the call has ended.
    Bodies,
    /// Rows that come from Dremio.
    Pages,
    /// Answers, until the network has taken them.
    Answers,
    /// Events that wait for the reader of a stream, or that are kept for its return.
    Streams,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 4] = [Self::Bodies, Self::Pages, Self::Answers, Self::Streams];

    /// A stable word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Pages => "pages",
            Self::Answers => "answers",
            Self::Streams => "streams",
        }
    }
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoom {
    /// This principal is at its limit.
    #[error("this key holds as many bytes as one key may")]
    Share,
    /// All principals together are at the limit.
    #[error("all clients together hold as many bytes as they may")]
    All,
}

impl NoRoom {
    /// A stable word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Share => "bytes_of_key",
            Self::All => "bytes_of_all",
        }
    }
}

/// The available room. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    messages: Pool,
    pages: Pool,
}

impl Budget {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let messages = Pool::of(TOTAL_BYTES, SHARE_BYTES, metrics);
        Self { messages, pages: Pool::of(PAGES_TOTAL_BYTES, PAGES_SHARE_BYTES, metrics) }
    }

    /// A budget for tests: `total` bytes of each kind, half of them for one principal.
    #[cfg(test)]
    pub(crate) fn small(total: usize) -> Self {
        let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default());
        let messages = Pool::of(total, total / 2, &metrics);
        Self { messages, pages: Pool::of(total, total / 2, &metrics) }
    }

    /// Room for `bytes`, if available now.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(crate) fn try_take(
        &self,
        principal: &Principal,
        kind: Kind,
        bytes: usize,
    ) -> Result<Charge, NoRoom> {
        self.pool(kind).try_take(principal, kind, bytes)
    }

    /// Waits for room for `bytes`, behind the principal's earlier requests and in turn with other
    /// principals. Cancel safe.
    ///
    /// # Errors
    /// When it is more than one principal may ever have.
    pub(crate) async fn take(
        &self,
        principal: &Principal,
        kind: Kind,
        bytes: usize,
    ) -> Result<Charge, NoRoom> {
        self.pool(kind).take(principal, kind, bytes).await
    }

    fn pool(&self, kind: Kind) -> &Pool {
        match kind {
            Kind::Pages => &self.pages,
            Kind::Bodies | Kind::Answers | Kind::Streams => &self.messages,
        }
    }
}

#[cfg(test)]
mod tests;
