//! Tables of statements: what SQLite gets to see, what type comes out, what an agent reads when it
//! is wrong.

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
    let Statement::Query(tokens) = parse(sql)? else {
        panic!("{sql} is no query");
    };
    let at = Environment { namespace: &demo.namespace, context: &[], user: "dremio" };
    let query = Query::prepare(sql, &tokens, at)?;
    query.run(&demo.database, &|_| Vec::new(), Arc::new(|| false))
}

#[test]
fn names_of_any_depth_become_one() {
    let check =
        |sql: &str, expected: &str| assert_eq!(rewritten_in(&[], sql).unwrap(), expected, "{sql}");
    check(
        "select * from Sales.orders -- all\n where order_id = 1",
        "SELECT * FROM \"Sales.orders\" AS \"orders\" WHERE \"order_id\" = 1",
    );
    check(
        "SELECT t.* FROM samples.\"SAMPLES.dremio.com\".\"nyc-taxi-trips\" AS t",
        "SELECT \"t\" . * FROM \"Samples.samples.dremio.com.NYC-taxi-trips\" AS \"t\"",
    );
    check(
        "SELECT Sales.orders.status FROM Sales.orders",
        "SELECT \"orders\".\"status\" FROM \"Sales.orders\" AS \"orders\"",
    );
    check("SELECT 'Sales.orders' // text\n", "SELECT 'Sales.orders'");
    check(
        "WITH Orders AS (SELECT 1 AS x) SELECT x FROM orders",
        "WITH \"Orders\" AS (SELECT 1 AS \"x\") SELECT \"x\" FROM \"orders\"",
    );
    check(
        "SELECT address.City, c.tags[0] FROM Sales.customers c",
        "SELECT json_extract(\"address\", '$.\"city\"') , json_extract(\"c\".\"tags\", '$[0]') FROM \"Sales.customers\" \"c\"",
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
    check("(1) + 2 - 3", "dremio_arith('-', dremio_arith('+', (1), 2, 'INTEGER'), 3, 'INTEGER')");
    check("'a' ILIKE 'A%'", "'a' REGEXP 'A%'");
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
    check(
        "SELECT p.category, COUNT(*) FROM Sales.products p GROUP BY p.category",
        &["category", "EXPR$1"],
    );
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
    check(
        "SELECT nope(1, 'a')",
        "No match found for function signature NOPE(<NUMERIC>, <CHARACTER>)",
    );
    check(
        "SELECT * FROM sales.orders WHERE",
        "Failure parsing the query. Encountered \"<EOF>\" at line 1, column 33.",
    );
    check("SELECT (1", "Failure parsing the query. Encountered \"<EOF>\" at line 1, column 10.");
    check("SELECT 1)", "Failure parsing the query. Encountered \")\" at line 1, column 9.");
    check(
        "SELECT *\nFROM INFORMATION_SCHEMA.TABLES",
        "Failure parsing the query. Encountered \"TABLES\" at line 2, column 25.",
    );
    check(
        "SELECT 1 AS value",
        "Failure parsing the query. Encountered \"value\" at line 1, column 13.",
    );
    check(
        "SELECT o.date FROM Sales.orders o",
        "Failure parsing the query. Encountered \"date\" at line 1, column 10.",
    );
    check(
        "SELECT * FROM @dremio.x",
        "Failure parsing the query. Lexical error at line 1, column 15. Encountered: \"@\"",
    );
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
    let sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
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

fn check_rows(sql: &str, expected: &str) {
    let table = run(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let page = ResultSet::new(&table).page(0, 100);
    let rows = page.split_once("\"rows\":[").and_then(|(_, rows)| rows.strip_suffix("]}"));
    assert_eq!(rows, Some(expected), "{sql}");
}

fn check_failed(sql: &str, expected: &str) {
    match run(sql) {
        Err(SqlError::Failed(message)) => assert!(message.contains(expected), "{sql}: {message}"),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn dates_are_moved_by_days_and_nothing_else() {
    let check = |expression: &str, expected: &str| {
        check_rows(&format!("SELECT {expression} AS x"), &format!("{{\"x\":{expected}}}"));
    };
    check("DATE '2024-05-05' + 1", "\"2024-05-06\"");
    check("CAST('2024-05-05' AS DATE) + 1", "\"2024-05-06\"");
    check("DATE '2024-03-01' - 1", "\"2024-02-29\"");
    check("2 + DATE '2024-05-05' - 1", "\"2024-05-06\"");
    check("DATE '2024-05-05' - INTERVAL '1' HOUR", "\"2024-05-04 23:00:00.000\"");
    check("DATE '2024-01-31' = '2024-01-31'", "true");
    check("DATE '2024-01-31' = TIMESTAMP '2024-01-31 00:00:00'", "true");
    check("CASE WHEN DATE '2024-01-31' > DATE '2024-01-30' + 2 THEN 1 ELSE 2 END", "2");
    check_rows(
        "SELECT COUNT(*) AS n FROM Sales.orders WHERE order_date > CURRENT_DATE - 60000",
        "{\"n\":3000}",
    );
    check_rows(
        "SELECT COUNT(*) AS n FROM Sales.orders WHERE order_date BETWEEN '2023-01-01' AND DATE '2023-01-01' + 9999",
        "{\"n\":3000}",
    );
    check_failed("SELECT shipped_date - order_date FROM Sales.orders", "use DATEDIFF");
    check_failed("SELECT AVG(shipped_date - order_date) FROM Sales.orders", "use DATEDIFF");
    check_failed("SELECT ordered_at + 1 FROM Sales.orders", "TIMESTAMPADD");
    check_failed("SELECT order_date * 2 FROM Sales.orders", "Cannot apply '*'");
    check_failed("SELECT SUM(order_date) FROM Sales.orders", "Cannot apply 'SUM'");
    check_failed("SELECT ABS(order_date) FROM Sales.orders", "Cannot apply 'ABS'");
    check_failed("SELECT 1 FROM Sales.orders WHERE order_date > 600", "Cannot apply '>'");
    check_failed("SELECT -order_date FROM Sales.orders", "Cannot apply '-'");
    check_failed("SELECT INTERVAL '1' DAY", "not supported by this stand-in");
    check_failed(
        "SELECT order_date + INTERVAL '1-2' YEAR TO MONTH FROM Sales.orders",
        "not supported by this stand-in",
    );
}

#[test]
fn numbers_are_numbers() {
    let check = |expression: &str, expected: &str| {
        check_rows(&format!("SELECT {expression} AS x"), &format!("{{\"x\":{expected}}}"));
    };
    check("7 / 2", "3");
    check("7.0 / 2 > 3.4", "true");
    check("1 = '1'", "true");
    check("2 IN (1, 2)", "true");
    check("2 NOT IN (1, 2)", "false");
    check(&format!("2 IN ({}2)", "1, ".repeat(3_000)), "true");
    check("-2 * 3 - -1", "-5");
    check("CAST(9223372036854775807 AS BIGINT)", "9223372036854775807");
    check("-9223372036854775808", "-9223372036854775808");
    check("CAST('12345678901234567890.12' AS DECIMAL(38,2)) + 0.01", "12345678901234567890.13");
    check("CAST('12345678901234567.89' AS DECIMAL(19,2)) * 2", "24691357802469135.78");
    check("CAST(12345678901234567890.12 AS DECIMAL(38,2))", "12345678901234567890.12");
    check("CAST('999999999999.999' AS DECIMAL(15,3))", "999999999999.999");
    check("CAST('12345678901234567890' AS DECIMAL(38,0)) > 12345678901234567889", "true");
    check("ROUND(2.675, 2)", "2.68");
    check("CAST(CAST(1.5 AS DECIMAL(5,2)) AS VARCHAR)", "\"1.50\"");
    check("CAST(1.5 AS DECIMAL(5,2)) || ''", "\"1.50\"");
    check("SUBSTRING('abc', 0, 2)", "\"ab\"");
    check("SUBSTRING('abc' FROM 2 FOR 1)", "\"b\"");
    check("TRIM(LEADING 'x' FROM 'xax')", "\"ax\"");
    check("TIMESTAMPADD(DAY, 1, DATE '2024-02-28')", "\"2024-02-29\"");
    check("EXTRACT(YEAR FROM DATE '2024-02-28')", "2024");
    check_rows(
        "SELECT SUM(a_long_decimal) AS x FROM Samples.\"samples.dremio.com\".\"Dremio University\".\"all_types.parquet\"",
        "{\"x\":1234567890123456789012345678.9012345678}",
    );
    check_rows(
        "SELECT SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3)",
        "{\"s\":1},{\"s\":3},{\"s\":5}",
    );
}

#[test]
fn long_decimals_are_rounded_and_sorted() {
    let all_types = "Samples.\"samples.dremio.com\".\"Dremio University\".\"all_types.parquet\"";
    let long = "{\"x\":1234567890123456789012345678.9012345678}";
    let zero = "{\"x\":0.0000000000}";
    check_rows(
        &format!("SELECT a_long_decimal AS x FROM {all_types} ORDER BY a_long_decimal"),
        &format!("{zero},{long},{{\"x\":null}}"),
    );
    check_rows(
        &format!("SELECT a_long_decimal AS x FROM {all_types} ORDER BY 1 DESC"),
        &format!("{{\"x\":null}},{long},{zero}"),
    );
    check_rows(
        "SELECT channel, ROUND(COUNT(*) * 100.0 / SUM(COUNT(*)) OVER (), 1) AS pct FROM Sales.orders GROUP BY channel \
         ORDER BY COUNT(*) * 100.0 / 7 DESC",
        "{\"channel\":\"web\",\"pct\":51.2},{\"channel\":\"store\",\"pct\":24.5},{\"channel\":\"app\",\"pct\":24.3}",
    );
}

#[test]
fn numbers_that_are_none_are_errors() {
    check_failed("SELECT 1 / 0", "DIVIDE_BY_ZERO");
    check_failed("SELECT 1.5 / 0", "DIVIDE_BY_ZERO");
    check_failed("SELECT MOD(1, 0)", "DIVIDE_BY_ZERO");
    check_failed("SELECT CAST(9223372036854775807 AS BIGINT) + 1", "out of range");
    check_failed(
        "SELECT MAX(a_bigint) * 3 FROM Samples.\"samples.dremio.com\".\"Dremio University\".\"all_types.parquet\"",
        "out of range",
    );
    check_failed("SELECT CAST('NaN' AS DOUBLE)", "NaN is not supported by this stand-in");
    check_failed("SELECT SQRT(-1)", "NaN is not supported by this stand-in");
    check_failed("SELECT 1 FROM Sales.orders WHERE order_id = 'abc'", "For input string: \"abc\"");
    check_failed(
        "SELECT 1 FROM Sales.orders WHERE order_id IN ('abc')",
        "For input string: \"abc\"",
    );
    check_failed("SELECT status + 1 FROM Sales.orders", "Cannot apply '+'");
    check_failed(
        "SELECT MAX(a_long_decimal) FROM Samples.\"samples.dremio.com\".\"Dremio University\".\"all_types.parquet\"",
        "15 significant digits",
    );
}

#[test]
fn what_is_selected_is_grouped() {
    for sql in [
        "SELECT channel, COUNT(*) FROM Sales.orders GROUP BY channel",
        "SELECT o.channel, COUNT(*) FROM Sales.orders o GROUP BY channel ORDER BY COUNT(*) DESC, channel",
        "SELECT UPPER(channel) AS c, COUNT(*) AS n FROM Sales.orders GROUP BY c ORDER BY n",
        "SELECT UPPER(channel) || 'x', SUM(total_amount) / COUNT(*) FROM Sales.orders GROUP BY 1",
        "SELECT EXTRACT(YEAR FROM order_date) + 1, COUNT(*) FROM Sales.orders GROUP BY EXTRACT(YEAR FROM order_date)",
        "SELECT CASE WHEN channel = 'web' THEN 'w' ELSE channel END, MAX(order_date) FROM Sales.orders GROUP BY channel HAVING COUNT(*) > 1",
        "SELECT channel, SUM(COUNT(*)) OVER (ORDER BY channel) FROM Sales.orders GROUP BY channel",
        "SELECT CAST(channel AS VARCHAR(3)), COUNT(*) FROM Sales.orders GROUP BY channel",
        "SELECT COUNT(*), 1, CURRENT_DATE, DATE '2024-01-01' FROM Sales.orders",
        "SELECT DISTINCT channel AS c FROM Sales.orders ORDER BY c",
        "SELECT n FROM (SELECT COUNT(*) AS n FROM Sales.orders) WHERE n > 1",
        "SELECT channel, (SELECT MAX(price) FROM Sales.products) FROM Sales.orders GROUP BY channel",
        "SELECT channel, COUNT(*) FILTER (WHERE status = 'OPEN') FROM Sales.orders GROUP BY channel",
        "SELECT order_id, ROW_NUMBER() OVER (PARTITION BY channel, status ORDER BY order_id) FROM Sales.orders",
    ] {
        run(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    let check = |sql: &str, name: &str| {
        check_failed(sql, &format!("Expression '{name}' is not being grouped"));
    };
    check("SELECT channel, COUNT(*) FROM Sales.orders", "channel");
    check("SELECT channel, status, COUNT(*) FROM Sales.orders GROUP BY status", "channel");
    check("SELECT o.channel FROM Sales.orders o GROUP BY o.status", "o.channel");
    check("SELECT status FROM Sales.orders GROUP BY status HAVING channel = 'web'", "channel");
    check("SELECT status FROM Sales.orders GROUP BY status ORDER BY channel", "channel");
    check("SELECT *, COUNT(*) FROM Sales.orders GROUP BY status", "order_id");
    check(
        "SELECT DATE_TRUNC('MONTH', order_date), COUNT(*) FROM Sales.orders GROUP BY status",
        "order_date",
    );
    check_failed(
        "SELECT total_amount AS t FROM Sales.orders WHERE t > 5",
        "Column 't' not found in any table",
    );
    check_failed(
        "SELECT status, SUM(total_amount) AS t FROM Sales.orders GROUP BY status HAVING t > 5",
        "Column 't' not found in any table",
    );
    check_failed(
        "SELECT DISTINCT channel FROM Sales.orders ORDER BY status",
        "Expression 'status' is not in the select clause",
    );
}

#[test]
fn what_is_missing_is_named() {
    let check = |sql: &str| check_failed(sql, "not supported by this stand-in for Dremio");
    check("SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total_amount) FROM Sales.orders");
    check("SELECT FLATTEN(tags) FROM Sales.customers");
    check("SELECT * FROM Sales.customers WHERE REGEXP_LIKE(name, 'A.*')");
    check("SELECT channel, COUNT(*) FROM Sales.orders GROUP BY ROLLUP(channel)");
    check("SELECT channel, COUNT(*) FROM Sales.orders GROUP BY GROUPING SETS ((channel), ())");
    check("SELECT COUNT(DISTINCT (channel, status)) FROM Sales.orders");
    check("SELECT 1 FROM Sales.orders WHERE (channel, status) = ('web', 'OPEN')");
    check("SELECT 1 WHERE 1 = ANY (SELECT 1)");
    check("SELECT GROUPING(channel) FROM Sales.orders GROUP BY channel");
    check("SELECT * FROM (VALUES (1, 'a')) AS t(id, name)");
    check("SELECT CASE order_id WHEN 'abc' THEN 1 END FROM Sales.orders");
    check("SELECT 1 FROM Sales.orders WHERE status");
    check("SELECT 1 FROM Sales.orders WHERE order_id AND TRUE");
}

#[test]
fn null_is_the_highest_value() {
    check_rows(
        "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) ORDER BY x",
        "{\"x\":1},{\"x\":null}",
    );
    check_rows(
        "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) ORDER BY x DESC",
        "{\"x\":null},{\"x\":1}",
    );
    check_rows(
        "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) ORDER BY 1 DESC NULLS LAST",
        "{\"x\":1},{\"x\":null}",
    );
}

#[test]
fn common_tables_may_name_their_columns() {
    check_rows(
        "WITH \"d\"(\"n\", \"m\") AS (VALUES (1, 'a'), (2, 'b')) SELECT \"n\", \"m\" FROM \"d\" WHERE \"n\" = 2",
        "{\"n\":2,\"m\":\"b\"}",
    );
}

#[test]
fn the_wiki_says_which_period_the_orders_cover() {
    check_rows(
        "SELECT MIN(order_date) AS f, MAX(order_date) AS t FROM Sales.orders",
        "{\"f\":\"2023-01-01\",\"t\":\"2025-06-29\"}",
    );
    let wiki = |path: [&str; 2]| {
        Demo::get().unwrap().notes.iter().find(|note| note.path == path).unwrap().wiki
    };
    assert!(wiki(["Sales", "orders"]).contains("2023-01-01 to 2025-06-29"));
}
