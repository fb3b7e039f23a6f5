use super::check;
use crate::guard::lex;
use crate::policy::names::set_of;
use crate::policy::refusal::NotAllowed;
use crate::policy::schemas::Schemas;

/// What a client may do that may query `Sales` and `src.open`.
fn verdict(sql: &str) -> Result<(), NotAllowed> {
    let schemas = Schemas::read(&["Sales", "src.open"]).unwrap().unwrap();
    let tops = set_of(["Sales", "src", "Finance", "sys", "INFORMATION_SCHEMA"].into_iter());
    let lexed = lex(sql).map_err(|_| NotAllowed::Unclear("it cannot be read"))?;
    check(&lexed.tokens, &schemas, &tops)
}

#[test]
fn what_names_only_allowed_paths_passes() {
    for sql in [
        "SELECT 1",
        "SELECT * FROM Sales.orders",
        "select * from SALES.\"orders\" o where o.x = 1;",
        "SELECT * FROM \"Sales\".\"a.b\".c, src.open.t AS t JOIN sales.u ON t.i = u.i, Sales.v",
        "SELECT * FROM (Sales.a JOIN Sales.b USING (i, j)) CROSS JOIN Sales.c",
        "SELECT EXTRACT(DAY FROM o.d), TRIM(BOTH ' ' FROM s), SUBSTRING(s FROM 2) FROM Sales.o o",
        "SELECT a IS NOT DISTINCT FROM b, c IS DISTINCT FROM d FROM Sales.o",
        "SELECT COUNT(DISTINCT a), SUM(b) AS s FROM Sales.o GROUP BY c, d ORDER BY 1, 2 LIMIT 5",
        "WITH x AS (SELECT * FROM Sales.a), y (i, j) AS (SELECT * FROM x) SELECT * FROM y, x z",
        "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r",
        "SELECT * FROM (WITH x AS (TABLE Sales.a) SELECT * FROM x) AS q",
        "TABLE Sales.a",
        "(SELECT * FROM Sales.a) UNION ALL (TABLE src.open.b) ORDER BY 1",
        "SELECT a FROM Sales.a MINUS SELECT a FROM Sales.b",
        "VALUES (1, 'FROM Finance.x'), (2, 'b')",
        "SELECT * FROM (VALUES (1, 2), (3, 4)) AS t (a, b)",
        "SELECT * FROM Sales.t, UNNEST(t.list) AS u(x), LATERAL (SELECT * FROM Sales.v) w",
        "SELECT * FROM Sales.t AT BRANCH main AS m JOIN Sales.u AT SNAPSHOT '12' ON m.i = u.i",
        "SELECT * FROM TABLE(Sales.recent(7)) r",
        "SELECT Sales.twice(x), query_user(), ts AT TIME ZONE 'UTC' FROM Sales.t",
        "SELECT x FROM Sales.t WHERE x IN (SELECT y FROM src.open.t) AND EXISTS (TABLE Sales.u)",
        "SELECT LISTAGG(x) WITHIN GROUP (ORDER BY y), SUM(z) OVER (PARTITION BY a, b) FROM Sales.t",
        "SELECT a.b.c, \"from\", t.\"from\" FROM Sales.t -- FROM Finance.x\n/* , Finance.y */",
        "EXPLAIN PLAN FOR SELECT * FROM Sales.t",
        "DESCRIBE Sales.t",
        "DESC TABLE Sales.t",
        "SHOW TABLES IN Sales",
        "SHOW VIEWS AT BRANCH main IN src.open LIKE 'x%'",
        "SHOW CREATE VIEW Sales.v",
    ] {
        assert_eq!(verdict(sql), Ok(()), "{sql}");
    }
}

#[test]
fn what_names_anything_else_is_refused() {
    for sql in [
        "SELECT * FROM Finance.salaries",
        "SELECT * FROM \"Finance\".\"salaries\"",
        "SELECT * FROM Sales.a, Finance.b",
        "SELECT * FROM Sales.a x, Finance.b",
        "SELECT * FROM Sales.a AS x (i, j), Finance.b",
        "SELECT * FROM Sales.a JOIN Finance.b ON TRUE",
        "SELECT * FROM Sales.a JOIN Sales.b ON f(1, 2) = (3), Finance.b",
        "SELECT * FROM Sales.a JOIN Sales.b USING (i, j), Finance.b",
        "SELECT * FROM (Sales.a JOIN Finance.b ON TRUE)",
        "SELECT * FROM ((Finance.b))",
        "SELECT * FROM Sales.a CROSS APPLY Finance.b",
        "SELECT * FROM Sales.a NATURAL LEFT JOIN LATERAL Finance.b",
        "SELECT * FROM Sales.a WHERE x = (SELECT MAX(y) FROM Finance.b)",
        "SELECT (SELECT MAX(y) FROM Finance.b) FROM Sales.a",
        "SELECT EXTRACT(DAY FROM (SELECT d FROM Finance.b)) FROM Sales.a",
        "SELECT ARRAY(SELECT y FROM Finance.b)",
        "SELECT * FROM Sales.a UNION SELECT * FROM Finance.b",
        "SELECT * FROM Sales.a UNION ALL TABLE Finance.b",
        "TABLE Finance.b",
        "SELECT * FROM Sales.a WHERE x IN (TABLE Finance.b)",
        "WITH x AS (SELECT * FROM Finance.b) SELECT * FROM x",
        "WITH x AS (SELECT 1), y AS (TABLE Finance.b) SELECT * FROM y",
        "WITH x AS (SELECT 1) SELECT * FROM x, Finance.x",
        "WITH x AS (SELECT 1) SELECT * FROM Finance.x",
        "SELECT * FROM Sales.a, LATERAL (SELECT * FROM Finance.b)",
        "SELECT * FROM TABLE(Finance.f(1))",
        "SELECT * FROM TABLE(table_history('Finance.b'))",
        "SELECT * FROM TABLE(Sales.f(TABLE Finance.b))",
        "SELECT * FROM UNNEST(SELECT l FROM Finance.b)",
        "SELECT * FROM Sales.a AT BRANCH main, Finance.b",
        "SELECT * FROM Finance.b AT BRANCH main",
        "SELECT * FROM Sales.a AT Finance.b",
        "SELECT * FROM Sales.a AT BRANCH Finance.b",
        "SELECT Finance.total(1)",
        "SELECT * FROM Sales.a x WHERE Finance.total(x.i) > 1",
        "SELECT * FROM VALUES (1), Finance.b",
        "SELECT * FROM Sales.a VALUES, Finance.b",
        "SELECT x, VALUES FROM Finance.b",
        "SELECT * FROM Sales.a LIMIT, Finance.b",
        "SELECT * FROM Sales.a QUALIFY, Finance.b",
        "SELECT * FROM Sales.a MINUS (i), Finance.b",
        "SELECT * FROM Sales.a WITHIN GROUP (i), Finance.b",
        "SELECT x AT FROM Finance.b",
        "SELECT * FROM Sales.a JOIN Sales.b ON a.m MULTISET UNION b.m IS NULL, Finance.b",
        "SELECT * FROM Sales.a JOIN Sales.b ON a.m multiset except b.m IS NULL, Finance.b",
        "SELECT * FROM Sales.a JOIN Sales.b ON a.m MULTISET INTERSECT b.m IS NULL, Finance.b",
        "SELECT * FROM Sales.\"..\".Finance.b",
        "SELECT * FROM Sales.\"../Finance/b\"",
        "SELECT * FROM TABLE(Sales.\".\".f(1))",
        "DESCRIBE Sales.\"..\".Finance.b",
        "SELECT 1.FROM Finance.b",
        "SELECT t.*FROM Finance.b t",
        "SELECT t.FROM Finance.b",
        "SELECT * FROM\nFinance\n.\nb",
        "SELECT * FROM/**/Finance.b",
        "SELECT * FROM \"Sales.a\"",
        "SELECT * FROM src.closed.t",
        "SELECT * FROM src",
        "SELECT * FROM \"ſales\".a",
        "SELECT * FROM sys.options",
        "SELECT * FROM \"SYS\".version",
        "SELECT * FROM INFORMATION_SCHEMA.\"TABLES\"",
        "SELECT * FROM b",
        "SELECT * FROM 'Finance.b'",
        "SELECT * FROM",
        "SELECT * FROM Sales.a,",
        "SELECT * FROM (Sales.a",
        "SELECT * FROM Sales.a)",
        "WITH SELECT * FROM Sales.a",
        "WITH x (SELECT 1) SELECT 1",
        "EXPLAIN PLAN FOR SELECT * FROM Finance.b",
        "EXPLAIN PLAN WITHOUT IMPLEMENTATION FOR TABLE Finance.b",
        "DESCRIBE Finance.b",
        "DESCRIBE TABLE Finance.b",
        "DESCRIBE FUNCTION abs",
        "SHOW TABLES",
        "SHOW SCHEMAS",
        "SHOW TABLES IN Finance",
        "SHOW TABLES FROM Finance LIKE 'IN Sales'",
        "SHOW CREATE VIEW Finance.v",
        "SELECT U&'x' FROM Sales.a",
        "SELECT * FROM U&\"F\\0069nance\".b",
    ] {
        assert!(verdict(sql).is_err(), "{sql}");
    }
}

#[test]
fn no_alias_or_name_of_with_is_that_of_a_space_or_source() {
    for sql in [
        "WITH Finance AS (SELECT 1) SELECT * FROM Finance",
        "WITH x AS (SELECT 1), \"finance\" AS (SELECT 2) SELECT * FROM x",
        "SELECT * FROM Sales.a AS Finance",
        "SELECT * FROM Sales.a finance",
        "SELECT * FROM (SELECT 1) AS \"SYS\"",
        "SELECT * FROM Sales.a Sales",
        "WITH Sales (i) AS (SELECT 1) SELECT * FROM Sales",
    ] {
        assert!(matches!(verdict(sql), Err(NotAllowed::Name(_))), "{sql}: {:?}", verdict(sql));
    }
    assert_eq!(
        verdict("SELECT * FROM Finance.\"größe\"").unwrap_err().to_string(),
        "\"Finance\".\"gr??e\" is not among what this key may query"
    );
}
