//! What fails, and in which words.

use super::*;

#[test]
fn mistakes_read_like_dremio() {
    let check = |sql: &str, expected: &str| match run(sql) {
        Err(SqlError::Failed(message)) => assert_eq!(message, expected, "{sql}"),
        other => panic!("{sql}: {other:?}"),
    };
    let not_there = ". Please check that it exists in the selected context.";
    check("SELECT * FROM nope", &format!("Object 'nope' not found{not_there}"));
    check(
        "SELECT * FROM Sales.nope",
        &format!("Object 'nope' not found within 'Sales'{not_there}"),
    );
    check(
        "SELECT * FROM sys.project.jobs_recent",
        &format!("Object 'project' not found within 'sys'{not_there}"),
    );
    check(
        "SELECT * FROM Samples.a.b.c",
        &format!("Object 'a' not found within 'Samples'{not_there}"),
    );
    check("SELECT nope FROM Sales.orders", "Column 'nope' not found in any table");
    check("SELECT o.nope FROM Sales.orders o", "Column 'nope' not found in table 'o'");
    check("SELECT x.order_id FROM Sales.orders o", "Table 'x' not found");
    check("SELECT nope(1)", "No match found for function signature NOPE(<NUMERIC>)");
    check("SELECT CAST('x' AS BIGINT)", "For input string: \"x\"");
    check("SELECT DATE '2024-13-01'", "Illegal DATE literal '2024-13-01'");
}

#[test]
fn syntax_errors_say_where_and_what_was_expected() {
    let check = |sql: &str, found: &str, place: &str| match run(sql) {
        Err(SqlError::Failed(message)) => {
            let (first, list) = message.split_once("\nWas expecting one of:\n    ").unwrap();
            assert_eq!(first, format!("Encountered \"{found}\" at {place}."), "{sql}");
            assert!(list.lines().count() > 1, "{sql}: {message}");
        }
        other => panic!("{sql}: {other:?}"),
    };
    check("SELECT * FROM sales.orders WHERE", "<EOF>", "line 1, column 33");
    check("SELECT (1", "<EOF>", "line 1, column 10");
    check("SELECT 1)", ")", "line 1, column 9");
    check("SELECT *\nFROM INFORMATION_SCHEMA.TABLES", "TABLES", "line 2, column 25");
    check("SELECT 1 AS value", "value", "line 1, column 13");
    check("SELECT 1 value", "value", "line 1, column 10");
    check("SELECT o.date FROM Sales.orders o", "date", "line 1, column 10");
    check("SELECT o.status FROM Sales.orders AS user", "user", "line 1, column 38");
    check("SELECT * FROM (SELECT 1 x FRM y) t", "FRM", "line 1, column 27");
    check("SELECT 1 FROM (SELECT a FROM (SELECT 1 AS a WHERE) b) c", ")", "line 1, column 50");
    check("SELECT a, FROM t", "FROM", "line 1, column 11");
    check("SELEC 1", "SELEC", "line 1, column 1");
    check("", "<EOF>", "line 1, column 1");
    let lexical = run("SELECT * FROM @dremio.x");
    let expected = "Lexical error at line 1, column 15.  Encountered: \"@\" (64), after : \"\"";
    assert_eq!(lexical.err(), Some(SqlError::failed(expected)));
}

#[test]
fn nothing_but_questions_gets_through() {
    for sql in [
        "SELECT load_extension('x')",
        "SELECT sqlite_version()",
        "SELECT readfile('/etc/passwd')",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM \"sqlite_schema\"",
        "SELECT * FROM pragma_database_list()",
        "SELECT * FROM json_each('[1]')",
        "SELECT * FROM TABLE(Warehouse.external_query('DROP TABLE x'))",
        "WITH x AS (SELECT 1) DELETE FROM Sales.orders",
        "SELECT 1 UNION INSERT INTO Sales.orders VALUES (1)",
    ] {
        assert!(matches!(run(sql), Err(SqlError::Failed(_))), "{sql}");
    }
}

#[test]
fn deep_nesting_is_refused_and_not_a_crash() {
    let sql = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(matches!(run(&sql), Err(SqlError::Failed(_))));
    let nested = format!("SELECT {}1{} AS x", "(".repeat(200), ")".repeat(200));
    check_rows(&nested, "{\"x\":1}");
    for chain in [" + 1", " OR TRUE", " AND TRUE", " || 'x'", " UNION ALL SELECT 1"] {
        let long = format!("SELECT 1{}", chain.repeat(20_000));
        check_failed(&long, "nested too deeply");
    }
    let chain = format!("SELECT 1 AS x WHERE 1 = 1{}", " OR 1 = 2".repeat(440));
    check_rows(&chain, "{\"x\":1}");
}

#[test]
fn what_is_missing_is_named() {
    let check = |sql: &str| check_failed(sql, "not supported by this stand-in for Dremio");
    check("SELECT 1 FROM Sales.customers WHERE FLATTEN(tags) = 'vip'");
    check("SELECT * FROM Sales.customers c, LATERAL (SELECT c.name) n");
    check("SELECT * FROM Sales.orders PIVOT (COUNT(*) FOR status IN ('OPEN'))");
    check("SELECT * FROM Sales.orders AT BRANCH main");
    check("SELECT TRY_CAST('1' AS INTEGER)");
    check("SELECT ROW(1, 2)");
    check("SELECT channel, COUNT(*) FROM Sales.orders GROUP BY ROLLUP(channel)");
    check("SELECT channel, COUNT(*) FROM Sales.orders GROUP BY GROUPING SETS ((channel), ())");
    check("SELECT COUNT(DISTINCT (channel, status)) FROM Sales.orders");
    check("SELECT 1 FROM Sales.orders WHERE (channel, status) = ('web', 'OPEN')");
    check("SELECT 1 WHERE 1 = ANY (SELECT 1)");
    check("SELECT GROUPING(channel) FROM Sales.orders GROUP BY channel");
    check("SELECT CASE order_id WHEN 'abc' THEN 1 END FROM Sales.orders");
    check("SELECT 1 FROM Sales.orders WHERE status");
    check("SELECT 1 FROM Sales.orders WHERE order_id AND TRUE");
}

#[test]
fn messages_name_nothing_of_ours() {
    for sql in [
        "SELECT STDDEV(x) OVER () FROM (VALUES (1)) t(x)",
        "SELECT SUM(DISTINCT x) OVER () FROM (VALUES (1)) t(x)",
        "SELECT SUM(SUM(x)) FROM (VALUES (1)) t(x)",
        "SELECT 1 FROM (VALUES (1)) t(x) WHERE SUM(x) > 1",
        "SELECT 1 FROM (VALUES (1)) t(x) JOIN (VALUES (1)) u(y) ON SUM(x) = y",
        "SELECT x FROM (VALUES (1)) t(x) ORDER BY nope",
        "SELECT REPEAT('x', 100000000)",
        "SELECT -x FROM (VALUES ('a')) t(x)",
        "SELECT CAST(1 AS NOTHING)",
    ] {
        match run(sql) {
            Err(SqlError::Failed(message)) => {
                let lower = message.to_lowercase();
                let ours = ["dremio_", "sqlite", "json_", "\"t1", "misuse", "near "];
                assert!(!ours.iter().any(|name| lower.contains(name)), "{sql}: {message}");
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
}
