//! The tables in which Dremio keeps all queries and their results: `sys.jobs`, `sys.jobs_recent`,
//! `sys.job_results`, and all other tables of `sys` whose names start in the same way. All agents
//! share one Dremio user, so these tables would show one agent's queries, with the values in them,
//! to every other agent.
//!
//! Names are compared as by Java's `String.equalsIgnoreCase`, which Dremio uses: character by
//! character, in upper case and then in lower case. So `ſys` is `sys`. A view over these tables has
//! another name and is not recognised.

use super::{Kind, Token};

/// How the names of these tables start.
const STARTS: [&str; 2] = ["jobs", "job_results"];

/// Whether a path in `statement` leads to one of these tables: `sys.jobs`, or `"sys"."project" .
/// "jobs_recent"`. For functions that take the name of a table as a string
/// (`TABLE(f('sys.jobs'))`), strings with such a path count too.
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
    let calls_a_table_function = |pair: &[Token<'_>]| match pair {
        [table, open] => table.is("TABLE") && open.is_symbol("("),
        _ => false,
    };
    // Adjacent strings are one string.
    let strings = statement.chunk_by(|one, next| one.kind == Kind::Text && next.kind == Kind::Text);
    let mut strings = strings.filter(|run| run.iter().any(|token| token.kind == Kind::Text));
    let text = |run: &[Token<'_>]| run.iter().map(|token| token.text).collect::<String>();
    statement.windows(2).any(calls_a_table_function) && strings.any(|run| is_path_there(&text(run)))
}

/// Whether a string, including its quotes, is a path to one of these tables.
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
    /// Adds `name` to the path. Returns whether the path now leads to one of these tables. Dots in
    /// quotes are a part of a name; to split there as well does no harm.
    fn leads_there_by(&mut self, name: &str) -> bool {
        folded(name).split('.').any(|part| {
            let is_there = self.is_in_sys && STARTS.iter().any(|start| part.starts_with(start));
            self.is_in_sys |= part == "sys";
            is_there
        })
    }
}

/// Whether this is the schema of these tables, or a path that starts with it.
pub(super) fn is_system_schema(name: &str) -> bool {
    let name = folded(name);
    name.trim_matches('"') == "sys" || name.starts_with("sys.")
}

/// Folds `name` so that two results are equal if and only if Java's `equalsIgnoreCase` says so.
pub(super) fn folded(name: &str) -> String {
    name.chars().map(folded_char).collect()
}

/// The same for one of its characters.
pub(crate) fn folded_char(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { lower(upper(c)) }
}

/// Java's `Character.toUpperCase`: unchanged if the upper case has several characters.
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
        // The only character whose full mapping has two characters and whose simple mapping is
        // different.
        ('İ', _, _) => 'i',
        (_, Some(single), None) => single,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn names_are_folded_as_in_java() {
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
