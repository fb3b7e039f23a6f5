//! What a query reads: the tables behind its FROM and JOIN, found by a walk over its tokens. Names
//! of WITH are not tables; what cannot be read is said, never guessed.

use crate::guard::{LexError, Token, lex};

/// What a query reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Paths, as written, each once.
    pub(crate) tables: Vec<Vec<String>>,
    /// Functions that stand where a table would: what they read is not known here.
    pub(crate) functions: Vec<Vec<String>>,
}

/// Words that end the list of tables.
const ENDS: [&str; 13] = [
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "QUALIFY",
    "WINDOW",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "MINUS",
];

/// Words that stand before a table and are none.
const BEFORE: [&str; 3] = ["LATERAL", "ONLY", "OUTER"];

/// One pair of parentheses, or the whole.
#[derive(Default)]
struct Frame {
    /// It has a SELECT of its own. `FROM` means something else in `EXTRACT(DAY FROM x)`.
    is_query: bool,
    is_in_from: bool,
    wants_table: bool,
    /// It is between WITH and its SELECT.
    is_in_with: bool,
    is_recursive: bool,
    /// The body of this name of a WITH.
    body_of: Option<String>,
    /// Names of WITH that are known from here on.
    with: Vec<String>,
}

/// Reads `sql`.
///
/// # Errors
/// When it cannot be split into tokens with certainty.
pub(crate) fn references(sql: &str) -> Result<References, LexError> {
    let lexed = lex(sql)?;
    let mut walk = Walk { frames: vec![Frame::default()], found: References::default() };
    let mut rest = lexed.tokens.as_slice();
    let mut before: [Option<&Token<'_>>; 2] = [None, None];
    while let [token, behind @ ..] = rest {
        let taken = walk.take(token, behind, before);
        before = [before[1], rest.get(taken - 1)];
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(walk.found)
}

struct Walk {
    frames: Vec<Frame>,
    found: References,
}

impl Walk {
    /// Takes `token`, and returns how many tokens that were.
    fn take(
        &mut self,
        token: &Token<'_>,
        behind: &[Token<'_>],
        before: [Option<&Token<'_>>; 2],
    ) -> usize {
        if token.is_symbol("(") {
            self.open(None);
            return 1;
        }
        if token.is_symbol(")") {
            self.close();
            return 1;
        }
        let Some(frame) = self.frames.last_mut() else { return 1 };
        if token.is("WITH") && !frame.is_query {
            (frame.is_in_with, frame.is_in_from, frame.wants_table) = (true, false, false);
            frame.is_recursive = behind.first().is_some_and(|next| next.is("RECURSIVE"));
        } else if token.is("SELECT") || token.is("VALUES") {
            (frame.is_query, frame.is_in_with) = (true, false);
            (frame.is_in_from, frame.wants_table) = (false, false);
        } else if token.is("FROM") {
            let compares = before[1].is_some_and(|it| it.is("DISTINCT"))
                && before[0].is_some_and(|it| it.is("IS") || it.is("NOT"));
            if frame.is_query && !compares {
                (frame.is_in_from, frame.wants_table) = (true, true);
            }
        } else if token.is("JOIN") || token.is("APPLY") || token.is_symbol(",") {
            frame.wants_table = frame.is_in_from;
        } else if ENDS.iter().any(|end| token.is(end)) {
            (frame.is_in_from, frame.wants_table) = (false, false);
        } else if token.is("TABLE") {
            // `TABLE t` is a query; `FROM TABLE(f(…))` calls a function.
            frame.wants_table |= !frame.is_in_from;
        } else if frame.is_in_with && token.name().is_some() && !token.is("RECURSIVE") {
            return self.take_with(token, behind);
        } else if frame.wants_table && BEFORE.iter().all(|word| !token.is(word)) {
            return self.take_path(token, behind);
        }
        1
    }

    fn open(&mut self, body_of: Option<String>) {
        // `FROM (a JOIN b)`: what wanted a table finds it inside.
        let wants_table = self
            .frames
            .last_mut()
            .is_some_and(|frame| body_of.is_none() && std::mem::take(&mut frame.wants_table));
        self.frames.push(Frame {
            wants_table,
            is_in_from: wants_table,
            body_of,
            ..Frame::default()
        });
    }

    fn close(&mut self) {
        // What closes more than was opened is not SQL; the outermost stays.
        if self.frames.len() > 1
            && let Some(Frame { body_of: Some(name), .. }) = self.frames.pop()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.with.push(name);
        }
    }

    /// A name of WITH: `name AS (` or `name (columns) AS (`.
    fn take_with(&mut self, token: &Token<'_>, behind: &[Token<'_>]) -> usize {
        let columns = match behind {
            [open, ..] if open.is_symbol("(") => {
                behind.iter().position(|it| it.is_symbol(")")).map_or(0, |close| close + 1)
            }
            _ => 0,
        };
        match behind.get(columns..) {
            Some([is, open, ..]) if is.is("AS") && open.is_symbol("(") => {
                let name = token.name().unwrap_or_default().to_lowercase();
                if let Some(frame) = self.frames.last_mut()
                    && frame.is_recursive
                {
                    frame.with.push(name.clone());
                }
                self.open(Some(name));
                columns + 3
            }
            _ => 1,
        }
    }

    /// A path of a table, or the call of a function.
    fn take_path(&mut self, token: &Token<'_>, behind: &[Token<'_>]) -> usize {
        if let Some(frame) = self.frames.last_mut() {
            frame.wants_table = false;
        }
        let Some(name) = token.unquoted().map(String::from) else { return 1 };
        let (mut path, mut taken) = (vec![name], 1);
        while let Some([dot, next, ..]) = behind.get(taken - 1..)
            && dot.is_symbol(".")
            && let Some(name) = next.unquoted().map(String::from)
        {
            path.push(name);
            taken += 2;
        }
        let is_call = behind.get(taken - 1).is_some_and(|next| next.is_symbol("("));
        let alone = if let [name] = &*path { name.to_lowercase() } else { String::new() };
        let is_unnesting = ["unnest", "flatten", "table"].contains(&&*alone);
        let list = if is_call { &mut self.found.functions } else { &mut self.found.tables };
        let is_of_with = self.frames.iter().any(|frame| frame.with.contains(&alone));
        if !is_unnesting && (is_call || !is_of_with) && !list.contains(&path) {
            list.push(path);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::references;

    #[test]
    fn tables_are_found_where_they_stand() {
        let check = |sql: &str, expected: &[&str]| {
            let found: Vec<String> =
                references(sql).unwrap().tables.iter().map(|path| path.join("/")).collect();
            assert_eq!(found, expected, "{sql}");
        };
        check("SELECT 1", &[]);
        check("SELECT * FROM a.\"b.c\".d x WHERE y IN (SELECT z FROM e)", &["a/b.c/d", "e"]);
        check("SELECT * FROM a, b AS x, (SELECT * FROM c) d, e", &["a", "b", "c", "e"]);
        check(
            "SELECT * FROM a x JOIN b ON x.i = b.i LEFT JOIN c USING (i, j), d",
            &["a", "b", "c", "d"],
        );
        check("SELECT * FROM (a JOIN b ON a.i = b.i) CROSS JOIN c", &["a", "b", "c"]);
        check("(SELECT * FROM a) UNION ALL (SELECT i FROM b) ORDER BY i", &["a", "b"]);
        check("SELECT a FROM t UNION SELECT b FROM u EXCEPT TABLE v", &["t", "u", "v"]);
        check("TABLE a.b", &["a/b"]);
        check(
            "SELECT EXTRACT(DAY FROM d), TRIM(BOTH ' ' FROM s), SUBSTRING(s FROM 2) FROM t",
            &["t"],
        );
        check("SELECT a IS NOT DISTINCT FROM b, c IS DISTINCT FROM d FROM t", &["t"]);
        check("SELECT DISTINCT a FROM t", &["t"]);
        check("SELECT (SELECT MAX(i) FROM a), x FROM b GROUP BY x, y", &["a", "b"]);
        check("SELECT * FROM a AT BRANCH main, a", &["a"]);
        check("SELECT ', FROM x' AS \"from\" -- FROM y\nFROM z /* , w */", &["z"]);
        check("VALUES (1), (2)", &[]);
        check(
            "SELECT * FROM t CROSS JOIN UNNEST(t.a) AS u(x), LATERAL (SELECT * FROM v)",
            &["t", "v"],
        );
        check("SELECT * FROM \"say \"\"hi\"\"\".\"@ada/x\"", &["say \"hi\"/@ada/x"]);
        check(")))) FROM", &[]);
    }

    #[test]
    fn names_of_with_are_no_tables() {
        let check = |sql: &str, expected: &[&str]| {
            let found: Vec<String> =
                references(sql).unwrap().tables.iter().map(|path| path.join("/")).collect();
            assert_eq!(found, expected, "{sql}");
        };
        check("WITH x AS (SELECT * FROM a) SELECT * FROM X JOIN b ON TRUE", &["a", "b"]);
        check(
            "WITH x (i, j) AS (SELECT * FROM a), y AS (SELECT * FROM x) SELECT * FROM y, x",
            &["a"],
        );
        // In its own body the name is the table's.
        check("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", &["orders"]);
        check("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r", &[]);
        // It is known in its own query only.
        check("SELECT * FROM (WITH x AS (SELECT * FROM a) SELECT * FROM x), x", &["a", "x"]);
        check("WITH x AS (SELECT 1) SELECT * FROM s.x", &["s/x"]);
    }

    #[test]
    fn functions_are_named_as_such() {
        let found = references("SELECT * FROM TABLE(src.external_query('SELECT 1')), t").unwrap();
        assert_eq!(found.functions, [["src", "external_query"].map(str::to_owned).to_vec()]);
        assert_eq!(found.tables, [vec!["t".to_owned()]]);
        assert!(references("SELECT * FROM 'x").is_err());
    }
}
