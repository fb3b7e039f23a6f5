//! Queries from text to rows: names, groups, windows. What values do is in `values`, what is refused
//! in `refusals`.

mod refusals;
mod values;

use std::sync::Arc;

use super::*;
use crate::data::Demo;
use crate::values::{ResultSet, Table};

fn path(context: &[&str]) -> Vec<String> {
    context.iter().map(|name| (*name).to_owned()).collect()
}

fn prepared_in(context: &[&str], sql: &str) -> Result<Query, SqlError> {
    let demo = Demo::get().unwrap();
    let tokens = tokenize(sql).unwrap();
    let context = path(context);
    let at = Environment { namespace: &demo.namespace, context: &context, user: "dremio" };
    Query::prepare(sql, &tokens, at)
}

fn run(sql: &str) -> Result<Table, SqlError> {
    let demo = Demo::get().unwrap();
    let tokens = tokenize(sql).map_err(|error| lexical(sql, &error))?;
    let at = Environment { namespace: &demo.namespace, context: &[], user: "dremio" };
    let query = Query::prepare(sql, &tokens, at)?;
    query.run(&demo.database, &|_| Vec::new(), Arc::new(|| false))
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
fn names_of_any_depth_lead_to_their_column() {
    check_rows(
        "select product_id, Name from Sales.products -- all\n where product_id = 1",
        "{\"product_id\":1,\"Name\":\"Espresso Machine\"}",
    );
    check_rows(
        "SELECT t.city, \"t\".pop FROM samples.\"SAMPLES.dremio.com\".\"ZIPS.json\" AS t LIMIT 1",
        "{\"city\":\"AGAWAM\",\"pop\":15338}",
    );
    check_rows("SELECT Sales.orders.status FROM Sales.orders LIMIT 1", "{\"status\":\"SHIPPED\"}");
    check_rows("SELECT 'Sales.orders' AS x // text\n", "{\"x\":\"Sales.orders\"}");
    check_rows("WITH Orders AS (SELECT 1 AS x) SELECT x FROM orders", "{\"x\":1}");
    check_rows(
        "SELECT address.City, c.tags[0] AS t FROM Sales.customers c LIMIT 1",
        "{\"City\":\"Lyon\",\"t\":\"returns-often\"}",
    );
}

#[test]
fn the_context_comes_first() {
    let reads = |context: &[&str], sql: &str| {
        let query = prepared_in(context, sql).unwrap();
        query.datasets.iter().map(|dataset| dataset.path.join(".")).collect::<Vec<_>>()
    };
    assert_eq!(reads(&["Sales"], "SELECT * FROM orders"), ["Sales.orders"]);
    assert_eq!(reads(&["Sales"], "SELECT * FROM Sales.orders, orders o"), ["Sales.orders"]);
    let trips = "SELECT * FROM \"NYC-taxi-trips\"";
    assert!(prepared_in(&["Samples", "samples.dremio.com"], trips).is_ok());
    assert!(prepared_in(&["Samples"], trips).is_err());
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
        &Demo::get().unwrap().notes.iter().find(|note| note.path == path).unwrap().wiki
    };
    assert!(wiki(["Sales", "orders"]).contains("2023-01-01 to 2025-06-29"));
}

#[test]
fn names_belong_to_their_scope() {
    check_rows(
        "SELECT x FROM (SELECT 1 AS x) a WHERE EXISTS (SELECT 1 FROM (SELECT 1 AS y) b WHERE y = x)",
        "{\"x\":1}",
    );
    check_rows("SELECT * FROM (VALUES (1, 'a')) AS t(id, name)", "{\"id\":1,\"name\":\"a\"}");
    check_rows(
        "SELECT t.name FROM (VALUES (1, 'a')) AS t(id, name) WHERE id = 1",
        "{\"name\":\"a\"}",
    );
    check_rows(
        "SELECT * FROM (SELECT 1 AS k, 2 AS a) l JOIN (SELECT 1 AS k, 3 AS b) r USING (k)",
        "{\"k\":1,\"a\":2,\"b\":3}",
    );
    check_rows(
        "SELECT l.a, r.b FROM (SELECT 1 AS k, 2 AS a) l LEFT JOIN (SELECT 2 AS k, 3 AS b) r ON l.k = r.k",
        "{\"a\":2,\"b\":null}",
    );
    check_rows(
        "SELECT a.x + b.x AS s FROM (SELECT 1 AS x) a CROSS JOIN (SELECT 2 AS x) b",
        "{\"s\":3}",
    );
    check_rows(
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT y FROM b",
        "{\"y\":2}",
    );
    check_failed("SELECT x FROM (SELECT 1 AS x) a, (SELECT 2 AS x) b", "Column 'x' is ambiguous");
    check_failed(
        "SELECT o.order_id FROM (SELECT order_id FROM Sales.orders o) x",
        "Table 'o' not found",
    );
    check_failed(
        "SELECT 1 FROM (SELECT 1 AS x) a WHERE y = 1",
        "Column 'y' not found in any table",
    );
    check_failed("SELECT 1 FROM Sales.orders o, Sales.customers o", "Duplicate relation name 'o'");
}

#[test]
fn windows_lists_and_percentiles() {
    check_rows(
        "SELECT x, ROW_NUMBER() OVER (ORDER BY x DESC) AS n FROM (VALUES (1), (3), (2)) t(x) \
         QUALIFY n <= 2 ORDER BY x",
        "{\"x\":2,\"n\":2},{\"x\":3,\"n\":1}",
    );
    check_rows(
        "SELECT x FROM (VALUES (1), (3)) t(x) QUALIFY RANK() OVER (ORDER BY x) = 2",
        "{\"x\":3}",
    );
    check_rows(
        "SELECT SUM(x) OVER w AS s FROM (VALUES (1), (3)) t(x) WINDOW w AS (ORDER BY x)",
        "{\"s\":1},{\"s\":4}",
    );
    check_rows(
        "SELECT city, FLATTEN(loc) AS l FROM Samples.\"samples.dremio.com\".\"zips.json\" WHERE city = 'AGAWAM'",
        "{\"city\":\"AGAWAM\",\"l\":-72.622739},{\"city\":\"AGAWAM\",\"l\":42.070206}",
    );
    check_rows("SELECT x FROM (SELECT FLATTEN(ARRAY[1, 2]) AS x) WHERE x > 1", "{\"x\":2}");
    check_rows(
        "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x) AS c, \
         PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x DESC) AS d FROM (VALUES (1), (2), (4), (9)) t(x)",
        "{\"c\":3.0,\"d\":4}",
    );
    check_rows(
        "SELECT LISTAGG(x, '-') WITHIN GROUP (ORDER BY x DESC) AS l FROM (VALUES ('a'), ('b')) t(x)",
        "{\"l\":\"b-a\"}",
    );
    check_rows(
        "SELECT DISTINCT x % 2 AS r FROM (VALUES (1), (2), (3)) t(x) ORDER BY x % 2 DESC",
        "{\"r\":1},{\"r\":0}",
    );
}
