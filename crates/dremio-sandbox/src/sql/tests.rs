//! Tables of statements: what SQLite gets to see, what type comes out, what an agent reads when it is wrong.

use std::sync::Arc;

use super::*;
use crate::data::Demo;

fn path(context: &[&str]) -> Vec<String> {
    context.iter().map(|name| (*name).to_owned()).collect()
}

fn rewritten_in(context: &[&str], sql: &str) -> Result<String, SqlError> {
    let demo = Demo::get().unwrap();
    let tokens = tokenize(sql).unwrap();
    let context = path(context);
    let at = Environment { namespace: &demo.namespace, context: &context, user: "dremio" };
    Query::prepare(sql, &tokens, at).map(|query| query.rewritten)
}

fn run(sql: &str) -> Result<Table, SqlError> {
    let demo = Demo::get().unwrap();
    let Statement::Query(tokens) = statement::parse(sql)? else {
        panic!("{sql} is no query");
    };
    let at = Environment { namespace: &demo.namespace, context: &[], user: "dremio" };
    let query = Query::prepare(sql, &tokens, at)?;
    query.run(&demo.database, &|_| Vec::new(), Arc::new(|| false))
}

#[test]
fn names_of_any_depth_become_one() {
    let check = |sql: &str, expected: &str| assert_eq!(rewritten_in(&[], sql).unwrap(), expected, "{sql}");
    check("select * from Sales.orders -- all\n where order_id = 1", "SELECT * FROM \"Sales.orders\" AS \"orders\" WHERE \"order_id\" = 1");
    check(
        "SELECT t.* FROM samples.\"SAMPLES.dremio.com\".\"nyc-taxi-trips\" AS t",
        "SELECT \"t\" . * FROM \"Samples.samples.dremio.com.NYC-taxi-trips\" AS \"t\"",
    );
    check("SELECT Sales.orders.status FROM Sales.orders", "SELECT \"orders\".\"status\" FROM \"Sales.orders\" AS \"orders\"");
    check("SELECT 'Sales.orders' // text\n", "SELECT 'Sales.orders'");
    check("WITH Orders AS (SELECT 1 AS x) SELECT x FROM orders", "WITH \"Orders\" AS (SELECT 1 AS \"x\") SELECT \"x\" FROM \"orders\"");
    check(
        "SELECT address.City, c.tags[0] FROM Sales.customers c",
        "SELECT json_extract(\"address\", '$.\"city\"') , json_extract(\"c\".\"tags\", '$[0]') FROM \"Sales.customers\" \"c\"",
    );
    check(
        "SELECT EXTRACT(YEAR FROM order_date) FROM \"@dremio\".top_customers, Sales.orders",
        concat!(
            "SELECT dremio_date_part('YEAR', \"order_date\") FROM \"@dremio.top_customers\" AS \"top_customers\" , ",
            "\"Sales.orders\" AS \"orders\""
        ),
    );
}

#[test]
fn dremio_syntax_becomes_calls() {
    let check = |sql: &str, expected: &str| {
        let rewritten = rewritten_in(&[], &format!("SELECT {sql}")).unwrap();
        assert_eq!(rewritten.strip_prefix("SELECT "), Some(expected), "{sql}");
    };
    check("CAST('1' AS DECIMAL(10, 2))", "dremio_cast('1', 'DECIMAL(10, 2)')");
    check("DATE '2024-01-31'", "'2024-01-31'");
    check("TIMESTAMP '2024-01-31 10:00:00'", "'2024-01-31 10:00:00.000'");
    check("CURRENT_DATE - INTERVAL '7' DAY", "dremio_shift(CURRENT_DATE, -7, 'DAY')");
    check("CURRENT_DATE() - INTERVAL 1 MONTH", "dremio_shift(CURRENT_DATE, -1, 'MONTH')");
    check("(1) + 2 - 3", "(1) + 2 - 3");
    check("'a' ILIKE 'A%'", "'a' REGEXP 'A%'");
    check("TIMESTAMPADD(DAY, 1, NOW())", "dremio_timestampadd('DAY', 1 , dremio_now())");
    check("SUBSTRING('abc' FROM 2 FOR 1)", "substr('abc', 2, 1)");
    check("TRIM(LEADING 'x' FROM 'xa')", "ltrim('xa', 'x')");
    check("NDV(1)", "count(DISTINCT 1)");
    check("1 OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY", "1 LIMIT 3 OFFSET 2");
    check("1 LIMIT 3 OFFSET 2", "1 LIMIT 3 OFFSET 2");
}

#[test]
fn the_context_comes_first() {
    let expected = "SELECT * FROM \"Sales.orders\" AS \"orders\"";
    assert_eq!(rewritten_in(&["Sales"], "SELECT * FROM orders").unwrap(), expected);
    assert_eq!(rewritten_in(&["Sales"], "SELECT * FROM Sales.orders").unwrap(), expected);
    let trips = "SELECT * FROM \"NYC-taxi-trips\"";
    assert!(rewritten_in(&["Samples", "samples.dremio.com"], trips).is_ok());
    assert!(rewritten_in(&["Samples"], trips).is_err());
}

#[test]
fn expressions_have_dremio_types() {
    let check = |expression: &str, expected: &str| {
        let table = run(&format!("SELECT {expression} AS x FROM Sales.orders o LIMIT 3")).unwrap();
        assert_eq!(table.columns.first().unwrap().ty.to_string(), expected, "{expression}");
    };
    check("order_id", "BIGINT");
    check("o.total_amount", "DECIMAL(12,2)");
    check("COUNT(*)", "BIGINT");
    check("SUM(total_amount)", "DECIMAL(38,2)");
    check("SUM(o.order_id)", "BIGINT");
    check("AVG(order_id)", "DOUBLE");
    check("MIN(order_date)", "DATE");
    check("MAX(ordered_at)", "TIMESTAMP");
    check("total_amount * discount_rate", "DOUBLE");
    check("total_amount * 2", "DECIMAL(22,2)");
    check("order_id + 1", "BIGINT");
    check("1", "INTEGER");
    check("1.50", "DECIMAL(3,2)");
    check("1e3", "DOUBLE");
    check("TRUE", "BOOLEAN");
    check("order_id > 1 AND status = 'OPEN'", "BOOLEAN");
    check("CASE WHEN order_id > 1 THEN order_date ELSE NULL END", "DATE");
    check("CASE WHEN order_id > 1 THEN NULL ELSE total_amount END", "DECIMAL(12,2)");
    check("CAST(order_id AS VARCHAR)", "VARCHAR");
    check("CAST('2024-01-01' AS TIMESTAMP)", "TIMESTAMP");
    check("status || 'x'", "VARCHAR");
    check("COALESCE(shipped_date, order_date)", "DATE");
    check("(SELECT MAX(price) FROM Sales.products)", "DECIMAL(10,2)");
    check("EXTRACT(MONTH FROM order_date)", "BIGINT");
    check("SUM(total_amount) OVER (PARTITION BY customer_id)", "DECIMAL(38,2)");
}

#[test]
fn columns_have_dremio_names() {
    let check = |sql: &str, expected: &[&str]| {
        let table = run(sql).unwrap();
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, expected, "{sql}");
    };
    check("SELECT 1, 2 AS two, 'x' three", &["EXPR$0", "two", "three"]);
    check("SELECT order_id, ORDER_ID FROM Sales.orders LIMIT 1", &["order_id", "ORDER_ID0"]);
    check("SELECT t.order_month, revenue r FROM Sales.revenue_by_month t", &["order_month", "r"]);
    check("SELECT p.category, COUNT(*) FROM Sales.products p GROUP BY p.category", &["category", "EXPR$1"]);
    check(
        "SELECT pop, z.*, 1 FROM Samples.\"samples.dremio.com\".\"zips.json\" z",
        &["pop", "city", "loc", "pop0", "state", "_id", "EXPR$6"],
    );
    check("VALUES (1, 'a')", &["EXPR$0", "EXPR$1"]);
    check("WITH a AS (SELECT 1 AS x) SELECT x, x + 1 FROM a", &["x", "EXPR$1"]);
}

#[test]
fn mistakes_read_like_dremio() {
    let check = |sql: &str, expected: &str| match run(sql) {
        Err(SqlError::Failed(message)) => assert_eq!(message, expected, "{sql}"),
        other => panic!("{sql}: {other:?}"),
    };
    let not_there = ". Please check that it exists in the selected context.";
    check("SELECT * FROM nope", &format!("Object 'nope' not found{not_there}"));
    check("SELECT * FROM Sales.nope", &format!("Object 'nope' not found within 'Sales'{not_there}"));
    check("SELECT * FROM sys.project.jobs_recent", &format!("Object 'project' not found within 'sys'{not_there}"));
    check("SELECT * FROM Samples.a.b.c", &format!("Object 'a' not found within 'Samples'{not_there}"));
    check("SELECT nope FROM Sales.orders", "Column 'nope' not found in any table");
    check("SELECT o.nope FROM Sales.orders o", "Column 'nope' not found in table 'o'");
    check("SELECT x.order_id FROM Sales.orders o", "Table 'x' not found");
    check("SELECT nope(1)", "No match found for function signature NOPE");
    check("SELECT * FROM sales.orders WHERE", "Failure parsing the query. Encountered \"<EOF>\" at line 1, column 33.");
    check("SELECT (1", "Failure parsing the query. Encountered \"<EOF>\" at line 1, column 10.");
    check("SELECT 1)", "Failure parsing the query. Encountered \")\" at line 1, column 9.");
    check("SELECT *\nFROM INFORMATION_SCHEMA.TABLES", "Failure parsing the query. Encountered \"TABLES\" at line 2, column 25.");
    check("SELECT 1 AS value", "Failure parsing the query. Encountered \"value\" at line 1, column 13.");
    check("SELECT o.date FROM Sales.orders o", "Failure parsing the query. Encountered \"date\" at line 1, column 10.");
    check("SELECT * FROM @dremio.x", "Failure parsing the query. Lexical error at line 1, column 15. Encountered: \"@\"");
    check("SELECT CAST('x' AS BIGINT)", "For input string: \"x\"");
    check("SELECT DATE '2024-13-01'", "Illegal DATE literal '2024-13-01'");
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
}

#[test]
fn a_statement_that_does_not_end_is_interrupted() {
    let demo = Demo::get().unwrap();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let tokens = tokenize(sql).unwrap();
    let at = Environment { namespace: &demo.namespace, context: &[], user: "dremio" };
    let query = Query::prepare(sql, &tokens, at).unwrap();
    let outcome = query.run(&demo.database, &|_| Vec::new(), Arc::new(|| true));
    assert!(matches!(outcome, Err(SqlError::Interrupted)), "{outcome:?}");
}

#[test]
fn orders_and_their_lines_agree() {
    let sql = "SELECT COUNT(*) FROM Sales.orders o WHERE o.total_amount <> ROUND((SELECT SUM(i.line_total) FROM Sales.order_items i \
               WHERE i.order_id = o.order_id), 2)";
    let table = run(sql).unwrap();
    assert_eq!(table.rows, [[rusqlite::types::Value::Integer(0)]]);
}
