//! Tags and wikis (contract §5.4): versions are text for tags and numbers for wikis, and a stale
//! one is refused.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::{Entity, Namespace};

/// A wiki text and tags for something in the catalog.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) path: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) wiki: String,
}

/// Tags of a dataset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tags {
    pub(crate) tags: Vec<String>,
    /// Absent until they were set once.
    pub(crate) version: Option<String>,
}

/// The wiki of any entity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wiki {
    pub(crate) text: String,
    pub(crate) version: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct Notes {
    tags: Mutex<HashMap<String, Tags>>,
    wikis: Mutex<HashMap<String, Wiki>>,
}

impl Notes {
    pub(crate) fn of(namespace: &Namespace, given: &[Note]) -> Self {
        let notes = Self::default();
        notes.add(namespace, given);
        notes
    }

    /// Adds notes on what is in `namespace`; one on anything else is left out.
    pub(crate) fn add(&self, namespace: &Namespace, given: &[Note]) {
        for note in given {
            let Some(entity) = namespace.find(&note.path) else {
                continue;
            };
            if !note.tags.is_empty() {
                self.set_tags(&entity.id, note.tags.clone(), None).ok();
            }
            self.set_wiki(&entity.id, note.wiki.clone(), None).ok();
        }
    }

    pub(crate) fn tags(&self, entity: &Entity) -> Tags {
        let tags = self.tags.lock();
        tags.get(&entity.id).cloned().unwrap_or_default()
    }

    /// Replaces the tags; `Err` if `version` is not the stored one.
    pub(crate) fn set_tags(
        &self,
        id: &str,
        tags: Vec<String>,
        version: Option<&str>,
    ) -> Result<Tags, Tags> {
        let mut all = self.tags.lock();
        let stored = all.get(id).cloned().unwrap_or_default();
        if stored.version.as_deref() != version {
            return Err(stored);
        }
        let count = version
            .and_then(|version| version.strip_prefix('t')?.parse::<u64>().ok())
            .map_or(0, |count| count.saturating_add(1));
        let tags = Tags { tags, version: Some(format!("t{count}")) };
        all.insert(id.to_owned(), tags.clone());
        Ok(tags)
    }

    /// A home without a wiki gets a default one by being asked: the read that writes (contract
    /// §5.4).
    pub(crate) fn wiki(&self, entity: &Entity) -> Wiki {
        let mut wikis = self.wikis.lock();
        if let Some(wiki) = wikis.get(&entity.id) {
            return wiki.clone();
        }
        if !matches!(entity.kind, super::Kind::Home) {
            return Wiki::default();
        }
        let wiki = Wiki {
            text: "# Wiki\nYou are viewing your home space, which is your private sandbox."
                .to_owned(),
            version: Some(0),
        };
        wikis.insert(entity.id.clone(), wiki.clone());
        wiki
    }

    /// Replaces the wiki; `Err` with the stored version if `version` is not it. Where none is
    /// stored, any version will do.
    pub(crate) fn set_wiki(
        &self,
        id: &str,
        text: String,
        version: Option<i64>,
    ) -> Result<Wiki, i64> {
        let mut wikis = self.wikis.lock();
        let stored = wikis.get(id).and_then(|wiki| wiki.version);
        if let Some(stored) = stored.filter(|_| stored != version) {
            return Err(stored);
        }
        let wiki =
            Wiki { text, version: Some(stored.map_or(0, |version| version.saturating_add(1))) };
        wikis.insert(id.to_owned(), wiki.clone());
        Ok(wiki)
    }
}
