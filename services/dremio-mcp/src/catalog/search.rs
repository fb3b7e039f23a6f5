//! Finds tables and views for a question.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use service_kit::runtime::aside;

use super::contents::{Contents, key};
use super::index::{Scored, TAG};
use super::notes::{Known, Notes};
use super::{Catalog, Child, Kind, QuestionError, words};

/// Longest question that is read, in characters.
const QUESTION_CHARS_MAX: usize = 500;

/// How many of its words are looked for; each is held against all that the catalog has.
const WORDS_MAX: usize = 24;

/// How many tables are looked at, at a time.
const LOOKS_AT_ONCE: usize = 4;

/// How far down views are looked for, to stand before the tables that they wrap.
const ORDERED_MAX: usize = 60;

/// A view comes before a table that it wraps if it is worth at least this part of it.
const WRAPPER_SHARE: f32 = 0.5;

/// A table or view that answers a question.
#[derive(Debug)]
pub(crate) struct Hit {
    /// As Dremio spells it.
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
    /// The names of its columns, in their order.
    pub(crate) columns: Vec<String>,
    pub(crate) notes: Notes,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The best first.
    pub(crate) hits: Vec<Hit>,
    /// How many there are in all.
    pub(crate) total: usize,
    /// Whether Dremio has more tables than were read.
    pub(crate) is_partial: bool,
}

/// A table that was found, before it is looked at.
struct Candidate {
    path: Vec<String>,
    place: Option<u32>,
}

impl Catalog {
    /// The `limit` tables and views that fit `question` best, with their tags and wikis.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub(crate) async fn search(
        &self,
        question: &str,
        limit: usize,
    ) -> Result<Found, Arc<QuestionError>> {
        let contents = self.contents().await?;
        let question: String = question.chars().take(QUESTION_CHARS_MAX).collect();
        let mut asked = words::asked(&question);
        asked.truncate(WORDS_MAX);
        if asked.is_empty() {
            return Ok(Found { is_partial: contents.is_partial, ..Found::default() });
        }
        let known = self.shared.known.all();
        let mut scored = aside(|| rank(&contents, &asked, &known));
        scored.retain(|it| contents.table(it.table).is_some_and(|table| self.shows(&table.path)));
        let mut elsewhere = Vec::new();
        // Tags of tables that were not looked at are known to Dremio only.
        if contents.is_partial || !scored.first().is_some_and(|best| best.is_complete) {
            elsewhere = self.found_by_dremio(&contents, &question, &asked, &mut scored).await;
        }
        let total = scored.len() + elsewhere.len();
        views_first(&contents, &mut scored);
        let candidates = scored.iter().filter_map(|it| {
            let path = contents.table(it.table)?.path.clone();
            Some(Candidate { path, place: Some(it.table) })
        });
        let candidates: Vec<_> = candidates.chain(elsewhere).take(limit).collect();
        let hits = stream::iter(candidates).map(|it| self.hit(&contents, it));
        let hits = hits.buffered(LOOKS_AT_ONCE).collect().await;
        Ok(Found { hits, total, is_partial: contents.is_partial })
    }

    /// Takes into `scored` what Dremio's own search finds, and returns what is not known here.
    async fn found_by_dremio(
        &self,
        contents: &Contents,
        question: &str,
        asked: &[String],
        scored: &mut Vec<Scored>,
    ) -> Vec<Candidate> {
        let telling = |word: &&str| words::words(word).iter().any(|it| asked.contains(it));
        let question: Vec<&str> = question.split_whitespace().filter(telling).collect();
        let found = self.search_of_dremio(&question.join(" ")).await;
        let found: Vec<_> = found.into_iter().filter(Child::is_dataset).collect();
        let mut elsewhere = Vec::new();
        let rarity =
            (1.0 + contents.snapshot.tables().len() as f32 / found.len().max(1) as f32).ln();
        let worth = TAG * asked.len() as f32 * rarity;
        for child in found {
            let Some(table) = contents.place(&key(&child.path)) else {
                elsewhere.push(Candidate { path: child.path, place: None });
                continue;
            };
            match scored.iter_mut().find(|it| it.table == table) {
                Some(known) => known.score += worth,
                None => scored.push(Scored { table, score: worth, is_complete: true }),
            }
        }
        best_first(scored);
        elsewhere
    }

    async fn hit(&self, contents: &Contents, candidate: Candidate) -> Hit {
        let Candidate { path, place } = candidate;
        let known = self.look(&path, place.is_some()).await.filter(|it| self.shows(&it.path));
        let (kind, columns) = match (place.and_then(|place| contents.table(place)), &known) {
            (Some(table), _) => {
                (table.kind, table.columns.iter().map(|it| it.name.to_string()).collect())
            }
            // Not among what was read: newer, or one too many.
            (None, Some(known)) => (known.kind, known.columns.clone()),
            (None, None) => (Kind::Table, Vec::new()),
        };
        let (path, notes) = match known {
            Some(known) => (known.path.clone(), known.notes.clone()),
            None => (path, Notes::default()),
        };
        Hit { path, kind, columns, notes }
    }

    /// What Dremio says of the table at `path`, which may be split in other places than there.
    async fn look(&self, path: &[String], is_indexed: bool) -> Option<Arc<Known>> {
        let key = key(path);
        if let Some(known) = self.shared.known.get(&key) {
            return Some(known);
        }
        let entity = match self.entity(path).await {
            Ok(entity) => entity,
            Err(cause) => {
                tracing::debug!(error = %cause, "a table that was found is shown without notes");
                let name = path.last()?;
                let found = self.search_of_dremio(name).await;
                let same = found
                    .into_iter()
                    .find(|child| child.path != path && super::contents::key(&child.path) == key)?;
                self.entity(&same.path).await.ok()?
            }
        };
        let notes = Notes::of(self.jobs.dremio(), &entity).await;
        Some(self.shared.known.put(key, &entity, notes, is_indexed))
    }
}

/// The tables that fit, the best first.
fn rank(contents: &Contents, asked: &[String], known: &[(String, Arc<Known>)]) -> Vec<Scored> {
    let noted = known.iter().filter_map(|(key, known)| {
        let place = contents.place(key)?;
        Some(known.words().map(|(weight, words)| (place, weight, words)))
    });
    let mut scored = contents.index.search(asked, noted.flatten());
    for it in &mut scored {
        // What people ask for is what they mean, up to a quarter.
        let times = contents.times_asked_for(it.table).min(1_000) as f32;
        it.score *= 1.0 + 0.25 * (1.0 + times).log10() / 3.0;
    }
    best_first(&mut scored);
    scored
}

/// Puts each view before the tables that it wraps, if it fits nearly as well.
fn views_first(contents: &Contents, scored: &mut [Scored]) {
    let end = scored.len().min(ORDERED_MAX);
    let Some(best) = scored.get_mut(..end) else { return };
    let places: HashMap<u32, f32> = best.iter().map(|it| (it.table, it.score)).collect();
    let mut lifted = HashMap::new();
    for view in best.iter() {
        let table = contents.wrapped_by(view.table).and_then(|table| places.get(&table));
        if let Some(score) = table.filter(|score| view.score >= WRAPPER_SHARE * **score) {
            lifted.insert(view.table, view.score.max(score * 1.001));
        }
    }
    for it in best.iter_mut() {
        it.score = lifted.get(&it.table).copied().unwrap_or(it.score);
    }
    best_first(best);
}

fn best_first(scored: &mut [Scored]) {
    scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.table.cmp(&b.table)));
}

#[cfg(test)]
mod tests;
