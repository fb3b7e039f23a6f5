//! Mistakes of agents, a few of each kind; what Dremio says is from its source.

use super::super::not_the_querys_fault;
use super::{advise, catalog, check};

#[test]
fn columns() {
    let nowhere = |name: &str| format!("Column '{name}' not found in any table");
    for (sql, name, needs) in [
        (
            "SELECT amount FROM Sales.orders",
            "amount",
            &["Did you mean total_amount", "\"Sales\".\"orders\" has order_id, customer_id"][..],
        ),
        ("SELECT qty FROM Sales.order_items", "qty", &["quantity"]),
        (
            "SELECT o.order_id, email FROM Sales.orders o",
            "email",
            &["\"Sales\".\"customers\" has email (join on customer_id)"],
        ),
        ("SELECT ROWNUM FROM Sales.orders", "ROWNUM", &["LIMIT n", "ROW_NUMBER()"]),
        ("SELECT 1 FROM Sales.orders WHERE status = OPEN", "OPEN", &["write 'OPEN'"]),
        (
            "SELECT 1 FROM Sales.orders WHERE status IN (\"OPEN\", \"SHIPPED\")",
            "OPEN",
            &["write 'OPEN' instead of \"OPEN\""],
        ),
        (
            "SELECT customer_id, SUM(total_amount) AS t FROM Sales.orders WHERE t > 9 GROUP BY \
             customer_id",
            "t",
            &["HAVING SUM(total_amount)"],
        ),
        (
            "SELECT order_id, ROW_NUMBER() OVER (ORDER BY order_id) AS rn FROM Sales.orders WHERE \
             rn = 1",
            "rn",
            &["QUALIFY rn"],
        ),
    ] {
        check(sql, &nowhere(name), needs);
        check(sql, &format!("From line 1, column 8 to line 1, column 9: {}", nowhere(name)), needs);
        check(
            sql,
            &format!("VALIDATION ERROR: {}\n\nSQL Query {sql}\nstartLine 1", nowhere(name)),
            needs,
        );
    }
    check(
        "SELECT o.name FROM Sales.orders o JOIN Sales.customers c ON o.customer_id = c.customer_id",
        "Column 'name' not found in table 'o'",
        &["write c.name"],
    );
}

#[test]
fn objects() {
    let context = ". Please check that it exists in the selected context.";
    for (sql, said, needs) in [
        (
            "SELECT * FROM Sales.orderz",
            "Object 'orderz' not found within 'Sales'",
            &["Did you mean \"Sales\".\"orders\""][..],
        ),
        (
            "SELECT * FROM Sales",
            "Object 'Sales' not found",
            &["\"Sales\" is a folder", "\"Sales\".\"orders\"", "not formatted as a table"],
        ),
        (
            "SELECT * FROM Warehouse.shop",
            "Object 'shop' not found within 'Warehouse'",
            &["\"Warehouse\".\"shop\".\"orders\""],
        ),
        (
            "SELECT * FROM Samples.\"samples.dremio.com\".\"new.csv\"",
            "Object 'new.csv' not found within 'Samples.samples.dremio.com'",
            &["not formatted as a table"],
        ),
        (
            "SELECT * FROM Samples.\"samples.dremio.com\".zip",
            "Object 'zip' not found within 'Samples.samples.dremio.com'",
            &["\"Samples\".\"samples.dremio.com\".\"zips.json\""],
        ),
        ("SELECT 1 FROM DUAL", "Object 'DUAL' not found", &["leave FROM away"]),
        (
            "SELECT * FROM pg_catalog.pg_tables",
            "Object 'pg_catalog' not found",
            &["INFORMATION_SCHEMA.\"TABLES\""],
        ),
        (
            "SELECT * FROM sys.project.jobs",
            "Object 'project' not found within 'sys'",
            &["sys.jobs"],
        ),
        (
            "WITH recent AS (SELECT 1 AS x) SELECT * FROM recents",
            "Object 'recents' not found",
            &["recent, which WITH defines"],
        ),
        (
            "SELECT * FROM Finance.nothing",
            "Object 'nothing' not found within 'Finance'",
            &["\"Finance\" holds \"Finance\".\"reports\".\"order-margin\""],
        ),
        (
            "SELECT * FROM finance.reports.x.y",
            "Object 'x' not found within 'finance.reports'",
            &["holds \"Finance\".\"reports\".\"order-margin\""],
        ),
    ] {
        check(sql, &format!("{said}{context}"), needs);
        check(
            sql,
            &format!("VALIDATION ERROR: From line 1, column 15 to line 1, column 19: {said}"),
            needs,
        );
    }
    check("SELECT x.order_id FROM Sales.orders o", "Table 'x' not found", &["FROM has o"]);
    check(
        "SELECT address.city FROM Sales.customers",
        "Table 'address' not found",
        &["customers.address.field"],
    );
}

#[test]
fn functions() {
    for (sql, name, needs) in [
        ("SELECT GETDATE()", "GETDATE()", &["CURRENT_TIMESTAMP"][..]),
        (
            "SELECT DATEADD('month', 1, order_date) FROM Sales.orders",
            "DATEADD(<CHARACTER>, <NUMERIC>, <DATE>)",
            &["TIMESTAMPADD(MONTH, 1, order_date)"],
        ),
        (
            "SELECT DATE_DIFF('day', a, b) FROM t",
            "DATE_DIFF(<CHARACTER>, <DATE>, <DATE>)",
            &["TIMESTAMPDIFF(DAY, a, b)"],
        ),
        (
            "SELECT DATE_TRUNC(order_date, 'month') FROM Sales.orders",
            "DATE_TRUNC(<DATE>, <CHARACTER>)",
            &["DATE_TRUNC('MONTH', order_date)"],
        ),
        (
            "SELECT NVL2(a, b, c) FROM t",
            "NVL2(<A>, <B>, <C>)",
            &["CASE WHEN a IS NOT NULL THEN b ELSE c END"],
        ),
        ("SELECT DATE_TRUC('month', a) FROM t", "DATE_TRUC(<CHARACTER>, <DATE>)", &["DATE_TRUNC"]),
        ("SELECT FROBNICATE(a) FROM t", "FROBNICATE(<CHARACTER>)", &["SHOW FUNCTIONS"]),
        (
            "SELECT JSON_EXTRACT(a, '$.b.c[0]') FROM t",
            "JSON_EXTRACT(<CHARACTER>, <CHARACTER>)",
            &["CONVERT_FROM(a, 'JSON')['b']['c'][0]"],
        ),
        (
            "SELECT IFNULL(SUM(a), 0) FROM t",
            "IFNULL(<NUMERIC>, <NUMERIC>)",
            &["COALESCE(SUM(a), 0)"],
        ),
    ] {
        check(sql, &format!("No match found for function signature {name}"), needs);
        check(
            sql,
            &format!(
                "From line 1, column 8 to line 1, column 19: No match found for function signature \
                 {name}"
            ),
            needs,
        );
    }
}

#[test]
fn values_and_groups() {
    for (sql, said, needs) in [
        ("SELECT a / b FROM t", "divide by zero", &["a / NULLIF(b, 0)"][..]),
        ("SELECT SUM(x) / COUNT(y) FROM t", "Division by zero", &["SUM(x) / NULLIF(COUNT(y), 0)"]),
        (
            "SELECT CAST(note AS BIGINT) FROM Sales.orders",
            "For input string: \"x\"",
            &["CAST(note AS BIGINT)", "REGEXP_LIKE(note"],
        ),
        (
            "SELECT name + '!' FROM Sales.customers",
            "Cannot apply '+' to arguments of type '<VARCHAR(65536)> + <CHAR(1)>'. Supported \
             form(s): '<NUMERIC> + <NUMERIC>'",
            &["name || '!'"],
        ),
        (
            "SELECT order_date + 7 FROM Sales.orders",
            "Cannot apply '+' to arguments of type '<DATE> + <INTEGER>'. Supported form(s): \
             '<NUMERIC> + <NUMERIC>'",
            &["DATE_ADD(order_date, 7)"],
        ),
        (
            "SELECT 1 FROM Sales.customers WHERE is_active = 1",
            "Cannot apply '=' to arguments of type '<BOOLEAN> = <INTEGER>'.",
            &["is_active is BOOLEAN", "TRUE"],
        ),
        (
            "SELECT DATE '31.12.2024'",
            "Illegal DATE literal '31.12.2024': not in format 'yyyy-MM-dd'",
            &["DATE '2024-12-31'"],
        ),
        (
            "SELECT status, channel, COUNT(*) FROM Sales.orders GROUP BY status",
            "Expression 'channel' is not being grouped",
            &["GROUP BY status, channel", "MAX(channel)"],
        ),
        (
            "SELECT *, COUNT(*) FROM Sales.orders GROUP BY status",
            "Expression 'orders.order_id' is not being grouped",
            &["SELECT status, COUNT(*)"],
        ),
        (
            "SELECT status FROM Sales.orders WHERE COUNT(*) > 1 AND channel = 'web' GROUP BY \
             status",
            "Aggregate expression is illegal in WHERE clause",
            &["HAVING COUNT(*) > 1"],
        ),
        (
            "SELECT order_id FROM Sales.orders o JOIN Sales.order_items i ON o.order_id = \
             i.order_id",
            "Column 'order_id' is ambiguous",
            &["o.order_id or i.order_id"],
        ),
        ("SELECT CAST(a AS STRING) FROM t", "Unknown identifier 'STRING'", &["CAST(a AS VARCHAR)"]),
        (
            "SELECT a FROM t; SELECT b FROM t",
            "Dremio only supports single statement execution. Unable to execute the given query \
             with 2 statements: x",
            &["one statement per call"],
        ),
    ] {
        check(sql, said, needs);
        check(sql, &format!("VALIDATION ERROR: {said}"), needs);
    }
}

#[test]
fn what_is_not_the_querys_fault() {
    for (said, need) in [
        (
            "Query was cancelled because it exceeded the memory limits set by the administrator.",
            "memory",
        ),
        (
            "One or more nodes lost connectivity during query.  Identified nodes were \
             [10.0.0.5:45678].",
            "nodes",
        ),
        (
            "Unable to acquire queue resources for query within timeout.  Timeout for SMALL queue \
             was set at 300 seconds.",
            "busy",
        ),
        ("SYSTEM ERROR: NullPointerException", "operator"),
        (
            "The source [lake] is currently unavailable. Metadata is not accessible; please check \
             node health (or external storage) and permissions.",
            "source",
        ),
        (
            "Error accessing table metadata created by Dremio, re-promote to refresh metadata.",
            "out of date",
        ),
        (
            "New schema found. Please reattempt the query. Multiple attempts may be necessary to \
             fully learn the schema.",
            "same query again",
        ),
        ("No executors currently available.", "nodes"),
        ("Failure parsing a view your query is dependent upon.", "owner"),
        (
            "PLAN ERROR: Error while expanding view Sales.v_orders. Column 'amount' not found in \
             any table. Verify the view’s SQL definition.",
            "Sales.v_orders",
        ),
    ] {
        let advice = advise("SELECT value FROM Sales.orders", said, Some(catalog()));
        let fix = &advice.fix;
        assert!(fix.starts_with("Nothing") && fix.contains(need), "{said}: {fix}");
        assert!(!fix.contains("reserved"), "{fix}");
    }
    // Names are no signs.
    check(
        "SELECT 1 FROM Sales.\"out of memory\"",
        "Object 'out of memory' not found within 'Sales'",
        &["\"Sales\""],
    );
}

#[test]
fn what_is_not_the_querys_fault_is_known_without_a_catalog() {
    for said in [
        "RESOURCE ERROR: Query cancelled by Workload Manager. Query enqueued time of 0.10 seconds \
         exceeded for 'High Cost User Queries' queue.",
        "Query was cancelled because it exceeded the memory limits set by the administrator.",
        "Error while expanding view Sales.v_orders. Column 'amount' not found in any table.",
    ] {
        let advice = not_the_querys_fault(said).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(advice, advise("SELECT value FROM Sales.orders", said, Some(catalog())));
    }
    for said in [
        "Object 'orderz' not found within 'Sales'",
        "Column 'out of memory' not found in any table",
        "Something else went wrong",
    ] {
        assert_eq!(not_the_querys_fault(said), None, "{said}");
    }
}

#[test]
fn dremios_sentence_stays_without_its_list() {
    let said = "PARSE ERROR: Failure parsing the query.\n\nSQL Query SET ROLE NONE;\nstartLine \
                1\n\n[Error \
                Id: a-b on c:31010]\n\n  (org.apache.calcite.sql.parser.SqlParseException) \
                Encountered \
                \"NONE\" at line 1, column 10.\nWas expecting one of:\n    \"=\" ...\n \
                com.dremio.X:361";
    let advice = advise("SET ROLE NONE", said, None);
    assert_eq!(
        advice.said,
        "PARSE ERROR: Failure parsing the query. Encountered \"NONE\" at line 1, column 10."
    );
}

#[test]
fn without_a_catalog_there_is_advice_too() {
    let said = "Object 'orderz' not found within 'Sales'";
    let advice = advise("SELECT * FROM Sales.orderz", said, None);
    assert!(advice.fix.contains("LIKE '%orderz%'"), "{}", advice.fix);
    let advice = advise("SELECT x FROM Sales.orders", "Column 'x' not found in any table", None);
    assert!(advice.fix.contains("TABLE_NAME = 'orders'"), "{}", advice.fix);
}
