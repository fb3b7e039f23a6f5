//! The tables in which Dremio keeps what everybody asked, and what came of it: `sys.jobs`,
//! `sys.jobs_recent`, `sys.job_results` and whatever else of `sys` has a name that starts like
//! theirs. With one Dremio user for all agents, they show one agent's questions, and the values in
//! them, to any other.
//!
//! Names are compared as Java's `String.equalsIgnoreCase` does, which is how Dremio looks them up:
//! character by character, in upper case and then in lower case. So `ſys` is `sys`. A view over
//! these tables has a name of its own and is not seen.

use super::{Kind, Token};

/// How the names of these tables start.
const STARTS: [&str; 2] = ["jobs", "job_results"];

/// Whether a path in `statement` leads to one of these tables: `sys.jobs`, `"sys"."project" .
/// "jobs_recent"`, and, for the functions that take a table's name as a string
/// (`TABLE(f('sys.jobs'))`), a string with such a path.
pub(super) fn is_asked_for(statement: &[Token<'_>]) -> bool {
    let (mut path, mut is_joined) = (Path::default(), false);
    for token in statement {
        match token.name() {
            Some(name) => {
                if !is_joined {
                    path = Path::default();
                }
                is_joined = false;
                if path.leads_there_by(name) {
                    return true;
                }
            }
            None => is_joined = token.is_symbol("."),
        }
    }
    let calls_a_table_function = |pair: &[Token<'_>]| matches!(pair, [table, open] if table.is("TABLE") && open.is_symbol("("));
    // Strings that stand side by side are one string.
    let strings = statement.chunk_by(|one, next| one.kind == Kind::Text && next.kind == Kind::Text);
    let mut strings = strings.filter(|run| run.iter().any(|token| token.kind == Kind::Text));
    let text = |run: &[Token<'_>]| run.iter().map(|token| token.text).collect::<String>();
    statement.windows(2).any(calls_a_table_function) && strings.any(|run| is_path_there(&text(run)))
}

/// Whether a string, quotes included, is a path to one of these tables.
fn is_path_there(string: &str) -> bool {
    let path: String =
        string.chars().filter(|c| !matches!(c, '"' | '\'') && !c.is_whitespace()).collect();
    Path::default().leads_there_by(&path)
}

/// How far a path has come.
#[derive(Default)]
struct Path {
    is_in_sys: bool,
}

impl Path {
    /// Whether the path leads to one of these tables when `name` is added to it. Dots in quotes are
    /// part of a name; to take them for more costs nothing here.
    fn leads_there_by(&mut self, name: &str) -> bool {
        folded(name).split('.').any(|part| {
            let is_there = self.is_in_sys && STARTS.iter().any(|start| part.starts_with(start));
            self.is_in_sys |= part == "sys";
            is_there
        })
    }
}

/// Whether this is the schema in which these tables are, or a path that starts with it.
pub(super) fn is_system_schema(name: &str) -> bool {
    let name = folded(name);
    name.trim_matches('"') == "sys" || name.starts_with("sys.")
}

/// `name` such that two names are equal if and only if Java's `equalsIgnoreCase` says so.
pub(super) fn folded(name: &str) -> String {
    name.chars().map(|c| lower(upper(c))).collect()
}

/// As Java's `Character.toUpperCase`: no character where more than one is needed.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (c, lower.next(), lower.next()) {
        // The one character whose full mapping has two characters and whose simple mapping is
        // another one.
        ('İ', _, _) => 'i',
        (_, Some(single), None) => single,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn names_are_folded_as_java_does() {
        for (one, other) in [
            ("SYS", "sys"),
            ("ſys", "sys"),
            ("ſYſ", "sys"),
            ("\u{212a}", "k"),
            ("ı", "i"),
            ("İ", "i"),
            ("ß", "ß"),
            ("ẞ", "ß"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        for (one, other) in [("ß", "ss"), ("ﬆ", "st"), ("é", "e"), ("ｓ", "s")] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
    }
}
