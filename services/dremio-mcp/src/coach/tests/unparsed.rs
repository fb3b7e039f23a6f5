//! Texts that do not parse, in the words of Calcite's own parser.

use super::check;

/// As [`check`], in all forms that Dremio has for a text that it cannot parse.
fn check_unparsed(sql: &str, said: &str, needs: &[&str]) {
    let context = format!(
        "PARSE ERROR: Failure parsing the query.\n\nSQL Query {sql}\nstartLine 1\n[Error Id: 0-0 \
         on \
         host:31010]\n\n  (org.apache.calcite.sql.parser.SqlParseException) {said}\n    \
         com.dremio.exec.planner.sql.SqlConverter.parse():199"
    );
    let list = format!("{said}\nWas expecting one of:\n    <EOF> \n    \"AS\" ...\n    ");
    for said in [&list, &context, "Failure parsing the query."] {
        check(sql, said, needs);
    }
}

#[test]
fn texts_that_do_not_parse() {
    for (sql, said, needs) in [
        (
            "SELECT `a` FROM t",
            "Lexical error at line 1, column 8.  Encountered: \"`\" (96), after : \"\"",
            &["\"a\""][..],
        ),
        ("SELECT [a] FROM t", "Encountered \"[\" at line 1, column 8.", &["\"a\""]),
        (
            "SELECT * FROM @dremio.top_customers",
            "Lexical error at line 1, column 15.  Encountered: \"@\" (64), after : \"\"",
            &["\"@dremio\".\"top_customers\""],
        ),
        (
            "SELECT * FROM Finance.reports.order-margin LIMIT 5",
            "Encountered \"-\" at line 1, column 36.",
            &["\"Finance\".\"reports\".\"order-margin\""],
        ),
        ("SELECT a::int FROM t", "Encountered \":\" at line 1, column 9.", &["CAST(a AS INT)"]),
        (
            "SELECT a FROM t WHERE d > '2024-01-01'::date",
            "Encountered \":\" at line 1, column 39.",
            &["CAST('2024-01-01' AS DATE)"],
        ),
        ("SELECT TOP 5 * FROM t", "Encountered \"5\" at line 1, column 12.", &["LIMIT 5"]),
        (
            "SELECT * FROM t LIMIT 5, 10",
            "'LIMIT start, count' is not allowed under the current SQL conformance level",
            &["LIMIT 10 OFFSET 5"],
        ),
        (
            "SELECT a FROM t OFFSET 5 LIMIT 10",
            "Encountered \"LIMIT\" at line 1, column 26.",
            &["LIMIT 10 OFFSET 5"],
        ),
        (
            "SELECT date FROM t",
            "Encountered \"date FROM\" at line 1, column 8.",
            &["reserved", "\"date\""],
        ),
        ("SELECT t.date FROM t", "Encountered \". date\" at line 1, column 9.", &["t.\"date\""]),
        (
            "SELECT COUNT(*) AS count FROM t",
            "Encountered \"count\" at line 1, column 20.",
            &["\"count\""],
        ),
        (
            "SELECT a, order FROM t",
            "Incorrect syntax near the keyword 'order' at line 1, column 11.",
            &["\"order\""],
        ),
        (
            "SELECT * FROM INFORMATION_SCHEMA.TABLES",
            "Encountered \"TABLES\" at line 1, column 34.",
            &["INFORMATION_SCHEMA.\"TABLES\""],
        ),
        ("SELECT a FROM t WHERE a == 1", "Encountered \"= =\" at line 1, column 25.", &["Write ="]),
        (
            "SELECT a FROM t WHERE a = 1 && b = 2",
            "Lexical error at line 1, column 29.  Encountered: \"&\" (38), after : \"\"",
            &["AND"],
        ),
        (
            "SELECT DATEADD(day, 1, d) FROM t",
            "Encountered \"day\" at line 1, column 16.",
            &["TIMESTAMPADD(DAY, 1, d)"],
        ),
        (
            "SELECT DATE_TRUNC(month, a) FROM t",
            "Encountered \"month ,\" at line 1, column 19.",
            &["DATE_TRUNC('MONTH', a)"],
        ),
        (
            "SELECT EXTRACT('year' FROM a) FROM t",
            "Encountered \"\\'year\\'\" at line 1, column 16.",
            &["EXTRACT(YEAR FROM a)"],
        ),
        (
            "SELECT a - INTERVAL '7 days' FROM t",
            "Encountered \"FROM\" at line 1, column 30.",
            &["INTERVAL '7' DAY"],
        ),
        (
            "SELECT * FROM t ORDER BY a LIMIT 10 WHERE b = 1",
            "Encountered \"WHERE\" at line 1, column 37.",
            &["put WHERE b = 1 before"],
        ),
        (
            "SELECT a FROM t GROUP BY a WHERE b = 1",
            "Encountered \"WHERE\" at line 1, column 28.",
            &["before GROUP BY"],
        ),
        (
            "SELECT a, b, FROM t",
            "Incorrect syntax near the keyword 'FROM' at line 1, column 14.",
            &["comma"],
        ),
        ("SELECT a FROM t ORDER a", "Encountered \"a\" at line 1, column 23.", &["ORDER BY a"]),
        ("SELECT a FORM t", "Encountered \"t\" at line 1, column 15.", &["FROM"]),
        ("SELEC a FROM t", "Non-query expression encountered in illegal context", &["SELECT"]),
        (
            "SELECT * EXCLUDE (note) FROM Sales.orders",
            "Encountered \"(\" at line 1, column 18.",
            &["SELECT order_id, customer_id"],
        ),
        (
            "SELECT DISTINCT ON (a) a, b FROM t",
            "Incorrect syntax near the keyword 'ON' at line 1, column 17.",
            &["QUALIFY"],
        ),
        (
            "SELECT a FROM t WHERE a REGEXP 'x'",
            "Encountered \"REGEXP\" at line 1, column 25.",
            &["REGEXP_LIKE(a, 'x')"],
        ),
        (
            "SELECT a FROM t WHERE a ~ 'x'",
            "Lexical error at line 1, column 25.  Encountered: \"~\" (126), after : \"\"",
            &["REGEXP_LIKE(a, 'x')"],
        ),
        (
            "SELECT a FROM t WHERE a NOT NULL",
            "Encountered \"NOT NULL\" at line 1, column 25.",
            &["a IS NOT NULL"],
        ),
        (
            "SELECT a FROM t WHERE a BETWEEN 1, 2",
            "BETWEEN operator has no terminating AND",
            &["AND"],
        ),
        (
            "SELECT TRY_CAST(a AS INT) FROM t",
            "Encountered \"AS\" at line 1, column 19.",
            &["CAST(a AS INT)"],
        ),
        (
            "SELECT CAST(a AS VARCHAR(MAX)) FROM t",
            "Encountered \"MAX\" at line 1, column 26.",
            &["CAST(a AS VARCHAR)"],
        ),
        (
            "SELECT CAST(a, INT) FROM t",
            "Encountered \",\" at line 1, column 14.",
            &["CAST(a AS INT)"],
        ),
        (
            "SELECT CONVERT(VARCHAR, a) FROM t",
            "Incorrect syntax near the keyword 'VARCHAR' at line 1, column 16.",
            &["CAST(a AS VARCHAR)"],
        ),
        ("SELECT a AS 'x y' FROM t", "Expecting alias, found character literal", &["\"x y\""]),
        (
            "SELECT POSITION('x', a) FROM t",
            "Encountered \",\" at line 1, column 20.",
            &["POSITION('x' IN a)"],
        ),
        (
            "SELECT a FROM t WHERE a IN SELECT b FROM u",
            "Encountered \"IN SELECT\" at line 1, column 25.",
            &["IN (SELECT"],
        ),
        (
            "SELECT a FROM t1 JOIN t2 USING id",
            "Encountered \"id\" at line 1, column 32.",
            &["USING (id)"],
        ),
        (
            "SELECT a FROM t WHERE d > DATE('2024-01-01')",
            "Encountered \"> DATE (\" at line 1, column 25.",
            &["DATE '2024-01-01'"],
        ),
        ("SELECT 'it's' FROM t", "Encountered \"\\'\" at line 1, column 13.", &["''"]),
        (
            "SELECT a FROM t ORDER BY a UNION SELECT b FROM u",
            "Encountered \"UNION\" at line 1, column 28.",
            &["UNION"],
        ),
        (
            "WITH RECURSIVE x AS (SELECT 1) SELECT * FROM x",
            "Incorrect syntax near the keyword 'RECURSIVE' at line 1, column 6.",
            &["recursive"],
        ),
        (
            "SELECT a FROM t WHERE a = :x",
            "Encountered \":\" at line 1, column 27.",
            &["write the value"],
        ),
        (
            "SELECT a FROM t WHERE (a = 1",
            "Encountered \"<EOF>\" at line 1, column 28.",
            &["bracket"],
        ),
        (
            "SELECT “a” FROM t",
            "Lexical error at line 1, column 8.  Encountered: \"\\u201c\" (8220), after : \"\"",
            &["straight"],
        ),
    ] {
        check_unparsed(sql, said, needs);
    }
}
