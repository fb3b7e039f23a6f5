//! The paths that a client may name: `schemas = ["Sales", "Marketing.campaigns"]`. An entry means
//! that path and all below it.

use super::names::{NameSet, set_of};
use crate::guard::TableName;

/// What Dremio has besides spaces and sources, and nobody may list: it shows everything.
pub(super) const OF_DREMIO: [&str; 2] = ["sys", "information_schema"];

/// The paths that a client may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schemas {
    paths: Vec<Vec<String>>,
    /// The first parts of these.
    tops: NameSet,
    /// As written, for who asks what is allowed.
    text: String,
}

/// Why an entry is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSchema {
    #[error(
        "is no path: {0}; write \"Space\", \"source.folder\", or '\"part.with.dots\".folder', each \
         with all that is below it"
    )]
    NotAPath(String),
    #[error(
        "a * stands for everything on its own, as [\"*\"], and else only at the end: \"Sales.*\""
    )]
    Star,
    #[error("shows what all of Dremio has; only a client with schemas = [\"*\"] may query it")]
    OfDremio,
}

impl Schemas {
    /// Reads the entries; `["*"]` is everything, which is `None`.
    ///
    /// # Errors
    /// The place of the first wrong entry, and what is wrong with it.
    pub(super) fn read(entries: &[&str]) -> Result<Option<Self>, (usize, BadSchema)> {
        if entries == ["*"] {
            return Ok(None);
        }
        let mut paths = Vec::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            let wrong = |cause| (place, cause);
            let path = TableName::parse(entry.strip_suffix(".*").unwrap_or(entry))
                .map_err(|cause| wrong(BadSchema::NotAPath(cause.to_string())))?;
            if entry.contains(char::is_control) {
                let control = "a control character stands in it";
                return Err(wrong(BadSchema::NotAPath(control.to_owned())));
            }
            if path.parts().iter().any(|part| part.contains('*')) {
                return Err(wrong(BadSchema::Star));
            }
            let top = path.parts().first().map_or("", String::as_str).to_lowercase();
            if OF_DREMIO.contains(&&*top) {
                return Err(wrong(BadSchema::OfDremio));
            }
            paths.push(path.parts().to_vec());
        }
        let tops = set_of(paths.iter().filter_map(|path| path.first().map(String::as_str)));
        Ok(Some(Self { paths, tops, text: entries.join(", ") }))
    }

    /// Whether `path` is one of these, or below one. Two names are the same where they differ in
    /// the case of ASCII letters at most: Dremio has no two objects of such names (contract §5.2),
    /// and goes further for other letters, which is not followed here.
    pub(crate) fn allow<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.allow_by(path.iter().map(AsRef::as_ref), |place, name| {
            path.get(place).is_some_and(|own| is_same(own, name))
        })
    }

    /// The same of a path of these `parts`, where `has_name` says whether the one at a place has a
    /// name.
    pub(super) fn allow_by<'p>(
        &self,
        mut parts: impl Iterator<Item = &'p str>,
        has_name: impl Fn(usize, &str) -> bool,
    ) -> bool {
        let allows =
            |path: &Vec<String>| path.iter().enumerate().all(|(place, name)| has_name(place, name));
        !parts.any(climbs) && self.paths.iter().any(allows)
    }

    /// Whether one of these is below `path`.
    pub(crate) fn lie_below<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.paths.iter().any(|allowed| {
            allowed.len() > path.len()
                && allowed.iter().zip(path).all(|(one, two)| is_same(one, two))
        })
    }

    /// Whether one of these begins with a name that [`super::names::fold`] has written.
    pub(super) fn begin_with(&self, folded: &str) -> bool {
        self.tops.contains(folded)
    }

    /// As written in the file.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether a part of a path names the folder itself or the one above it, which a source of files
/// may follow out of the path before it.
fn climbs(part: &str) -> bool {
    part.split(['/', '\\']).any(|folder| matches!(folder.trim(), "." | ".."))
}

fn is_same(one: impl AsRef<str>, two: impl AsRef<str>) -> bool {
    one.as_ref().eq_ignore_ascii_case(two.as_ref())
}

#[cfg(test)]
mod tests {
    use super::{BadSchema, Schemas};

    #[test]
    fn an_entry_means_that_path_and_all_below_it() {
        let entries = ["Sales", "src.\"a.b\".*", "größe"];
        let schemas = Schemas::read(&entries).unwrap().unwrap();
        for (path, allowed, leads_there) in [
            (&["Sales"][..], true, false),
            (&["sales", "t"], true, false),
            (&["Sales", "a", "t"], true, false),
            (&["Sales2", "t"], false, false),
            (&["Sales.t"], false, false),
            (&["src"], false, true),
            (&["SRC", "A.B"], true, false),
            (&["src", "a.b", "t"], true, false),
            (&["src", "a", "b"], false, false),
            (&["src", "other"], false, false),
            (&["größe", "t"], true, false),
            (&["GRÖßE", "t"], false, false),
            (&["ſales", "t"], false, false),
            (&["sys", "options"], false, false),
            (&["Sales", "..", "t"], false, false),
            (&["Sales", "a/../../t"], false, false),
            (&["Sales", ".. \\t"], false, false),
            (&["Sales", "a..b", ".t"], true, false),
        ] {
            assert_eq!((schemas.allow(path), schemas.lie_below(path)), (allowed, leads_there));
        }
        let none = Schemas::read(&[]).unwrap().unwrap();
        assert!(!none.allow(&["Sales"]) && !none.lie_below(&["Sales"]));
        assert_eq!(Schemas::read(&["*"]), Ok(None));
    }

    #[test]
    fn other_entries_are_refused() {
        for (entries, place, cause) in [
            (&["Sales", "*"][..], 1, BadSchema::Star),
            (&["Sales.*.t"], 0, BadSchema::Star),
            (&["Sal*"], 0, BadSchema::Star),
            (&["a", "sys"], 1, BadSchema::OfDremio),
            (&["Information_Schema.*"], 0, BadSchema::OfDremio),
        ] {
            assert_eq!(Schemas::read(entries), Err((place, cause)), "{entries:?}");
        }
        for entry in ["", " ", ".*", "a..b", "\"a", "a\"b", "a\u{1b}[31m", "a\nb"] {
            assert!(matches!(Schemas::read(&[entry]), Err((0, BadSchema::NotAPath(_)))), "{entry}");
        }
    }
}
