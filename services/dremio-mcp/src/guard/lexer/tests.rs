use super::Kind::{Number, Quoted, Symbol, Text, Word};
use super::{Kind, LexError, lex};

#[test]
fn strings_names_and_comments_are_recognised() {
    let check = |sql: &str, expected: &[(Kind, &str)]| {
        let lexed = lex(sql).unwrap_or_else(|cause| panic!("{sql}: {cause}"));
        assert_eq!(
            lexed.tokens.iter().map(|token| (token.kind, token.text)).collect::<Vec<_>>(),
            expected,
            "{sql}"
        );
        assert!(
            lexed.tokens.iter().all(|token| sql.get(token.start..token.end()) == Some(token.text)),
            "{sql}"
        );
    };
    check("", &[]);
    check(" -- only\n// comments\r/* here */ ", &[]);
    check("-- without an end", &[]);
    check("SELECT 1", &[(Word, "SELECT"), (Number, "1")]);
    check("a.\"b\"\"c\"", &[(Word, "a"), (Symbol, "."), (Quoted, "\"b\"\"c\"")]);
    check("'it''s -- no /* comment'x", &[(Text, "'it''s -- no /* comment'"), (Word, "x")]);
    check("'a\\'b", &[(Text, "'a\\'"), (Word, "b")]);
    check("\"--\"--\"", &[(Quoted, "\"--\"")]);
    check("/* a /* b */ c", &[(Word, "c")]);
    check("/**/a/*/ b */c/****/", &[(Word, "a"), (Word, "c")]);
    // What Calcite reads: the comment ends in what looks like a string.
    check("/***/ SELECT '*/ DELETE FROM t --'", &[(Word, "DELETE"), (Word, "FROM"), (Word, "t")]);
    check("/**'*/ a", &[(Word, "a")]);
    check("a/b-c", &[(Word, "a"), (Symbol, "/"), (Word, "b"), (Symbol, "-"), (Word, "c")]);
    check("1INTO", &[(Number, "1"), (Word, "INTO")]);
    check(
        "1e5a 1e+a 1.5e-3 .5.5 1..2",
        &[
            (Number, "1e5"),
            (Word, "a"),
            (Number, "1"),
            (Word, "e"),
            (Symbol, "+"),
            (Word, "a"),
            (Number, "1.5e-3"),
            (Number, ".5"),
            (Number, ".5"),
            (Number, "1."),
            (Number, ".2"),
        ],
    );
    check("größe_1 EXPR$0", &[(Word, "größe_1"), (Word, "EXPR$0")]);
    check("''''''", &[(Text, "''''''")]);
    check("n'a' X'b' an'c'", &[(Text, "n'a'"), (Text, "X'b'"), (Word, "an"), (Text, "'c'")]);
    check("__a'x'", &[(Word, "__a"), (Text, "'x'")]);
    check(
        "a<=b||c=>d..e",
        &[
            (Word, "a"),
            (Symbol, "<="),
            (Word, "b"),
            (Symbol, "||"),
            (Word, "c"),
            (Symbol, "=>"),
            (Word, "d"),
            (Symbol, ".."),
            (Word, "e"),
        ],
    );
    // None of these ends a line for Dremio.
    check("a -- b\u{85}c\u{2028}d\x0be\nf", &[(Word, "a"), (Word, "f")]);
}

#[test]
fn texts_without_a_clear_end_are_refused() {
    for sql in ["'", "'it''", "\"a", "\"a\"\"", "/*", "/* *", "SELECT '/*", "/*/"] {
        assert!(matches!(lex(sql), Err(LexError::Unclosed(_))), "{sql}");
    }
    for sql in ["/***/", "/***/ SELECT 1", "/** *"] {
        assert_eq!(lex(sql).unwrap_err(), LexError::UnclosedStars, "{sql}");
    }
}

#[test]
fn texts_that_dremio_could_split_differently_are_refused() {
    for (sql, expected) in [
        ("SELECT /*+ x('*/ */ 1", LexError::Hint),
        ("2*/*c*/3", LexError::StrayCommentEnd),
        ("u&'\\0041'", LexError::UnicodeEscape),
        ("U&\"\\0041\"", LexError::UnicodeEscape),
        ("_utf8'x'", LexError::CharacterSet),
        ("a, _b--'x' ", LexError::CharacterSet),
        ("1e5_a-'x'", LexError::CharacterSet),
        ("e'\\''", LexError::EscapedString),
        ("a--b$c", LexError::Collation),
        ("1-a$b", LexError::Collation),
        ("x$y", LexError::Collation),
        ("{fn a()}", LexError::Brace),
        ("\"\"", LexError::EmptyName),
        ("\"\"a\"", LexError::EmptyName),
        ("\"a\nb\"", LexError::NameOverLines),
        ("`a`", LexError::BackTick),
        ("@a", LexError::Character('@')),
        ("a & b", LexError::Character('&')),
        ("a ! b", LexError::Character('!')),
    ] {
        assert_eq!(lex(sql).unwrap_err(), expected, "{sql}");
    }
    for c in [
        '\0', '\x07', '\x0b', '\x7f', '\u{85}', '\u{a0}', '\u{1680}', '\u{200b}', '\u{2028}',
        '\u{3000}', '\u{feff}', '\u{212a}', '한', '€',
    ] {
        let error = lex(&format!("a{c}b")).unwrap_err();
        assert!(matches!(error, LexError::Unknown(found, _) if found == c), "{c:?}");
    }
}

#[test]
fn every_refusal_fits_into_a_status_line() {
    for error in [
        LexError::Hint,
        LexError::UnicodeEscape,
        LexError::Brace,
        LexError::Unknown('\u{85}', "x"),
        LexError::Character('@'),
    ] {
        assert!(error.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{error}");
    }
}
