//! What is left of a statement without its literals: the same for statements that differ in values
//! only, and nothing of the data.

use super::{Kind, Token};

/// First keywords, and what statements that start with them are called.
const CLASSES: [(&str, &str); 22] = [
    ("SELECT", "query"),
    ("WITH", "query"),
    ("VALUES", "query"),
    ("TABLE", "query"),
    ("EXPLAIN", "explain"),
    ("DESCRIBE", "describe"),
    ("DESC", "describe"),
    ("SHOW", "show"),
    ("INSERT", "insert"),
    ("UPDATE", "update"),
    ("DELETE", "delete"),
    ("MERGE", "merge"),
    ("UPSERT", "insert"),
    ("COPY", "insert"),
    ("TRUNCATE", "delete"),
    ("CREATE", "create"),
    ("DROP", "drop"),
    ("ALTER", "alter"),
    ("REFRESH", "alter"),
    ("SET", "alter"),
    ("GRANT", "grant"),
    ("REVOKE", "grant"),
];

/// A stable word for the kind of a statement, after its first keyword.
pub(crate) fn class(tokens: &[Token<'_>]) -> &'static str {
    let first = tokens.iter().find(|token| !token.is_symbol("("));
    let known = first.and_then(|first| CLASSES.iter().find(|(start, _)| first.is(start)));
    known.map_or("other", |(_, class)| class)
}

/// The tokens with zero bytes between: words in upper case, `?` for a literal, and for several with
/// commas between.
pub(crate) fn shape(tokens: &[Token<'_>]) -> Vec<u8> {
    let is_literal = |token: &Token<'_>| matches!(token.kind, Kind::Text | Kind::Number);
    let mut shape = Vec::with_capacity(tokens.iter().map(|token| token.text.len() + 1).sum());
    let mut rest = tokens;
    while let [token, behind @ ..] = rest {
        rest = behind;
        match token.kind {
            Kind::Text | Kind::Number => {
                shape.push(b'?');
                while let [comma, literal, behind @ ..] = rest
                    && comma.is_symbol(",")
                    && is_literal(literal)
                {
                    rest = behind;
                }
            }
            Kind::Word => shape.extend(token.text.bytes().map(|byte| byte.to_ascii_uppercase())),
            Kind::Quoted | Kind::Symbol => shape.extend_from_slice(token.text.as_bytes()),
        }
        shape.push(0);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::{class, shape};
    use crate::guard::lex;

    #[test]
    fn literals_comments_and_case_make_no_difference() {
        let shape = |sql: &str| shape(&lex(sql).unwrap().tokens);
        let same = [
            "SELECT a, 'x' FROM t WHERE b IN (1, 2, 3) AND c = 1.5e3",
            "select A ,'y''z'\n from T -- c\n where b in (7) /* d */ and C=.1",
        ];
        assert_eq!(shape(same[0]), shape(same[1]));
        for (one, other) in [
            ("SELECT a", "SELECT b"),
            ("SELECT \"a\"", "SELECT \"A\""),
            ("SELECT 'a'", "SELECT \"a\""),
            ("SELECT a b", "SELECT ab"),
            ("SELECT 1, a", "SELECT 1, 2"),
        ] {
            assert_ne!(shape(one), shape(other), "{one} {other}");
        }
        assert!(!String::from_utf8(shape("SELECT 'secret', 4711")).unwrap().contains("secret"));
    }

    #[test]
    fn classes() {
        for (sql, expected) in [
            ("((SELECT 1))", "query"),
            ("with a as (select 1) select * from a", "query"),
            ("EXPLAIN PLAN FOR SELECT 1", "explain"),
            ("drop TABLE t", "drop"),
            ("\"SELECT\"", "other"),
            ("VACUUM CATALOG c", "other"),
            ("", "other"),
        ] {
            assert_eq!(class(&lex(sql).unwrap().tokens), expected, "{sql}");
        }
    }
}
