//! Tables of texts and their tokens.

use super::*;

fn check(sql: &str, expected: &[(Kind, &str)]) {
    let tokens = tokenize(sql).unwrap();
    let found: Vec<(Kind, &str)> =
        tokens.iter().map(|token| (token.kind, token.text.as_str())).collect();
    assert_eq!(found, expected, "{sql}");
}

#[test]
fn tokens_of_contract_7_4() {
    use Kind::{Number, Quoted, Symbol, Text, Word};
    check("SELECT 1", &[(Word, "SELECT"), (Number, "1")]);
    check("'it''s'", &[(Text, "it's")]);
    check(r"'C:\'", &[(Text, r"C:\")]);
    check("N'x'", &[(Text, "x")]);
    check(r#""a""b""#, &[(Quoted, "a\"b")]);
    check("1.5e-3 .5 7.", &[(Number, "1.5e-3"), (Number, ".5"), (Number, "7.")]);
    check("a<>b||c", &[(Word, "a"), (Symbol, "<>"), (Word, "b"), (Symbol, "||"), (Word, "c")]);
    check("$x _y é1", &[(Word, "$x"), (Word, "_y"), (Word, "é1")]);
}

#[test]
fn all_three_comments_are_skipped() {
    use Kind::{Number, Word};
    let sql = "/* one; ' */ SELECT -- two \" \n 1 // three '\n";
    check(sql, &[(Word, "SELECT"), (Number, "1")]);
    check("1 -- to the end", &[(Number, "1")]);
    check("'-- no comment'", &[(Kind::Text, "-- no comment")]);
}

#[test]
fn comments_and_blanks_are_those_of_calcite() {
    use Kind::{Number, Word};
    for sql in [
        "/**/ SELECT 1",
        "/***/ x '*/ SELECT 1",
        "/*/ x */ SELECT 1",
        "-- x\rSELECT 1",
        "SELECT\x0c1",
    ] {
        let found = tokenize(sql).map(|tokens| tokens.first().map(|token| token.text.clone()));
        assert_eq!(found, Ok(Some("SELECT".to_owned())), "{sql}");
    }
    check("/*** x */ SELECT 1", &[(Word, "SELECT"), (Number, "1")]);
    assert!(tokenize("SELECT\u{a0}1").is_err() && tokenize("/***/ SELECT 1").is_err());
}

#[test]
fn unknown_characters_are_errors() {
    let check = |sql: &str, at: usize, found: &str| {
        let found = found.to_owned();
        assert_eq!(tokenize(sql), Err(LexicalError { at, found }), "{sql}");
    };
    check("SELECT * FROM @home.x", 14, "@");
    check("SELECT `a`", 7, "`");
    check("SELECT 'open", 7, "'");
    check("SELECT /* open", 7, "/*");
}

#[test]
fn positions_count_from_one() {
    assert_eq!(Position::of("ab\ncd", 0).to_string(), "line 1, column 1");
    assert_eq!(Position::of("ab\ncd", 4).to_string(), "line 2, column 2");
}
