//! Inputs that nobody means well.

use proptest::prelude::*;

use super::{advise, catalog};

/// Longest answer, in bytes: some 40 names of 30 characters and a few sentences.
const ANSWER_BYTES_MAX: usize = 20_000;

const SAID: [&str; 16] = [
    "Failure parsing the query.",
    "Encountered \"x\" at line 1, column 9.",
    "Encountered \"x\" at line 99999999999999999999, column 0.",
    "Lexical error at line 3, column 18446744073709551615.  Encountered: \"`\" (96), after : \"\"",
    "Column 'a' not found in any table",
    "Column 'a.b' not found in table ''",
    "Object 'a' not found within 'b.c'",
    "Table '' not found",
    "Expression 'a.b' is not being grouped",
    "Aggregate expression is illegal in WHERE clause",
    "No match found for function signature DATEADD(",
    "Cannot apply '+' to arguments of type '",
    "divide by zero",
    "Failed to cast the string to int",
    "Error while expanding view ",
    "",
];

fn answer_to(sql: &str, said: &str) -> usize {
    let advice = advise(sql, said, Some(catalog()));
    let without = advise(sql, said, None);
    advice.said.len().max(advice.fix.len()).max(without.fix.len())
}

proptest! {
    #[test]
    fn no_text_makes_the_coach_panic(sql in "\\PC*", said in "\\PC*") {
        prop_assert!(answer_to(&sql, &said) < ANSWER_BYTES_MAX);
    }

    #[test]
    fn no_row_of_tokens_makes_the_coach_panic(
        sql in "((SELECT|FROM|WHERE|GROUP \
                BY|ORDER|AS|CAST|CASE|END|DATEADD|INTERVAL|JOIN|IN|OVER|LIMIT|TOP|day|'7 \
                days'|\"a\"|'x'|o|Sales|orders|1|é|[-+*/%(),.;:=<>`@\\[\\]{}?'\"])[ \\n]?){0,40}",
        said in prop::sample::select(SAID.to_vec()),
    ) {
        prop_assert!(answer_to(&sql, said) < ANSWER_BYTES_MAX);
    }
}

#[test]
fn a_megabyte_is_read_as_far_as_it_is_worth_it() {
    for piece in [
        "a",
        "'",
        "\"",
        "(",
        ")",
        "`",
        "SELECT ",
        "FROM ",
        "a.",
        "a,",
        "\"\"\n",
        "/*",
        "CASE ",
        "x::int ",
        "a/",
        "(SELECT a FROM ",
        "WITH a AS (",
        "[",
        "{",
        "é",
        " GROUP BY a ",
    ] {
        let sql = piece.repeat(1024 * 1024 / piece.len());
        for said in [SAID[0], SAID[4], SAID[11]] {
            assert!(answer_to(&sql, said) < ANSWER_BYTES_MAX, "{piece} {said}");
        }
        assert!(answer_to("SELECT 1", &sql) < ANSWER_BYTES_MAX, "{piece}");
    }
}

/// Each word of the answer that is not the coach's own comes from the query, from Dremio's sentence
/// or from the catalog: the answer to a query with other words in it has none of these.
#[test]
fn answers_hold_nothing_from_elsewhere() {
    let mut own = std::collections::HashSet::new();
    for said in SAID {
        let one = advise("SELECT zq1 FROM zq2 WHERE zq3 = 1", said, None);
        let other = advise("SELECT zw1 FROM zw2 WHERE zw3 = 1", said, None);
        assert!(!one.fix.contains("zw") && !other.fix.contains("zq"), "{one:?} {other:?}");
        own.insert(one.fix);
    }
    assert!(own.len() > 8, "{own:?}");
}
