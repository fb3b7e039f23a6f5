use proptest::prelude::*;

use super::{Guard, LexError, Refusal, lex};

/// What is sent instead of `sql` with the default settings.
fn check(sql: &str) -> Result<String, Refusal> {
    Guard::default().check(sql).map(|statement| statement.as_str().to_owned())
}

#[test]
fn reading_statements_pass() {
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
        "SELECT * FROM t WHERE query LIKE 'INSERT INTO%' OR query LIKE '%external_query(%'",
        "SELECT 'it''s; fine' FROM t",
        // Functions and columns that are named like statements.
        "SELECT TRUNCATE(x, 2), REPLACE(y, 'a', 'b'), INSERT('a', 1, 1, 'b'), updated, deleted, \
         external_query FROM t",
        "SELECT \"external_query\" FROM t WHERE drop_count > 0",
        "SELECT * FROM t WHERE CONTAINS(name:\"dremio\")",
        "SELECT * FROM t WHERE CONTAINS(+name:(dremio OR \"a b\") -other:x*) AND a < 1",
        "SELECT * FROM t WHERE CONTAINS (a, 'b')",
        "SELECT a FROM t AT BRANCH main",
        "SELECT a FROM t AT BRANCH \"update\"",
        "SELECT \"EXPR$0\", EXPR$1 FROM t",
        "SELECT größe, 日本 FROM \"한국\" WHERE a = 'U&''\u{a0}{fn @'",
        "EXPLAIN JSON FOR SELECT 1",
        "EXPLAIN JSON physical FOR WITH a AS (SELECT 1) TABLE a",
        "SELECT n'x', X'ff', DATE '2020-01-01', a[0], \"b\"[1].c FROM t",
        // Not the job history.
        "SELECT jobs, sys FROM \"Sales\".jobs AS sys",
        "SELECT * FROM sys.\"options\", sys.\"version\", \"Sales\".\"jobs_recent\"",
    ] {
        assert!(check(sql).is_ok(), "{sql}: {:?}", check(sql));
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
        "MERGE BRANCH a INTO b IN s",
        "ALTER BRANCH a ASSIGN BRANCH b IN s",
        "COMPACT MATERIALIZATION 'a' AS 'b'",
        "TRIGGER PIPE p",
        "REFRESH REFLECTION 'a' AS 'b'",
        "LOAD MATERIALIZATION METADATA 'a' AS 'b'",
        "DESCRIBE SELECT 1",
        "DESCRIBE DELETE FROM t",
        "DESCRIBE 'x'",
        "DESCRIBE STATEMENT DELETE FROM t",
        "DESCRIBE SCHEMA s",
        "DESCRIBE PIPE p",
        "DESCRIBE",
        "'SELECT 1'",
        "\"SELECT\" 1",
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
        "EXPLAIN JSON FOR DELETE FROM t",
        "EXPLAIN JSON \"FOR\" FOR INSERT INTO t SELECT 1",
        "EXPLAIN",
        "EXPLAIN PLAN",
    ] {
        assert_eq!(check(sql), Err(Refusal::NotAnExplainedQuery), "{sql}");
    }
}

#[test]
fn writing_clauses_are_refused_everywhere() {
    for (sql, clause) in [
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "INTO"),
        ("WITH a AS (DELETE FROM t) SELECT 1", "DELETE FROM"),
        ("WITH a AS (SELECT 1) DELETE /* */ FROM t", "DELETE FROM"),
        ("WITH a AS (SELECT 1) UPDATE \"t\" SET a = 1", "UPDATE"),
        ("SELECT * INTO t2 FROM t", "INTO"),
        ("SELECT 1INTO t", "INTO"),
    ] {
        assert_eq!(check(sql), Err(Refusal::Writes(clause)), "{sql}");
    }
}

#[test]
fn workarounds_are_refused() {
    use Refusal::{Contains, Empty, ExternalQuery, SeveralStatements, Unreadable};
    for (sql, expected) in [
        ("", Empty),
        (" ;; -- nothing", Empty),
        ("SELECT 1; SELECT 2", SeveralStatements),
        (";SELECT 1", SeveralStatements),
        (&format!("SELECT '{}'", "x".repeat(1024 * 1024)), Refusal::TooLong),
        ("SELECT '1'';'; DROP TABLE t; --'", SeveralStatements),
        ("SELECT * FROM TABLE(pg.external_query('DROP TABLE t'))", ExternalQuery),
        ("SELECT * FROM TABLE(\"pg\".\"External_Query\" /* */ ('DROP TABLE t'))", ExternalQuery),
        ("SELECT * FROM TABLE(pg.EXTERNAL_QUERY -- x\n('DROP TABLE t'))", ExternalQuery),
        (
            "SELECT * FROM t WHERE contains(a:x') UNION SELECT * FROM \
             TABLE(pg.external_query('DROP TABLE t",
            Contains,
        ),
        ("SELECT * FROM t WHERE contains(a:\"x\\\") UNION SELECT 1 --\")", Contains),
        ("SELECT * FROM t WHERE contains(a:/x) UNION SELECT \"/ b\")", Contains),
        ("SELECT * FROM t WHERE contains([a\" TO b) OR \"c])", Contains),
        ("SELECT * FROM t WHERE contains(a", Contains),
        ("SELECT * FROM t WHERE contains(contains (a)", Contains),
        ("SELECT * FROM t WHERE contains(a) AND b[0] = 1", Contains),
        (
            "SELECT * FROM TABLE(pg.U&\"\\0065xternal_query\"('DROP TABLE t'))",
            Unreadable(LexError::UnicodeEscape),
        ),
        (
            "SELECT * FROM TABLE(pg.u&\"!0065xternal_query\" UESCAPE '!' ('DROP TABLE t'))",
            Unreadable(LexError::UnicodeEscape),
        ),
        ("SELECT /*+ a('*/ 'x') */ 1", Unreadable(LexError::Hint)),
        ("SELECT {fn CHAR_LENGTH('a')}", Unreadable(LexError::Brace)),
        ("SELECT 'a", Unreadable(LexError::Unclosed("a string (')"))),
        (
            "\u{feff}SELECT 1",
            Unreadable(LexError::Unknown(
                '\u{feff}',
                "write a plain blank, or the name that it belongs to in double quotes",
            )),
        ),
    ] {
        assert_eq!(check(sql), Err(expected), "{sql}");
    }
}

#[test]
fn unusual_comments_hide_nothing() {
    for sql in [
        "/***/ SELECT '*/ DELETE FROM t --'",
        "/***/ SELECT '*/ DROP TABLE t --'",
        "/****/ /***/ SELECT \"*/ DELETE FROM t //\"",
        "/**/ /***/ SELECT /* '*/ INSERT INTO t VALUES (1) --'*/",
    ] {
        assert!(matches!(check(sql), Err(Refusal::NotAQuery(_))), "{sql}: {:?}", check(sql));
    }
}

#[test]
fn comments_are_sent_as_spaces_and_the_rest_unchanged() {
    for (sql, expected) in [
        ("SELECT 1", "SELECT 1"),
        ("/**/SELECT/* a\r\n b */1-- c\n+2 // d", "    SELECT    \r\n     1    \n+2     "),
        // Dremio counts UTF-16 code units.
        ("SELECT /*\u{1f600}é\u{2028}*/ 1;", "SELECT          1;"),
        ("SELECT  '--', \"/* */\"\t;\x0c;\n", "SELECT  '--', \"/* */\"\t;\x0c;\n"),
    ] {
        assert_eq!(check(sql).as_deref(), Ok(expected), "{sql}");
        assert_eq!(sql.encode_utf16().count(), expected.encode_utf16().count());
    }
}

#[test]
fn job_history_is_refused_in_every_spelling() {
    for sql in [
        "SELECT * FROM sys.jobs",
        "SELECT * FROM SYS.Jobs_Recent",
        "SELECT * FROM \"sys\" . /* */ \"jobs\" AS j",
        "SELECT * FROM sys.project.jobs_recent",
        "SELECT * FROM sys.project.\"history\".jobs",
        "SELECT * FROM ſys.jobſ",
        "SELECT * FROM \"\u{17f}ys\".\"JOB\u{17f}_recent\"",
        "SELECT * FROM TABLE(sys.jobs)",
        "SELECT * FROM TABLE(table_history('sys.jobs_recent'))",
        "SELECT * FROM TABLE(\"time_travel\"(' \"SYS\" . \"jobs\"'))",
        "TABLE sys.jobs",
        "SELECT * FROM sys.job_results.\"1a\"",
        "SELECT * FROM \"sys.jobs\"",
        "WITH a AS (SELECT sys.jobs.query FROM b) SELECT 1",
        "DESCRIBE sys.jobs",
        "EXPLAIN PLAN FOR SELECT * FROM sys.jobs",
    ] {
        assert_eq!(check(sql), Err(Refusal::JobHistory), "{sql}");
        let guard = Guard { allow_job_history: true, ..Guard::default() };
        assert!(guard.check(sql).is_ok(), "{sql}");
    }
    for (context, is_refused) in [
        (&["Sales"][..], false),
        (&["sys"], true),
        (&["\u{17f}YS", "project"], true),
        (&["Sales", "sys"], true),
        (&[], false),
    ] {
        assert_eq!(
            Guard::default().check_context(context.iter().copied()).is_err(),
            is_refused,
            "{context:?}"
        );
    }
}

#[test]
fn allowing_writes_allows_nothing_else() {
    let guard = Guard { allow_writes: true, ..Guard::default() };
    for sql in [
        "DROP TABLE t",
        "INSERT INTO t SELECT 1;",
        "SELECT * INTO a FROM b",
        "EXPLAIN PLAN FOR DELETE FROM t",
        "ROLLBACK TABLE t TO SNAPSHOT '1'",
    ] {
        assert!(guard.check(sql).is_ok(), "{sql}");
    }
    assert_eq!(
        guard.check("DELETE /* all */ FROM t -- now").unwrap().as_str(),
        "DELETE           FROM t       "
    );
    for (sql, reason) in [
        ("", "empty"),
        ("DROP TABLE t; DROP TABLE u", "several_statements"),
        ("INSERT /*+ x */ INTO t SELECT 1", "hint"),
        ("CREATE VIEW v AS SELECT * FROM TABLE(pg.external_query('x'))", "external_query"),
        ("CREATE VIEW v AS SELECT * FROM sys.jobs", "job_history"),
        ("DELETE FROM U&\"t\"", "unicode_escape"),
        ("/***/ DROP TABLE t", "unclosed"),
    ] {
        assert_eq!(guard.check(sql).unwrap_err().reason(), reason, "{sql}");
    }
}

#[test]
fn a_refusal_names_only_the_keyword() {
    let text = |sql: &str| check(sql).unwrap_err().to_string();
    let allowed = "only queries are, unless the operator sets MCP_ALLOW_WRITES=true";
    assert_eq!(
        text("drop table t"),
        format!("a statement that starts with DROP TABLE is not allowed: {allowed}")
    );
    assert_eq!(
        text(&"x".repeat(10_000)),
        format!("a statement that starts with {} is not allowed: {allowed}", "X".repeat(24))
    );
    // It must fit into a status line.
    assert!(text("größer als").is_ascii());
}

/// Each line of the file is a text with Calcite's verdict on it (`Q` a query, `S` another
/// statement, `U` tokens that it cannot parse, `L` no tokens), and a digest of its tokens.
/// `scripts/prove/calcite/run` made it.
#[test]
fn calcite_and_the_guard_read_the_same() {
    let guard = Guard { allow_job_history: true, ..Guard::default() };
    let (mut passed, mut all) = (0, 0);
    for line in include_str!("calcite.txt").lines() {
        let (verdict, digest, text) =
            (&line[..1], line[2..].split(' ').next().unwrap(), &line[line.find('"').unwrap()..]);
        let text: String = serde_json::from_str(text).unwrap();
        all += 1;
        if let Ok(statement) = guard.check(&text) {
            assert!(matches!(verdict, "Q" | "U"), "{line}");
            assert_eq!(
                format!("{:08x}", lex(statement.as_str()).unwrap().digest()),
                digest,
                "{line}"
            );
            passed += 1;
        }
    }
    assert!(all == 5_000 && passed > 1_000, "{passed} of {all}");
}

proptest! {
    #[test]
    fn no_text_makes_the_guard_panic(text in "\\PC*|[-/*'\";a-zU&( \\n\\\\]*") {
        let _ = check(&text);
    }

    #[test]
    fn a_sent_statement_is_sent_again_unchanged(
        text in "SELECT ([-/*'\"a-c$_.1 \\n]|/\\*|\\*/|\\*\\*)*",
    ) {
        if let Ok(sent) = check(&text) {
            prop_assert_eq!(check(&sent), Ok(sent));
        }
    }

    #[test]
    fn comments_before_a_statement_do_not_hide_it(
        before in "( |\\n|/\\*[a-z';]*\\*/|--[a-z';]*\\n|//[a-z'\"]*\\r)*",
        sql in "(DROP TABLE|insert into|Delete From) t",
    ) {
        let is_refused = matches!(check(&format!("{before}{sql}")), Err(Refusal::NotAQuery(_)));
        prop_assert!(is_refused);
    }
}
