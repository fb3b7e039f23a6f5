//! What an engine must know of a call besides its request: whose it is, and where the messages go
//! that come before its answer.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::{LogLevel, Notifications};
use crate::budget::{Budget, Charge, Held, Kind, NoRoom};
use crate::policy::Identity;
use crate::principal::Principal;

/// Notifications of one call that its client has not read yet; the newest are dropped beyond.
/// A guess: no tool reports more often than a person can read.
const NOTIFICATIONS_MAX: usize = 64;

/// The context of one call of a client. Calls of the gateway's own have none.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    caller: Caller,
    /// The least severe log messages that the client wants.
    log_level: Option<LogLevel>,
    /// Where there is room for what the call brings.
    budget: Budget,
    /// `None` for a client that wants none.
    notifications: Option<mpsc::Sender<Held>>,
    /// For a client that shows pages.
    shown: Option<Arc<OnceLock<Shown>>>,
}

/// Which notifications a client wants to have before the answer of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Progress: its request has a token for it.
    pub(crate) progress: bool,
    /// Log messages, from this level on.
    pub(crate) log_level: Option<LogLevel>,
}

/// Which rows an answer is about, for a page that shows them.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// What `GetQueryResult` takes.
    pub(super) handle: String,
    /// The number of the first one, from 0 on.
    pub(super) offset: u64,
}

/// Whose call it is.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who calls.
    pub(crate) identity: Arc<Identity>,
    /// Which client of theirs, as far as it can be told: calls of one client wait for each other
    /// before those of others do.
    pub(crate) client: ClientId,
    /// The batch that the call is a part of.
    pub(crate) batch: Option<u64>,
    /// Whether the client shows results as the page of [`super::view`].
    pub(crate) shows_ui: bool,
    /// Where it is told what comes outside of its calls, if it can be told.
    pub(crate) notifications: Option<Arc<Notifications>>,
}

impl Caller {
    /// To whom the call belongs.
    pub(crate) fn principal(&self) -> &Principal {
        self.identity.principal()
    }
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

impl CallContext {
    /// Of a call of `caller`; and the notifications that it brings, ready-made, if any are wanted:
    /// `notifications/progress` with the client's own token, and `notifications/message`.
    pub(crate) fn new(
        caller: Caller,
        wanted: Wanted,
        budget: &Budget,
    ) -> (Self, Option<mpsc::Receiver<Held>>) {
        let Wanted { progress, log_level } = wanted;
        let (notifications, received) =
            (progress || log_level.is_some()).then(|| mpsc::channel(NOTIFICATIONS_MAX)).unzip();
        let shown = caller.shows_ui.then(Arc::default);
        let context = Self { caller, log_level, budget: budget.clone(), notifications, shown };
        (context, received)
    }

    /// One for tests: somebody's, who wants progress, and with much room.
    #[cfg(test)]
    pub(crate) fn anyones() -> (Self, mpsc::Receiver<Held>) {
        let caller = Caller {
            identity: Identity::unlimited(Principal::anyone()),
            client: ClientId::Gateway,
            batch: None,
            shows_ui: false,
            notifications: None,
        };
        let wanted = Wanted { progress: true, log_level: None };
        let (context, received) = Self::new(caller, wanted, &Budget::small(1 << 30));
        (context, received.expect("it wants progress"))
    }

    /// Whose call it is.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The answer to the call is about the job of this handle, from this row on.
    pub(super) fn set_shown(&self, handle: &str, offset: u64) {
        if let Some(shown) = &self.shown {
            // Only the first call of a tool counts, and there is one.
            let _already = shown.set(Shown { handle: handle.to_owned(), offset });
        }
    }

    /// Which rows the answer is about, if it is about rows.
    pub(super) fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()?.get()
    }

    pub(super) fn wants_log(&self, level: LogLevel) -> bool {
        self.log_level.is_some_and(|least| level >= least)
    }

    /// Room for `bytes` of what the call brings, if there is any now.
    ///
    /// # Errors
    /// Those of [`Budget::try_take`].
    pub(super) fn try_take(&self, kind: Kind, bytes: usize) -> Result<Charge, NoRoom> {
        self.budget.try_take(self.caller.principal(), kind, bytes)
    }

    /// Room for `bytes` of what the call brings, waiting for it. Cancel safe.
    ///
    /// # Errors
    /// Those of [`Budget::take`].
    pub(super) async fn take(&self, kind: Kind, bytes: usize) -> Result<Charge, NoRoom> {
        self.budget.take(self.caller.principal(), kind, bytes).await
    }

    /// Sends the client a notification. Never blocks the engine: a reader that is too slow loses
    /// progress, not answers.
    pub(super) fn notify(&self, notification: String) {
        let Some(notifications) = &self.notifications else { return };
        let held = self
            .try_take(Kind::Streams, notification.len())
            .map(|charge| charge.hold(notification));
        if held.is_err() || held.is_ok_and(|held| notifications.try_send(held).is_err()) {
            tracing::debug!("progress dropped: the client reads too slowly or has gone");
        }
    }
}
