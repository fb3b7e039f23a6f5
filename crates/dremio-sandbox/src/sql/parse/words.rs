//! The words that are not names (contract §7.5).

/// Words that the parser treats as such. All others are names to it.
const PARSED: &str = include_str!("words/parsed.txt");

/// Words that need quotes as a name. The full list is generated in Dremio's build; these are the
/// contract's, and what the grammar of queries needs.
const RESERVED: &str = include_str!("words/reserved.txt");

/// Reserved words that begin an expression without a bracket or a text behind them.
const BEGINNINGS: &str = "\
    CASE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DAY EXISTS FALSE HOUR INTERVAL LOCALTIME \
    LOCALTIMESTAMP MINUTE MONTH NOT NULL SECOND TRUE YEAR";

/// Whether an expression can begin with the word, if nothing special follows.
pub(super) fn begins_expression(word: &str) -> bool {
    !is_reserved(word) || contains(BEGINNINGS, word)
}

pub(super) fn is_parsed(word: &str) -> bool {
    contains(PARSED, word)
}

/// Whether a word may not be a part of a name without quotes.
pub(crate) fn is_reserved(word: &str) -> bool {
    contains(RESERVED, word)
}

fn contains(words: &str, wanted: &str) -> bool {
    words.split_whitespace().any(|word| word.eq_ignore_ascii_case(wanted))
}
