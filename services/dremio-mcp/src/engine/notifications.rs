//! The unread notifications of a client outside of its calls.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::rpc::Message;

/// Bytes of messages that wait for one client. Beyond it the oldest are lost, as a client must
/// expect if it is away for so long.
const UNREAD_BYTES_MAX: usize = 64 * 1024;

/// The unread messages of one client, only the latest about each subject.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    unread: Mutex<Unread>,
    arrived: Notify,
    /// Woken when this queue is dropped.
    on_drop: OnceLock<Arc<Notify>>,
}

#[derive(Debug, Default)]
struct Unread {
    news: VecDeque<(Subject, Arc<Message>)>,
    bytes: usize,
}

/// The subject of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The resource of this URI has changed.
    Resource(String),
    /// The task of this id is in another state.
    Task(String),
    /// The progress of a task; the number is the id of its call at the child.
    Progress(u64),
    /// The elicitation of this id is complete.
    Elicitation(String),
}

impl Notifications {
    /// Adds a message. It replaces an unread one about the same subject.
    pub(super) fn put(&self, subject: Subject, message: Arc<Message>) {
        let mut unread = self.unread.lock();
        unread.bytes += message.text().len();
        let replaced = match unread.news.iter_mut().find(|(other, _)| *other == subject) {
            Some((_, old)) => std::mem::replace(old, message).text().len(),
            None => {
                unread.news.push_back((subject, message));
                0
            }
        };
        unread.bytes -= replaced;
        while unread.bytes > UNREAD_BYTES_MAX && unread.news.len() > 1 {
            let lost = unread.news.pop_front().map_or(0, |(_, message)| message.text().len());
            unread.bytes -= lost;
            tracing::debug!("news dropped: the client has not read for too long");
        }
        drop(unread);
        self.arrived.notify_one();
    }

    /// The next message; waits for it. For one reader at a time. Cancel safe.
    pub(crate) async fn next(&self) -> Arc<Message> {
        loop {
            let arrived = self.arrived.notified();
            if let Some(message) = self.take() {
                return message;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<Arc<Message>> {
        let mut unread = self.unread.lock();
        let (_, message) = unread.news.pop_front()?;
        unread.bytes -= message.text().len();
        Some(message)
    }

    /// Wakes `on_drop` when this queue is dropped. Only the first call has an effect.
    pub(super) fn notify_on_drop(&self, on_drop: &Arc<Notify>) {
        self.on_drop.get_or_init(|| Arc::clone(on_drop));
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        if let Some(on_drop) = self.on_drop.get() {
            on_drop.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::{Notifications, Subject, UNREAD_BYTES_MAX};
    use crate::rpc::Message;

    fn put(notifications: &Notifications, subject: &str, text: &str) {
        let message = Message::notification("n", Some(&format!(r#"{{"text":"{text}"}}"#)));
        notifications.put(Subject::Resource(subject.into()), Arc::new(message));
    }

    #[tokio::test]
    async fn only_the_latest_message_about_a_subject_is_kept() {
        let notifications = Notifications::default();
        for (subject, text) in [("a", "1"), ("b", "2"), ("a", "3")] {
            put(&notifications, subject, text);
        }
        assert!(notifications.next().await.text().contains('3'));
        assert!(notifications.next().await.text().contains('2'));
        let mut next = Box::pin(notifications.next());
        assert!(futures_util::poll!(&mut next).is_pending());
        put(&notifications, "a", "4");
        assert!(next.await.text().contains('4'));
    }

    #[tokio::test]
    async fn unread_messages_are_limited_and_the_newest_stay() {
        let notifications = Notifications::default();
        for subject in 0..10 {
            put(
                &notifications,
                &subject.to_string(),
                &subject.to_string().repeat(UNREAD_BYTES_MAX / 4),
            );
        }
        put(&notifications, "large", &"x".repeat(2 * UNREAD_BYTES_MAX));
        assert!(notifications.next().await.text().contains("xx"));
        assert!(notifications.take().is_none());
        assert_eq!(notifications.unread.lock().bytes, 0);
    }

    #[tokio::test]
    async fn a_dropped_queue_is_noticed() {
        let (notifications, on_drop) = (Notifications::default(), Arc::new(Notify::new()));
        notifications.notify_on_drop(&on_drop);
        drop(notifications);
        on_drop.notified().await;
    }
}
