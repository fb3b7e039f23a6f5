//! Which lists of an engine have changed. A slow reader misses no change, but may see several as
//! one.

use std::sync::Arc;

use tokio::sync::watch;

use crate::methods;
use crate::rpc::Message;

/// A list whose changes clients can be notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Tools,
    Prompts,
    Resources,
}

impl List {
    const ALL: [Self; 3] = [Self::Tools, Self::Prompts, Self::Resources];

    /// The capability that declares whether this list can change.
    pub(crate) fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
        }
    }

    /// The list of the `notifications/…/list_changed` with this name.
    pub(crate) fn of_notification(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.notification() == method)
    }

    /// A notification that this list has changed.
    pub(crate) fn changed(self) -> Message {
        Message::notification(self.notification(), None)
    }

    fn notification(self) -> &'static str {
        match self {
            Self::Tools => methods::TOOLS_LIST_CHANGED,
            Self::Prompts => methods::PROMPTS_LIST_CHANGED,
            Self::Resources => methods::RESOURCES_LIST_CHANGED,
        }
    }
}

/// How each list has changed so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions([Version; 3]);

#[derive(Clone, Debug, Default)]
struct Version {
    number: u64,
    /// The notification of the change, if there was one.
    said: Option<Arc<Message>>,
}

impl Versions {
    /// Notes a change; `said` is the notification for clients.
    pub(super) fn bump(&mut self, list: List, said: Message) {
        let [tools, prompts, resources] = &mut self.0;
        let version = match list {
            List::Tools => tools,
            List::Prompts => prompts,
            List::Resources => resources,
        };
        *version = Version { number: version.number + 1, said: Some(Arc::new(said)) };
    }

    /// How often the lists have changed.
    pub(super) fn numbers(&self) -> [u64; 3] {
        self.0.each_ref().map(|version| version.number)
    }
}

/// The changes since this was created.
#[derive(Debug)]
pub(crate) struct Changes {
    versions: Option<watch::Receiver<Versions>>,
    seen: [u64; 3],
}

impl Changes {
    /// For an engine whose lists never change.
    pub(super) fn never() -> Self {
        Self { versions: None, seen: [0; 3] }
    }

    pub(super) fn of(mut versions: watch::Receiver<Versions>) -> Self {
        let seen = versions.borrow_and_update().numbers();
        Self { versions: Some(versions), seen }
    }

    /// Waits until lists change, and returns the latest notification of each. Cancel safe.
    pub(crate) async fn next(&mut self) -> Vec<(List, Arc<Message>)> {
        let Some(versions) = &mut self.versions else { return std::future::pending().await };
        if versions.changed().await.is_err() {
            return std::future::pending().await;
        }
        let now = versions.borrow_and_update();
        let before = std::mem::replace(&mut self.seen, now.numbers());
        let lists = List::ALL.into_iter().zip(&now.0).zip(before);
        lists
            .filter(|((_, now), before)| now.number != *before)
            .filter_map(|((list, now), _)| Some((list, now.said.clone()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::{Changes, List, Versions};

    #[tokio::test]
    async fn each_change_is_reported_once() {
        let (versions, seen) = watch::channel(Versions::default());
        let bump =
            |list: List| versions.send_modify(|versions| versions.bump(list, list.changed()));
        bump(List::Resources);
        let mut changes = Changes::of(seen);
        bump(List::Prompts);
        bump(List::Tools);
        let mut next = async || {
            changes
                .next()
                .await
                .into_iter()
                .map(|(list, said)| (list, said.text().to_owned()))
                .collect::<Vec<_>>()
        };
        let told = |list: List| (list, list.changed().text().to_owned());
        assert_eq!(next().await, [told(List::Tools), told(List::Prompts)]);
        bump(List::Tools);
        assert_eq!(next().await, [told(List::Tools)]);
    }
}
