//! Tags and wikis of catalog objects: what people wrote about them. Strangers' words, so their
//! length is bounded here and they are never mixed into advice.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::entity::Entity;
use super::index::{TAG, WIKI, words_of_wiki};
use super::{FRESH, Kind, words};
use crate::dremio::{DremioCaller, DremioError};

/// Most tags that are kept of one object. A guess: people set a handful.
const TAGS_MAX: usize = 50;

/// Longest tag, and longest wiki text, in characters. Dremio allows 128 and 100,000.
const TAG_CHARS_MAX: usize = 128;
const WIKI_CHARS_MAX: usize = 16_000;

/// Tables whose notes are kept for searches; more, and the kept ones are thrown away. Their words
/// take some 10 kB each at worst.
const KEPT_MAX: usize = 500;

/// What people wrote about a catalog object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) tags: Vec<String>,
    /// Never empty.
    pub(crate) wiki: Option<String>,
}

impl Notes {
    /// Asks Dremio for them. What it does not tell is left out: a table is as good without.
    pub(super) async fn of(dremio: &DremioCaller, entity: &Entity) -> Self {
        // The first look at a home's wiki makes Dremio write one (contract §5.4), and only tables
        // and views have tags.
        let (has_tags, has_wiki) = (
            entity.is_dataset(),
            entity.is_dataset() || (entity.is_container() && entity.entity_type != "home"),
        );
        let id = &*entity.id;
        let tags = async {
            if !has_tags {
                return None;
            }
            let tags =
                dremio.ask(|client, token| async move { client.tags(token.secret(), id).await });
            told(tags.await)
        };
        let wiki = async {
            if !has_wiki {
                return None;
            }
            let wiki =
                dremio.ask(|client, token| async move { client.wiki(token.secret(), id).await });
            told(wiki.await).flatten()
        };
        let (tags, wiki) = tokio::join!(tags, wiki);
        let tags = tags.unwrap_or_default().into_iter().take(TAGS_MAX);
        Self {
            tags: tags.map(|tag| cut(&tag, TAG_CHARS_MAX)).collect(),
            wiki: wiki.map(|wiki| cut(wiki.trim(), WIKI_CHARS_MAX)).filter(|it| !it.is_empty()),
        }
    }
}

fn told<T>(answer: Result<T, DremioError>) -> Option<T> {
    answer
        .inspect_err(|cause| tracing::debug!(error = %cause, "shown without its tags or wiki"))
        .ok()
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What is known of a table from one look at it.
#[derive(Debug)]
pub(super) struct Known {
    /// As Dremio spells it.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
    /// The names of its columns, if they are not in the index.
    pub(super) columns: Vec<String>,
    pub(super) notes: Notes,
    at: Instant,
    tag_words: Vec<String>,
    wiki_words: Vec<String>,
}

/// Tables that were looked at, by what a [`super::contents::key`] makes of their paths.
#[derive(Debug, Default)]
pub(super) struct KnownTables(Mutex<HashMap<String, Arc<Known>>>);

impl KnownTables {
    /// What is known of this table, if that is not old.
    pub(super) fn get(&self, key: &str) -> Option<Arc<Known>> {
        let known = self.0.lock().get(key).map(Arc::clone);
        known.filter(|known| known.at.elapsed() < FRESH)
    }

    pub(super) fn put(
        &self,
        key: String,
        entity: &Entity,
        notes: Notes,
        is_indexed: bool,
    ) -> Arc<Known> {
        let fields = if is_indexed { &[][..] } else { &entity.fields };
        let columns = fields.iter().map(|it| it.name.clone()).collect();
        let tag_words = notes.tags.iter().flat_map(|tag| words::words(tag)).collect();
        let wiki_words = notes.wiki.as_deref().map(words_of_wiki).unwrap_or_default();
        let known = Arc::new(Known {
            path: entity.path(),
            kind: if entity.is_view() { Kind::View } else { Kind::Table },
            columns,
            notes,
            at: Instant::now(),
            tag_words,
            wiki_words,
        });
        let mut tables = self.0.lock();
        if tables.len() >= KEPT_MAX && !tables.contains_key(&key) {
            tables.clear();
        }
        tables.insert(key, Arc::clone(&known));
        known
    }

    /// All of them, also the old ones: a table that had a tag has it mostly still.
    pub(super) fn all(&self) -> Vec<(String, Arc<Known>)> {
        self.0.lock().iter().map(|(key, known)| (key.clone(), Arc::clone(known))).collect()
    }
}

impl Known {
    /// Its words for a search, with what each counts.
    pub(super) fn words(&self) -> [(f32, &[String]); 2] {
        [(TAG, &self.tag_words), (WIKI, &self.wiki_words)]
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("größe", 3), "grö…");
        assert_eq!(cut("größe", 5), "größe");
    }
}
