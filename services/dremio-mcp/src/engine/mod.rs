//! Engines answer MCP requests. *official* relays to one shared child process; *native* is in
//! process.
//!
//! Sessions, eras and HTTP are not known here: an engine gets one request and gives one response,
//! with progress on the way. Dropping the future of a call cancels the call.

mod changes;
mod fair_queue;
mod logs;
pub(crate) mod native;
mod notifications;
pub(crate) mod official;
mod tools;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub(crate) use self::changes::{Changes, List};
pub(crate) use self::fair_queue::{CALL_LIMITS, FairQueue};
use self::fair_queue::{Requester, TooMany};
pub(crate) use self::logs::LogLevel;
pub(crate) use self::notifications::Notifications;
pub(crate) use self::tools::{HeaderArgument, ToolList};
use crate::budget::{Budget, Charge, Held, Kind, NoRoom};
use crate::principal::Principal;
use crate::rpc::{Message, RpcError, member};

/// Notifications of one call that its client has not read yet; the newest are dropped beyond.
/// A guess: no tool reports more often than a person can read.
const PROGRESS_QUEUE_MAX: usize = 64;

/// Where an engine puts the progress of one call: ready-made `notifications/progress` messages that
/// carry the client's own token, and `notifications/message` if the client asked for them. Never
/// blocks the engine: a reader that is too slow loses progress, not answers.
#[derive(Clone, Debug)]
pub(crate) struct ProgressSink {
    messages: mpsc::Sender<Held>,
    /// Whose call it is; `None` for the gateway's own.
    caller: Option<Caller>,
    /// The least severe log messages that the client wants.
    log_level: Option<LogLevel>,
    /// Where there is room for what the call brings; without, nothing is counted.
    budget: Option<Budget>,
}

/// Whose call it is.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// By which key.
    pub(crate) principal: Principal,
    /// Which client of that key, as far as it can be told: calls of one client wait for each other
    /// before those of others do.
    pub(crate) client: ClientId,
    /// The batch that the call is a part of.
    pub(crate) batch: Option<u64>,
    /// Where it is told what comes outside of its calls, if it can be told.
    pub(crate) notifications: Option<Arc<Notifications>>,
}

/// Which client of a key asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientId {
    /// The one with this session.
    Session(u64),
    /// One without a session: only its address tells it from others.
    Address(IpAddr),
    /// The gateway itself.
    Gateway,
}

impl ProgressSink {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Held>) {
        let (tx, rx) = mpsc::channel(PROGRESS_QUEUE_MAX);
        (Self { messages: tx, caller: None, log_level: None, budget: None }, rx)
    }

    /// The same for a call of `caller`, who wants log messages from `log_level` on, or none.
    pub(crate) fn of(self, caller: Caller, log_level: Option<LogLevel>) -> Self {
        Self { caller: Some(caller), log_level, ..self }
    }

    /// The same for a call whose progress and answer take room in `budget`.
    pub(crate) fn within(self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// Room for `bytes` of what the call brings, if there is any now.
    ///
    /// # Errors
    /// Those of [`Budget::try_take`].
    fn try_take(&self, kind: Kind, bytes: usize) -> Result<Charge, NoRoom> {
        match (&self.budget, &self.caller) {
            (Some(budget), Some(caller)) => budget.try_take(&caller.principal, kind, bytes),
            _ => Ok(Charge::free()),
        }
    }

    /// For whom the call takes a permit.
    fn requester(&self) -> Requester {
        self.caller.as_ref().map_or_else(Requester::gateway, |caller| Requester {
            principal: caller.principal.clone(),
            client: caller.client,
            batch: caller.batch,
        })
    }

    fn wants_log(&self, level: LogLevel) -> bool {
        self.log_level.is_some_and(|least| level >= least)
    }

    /// Room for `bytes` of what the call brings, waiting for it. Cancel safe.
    ///
    /// # Errors
    /// Those of [`Budget::take`].
    async fn take(&self, kind: Kind, bytes: usize) -> Result<Charge, NoRoom> {
        match (&self.budget, &self.caller) {
            (Some(budget), Some(caller)) => budget.take(&caller.principal, kind, bytes).await,
            _ => Ok(Charge::free()),
        }
    }

    pub(crate) fn send(&self, notification: String) {
        let held = self
            .try_take(Kind::Streams, notification.len())
            .map(|charge| charge.hold(notification));
        if held.is_err() || held.is_ok_and(|held| self.messages.try_send(held).is_err()) {
            tracing::debug!("progress dropped: the client reads too slowly or has gone");
        }
    }
}

/// Why an engine gave no response of its own.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The child died, or was replaced, while the call ran. Whether it took effect is not known.
    #[error("the MCP server process ended during the call")]
    EngineLost,
    /// The child will never answer: it did nothing for this call for so long, while it answered
    /// others.
    #[error(
        "the MCP server process did nothing for this call for {silence:?}, while it answered others"
    )]
    Forgotten {
        /// How long.
        silence: Duration,
    },
    /// No child was ready within the limit.
    #[error("the MCP server process is not ready")]
    NotReady,
    /// Too many calls of this client wait already.
    #[error("too many calls of this client are waiting")]
    Busy,
    /// This client, or all together, wants to hear of more resources than are kept.
    #[error("too many resource subscriptions")]
    TooManySubscriptions,
    /// The answer is larger than a message may be.
    #[error("the answer is larger than {} MiB", .bytes_max / (1024 * 1024))]
    AnswerTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// There was no room for the answer.
    #[error("no room for the answer")]
    NoRoom(#[source] NoRoom),
    /// The gateway stops, and the call would not be over in time.
    #[error("the gateway is stopping")]
    Stopping,
    /// The call took longer than a call may.
    #[error("the call took longer than {limit:?}")]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
}

impl From<TooMany> for CallError {
    fn from(TooMany: TooMany) -> Self {
        Self::Busy
    }
}

impl CallError {
    /// What the client is told: what happened, and what helps.
    pub(crate) fn to_rpc(&self) -> RpcError {
        match self {
            Self::EngineLost => RpcError::internal(
                "engine_lost",
                "The MCP server process ended while it worked on this call; a new one is starting. \
                 The call may or may not have taken effect. Repeating a read-only call is safe.",
            ),
            Self::Forgotten { silence } => RpcError::internal(
                "call_forgotten",
                format!(
                    "The MCP server process does not answer this call: for {} s it has asked Dremio for nothing and no job of its \
                     ran, while it answered later calls. Repeating a read-only call is safe; if it is lost again, write it differently.",
                    silence.as_secs()
                ),
            ),
            Self::NotReady => RpcError::internal(
                "engine_not_ready",
                "The MCP server process is not ready yet. Try again in a moment.",
            ),
            Self::Busy => RpcError::internal(
                "busy",
                "Too many of your calls are waiting for their turn. Wait for some of them.",
            ),
            Self::TooManySubscriptions => RpcError::internal(
                "too_many_subscriptions",
                "There are too many resource subscriptions, or this URI is too long. Take some back with `resources/unsubscribe`, or end their sessions.",
            ),
            Self::AnswerTooLarge { bytes_max } => RpcError::internal(
                "answer_too_large",
                format!(
                    "The answer is larger than {} MiB. Ask for fewer rows or columns.",
                    bytes_max / (1024 * 1024)
                ),
            ),
            Self::NoRoom(NoRoom::Share) => RpcError::internal(
                "no_room",
                "The call was made, but its answer was dropped: answers that your key has asked for and not yet read, and \
                 its requests, hold as many bytes as one key may. Read them, call less at a time, or ask for fewer rows or columns.",
            ),
            Self::NoRoom(NoRoom::All) => RpcError::internal(
                "no_room",
                "The call was made, but its answer was dropped: this server holds as many bytes as it may. Try again in a moment, \
                 or ask for fewer rows or columns.",
            ),
            Self::Stopping => RpcError::internal(
                "stopping",
                "This server is stopping, and the call was cancelled before it was done. Try again in a moment: it comes back, or another takes over.",
            ),
            Self::TimedOut { limit } => RpcError::internal(
                "call_timed_out",
                format!(
                    "The call took longer than {} s and was cancelled (MCP_CALL_TIMEOUT). Narrow the query or raise the limit.",
                    limit.as_secs()
                ),
            ),
        }
    }

    /// A stable word for logs and metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::EngineLost => "engine_lost",
            Self::Forgotten { .. } => "call_forgotten",
            Self::NotReady => "engine_not_ready",
            Self::Busy => "busy",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::AnswerTooLarge { .. } => "answer_too_large",
            Self::NoRoom(_) => "no_room",
            Self::Stopping => "stopping",
            Self::TimedOut { .. } => "timed_out",
        }
    }
}

/// How an engine introduces itself.
#[derive(Clone, Debug)]
pub(crate) struct Introduction {
    /// Its `InitializeResult`, as JSON text.
    pub(crate) result: String,
    /// The member `serverInfo` of that, which modern answers repeat.
    pub(crate) server_info: Option<String>,
}

impl Introduction {
    pub(crate) fn new(result: &str) -> Self {
        let server_info = member(result, "serverInfo").map(str::to_owned);
        Self { result: result.to_owned(), server_info }
    }
}

/// The engine that this gateway runs.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Official(Arc<official::Official>),
    Native(Arc<native::Native>),
}

impl Engine {
    /// How the engine introduces itself.
    ///
    /// # Errors
    /// [`CallError::NotReady`] when a first child does not come up within the limit.
    pub(crate) async fn introduction(&self) -> Result<Arc<Introduction>, CallError> {
        match self {
            Self::Official(official) => official.introduction().await,
            Self::Native(native) => Ok(native.introduction()),
        }
    }

    /// Answers one request. The response carries an id of the engine's own; the caller sets the
    /// client's. What it subscribes to comes to the caller's notification queue, and ends with it.
    /// Cancel safe: dropping the future cancels the call.
    ///
    /// # Errors
    /// When there is no response; see [`CallError`].
    pub(crate) async fn call(
        &self,
        request: &Message,
        progress: &ProgressSink,
    ) -> Result<Message, CallError> {
        match self {
            Self::Official(official) => official.call(request, progress).await,
            // Its future is several kilobytes, which a relayed call need not carry along.
            Self::Native(native) => Box::pin(native.call(request, progress)).await,
        }
    }

    /// The tools that the engine offers, as far as it is known.
    pub(crate) fn tools(&self) -> Arc<ToolList> {
        match self {
            Self::Official(official) => official.tools(),
            Self::Native(native) => native.tools(),
        }
    }

    /// The changes of its lists from now on.
    pub(crate) fn changes(&self) -> Changes {
        match self {
            Self::Official(official) => official.changes(),
            Self::Native(_) => Changes::never(),
        }
    }
}
