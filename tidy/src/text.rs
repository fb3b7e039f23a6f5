//! What can be said of a file by its lines.

use anyhow::{Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};

use crate::Finding;

/// Rust files with more lines than `lines_max`. Takes pairs of path and text.
pub fn long_files<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
    lines_max: usize,
) -> Vec<Finding> {
    let lengths = files.into_iter().map(|(path, text)| (path, text.lines().count()));
    lengths
        .filter(|&(_, lines)| lines > lines_max)
        .map(|(path, lines)| Finding {
            place: path.to_owned(),
            text: format!("{path}: {lines} lines, at most {lines_max}: find the seam and split it"),
        })
        .collect()
}

/// Lines of a Rust file beyond `columns_max` characters. A line inside a raw string is left alone:
/// to break it would change what it says.
///
/// # Errors
/// When the text is not Rust.
pub fn long_lines(path: &str, text: &str, columns_max: usize) -> Result<Vec<Finding>> {
    let long = |line: &str| line.chars().count() > columns_max;
    if !text.lines().any(long) {
        return Ok(Vec::new());
    }
    let mut raw = Vec::new();
    raw_strings(text.parse().map_err(|cause| anyhow!("{path}: {cause}"))?, &mut raw);
    let numbered = (1..).zip(text.lines());
    Ok(numbered
        .filter(|(number, line)| long(line) && !raw.iter().any(|lines| lines.contains(number)))
        .map(|(number, line)| Finding {
            place: path.to_owned(),
            text: format!(
                "{path}:{number}: {} columns, at most {columns_max}: break it (in a string, with \
                 a backslash at the end of the line)",
                line.chars().count()
            ),
        })
        .collect())
}

/// The lines of each raw string.
fn raw_strings(tokens: TokenStream, found: &mut Vec<std::ops::RangeInclusive<usize>>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => raw_strings(group.stream(), found),
            TokenTree::Literal(literal) => {
                let spelled = literal.to_string();
                if ["r\"", "r#", "br\"", "br#"].iter().any(|start| spelled.starts_with(start)) {
                    found.push(literal.span().start().line..=literal.span().end().line);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Words that announce work which was not done.
const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Lines that leave work for later.
#[must_use]
pub fn unfinished(path: &str, text: &str) -> Vec<Finding> {
    let word = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    let note = |line: &str| line.split(word).any(|word| NOTES.contains(&word));
    let numbered = (1..).zip(text.lines());
    numbered
        .filter(|(_, line)| note(line))
        .map(|(number, _): (usize, _)| Finding {
            place: path.to_owned(),
            text: format!("{path}:{number}: do it now, or write it where the project plans"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
