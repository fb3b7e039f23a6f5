//! Names: how like two of them are, and how they are written.

pub(super) use service_kit::wording::list;

use super::reading::is_reserved;
pub(super) use crate::catalog::quoted as path;
use crate::catalog::{Column, Snapshot, Table};

/// Most names in one piece of advice.
pub(super) const NAMES_MAX: usize = 40;
/// Longest name that is compared, in characters.
const COMPARED_CHARS_MAX: usize = 80;

/// A name as text that means the same to Dremio: in double quotes where it needs them.
pub(super) fn written(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && !is_reserved(name);
    if is_plain { name.to_owned() } else { quoted(name) }
}

/// A name in double quotes.
pub(super) fn quoted(name: &str) -> String {
    path(&[name])
}

/// `text` as a string literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Names as a choice.
pub(super) fn or(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

/// What is left of a name that is written otherwise by other people: letters and digits in lower
/// case.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .take(COMPARED_CHARS_MAX)
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars().take(COMPARED_CHARS_MAX) {
        if !c.is_alphanumeric() || (was_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A name that others are compared with.
pub(super) struct Wanted {
    plain: String,
    words: Vec<String>,
}

impl Wanted {
    pub(super) fn of(name: &str) -> Self {
        Self { plain: plain(name), words: words(name) }
    }

    /// How like it a name is, from 0 to 1: spelling, words in common, abbreviations.
    pub(super) fn likeness(&self, name: &str) -> f64 {
        let (one, other) = (&self.plain, &plain(name));
        if one.is_empty() || other.is_empty() {
            return 0.0;
        }
        if one == other {
            return 1.0;
        }
        let spelling = strsim::jaro_winkler(one, other);
        let (shorter, longer) = if one.len() < other.len() { (one, other) } else { (other, one) };
        let holds = shorter.len() >= 3 && longer.contains(shorter.as_str());
        let is_short_for = shorter.len() >= 3
            && shorter.chars().next() == longer.chars().next()
            && is_subsequence(shorter, longer);
        let (ours, theirs) = (&self.words, words(name));
        let shared = ours.iter().filter(|word| theirs.contains(word)).count();
        let (few, many) = (ours.len().min(theirs.len()), ours.len().max(theirs.len()));
        #[expect(clippy::cast_precision_loss, reason = "a few words")]
        let in_common = match shared {
            0 => 0.0,
            _ if shared == few => 0.8 + 0.15 * shared as f64 / many as f64,
            _ => 0.8 * shared as f64 / few as f64,
        };
        [spelling, if holds { 0.88 } else { 0.0 }, if is_short_for { 0.82 } else { 0.0 }, in_common]
            .into_iter()
            .fold(0.0, f64::max)
    }
}

fn is_subsequence(shorter: &str, longer: &str) -> bool {
    let mut longer = longer.chars();
    shorter.chars().all(|c| longer.any(|other| other == c))
}

/// The `max` items whose names are most like `wanted`, best first, as far as they are like it at
/// all.
pub(super) fn nearest<'n, T>(
    wanted: &str,
    items: impl IntoIterator<Item = (&'n str, T)>,
    least: f64,
    max: usize,
) -> Vec<T> {
    let wanted = Wanted::of(wanted);
    let mut found: Vec<(f64, T)> = items
        .into_iter()
        .map(|(name, item)| (wanted.likeness(name), item))
        .filter(|(likeness, _)| *likeness >= least)
        .collect();
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.into_iter().take(max).map(|(_, item)| item).collect()
}

/// The table with this path, compared as Dremio does, however it is divided into parts.
pub(super) fn table<'s>(catalog: Option<&'s Snapshot>, path: &[String]) -> Option<&'s Table> {
    let wanted = path.join(".");
    catalog?.tables().find(|table| is_path(table, &wanted))
}

/// The table whose path has the same letters and digits as `joined`, a path with dots between its
/// parts.
pub(super) fn table_spelt_like<'s>(catalog: &'s Snapshot, joined: &str) -> Option<&'s Table> {
    let wanted = plain(joined);
    catalog.tables().find(|table| plain(&table.path.join(".")) == wanted)
}

/// Whether `joined`, a path with dots between its parts, is that of the table.
pub(super) fn is_path(table: &Table, joined: &str) -> bool {
    let length =
        table.path.iter().map(String::len).sum::<usize>() + table.path.len().saturating_sub(1);
    length == joined.len() && table.path.join(".").to_lowercase() == joined.to_lowercase()
}

pub(super) fn column<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

pub(super) fn is_number(column: &Column) -> bool {
    let ty = column.data_type.to_ascii_uppercase();
    ["INT", "BIGINT", "DOUBLE", "FLOAT", "DECIMAL", "NUMERIC"]
        .iter()
        .any(|number| ty.starts_with(number))
}
