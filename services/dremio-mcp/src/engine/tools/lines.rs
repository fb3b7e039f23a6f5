//! An answer of lines, up to a budget of tokens. What strangers wrote stays on its line.

use service_kit::wording::counted;

use crate::answer::estimate;
use crate::catalog::Notes;

/// What is kept free for the line that says what was left out.
const NOTE_TOKENS: usize = 40;

/// Longest tag, and how many of them stand in a line.
const TAG_CHARS_MAX: usize = 40;
const TAGS_MAX: usize = 12;

/// A text that grows by lines.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    tokens_left: usize,
    left_out: usize,
}

impl Lines {
    /// No line yet, and room for about `tokens_max` tokens.
    pub(super) fn new(tokens_max: usize) -> Self {
        let tokens_left = tokens_max.saturating_sub(NOTE_TOKENS);
        Self { text: String::new(), tokens_left, left_out: 0 }
    }

    /// Adds a line, unless it or one before it did not fit. Line breaks in it become blanks.
    pub(super) fn push(&mut self, line: &str) {
        let line = line.replace(['\n', '\r'], " ");
        let tokens = estimate(&line) + 1;
        if self.left_out > 0 || tokens > self.tokens_left {
            self.left_out += 1;
            return;
        }
        self.tokens_left -= tokens;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&line);
    }

    /// Adds all of `lines`, which must be within the budget of their own.
    pub(super) fn append(&mut self, lines: &str) {
        lines.lines().for_each(|line| self.push(line));
    }

    /// What may still be used.
    pub(super) fn tokens_left(&self) -> usize {
        if self.left_out > 0 { 0 } else { self.tokens_left }
    }

    /// Whether something did not fit.
    pub(super) fn is_cut(&self) -> bool {
        self.left_out > 0
    }

    /// The text. Where lines were left out, the last one says how many, and what `helps`.
    pub(super) fn finish(self, helps: &str) -> String {
        match self.left_out {
            0 => self.text,
            count => {
                let left_out = counted(count, "more line");
                format!("{}\n[{left_out} left out; {helps}]", self.text)
            }
        }
    }
}

/// `text` on one line, with single blanks, and at most `chars_max` characters of it.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(chars_max) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

/// The start of a wiki text on one line, without the marks of headings.
pub(super) fn wiki_line(notes: &Notes, chars_max: usize) -> Option<String> {
    let wiki = notes.wiki.as_deref()?;
    let lines: Vec<&str> = wiki.lines().map(|line| line.trim_start_matches('#').trim()).collect();
    Some(one_line(&lines.join(" "), chars_max)).filter(|line| !line.is_empty())
}

/// Tags as they stand behind a name: ` [sales, pii]`, or nothing.
pub(super) fn tag_list(notes: &Notes) -> String {
    if notes.tags.is_empty() {
        return String::new();
    }
    let mut tags: Vec<String> =
        notes.tags.iter().take(TAGS_MAX).map(|tag| one_line(tag, TAG_CHARS_MAX)).collect();
    if notes.tags.len() > TAGS_MAX {
        tags.push("…".to_owned());
    }
    format!(" [{}]", tags.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Lines, one_line, tag_list, wiki_line};
    use crate::catalog::Notes;

    #[test]
    fn lines_that_do_not_fit_are_counted() {
        let mut lines = Lines::new(60);
        lines.push("one two\nthree");
        for _ in 0..100 {
            lines.push("some more words");
        }
        // A short one behind a long one would look as if nothing was missing between them.
        lines.push("x");
        let text = lines.finish("ask for less");
        assert!(text.starts_with("one two three\nsome more words\n"), "{text}");
        assert!(text.ends_with(" more lines left out; ask for less]"), "{text}");
        assert!(crate::answer::estimate(&text) <= 60, "{text}");
        let mut lines = Lines::new(1000);
        lines.append("a\nb");
        assert_eq!(lines.finish(""), "a\nb");
    }

    #[test]
    fn what_strangers_wrote_stays_on_its_line() {
        assert_eq!(one_line("a\r\n\tb\u{0}\u{2028}c", 10), "a b c");
        assert_eq!(one_line("größe und mehr", 7), "größe u…");
        assert_eq!(one_line(&"x".repeat(5000), 5), "xxxxx…");
        let notes = Notes {
            tags: vec!["p\nii".to_owned(), "gold".to_owned()],
            wiki: Some("# Orders\n\nOne row\nper order.".to_owned()),
        };
        assert_eq!(tag_list(&notes), " [p ii, gold]");
        assert_eq!(wiki_line(&notes, 100).unwrap(), "Orders One row per order.");
        assert_eq!(
            (tag_list(&Notes::default()), wiki_line(&Notes::default(), 9)),
            (String::new(), None)
        );
    }
}
