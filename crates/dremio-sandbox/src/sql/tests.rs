//! Queries from text to rows. The cases are in `tests`: a statement, then `=> ` and its rows (`*`
//! for any) or `!! ` and a part of its error; or on one line an expression, ` => ` and its value.

use std::sync::Arc;

use super::*;
use crate::data::Demo;
use crate::engine;
use crate::values::{ResultSet, Table};

fn prepared_in(context: &[&str], sql: &str) -> Result<Query, SqlError> {
    let demo = Demo::get().unwrap();
    let tokens = tokenize(sql).map_err(|cause| lexical(sql, &cause))?;
    let context: Vec<String> = context.iter().map(|name| (*name).to_owned()).collect();
    let at = Environment { namespace: &demo.namespace, context: &context, user: "dremio" };
    Query::prepare(sql, &tokens, at)
}

fn run(sql: &str) -> Result<Table, SqlError> {
    let query = prepared_in(&[], sql)?;
    engine::run(&query, &Demo::get().unwrap().database, &|_| Vec::new(), Arc::new(|| false))
}

fn check_rows(sql: &str, expected: &str) {
    let table = run(sql).unwrap_or_else(|cause| panic!("{sql}: {cause:?}"));
    let page = ResultSet::new(&table).page(0, 100);
    let rows = page.split_once("\"rows\":[").and_then(|(_, rows)| rows.strip_suffix("]}"));
    assert!(expected == "*" || rows == Some(expected), "{sql}: {rows:?}, not {expected}");
}

/// Whatever fails does so in Dremio's words or ours, never in those of what is below.
fn check_failed(sql: &str, expected: &str) {
    let (Err(SqlError::Failed(message)) | Err(SqlError::Syntax(message))) = run(sql) else {
        panic!("{sql} does not fail");
    };
    assert!(message.contains(expected), "{sql}: {message}");
    let has_list = message.contains("\nWas expecting one of:\n    ");
    assert_eq!(message.starts_with("Encountered"), has_list, "{sql}: {message}");
    let lower = message.to_lowercase();
    let below = ["dremio_", "sqlite", "json_", "\"t1", "misuse", "near "];
    let shown = sql.to_lowercase();
    let leaks = |name: &&&str| lower.contains(**name) && !shown.contains(**name);
    assert_eq!(below.iter().find(leaks), None, "{sql}: {message}");
}

fn check_cases(cases: &str) {
    let mut sql = String::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(rows) = line.strip_prefix("=>") {
            check_rows(std::mem::take(&mut sql).trim_end(), rows.trim_start());
        } else if let Some(words) = line.strip_prefix("!!") {
            check_failed(std::mem::take(&mut sql).trim_end(), words.trim_start());
        } else if let (true, Some((expression, value))) = (sql.is_empty(), line.split_once(" => "))
        {
            check_rows(&format!("SELECT {expression} AS x"), &format!("{{\"x\":{value}}}"));
        } else {
            sql.push_str(line);
            sql.push('\n');
        }
    }
    assert!(sql.is_empty(), "{sql} has no outcome");
}

#[test]
fn queries_give_their_rows() {
    check_cases(include_str!("tests/queries.txt"));
}

#[test]
fn expressions_give_their_values() {
    check_cases(include_str!("tests/values.txt"));
    check_rows(&format!("SELECT 2 IN ({}2) AS x", "1, ".repeat(3_000)), "{\"x\":true}");
}

#[test]
fn mistakes_are_named() {
    check_cases(include_str!("tests/refusals.txt"));
    check_failed("", "Encountered \"<EOF>\" at line 1, column 1.");
}

#[test]
fn the_context_comes_first() {
    let reads = |context: &[&str], sql: &str| {
        let query = prepared_in(context, sql).unwrap();
        let names = |all: &[Arc<crate::catalog::Dataset>]| {
            all.iter().map(|dataset| dataset.path.join(".")).collect::<Vec<_>>()
        };
        (names(&query.queried), names(&query.scanned))
    };
    let orders = (vec!["Sales.orders".to_owned()], vec!["Warehouse.shop.orders".to_owned()]);
    assert_eq!(reads(&["Sales"], "SELECT * FROM orders"), orders);
    assert_eq!(reads(&["Sales"], "SELECT * FROM Sales.orders, orders o"), orders);
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
    check(
        "SELECT c.address, o.*, c.customer_id FROM Sales.customers c \
         JOIN (SELECT customer_id FROM Sales.orders) o ON o.customer_id = c.customer_id LIMIT 1",
        &["address", "customer_id", "customer_id0"],
    );
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
fn an_endless_query_can_be_stopped() {
    let sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let query = prepared_in(&[], sql).unwrap();
    let database = &Demo::get().unwrap().database;
    let outcome = engine::run(&query, database, &|_| Vec::new(), Arc::new(|| true));
    assert!(matches!(outcome, Err(SqlError::Interrupted)), "{outcome:?}");
}

#[test]
fn deep_nesting_is_refused() {
    let sql = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    check_failed(&sql, "nested too deeply");
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
