//! Parts of files that follow from something else: between a line with `>>> name` and the next line
//! with `<<<`.

use std::ops::Range;

use anyhow::{Context, Result};

use crate::Finding;

/// What is wrong with the part `name` of the file at `path`, whose lines should be `expected`.
///
/// # Errors
/// When the file has no such part.
pub fn differing_part(
    path: &str,
    text: &str,
    name: &str,
    expected: &str,
) -> Result<Option<Finding>> {
    let found = text.get(place(path, text, name)?).unwrap_or_default();
    if found == expected {
        return Ok(None);
    }
    let missing = expected.lines().filter(|line| !found.lines().any(|other| other == *line));
    let left_over = found.lines().filter(|line| !expected.lines().any(|other| other == *line));
    let missing = missing.map(|line| format!("\n    lacks {line}"));
    let left_over = left_over.map(|line| format!("\n    has   {line}"));
    let lines: Vec<_> = missing.chain(left_over).collect();
    let lines =
        if lines.is_empty() { "\n    has another order".to_owned() } else { lines.concat() };
    let text = format!("{path}: the part `{name}` is not as its table says{lines}");
    Ok(Some(Finding { place: path.to_owned(), text }))
}

/// `text` with other lines in its part `name`.
///
/// # Errors
/// When it has no such part.
pub fn with_part(path: &str, text: &str, name: &str, lines: &str) -> Result<String> {
    let mut text = text.to_owned();
    text.replace_range(place(path, &text, name)?, lines);
    Ok(text)
}

/// Where the lines of a part are.
fn place(path: &str, text: &str, name: &str) -> Result<Range<usize>> {
    let lines = || {
        text.split_inclusive('\n').scan(0, |end, line| {
            *end += line.len();
            Some((*end, line))
        })
    };
    let begins = |line: &str| line.contains(&format!(">>> {name}"));
    let missing =
        || format!("{path}: there is no line with `>>> {name}`, or no line with `<<<` after it");
    let (start, _) = lines().find(|(_, line)| begins(line)).with_context(missing)?;
    let (end, line) =
        lines().find(|(end, line)| *end > start && line.contains("<<<")).with_context(missing)?;
    Ok(start..end - line.len())
}

#[cfg(test)]
mod tests {
    use super::{differing_part, with_part};

    const TEXT: &str = "a\n# >>> one\nx\ny\n# <<<\n# >>> two\n# <<<\n";

    #[test]
    fn a_part_is_between_its_lines() {
        let differing = |name: &str, lines: &str| differing_part("f", TEXT, name, lines);
        assert_eq!(differing("one", "x\ny\n").unwrap(), None);
        assert_eq!(differing("two", "").unwrap(), None);
        let said = differing("one", "x\nz\n").unwrap().unwrap().text;
        assert!(said.ends_with("\n    lacks z\n    has   y"), "{said}");
        assert!(differing("three", "").is_err());
    }

    #[test]
    fn a_part_can_be_written_anew() {
        let written = with_part("f", TEXT, "two", "z\n").unwrap();
        assert_eq!(written, "a\n# >>> one\nx\ny\n# <<<\n# >>> two\nz\n# <<<\n");
    }
}
