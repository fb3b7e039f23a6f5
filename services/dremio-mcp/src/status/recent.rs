//! What is kept of calls and conditions for the page. All of it is bounded, and none of it holds
//! what a client wrote: tools are those that the engine lists, and errors are words of our own.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use service_kit::Clock;
use service_kit::admin::Condition;

use super::minutes::{MinuteView, Minutes};
use crate::audit::Verdict;
use crate::conditions::ConditionName;
use crate::principal::{ByPrincipal, Principal};

/// How many errors, and how many changes, are kept. As many as a person reads.
const EVENTS_MAX: usize = 14;

/// How many clients are told apart; calls of more are counted together. More keys than this are
/// managed by a program, which reads metrics and the audit log.
const CLIENTS_MAX: usize = 100;

/// What has happened lately. Every tool call writes here, the page reads.
pub(crate) struct Recent {
    clock: Clock,
    started: Timestamp,
    kept: Mutex<Kept>,
}

struct Kept {
    minutes: Minutes,
    clients: ByPrincipal<Calls>,
    other_clients: Calls,
    errors: VecDeque<CallError>,
    changes: VecDeque<Change>,
    conditions: Option<BTreeMap<ConditionName, Condition>>,
}

/// The calls of one client since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) last: Timestamp,
}

/// A call that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallError {
    pub(super) at: Timestamp,
    pub(super) client: String,
    pub(super) tool: String,
    pub(super) verdict: Verdict,
}

/// A condition that was met or unmet, or got another reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) name: ConditionName,
    pub(super) condition: Condition,
}

/// A copy of it all, the newest first where there is an order.
#[derive(Debug)]
pub(super) struct View {
    pub(super) started: Timestamp,
    pub(super) minutes: Vec<MinuteView>,
    /// By name of the client; the busiest first.
    pub(super) clients: Vec<(String, Calls)>,
    pub(super) errors: Vec<CallError>,
    pub(super) changes: Vec<Change>,
}

impl Recent {
    pub(crate) fn new(clock: Clock) -> Self {
        let kept = Kept {
            minutes: Minutes::new(),
            clients: ByPrincipal::default(),
            other_clients: Calls::default(),
            errors: VecDeque::with_capacity(EVENTS_MAX),
            changes: VecDeque::with_capacity(EVENTS_MAX),
            conditions: None,
        };
        Self { started: clock.now(), clock, kept: Mutex::new(kept) }
    }

    /// A tool call of `client` has ended. `tool` is one that the engine lists, or `other`.
    pub(crate) fn tool_called(
        &self,
        client: &Principal,
        tool: &str,
        verdict: Verdict,
        took: Duration,
    ) {
        let now = self.clock.now();
        let is_error = is_error(verdict);
        let mut kept = self.kept.lock();
        kept.minutes.count(now, is_error, took);
        kept.calls_of(client).count(now, is_error);
        if is_error {
            let (client, tool) = (client.to_string(), tool.to_owned());
            push(&mut kept.errors, CallError { at: now, client, tool, verdict });
        }
    }

    /// Notes the conditions as they stand, and how old the token is. To be called every second.
    pub(super) fn look(
        &self,
        conditions: BTreeMap<ConditionName, Condition>,
        token_age: Option<Duration>,
    ) {
        let now = self.clock.now();
        let mut kept = self.kept.lock();
        kept.minutes.note_token_age(now, token_age);
        let before = kept.conditions.replace(conditions.clone());
        for (name, condition) in conditions {
            let before = before.as_ref().and_then(|before| before.get(&name));
            let has_changed = before.is_none_or(|before| {
                before.ready != condition.ready || before.reason != condition.reason
            });
            // What is well from the beginning is no news.
            if has_changed && (before.is_some() || !condition.ready) {
                push(&mut kept.changes, Change { at: now, name, condition });
            }
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn view(&self) -> View {
        let now = self.clock.now();
        let kept = self.kept.lock();
        let mut clients: Vec<_> =
            kept.clients.iter().map(|(client, calls)| (client.to_string(), *calls)).collect();
        let others = kept.other_clients;
        clients.sort_unstable_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(&b.0)));
        if others.count > 0 {
            clients.push(("all others".to_owned(), others));
        }
        View {
            started: self.started,
            minutes: kept.minutes.view(now),
            clients,
            errors: kept.errors.iter().rev().cloned().collect(),
            changes: kept.changes.iter().rev().cloned().collect(),
        }
    }
}

impl std::fmt::Debug for Recent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl Kept {
    fn calls_of(&mut self, client: &Principal) -> &mut Calls {
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(client) {
            return &mut self.other_clients;
        }
        self.clients.entry(client.clone()).or_default()
    }
}

impl Calls {
    fn count(&mut self, now: Timestamp, is_error: bool) {
        self.count += 1;
        self.errors += u64::from(is_error);
        self.last = now;
    }
}

/// Whether a call came to nothing, and not because its client or its operator wanted so.
fn is_error(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Ok => false,
        Verdict::Cancelled(by) => by == "stop",
        _ => true,
    }
}

fn push<T>(ring: &mut VecDeque<T>, new: T) {
    if ring.len() >= EVENTS_MAX {
        ring.pop_front();
    }
    ring.push_back(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent() -> Recent {
        Recent::new(Clock::manual(Timestamp::from_second(1_000_000_020).unwrap()).0)
    }

    fn conditions(ready: bool, reason: &str) -> BTreeMap<ConditionName, Condition> {
        let condition = if ready { Condition::met() } else { Condition::unmet(reason, "a text") };
        BTreeMap::from([(ConditionName::Engine, condition)])
    }

    #[test]
    fn what_clients_give_up_is_no_error() {
        let recent = recent();
        let ada = Principal::of_key(&[1; 32]);
        for verdict in [
            Verdict::Ok,
            Verdict::Cancelled("client"),
            Verdict::Cancelled("disconnect"),
            Verdict::Error("tool_error"),
            Verdict::TimedOut,
        ] {
            recent.tool_called(&ada, "RunSqlQuery", verdict, Duration::from_millis(1));
        }
        let view = recent.view();
        assert_eq!(view.clients.len(), 1);
        assert_eq!((view.clients[0].1.count, view.clients[0].1.errors), (5, 2));
        assert_eq!((view.minutes[59].calls, view.minutes[59].errors), (5, 2));
        let errors: Vec<_> = view.errors.iter().map(|error| error.verdict).collect();
        let expected = [Verdict::TimedOut, Verdict::Error("tool_error")];
        assert_eq!(errors, expected, "the newest first");
        assert_eq!(view.errors[0].client, "key:01010101", "the short name");
    }

    #[test]
    fn whatever_comes_little_is_kept() {
        let recent = recent();
        for number in 0..=255 {
            let client = Principal::of_key(&[number; 32]);
            for _ in 0..3 {
                recent.tool_called(&client, "other", Verdict::Error("busy"), Duration::ZERO);
            }
            recent.look(conditions(number % 2 == 0, "engine_down"), None);
        }
        let view = recent.view();
        assert_eq!(view.clients.len(), CLIENTS_MAX + 1);
        let (others, calls) = view.clients.last().unwrap();
        assert_eq!((others.as_str(), calls.count), ("all others", 3 * (256 - CLIENTS_MAX as u64)));
        assert_eq!((view.errors.len(), view.changes.len()), (EVENTS_MAX, EVENTS_MAX));
    }

    #[test]
    fn only_changes_are_news() {
        let recent = recent();
        let changes = || {
            let changes = recent.view().changes;
            changes.iter().map(|change| change.condition.ready).collect::<Vec<_>>()
        };
        recent.look(conditions(true, ""), None);
        recent.look(conditions(true, ""), None);
        assert!(changes().is_empty());
        recent.look(conditions(false, "engine_down"), None);
        recent.look(conditions(false, "engine_down"), None);
        recent.look(conditions(false, "stopping"), None);
        recent.look(conditions(true, ""), None);
        assert_eq!(changes(), [true, false, false]);
    }
}
