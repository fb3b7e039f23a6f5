use proptest::prelude::*;

use super::super::lexer::LexError;
use super::{Refusal, check};

#[test]
fn statements_that_read_pass() {
    for sql in [
        "SELECT 1",
        "select 1;",
        "SELECT 1 ; ; ",
        "  -- why\n// and\n/* how; DROP TABLE t */ SELECT 1 -- done; DELETE FROM t",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a",
        "VALUES (1), (2)",
        "TABLE sys.version",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "((WITH a AS (SELECT 1) SELECT * FROM a))",
        "EXPLAIN PLAN FOR SELECT 1",
        "EXPLAIN PLAN INCLUDING ALL ATTRIBUTES WITH IMPLEMENTATION AS JSON FOR (SELECT 1)",
        "DESCRIBE \"Sales\".\"orders\"",
        "DESC TABLE t",
        "DESCRIBE FUNCTION f",
        "DESCRIBE \"schema\"",
        "SHOW TABLES IN sys",
        "SHOW CREATE VIEW v",
        // Strings and quoted names are not code.
        "SELECT 'a; DROP TABLE t', \"INSERT INTO\" FROM \"DELETE FROM\"",
        "SELECT \"update\" x, \"delete\" FROM \"into\"",
        "SELECT * FROM sys.jobs_recent WHERE query LIKE 'INSERT INTO%' OR query LIKE '%external_query(%'",
        "SELECT 'it''s; fine' FROM t",
        // Functions and columns that are named like statements.
        "SELECT TRUNCATE(x, 2), REPLACE(y, 'a', 'b'), INSERT('a', 1, 1, 'b'), updated, deleted, external_query FROM t",
        "SELECT \"external_query\" FROM t WHERE drop_count > 0",
        "SELECT * FROM t WHERE CONTAINS(name:\"dremio\")",
        "SELECT a FROM t AT BRANCH main",
    ] {
        assert_eq!(check(sql), Ok(()), "{sql}");
    }
}

#[test]
fn other_statements_are_refused() {
    for sql in [
        "INSERT INTO t VALUES (1)",
        "insert into t select 1",
        "DELETE FROM t",
        "UPDATE t SET a = 1",
        "MERGE INTO t USING s ON a = b",
        "MERGE BRANCH DRY RUN a INTO b",
        "UPSERT INTO t VALUES (1)",
        "COPY INTO t FROM '@s'",
        "TRUNCATE TABLE t",
        "CREATE TABLE t AS SELECT 1",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "DROP TABLE t",
        "/* SELECT */ DROP TABLE t",
        "-- SELECT\nDROP TABLE t",
        "-- SELECT\rDROP TABLE t",
        "// SELECT 1\nDROP TABLE t",
        "(DROP TABLE t)",
        "ALTER SYSTEM SET \"a\" = 1",
        "ALTER SESSION SET \"a\" = 1",
        "ALTER TABLE t REFRESH METADATA",
        "USE sys",
        "SET a = 1",
        "RESET ALL",
        "GRANT SELECT ON t TO u",
        "OPTIMIZE TABLE t",
        "VACUUM TABLE t EXPIRE SNAPSHOTS",
        "ROLLBACK TABLE t TO SNAPSHOT '1'",
        "ANALYZE TABLE t FOR ALL COLUMNS COMPUTE STATISTICS",
        "REFRESH DATASET t",
        "CALL f(1)",
        "DESCRIBE STATEMENT DELETE FROM t",
        "DESCRIBE SCHEMA s",
        "DESCRIBE PIPE p",
        "DESCRIBE",
        "'SELECT 1'",
        "\"SELECT\" 1",
        "\u{feff}SELECT 1",
        "SELECTED 1",
        "1",
    ] {
        assert!(matches!(check(sql), Err(Refusal::NotAQuery(_))), "{sql}: {:?}", check(sql));
    }
    for sql in [
        "EXPLAIN SELECT 1",
        "EXPLAIN PLAN FOR",
        "EXPLAIN PLAN FOR DELETE FROM t",
        "EXPLAIN PLAN FOR INSERT INTO t VALUES (1)",
        "EXPLAIN JSON FOR SELECT 1",
        "EXPLAIN PLAN",
    ] {
        assert_eq!(check(sql), Err(Refusal::NotAnExplainedQuery), "{sql}");
    }
}

#[test]
fn writing_clauses_are_refused_wherever_they_stand() {
    for (sql, clause) in [
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "INTO"),
        ("WITH a AS (DELETE FROM t) SELECT 1", "DELETE FROM"),
        ("WITH a AS (SELECT 1) DELETE /* */ FROM t", "DELETE FROM"),
        ("WITH a AS (SELECT 1) UPDATE \"t\" SET a = 1", "UPDATE"),
        ("SELECT * INTO t2 FROM t", "INTO"),
        ("SELECT 1INTO t", "INTO"),
        ("DESCRIBE UPDATE t SET a = 1", "UPDATE"),
    ] {
        assert_eq!(check(sql), Err(Refusal::Writes(clause)), "{sql}");
    }
}

#[test]
fn ways_around_are_refused() {
    use Refusal::{Empty, EscapedName, ExternalQuery, SeveralStatements, Unreadable};
    for (sql, expected) in [
        ("", Empty),
        (" ;; -- nothing", Empty),
        ("SELECT 1; SELECT 2", SeveralStatements),
        (";SELECT 1", SeveralStatements),
        ("SELECT '1'';'; DROP TABLE t; --'", SeveralStatements),
        ("SELECT * FROM TABLE(pg.external_query('DROP TABLE t'))", ExternalQuery),
        ("SELECT * FROM TABLE(\"pg\".\"External_Query\" /* */ ('DROP TABLE t'))", ExternalQuery),
        ("SELECT * FROM TABLE(pg.EXTERNAL_QUERY -- x\n('DROP TABLE t'))", ExternalQuery),
        ("SELECT * FROM t WHERE contains(a:x') UNION SELECT * FROM TABLE(pg.external_query('DROP TABLE t", ExternalQuery),
        ("SELECT * FROM t WHERE contains(a:x') UNION SELECT * FROM TABLE(pg.U&\"\\0065xternal_query\"('DROP", EscapedName),
        ("SELECT * FROM TABLE(pg.U&\"\\0065xternal_query\"('DROP TABLE t'))", EscapedName),
        ("SELECT * FROM TABLE(pg.u&\"!0065xternal_query\" UESCAPE '!' ('DROP TABLE t'))", EscapedName),
        ("SELECT /*+ a('*/ 'x') */ 1", Unreadable(LexError::Hint)),
        ("SELECT 'a", Unreadable(LexError::Unclosed("a string (')"))),
    ] {
        assert_eq!(check(sql), Err(expected), "{sql}");
    }
}

#[test]
fn a_refusal_names_the_statement_and_no_more() {
    assert_eq!(check("drop table t").unwrap_err().to_string(), "a statement that starts with DROP TABLE is not allowed");
    let long = check(&"x".repeat(10_000)).unwrap_err().to_string();
    assert_eq!(long, format!("a statement that starts with {} is not allowed", "X".repeat(24)));
}

proptest! {
    #[test]
    fn no_text_makes_the_guard_panic(text in "\\PC*|[-/*'\";a-zU&( \\n\\\\]*") {
        let _ = check(&text);
    }

    #[test]
    fn nothing_but_comments_before_it_hides_a_statement(before in "( |\\n|/\\*[a-z';]*\\*/|--[a-z';]*\\n|//[a-z'\"]*\\r)*", sql in "(DROP TABLE|insert into|Delete From) t") {
        let is_refused = matches!(check(&format!("{before}{sql}")), Err(Refusal::NotAQuery(_)));
        prop_assert!(is_refused);
    }
}
