//! Who owns what outlives the call that made it: tasks (2025-11-25, "Tasks") and elicitations in a
//! browser ("URL Mode"). The child serves everyone and gives a task to any caller that knows its
//! id. Here it belongs to the key that made it ("Task Isolation and Access Control"), and
//! notifications about it go to the client that made it.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};
use serde_json::value::RawValue;

use crate::engine::Caller;
use crate::engine::notifications::{Notifications, Subject};
use crate::methods;
use crate::principal::{ByPrincipal, Principal};
use crate::rpc::{ErrorCode, Message, RpcError, member, read_json, replace_member};

/// Entries per key, and in total. Beyond it the oldest entry is dropped: of that key, or of the key
/// with the most. A guess: a task ends within the hour.
const KEY_MAX: usize = 1_000;
const ALL_MAX: usize = 10_000;

/// Longest id or progress token that is kept. They are UUIDs and numbers.
const NAME_BYTES_MAX: usize = 256;

/// Longest notification that is passed on, since it may wait in a queue for long.
const SAID_BYTES_MAX: usize = 16 * 1024;

/// Elicitations in one answer.
const ELICITATIONS_MAX: usize = 16;

/// `URL_ELICITATION_REQUIRED` of revision 2025-11-25.
const URL_ELICITATION_REQUIRED: &str = "-32042";

/// What one child has created.
#[derive(Debug, Default)]
pub(super) struct TaskOwners(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    owners: HashMap<Subject, Owner>,
    /// The entries of each key.
    oldest_first: ByPrincipal<VecDeque<Subject>>,
}

#[derive(Clone, Debug)]
struct Owner {
    principal: Principal,
    notifications: Weak<Notifications>,
    /// For progress: the token of the call that made the task.
    token: Option<String>,
}

/// A call whose answer may create something.
pub(super) struct Origin<'c> {
    /// Its id at the child, which is also its progress token there.
    pub(super) id: u64,
    pub(super) caller: &'c Caller,
    /// Its progress token at the client.
    pub(super) token: Option<&'c str>,
    /// Whether it asked for a task.
    pub(super) is_task: bool,
}

impl TaskOwners {
    /// Records what an answer has created. Must come before the child's next message.
    pub(super) fn note(&self, origin: &Origin<'_>, answer: &Message) {
        if origin.is_task
            && let Some(task) =
                answer.result().and_then(|result| name_in(member(result, "task")?, "taskId"))
        {
            self.keep(Subject::Task(task), origin, None);
            if let Some(token) = origin.token.filter(|token| token.len() <= NAME_BYTES_MAX) {
                // "The progress token … MUST continue to be used … throughout the task's lifetime"
                // ("Task Progress Notifications").
                self.keep(Subject::Progress(origin.id), origin, Some(token));
            }
        }
        let Some(error) =
            answer.error().filter(|error| member(error, "code") == Some(URL_ELICITATION_REQUIRED))
        else {
            return;
        };
        let elicitations = member(error, "data").and_then(|data| member(data, "elicitations"));
        for elicitation in array(elicitations).take(ELICITATIONS_MAX) {
            if let Some(elicitation) = name_in(elicitation, "elicitationId") {
                self.keep(Subject::Elicitation(elicitation), origin, None);
            }
        }
    }

    /// Passes a notification to the owner of what it is about. Gives it back if it is about
    /// nothing of this kind.
    pub(super) fn tell(&self, message: Message) -> Option<Message> {
        let params = message.params_text().unwrap_or("{}");
        let subject = match message.method() {
            methods::TASK_STATUS => name_in(params, "taskId").map(Subject::Task),
            methods::ELICITATION_COMPLETE => {
                name_in(params, "elicitationId").map(Subject::Elicitation)
            }
            methods::PROGRESS => member(params, "progressToken")
                .and_then(|token| token.parse().ok())
                .map(Subject::Progress),
            _ => return Some(message),
        };
        let owner = subject.as_ref().and_then(|subject| self.lock().owners.get(subject).cloned());
        let notifications = owner.as_ref().and_then(|owner| owner.notifications.upgrade());
        let (Some(subject), Some(owner), Some(notifications)) =
            (subject, owner, notifications.filter(|_| message.text().len() <= SAID_BYTES_MAX))
        else {
            tracing::debug!(
                target: "dremio_mcp::child",
                "ignored from the child: it speaks of what is nobody's, or at length",
            );
            return None;
        };
        let message = match owner.token {
            Some(token) => Message::parse(message.to_line("", Some(&token))).ok()?,
            None => message,
        };
        notifications.put(subject, Arc::new(message));
        None
    }

    /// The answer to a request about a task of another key or an unknown one: no such task.
    pub(super) fn refuse(&self, request: &Message, caller: Option<&Caller>) -> Option<Message> {
        let is_about_one = methods::OF_ONE_TASK.contains(&request.method());
        if !is_about_one || self.is_own(request.params_text().unwrap_or("{}"), caller) {
            return None;
        }
        Some(Message::from_error(
            &RpcError::new(ErrorCode::InvalidParams, "Task not found").object(),
        ))
    }

    /// The answer to `tasks/list` without the tasks of others; any other answer unchanged.
    pub(super) fn without_others(
        &self,
        request: &Message,
        caller: Option<&Caller>,
        answer: Message,
    ) -> Message {
        let Some(result) = answer.result().filter(|_| request.method() == methods::TASKS_LIST)
        else {
            return answer;
        };
        let own: Vec<&str> =
            array(member(result, "tasks")).filter(|task| self.is_own(task, caller)).collect();
        Message::from_result(&replace_member(result, "tasks", &format!("[{}]", own.join(","))))
    }

    /// Whether the task that `object` names is the caller's.
    fn is_own(&self, object: &str, caller: Option<&Caller>) -> bool {
        let (Some(task), Some(caller)) = (name_in(object, "taskId"), caller) else { return false };
        self.lock()
            .owners
            .get(&Subject::Task(task))
            .is_some_and(|owner| owner.principal == *caller.principal())
    }

    fn keep(&self, subject: Subject, origin: &Origin<'_>, token: Option<&str>) {
        let principal = origin.caller.principal().clone();
        let notifications =
            origin.caller.notifications.as_ref().map(Arc::downgrade).unwrap_or_default();
        let owner =
            Owner { principal: principal.clone(), notifications, token: token.map(str::to_owned) };
        self.lock().keep(subject, principal, owner);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }
}

impl Known {
    fn keep(&mut self, subject: Subject, principal: Principal, owner: Owner) {
        if self.owners.insert(subject.clone(), owner).is_some() {
            return;
        }
        let own = self.oldest_first.entry(principal).or_default();
        own.push_back(subject);
        let forgotten = if own.len() > KEY_MAX {
            own.pop_front()
        } else if self.owners.len() > ALL_MAX {
            // The key with the most loses one.
            self.oldest_first
                .values_mut()
                .max_by_key(|subjects| subjects.len())
                .and_then(VecDeque::pop_front)
        } else {
            None
        };
        forgotten.and_then(|forgotten| self.owners.remove(&forgotten));
    }
}

/// The string member `name` of `object`.
fn name_in(object: &str, name: &str) -> Option<String> {
    let text: Cow<'_, str> = serde_json::from_str(member(object, name)?).ok()?;
    (text.len() <= NAME_BYTES_MAX).then(|| text.into_owned())
}

/// The elements of a JSON array, each as its text; none if it is not an array.
fn array(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.and_then(|text| read_json::<Vec<&RawValue>>(text).ok())
        .unwrap_or_default()
        .into_iter()
        .map(RawValue::get)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Caller, KEY_MAX, Origin, TaskOwners};
    use crate::access::KeyRing;
    use crate::engine::{ClientId, Notifications};
    use crate::rpc::Message;

    fn caller(key: &str) -> (Caller, Arc<Notifications>) {
        let ring = KeyRing::load(service_kit::SecretSource::Inline(
            "aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb".into(),
        ))
        .unwrap();
        let notifications = Arc::<Notifications>::default();
        let identity = ring.owner(key.repeat(16).as_bytes()).unwrap();
        (
            Caller {
                identity,
                client: ClientId::Session(1),
                batch: None,
                shows_ui: false,
                notifications: Some(Arc::clone(&notifications)),
            },
            notifications,
        )
    }

    fn made(owners: &TaskOwners, caller: &Caller, id: u64, task: &str) {
        let origin = Origin { id, caller, token: Some("\"mine\""), is_task: true };
        owners
            .note(&origin, &Message::from_result(&format!(r#"{{"task":{{"taskId":"{task}"}}}}"#)));
    }

    #[tokio::test]
    async fn a_task_and_its_notifications_belong_to_the_client_that_made_it() {
        let owners = TaskOwners::default();
        let ((ada, adas), (bob, bobs)) = (caller("a"), caller("b"));
        made(&owners, &ada, 7, "t1");
        made(&owners, &bob, 8, "t2");
        for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
            let request =
                |task: &str| Message::request(method, &format!(r#"{{"taskId":"{task}"}}"#));
            assert!(owners.refuse(&request("t1"), Some(&ada)).is_none());
            for (task, caller) in [("t1", Some(&bob)), ("t3", Some(&ada)), ("t1", None)] {
                assert!(
                    owners
                        .refuse(&request(task), caller)
                        .unwrap()
                        .error()
                        .unwrap()
                        .contains("-32602"),
                    "{task}"
                );
            }
        }
        assert!(owners.refuse(&Message::request("tools/call", "{}"), Some(&bob)).is_none());

        let status = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","#,
            r#""params":{"taskId":"t1","status":"working","ttl":1.0}}"#,
        );
        assert!(owners.tell(Message::parse(status.into()).unwrap()).is_none());
        assert_eq!(adas.next().await.text(), status);
        let progress = |token: u64| {
            Message::notification(
                "notifications/progress",
                Some(&format!(r#"{{"progressToken":{token},"progress":1}}"#)),
            )
        };
        for token in [8, 9] {
            assert!(owners.tell(progress(token)).is_none());
        }
        assert!(
            bobs.next().await.text().contains(r#""params":{"progressToken":"mine","progress":1}"#)
        );
        assert!(owners.tell(Message::notification("notifications/x", None)).is_some());
        assert!(
            futures_util::poll!(Box::pin(adas.next())).is_pending()
                && futures_util::poll!(Box::pin(bobs.next())).is_pending()
        );
    }

    #[test]
    fn a_list_shows_only_own_tasks_unchanged() {
        let owners = TaskOwners::default();
        let ((ada, _), (bob, _)) = (caller("a"), caller("b"));
        made(&owners, &ada, 1, "t1");
        made(&owners, &bob, 2, "t2");
        let list = Message::from_result(concat!(
            r#"{"x":1.50,"tasks":[{"taskId":"t1","ttl":1.0},{"taskId":"t2"},"#,
            r#"{"taskId":"t3"},7],"nextCursor":"c"}"#,
        ));
        let seen = |method, caller| {
            owners
                .without_others(&Message::request(method, "{}"), Some(caller), list.clone())
                .result()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            seen("tasks/list", &ada),
            r#"{"x":1.50,"tasks":[{"taskId":"t1","ttl":1.0}],"nextCursor":"c"}"#
        );
        assert_eq!(
            seen("tasks/list", &bob),
            r#"{"x":1.50,"tasks":[{"taskId":"t2"}],"nextCursor":"c"}"#
        );
        assert_eq!(seen("tools/list", &bob), list.result().unwrap());
    }

    #[tokio::test]
    async fn the_completion_of_an_elicitation_reaches_only_its_client() {
        let owners = TaskOwners::default();
        let (ada, adas) = caller("a");
        let origin = Origin { id: 1, caller: &ada, token: None, is_task: false };
        let error = concat!(
            r#"{"code":-32042,"message":"m","data":{"elicitations":["#,
            r#"{"mode":"url","elicitationId":"e1","url":"https://x"}]}}"#,
        );
        owners.note(&origin, &Message::from_error(error));
        let complete = |id: &str| {
            Message::notification(
                "notifications/elicitation/complete",
                Some(&format!(r#"{{"elicitationId":"{id}"}}"#)),
            )
        };
        for id in ["e2", "e1"] {
            assert!(owners.tell(complete(id)).is_none());
        }
        assert_eq!(adas.next().await.text(), complete("e1").text());
    }

    #[test]
    fn one_key_cannot_evict_the_tasks_of_another() {
        let owners = TaskOwners::default();
        let ((ada, _), (bob, _)) = (caller("a"), caller("b"));
        made(&owners, &bob, 0, "bobs");
        for number in 0..KEY_MAX as u64 {
            made(&owners, &ada, 1 + number, &format!("t{number}"));
        }
        let is_known = |task: &str, caller| {
            owners
                .refuse(
                    &Message::request("tasks/get", &format!(r#"{{"taskId":"{task}"}}"#)),
                    Some(caller),
                )
                .is_none()
        };
        assert!(is_known("bobs", &bob) && is_known(&format!("t{}", KEY_MAX - 1), &ada));
        assert!(!is_known("t0", &ada));
        assert_eq!(owners.lock().owners.len(), KEY_MAX + 2);
    }

    #[test]
    fn when_full_the_key_with_the_most_loses_one() {
        let keys: Vec<String> =
            (b'a'..=b'k').map(|letter| char::from(letter).to_string().repeat(16)).collect();
        let ring =
            KeyRing::load(service_kit::SecretSource::Inline(keys.join("\n").into())).unwrap();
        let caller = |key: &String| Caller {
            identity: ring.owner(key.as_bytes()).unwrap(),
            client: ClientId::Session(1),
            batch: None,
            shows_ui: false,
            notifications: None,
        };
        let (owners, mut id) = (TaskOwners::default(), 0);
        let (last, first) = keys.split_last().unwrap();
        for key in first {
            // With its progress token, each task makes two entries.
            for _ in 0..KEY_MAX / 2 {
                id += 1;
                made(&owners, &caller(key), id, &format!("t{id}"));
            }
        }
        made(&owners, &caller(last), 0, "last");
        assert!(
            owners
                .refuse(&Message::request("tasks/get", r#"{"taskId":"last"}"#), Some(&caller(last)))
                .is_none()
        );
        assert_eq!(owners.lock().owners.len(), super::ALL_MAX);
    }
}
