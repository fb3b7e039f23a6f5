//! Which lists of an engine have changed. A reader that is slow misses no change, it only sees several as one.

use tokio::sync::watch;

/// A list that clients can be told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Tools,
    Prompts,
    Resources,
}

impl List {
    /// The capability under which an engine says whether this list can change.
    pub(crate) fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
        }
    }

    /// The list that the `notifications/…/list_changed` of this name speaks of.
    pub(crate) fn of_notification(method: &str) -> Option<Self> {
        [Self::Tools, Self::Prompts, Self::Resources].into_iter().find(|list| list.notification() == method)
    }

    /// The notification that says that this list has changed.
    pub(crate) fn notification(self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
            Self::Prompts => "notifications/prompts/list_changed",
            Self::Resources => "notifications/resources/list_changed",
        }
    }
}

/// How often each list has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    tools: u64,
    prompts: u64,
    resources: u64,
}

impl Versions {
    pub(super) fn bump(&mut self, list: List) {
        match list {
            List::Tools => self.tools += 1,
            List::Prompts => self.prompts += 1,
            List::Resources => self.resources += 1,
        }
    }

    fn of(&self, list: List) -> u64 {
        match list {
            List::Tools => self.tools,
            List::Prompts => self.prompts,
            List::Resources => self.resources,
        }
    }
}

/// The changes since this was made.
#[derive(Debug)]
pub(crate) struct Changes {
    versions: Option<watch::Receiver<Versions>>,
    seen: Versions,
}

impl Changes {
    /// Of an engine whose lists never change.
    pub(super) fn never() -> Self {
        Self { versions: None, seen: Versions::default() }
    }

    pub(super) fn of(mut versions: watch::Receiver<Versions>) -> Self {
        let seen = *versions.borrow_and_update();
        Self { versions: Some(versions), seen }
    }

    /// Waits until lists change, and says which. Cancel safe.
    pub(crate) async fn next(&mut self) -> Vec<List> {
        let Some(versions) = &mut self.versions else { return std::future::pending().await };
        if versions.changed().await.is_err() {
            return std::future::pending().await;
        }
        let now = *versions.borrow_and_update();
        let before = std::mem::replace(&mut self.seen, now);
        [List::Tools, List::Prompts, List::Resources].into_iter().filter(|&list| now.of(list) != before.of(list)).collect()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::{Changes, List, Versions};

    #[tokio::test]
    async fn changes_are_told_once_and_none_is_missed() {
        let (versions, seen) = watch::channel(Versions::default());
        versions.send_modify(|versions| versions.bump(List::Resources));
        let mut changes = Changes::of(seen);
        versions.send_modify(|versions| versions.bump(List::Prompts));
        versions.send_modify(|versions| versions.bump(List::Tools));
        assert_eq!(changes.next().await, [List::Tools, List::Prompts]);
        versions.send_modify(|versions| versions.bump(List::Tools));
        assert_eq!(changes.next().await, [List::Tools]);
    }
}
