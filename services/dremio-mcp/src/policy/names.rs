//! Names in one case, looked up without a copy of what is asked for.

use std::collections::HashSet;

use crate::guard::folded_char;

/// Names that [`fold`] has written. Most of what is looked up has one to ten letters, for which
/// the standard library's hash takes longer than all else that is done with a name.
pub(super) type NameSet = HashSet<String, foldhash::fast::RandomState>;

/// A set of these names.
pub(super) fn set_of<'n>(names: impl Iterator<Item = &'n str>) -> NameSet {
    let folded = |name| {
        let mut folded = String::new();
        fold(name, &mut folded);
        folded
    };
    names.map(folded).collect()
}

/// Writes `name` into `folded`, in place of what is there: in one case, as Dremio compares names.
pub(super) fn fold(name: &str, folded: &mut String) {
    folded.clear();
    if name.is_ascii() {
        folded.push_str(name);
        folded.make_ascii_lowercase();
    } else {
        folded.extend(name.chars().map(folded_char));
    }
}

#[cfg(test)]
mod tests {
    use super::{fold, set_of};

    #[test]
    fn names_are_found_whatever_their_case() {
        let set = set_of(["Sales", "GRÖSSE", "kelvin"].into_iter());
        let mut folded = String::new();
        for (name, expected) in [
            ("sales", true),
            ("SALES", true),
            ("ſales", true),
            ("grÖsse", true),
            ("\u{212a}ELVIN", true),
            ("größe", false),
            ("sale", false),
            ("", false),
        ] {
            fold(name, &mut folded);
            assert_eq!(set.contains(&folded), expected, "{name}");
        }
    }
}
