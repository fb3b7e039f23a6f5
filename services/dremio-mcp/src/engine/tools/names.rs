//! The names that a tool is given: one as text, one as a list of its parts, or several.

use std::borrow::Cow;

use serde::Deserialize;

use super::failure::Failure;
use crate::guard::{NameError, TableName};

/// Most names of one call.
const NAMES_MAX: usize = 20;

/// A name in either of its forms.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum NameArgument<'a> {
    /// Dotted.
    Text(#[serde(borrow)] Cow<'a, str>),
    /// One element per part, or per name.
    List(Vec<String>),
}

/// What the names may mean, to be tried in this order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// One path.
    pub(super) path: TableName,
    /// Several names, if the list may be that.
    pub(super) several: Vec<TableName>,
}

impl NameArgument<'_> {
    /// Reads it. `argument` is what it is called.
    ///
    /// # Errors
    /// When it is no name.
    pub(super) fn read(self, argument: &str) -> Result<Names, Failure> {
        let list = match self {
            // Models often write a list as text.
            Self::Text(text) => match serde_json::from_str::<Vec<String>>(&text) {
                Ok(list) => list,
                Err(_) => {
                    let path = TableName::parse(&text).map_err(|cause| unread(argument, cause))?;
                    return Ok(Names { path, several: Vec::new() });
                }
            },
            Self::List(list) => list,
        };
        let several: Result<Vec<TableName>, NameError> =
            list.iter().map(|name| TableName::parse(name)).collect();
        let mut several = several.unwrap_or_default();
        several.truncate(NAMES_MAX);
        let path = TableName::from_parts(list).map_err(|cause| unread(argument, cause))?;
        // A list of one plain word is nothing but that.
        if matches!(&*several, [only] if *only == path) {
            several.clear();
        }
        Ok(Names { path, several })
    }
}

fn unread(argument: &str, cause: NameError) -> Failure {
    let advice = "Give a dotted name like \"source\".\"folder\".\"table\", or a list of its parts \
                  like [\"source\", \"folder\", \"table\"].";
    Failure::new(format!("{argument} cannot be read: {cause}"), advice)
}

#[cfg(test)]
mod tests {
    use super::{NameArgument, Names};

    fn read(argument: NameArgument<'_>) -> (String, Vec<String>) {
        let Names { path, several } = argument.read("table_name").unwrap();
        let joined = |name: &super::TableName| name.parts().join("/");
        (joined(&path), several.iter().map(joined).collect())
    }

    #[test]
    fn names_come_in_several_forms() {
        let check = |argument: NameArgument<'_>, path: &str, several: &[&str]| {
            let found = read(argument);
            assert_eq!(
                (found.0.as_str(), found.1.iter().map(String::as_str).collect()),
                (path, several.to_vec())
            );
        };
        let text = |text: &'static str| NameArgument::Text(text.into());
        let list =
            |list: &[&str]| NameArgument::List(list.iter().map(|it| (*it).to_owned()).collect());
        check(text("a.\"b.c\""), "a/b.c", &[]);
        check(text("[\"a\", \"b.c\"]"), "a/b.c", &["a", "b/c"]);
        check(list(&["a", "b"]), "a/b", &["a", "b"]);
        check(list(&["a"]), "a", &[]);
        check(list(&["a.b"]), "a.b", &["a/b"]);
        check(list(&["a.b", "\"c.d\".e"]), "a.b/\"c.d\".e", &["a/b", "c.d/e"]);
        // What cannot be several names is one path.
        check(list(&["a", "b\""]), "a/b\"", &[]);
        check(list(&["@ada", "größe/日本"]), "@ada/größe/日本", &["@ada", "größe/日本"]);
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_cure() {
        for argument in [
            NameArgument::Text("".into()),
            NameArgument::Text("[]".into()),
            NameArgument::List(Vec::new()),
            NameArgument::List(vec!["a".to_owned(), String::new()]),
            NameArgument::Text("\"a".into()),
        ] {
            let failure = argument.read("name").unwrap_err().text();
            assert!(failure.contains("name cannot be read: "), "{failure}");
        }
    }
}
