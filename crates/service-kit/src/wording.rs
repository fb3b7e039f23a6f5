//! Small parts of sentences: so many of a thing, and the first few of many.

use std::fmt::Display;

/// How many of many things are named where a message must stay readable.
pub const FEW: usize = 5;

/// `1 key`, `2 keys`, `0 keys`: so many of a thing whose plural ends in s.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// The first [`FEW`] of `all`, and `and 3 more keys` where there are more of the `thing`.
pub fn few<'a, T>(all: &'a [T], thing: &str) -> (&'a [T], Option<String>) {
    let shown = all.get(..FEW).unwrap_or(all);
    (shown, and_more(all.len() - shown.len(), thing))
}

/// `and 3 more keys`; nothing where there are none.
pub fn and_more(number: usize, thing: &str) -> Option<String> {
    (number > 0).then(|| format!("and {}", counted(number, &format!("more {thing}"))))
}

/// `a, b and 3 more`: the first names, at most `max`, and how many there are more.
pub fn list(names: impl IntoIterator<Item: AsRef<str>>, max: usize) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for (place, name) in names.into_iter().enumerate() {
        if place >= max {
            left_out += 1;
            continue;
        }
        if place > 0 {
            text.push_str(", ");
        }
        text.push_str(name.as_ref());
    }
    if left_out > 0 {
        text.push_str(&format!(" and {left_out} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{and_more, counted, few, list};

    #[test]
    fn one_is_not_said_in_the_plural() {
        for (number, said) in [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (21, "21 rows")] {
            assert_eq!(counted(number, "row"), said);
        }
        assert_eq!(and_more(0, "row"), None);
        assert_eq!(and_more(1, "row").unwrap(), "and 1 more row");
        assert_eq!(and_more(2, "row").unwrap(), "and 2 more rows");
    }

    #[test]
    fn of_many_the_first_few_are_named() {
        let all = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(few(&all, "key"), (&all[..5], Some("and 2 more keys".to_owned())));
        assert_eq!(few(&all[..5], "key"), (&all[..5], None));
        for (names, max, said) in [
            (&all[..0], 2, ""),
            (&all[..1], 2, "a"),
            (&all[..2], 2, "a, b"),
            (&all[..3], 2, "a, b and 1 more"),
            (&all[..], 2, "a, b and 5 more"),
        ] {
            assert_eq!(list(names, max), said);
        }
    }
}
