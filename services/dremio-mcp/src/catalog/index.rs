//! Finds tables by the words of their names, columns and paths: an inverted index, and how much a
//! match counts.

use std::collections::HashMap;

use strsim::jaro_winkler;

use super::words::{others, words};
use super::{Kind, Snapshot};

/// What a word of a table's own name counts, of a column's, and of the path to it.
const NAME: f32 = 10.0;
const COLUMN: f32 = 4.0;
const PATH: f32 = 1.5;
/// And of a tag or a wiki text, which are known of some tables only.
pub(super) const TAG: f32 = 3.5;
pub(super) const WIKI: f32 = 2.0;

/// How well another word must resemble the one asked for, to count as a slip of the pen. A guess:
/// `custmers` and `emploees` are well above it.
const SIMILAR_MIN: f64 = 0.88;

/// Longest wiki text that is searched, in characters.
const WIKI_CHARS_MAX: usize = 2_000;

/// A table and the part of it in which a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Posting(u32);

impl Posting {
    fn new(table: u32, field: u32) -> Self {
        Self(table << 2 | field)
    }

    fn table(self) -> u32 {
        self.0 >> 2
    }

    fn weight(self) -> f32 {
        match self.0 & 3 {
            0 => NAME,
            1 => COLUMN,
            _ => PATH,
        }
    }
}

/// Words, and where they stand.
#[derive(Debug, Default)]
pub(super) struct Index {
    terms: HashMap<Box<str>, Vec<Posting>>,
    /// How many words the name of each table has.
    name_words: Vec<u8>,
}

/// What a table is worth for a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scored {
    /// Its place in the snapshot.
    pub(super) table: u32,
    pub(super) score: f32,
    /// Whether each word of the question was found.
    pub(super) is_complete: bool,
}

impl Index {
    /// The index of what users have made or connected; system tables are not searched.
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut index = Self::default();
        for (place, table) in (0_u32..).zip(snapshot.tables()) {
            let (name, parents) = table
                .path
                .split_last()
                .map_or(("", &[][..]), |(name, above)| (name.as_str(), above));
            let name_words = words(name);
            index.name_words.push(u8::try_from(name_words.len()).unwrap_or(u8::MAX));
            if table.kind == Kind::System {
                continue;
            }
            if name_words.len() > 1 {
                index.add(name_words.concat(), Posting::new(place, 0));
            }
            name_words.into_iter().for_each(|word| index.add(word, Posting::new(place, 0)));
            for column in &table.columns {
                for word in words(&column.name) {
                    index.add(word, Posting::new(place, 1));
                }
            }
            for word in parents.iter().flat_map(|part| words(part)) {
                index.add(word, Posting::new(place, 2));
            }
        }
        index.terms.values_mut().for_each(Vec::shrink_to_fit);
        index.terms.shrink_to_fit();
        index
    }

    fn add(&mut self, word: String, posting: Posting) {
        let postings = self.terms.entry(word.into_boxed_str()).or_default();
        // Tables come in order, and their parts from the best to the least.
        let is_known = postings.iter().rev().take_while(|it| it.table() == posting.table());
        if !is_known.into_iter().any(|it| *it == posting) {
            postings.push(posting);
        }
    }

    /// The tables in which words of `asked` stand, in no order. `noted` says where words of tags
    /// and wikis stand: a table, a text's weight, and its words.
    pub(super) fn search<'n>(
        &self,
        asked: &[String],
        noted: impl Iterator<Item = (u32, f32, &'n [String])> + Clone,
    ) -> Vec<Scored> {
        let mut total: HashMap<u32, (f32, usize)> = HashMap::new();
        for word in asked {
            let mut best: HashMap<u32, f32> = HashMap::new();
            let mut count = |table: u32, worth: f32| {
                let known = best.entry(table).or_default();
                *known = known.max(worth);
            };
            for (term, quality) in self.meant(word) {
                for posting in self.terms.get(term).into_iter().flatten() {
                    let mut worth = posting.weight() * quality;
                    if posting.weight() == NAME {
                        worth *= self.share_of_name(posting.table());
                    }
                    count(posting.table(), worth);
                }
            }
            for (table, weight, words) in noted.clone() {
                let quality = words.iter().map(|it| alike(word, it)).fold(0.0, f32::max);
                if quality > 0.0 {
                    count(table, weight * quality);
                }
            }
            // A word that stands everywhere tells little.
            let tables = self.name_words.len().max(1);
            let rarity = (1.0 + tables as f32 / best.len().max(1) as f32).ln();
            for (table, worth) in best {
                let (score, words) = total.entry(table).or_default();
                *score += worth * rarity;
                *words += 1;
            }
        }
        let found = total.into_iter().map(|(table, (score, words))| {
            let share = words as f32 / asked.len() as f32;
            Scored { table, score: score * share, is_complete: words == asked.len() }
        });
        found.collect()
    }

    /// A word of a short name says more of the table than one of a long name.
    fn share_of_name(&self, table: u32) -> f32 {
        let words = self.name_words.get(table as usize).copied().unwrap_or(1).max(1);
        0.6 + 0.4 / f32::from(words)
    }

    /// The terms that `word` may mean, and how well each fits.
    fn meant<'i>(&'i self, word: &'i str) -> Vec<(&'i str, f32)> {
        let mut meant = vec![(word, 1.0)];
        meant.extend(others(word).map(|other| (other, 0.8)));
        let is_known = meant.iter().any(|(term, _)| self.terms.contains_key(*term));
        for term in self.terms.keys() {
            let quality = part_of(word, term);
            if quality > 0.0 {
                meant.push((term, quality));
            } else if !is_known && is_slip(word, term) {
                meant.push((term, 0.7));
            }
        }
        meant
    }
}

/// How well `term`, a word of a note, fits `word`.
fn alike(word: &str, term: &str) -> f32 {
    if word == term || others(word).any(|other| other == term) { 1.0 } else { part_of(word, term) }
}

/// How well `term` fits `word` where one starts with the other, or contains it; else 0.
fn part_of(word: &str, term: &str) -> f32 {
    let (word_chars, term_chars) = (word.chars().count(), term.chars().count());
    if word == term || word_chars.min(term_chars) < 3 {
        return 0.0;
    }
    let share = word_chars.min(term_chars) as f32 / word_chars.max(term_chars) as f32;
    if term.starts_with(word) || (word.starts_with(term) && share > 0.5) {
        0.4 + 0.4 * share
    } else if word_chars > 3 && term.contains(word) {
        0.2 + 0.4 * share
    } else {
        0.0
    }
}

fn is_slip(word: &str, term: &str) -> bool {
    word.len() > 3
        && word.len().abs_diff(term.len()) <= 2
        && jaro_winkler(word, term) >= SIMILAR_MIN
}

/// The words of a wiki text, as far as it is searched.
pub(super) fn words_of_wiki(text: &str) -> Vec<String> {
    let start: String = text.chars().take(WIKI_CHARS_MAX).collect();
    let mut words = words(&start);
    words.sort_unstable();
    words.dedup();
    words
}
