//! What expressions give, and of which type.

use super::*;

#[test]
fn dremio_syntax_is_understood() {
    let check = |expression: &str, expected: &str| {
        check_rows(&format!("SELECT {expression} AS x"), &format!("{{\"x\":{expected}}}"));
    };
    check("CAST('1' AS DECIMAL(10, 2))", "1.00");
    check("DATE '2024-01-31'", "\"2024-01-31\"");
    check("TIMESTAMP '2024-01-31 10:00:00'", "\"2024-01-31 10:00:00.000\"");
    check("DATE '2024-03-05' - INTERVAL '7' DAY", "\"2024-02-27\"");
    check("INTERVAL '1' DAY + DATE '2024-03-05'", "\"2024-03-06\"");
    check("CURRENT_DATE() - INTERVAL 1 MONTH < CURRENT_DATE", "true");
    check(
        "TIMESTAMP '2024-01-31 10:00:00' + INTERVAL '1 02:03:04' DAY TO SECOND",
        "\"2024-02-01 12:03:04.000\"",
    );
    check("DATE '2024-01-31' + INTERVAL '1-1' YEAR TO MONTH", "\"2025-02-28\"");
    check("DATE '2024-01-31' + CAST(2 AS INTERVAL DAY)", "\"2024-02-02\"");
    check("(1) + 2 - 3", "0");
    check("'a' ILIKE 'A%'", "true");
    check("'a' LIKE 'A%'", "false");
    check("'100%' LIKE '100!%' ESCAPE '!'", "true");
    check("'abc' LIKE ANY ('x%', 'a%')", "true");
    check("'abc' LIKE ALL ('%c', 'a%')", "true");
    check("'abc' NOT LIKE ALL ('%c', 'x%')", "true");
    check("TIMESTAMPADD(DAY, 1, DATE '2024-01-31')", "\"2024-02-01\"");
    check("SUBSTRING('abc' FROM 2 FOR 1)", "\"b\"");
    check("TRIM(LEADING 'x' FROM 'xax')", "\"ax\"");
    check("TRIM(' a ')", "\"a\"");
    check("POSITION('b' IN 'abc')", "2");
    check("EXTRACT(YEAR FROM DATE '2024-02-28')", "2024");
    check("NDV(1)", "1");
    check("CASE WHEN 1 > 2 THEN 1 ELSE 2.5 END", "2.5");
    check("1 IS NOT DISTINCT FROM 1", "true");
    check("NULL IS NOT DISTINCT FROM 1", "false");
    check("NULLIF(CAST(NULL AS DATE), DATE '2024-01-31')", "null");
    check("NULLIF(1, CAST(NULL AS INTEGER))", "1");
    check("ARRAY[1, 2.5]", "[1.0,2.5]");
    check("ARRAY[ARRAY[1], ARRAY[2, 3]]", "[[1],[2,3]]");
    check("MAP['a', 1, 'b', 2]", "{\"a\":1,\"b\":2}");
    check("MAP['a', 1, 'b', 2]['b']", "2");
    check_rows("SELECT 1 AS x OFFSET 0 ROWS FETCH NEXT 3 ROWS ONLY", "{\"x\":1}");
    check_rows("SELECT 1 AS x LIMIT 3 OFFSET 2", "");
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
        "SELECT order_date + INTERVAL '1.5' SECOND FROM Sales.orders",
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
    check_failed("SELECT 1 / 0", "divide by zero");
    check_failed("SELECT 1.5 / 0", "divide by zero");
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
fn columns_have_one_type_over_all_branches() {
    check_rows("SELECT 1 AS x UNION ALL SELECT 2.5", "{\"x\":1.0},{\"x\":2.5}");
    check_rows("SELECT SUM(x) AS s FROM (SELECT 1 AS x UNION ALL SELECT 2.5) t", "{\"s\":3.5}");
    check_rows(
        "SELECT 'orders' AS what, COUNT(*) AS n FROM Sales.orders UNION ALL \
         SELECT 'average amount', AVG(total_amount) FROM Sales.orders",
        "{\"what\":\"orders\",\"n\":3000.000000},{\"what\":\"average amount\",\"n\":169.979003}",
    );
    let both = run(
        "SELECT o.*, c.* FROM Sales.orders o JOIN Sales.customers c ON o.customer_id = c.customer_id",
    );
    let names: Vec<String> =
        both.unwrap().columns.iter().map(|column| column.name.clone()).collect();
    assert_eq!(names.last().map(String::as_str), Some("address"));
    assert!(names.contains(&"customer_id0".to_owned()), "{names:?}");
    check_failed("SELECT 1 UNION ALL SELECT 'a'", "Type mismatch in column 1 of UNION ALL");
    check_failed("SELECT 1 UNION SELECT 1, 2", "Column count mismatch in UNION");
    check_rows(
        "SELECT 1 AS x UNION SELECT NULL UNION ALL SELECT 2.50 ORDER BY x DESC",
        "{\"x\":null},{\"x\":2.50},{\"x\":1.00}",
    );
    check_rows(
        "SELECT CAST(x AS VARCHAR) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2e0)",
        "{\"x\":\"1.0\"},{\"x\":\"2.0\"}",
    );
    check_rows("(SELECT 1 AS x UNION ALL SELECT 2) EXCEPT SELECT 2", "{\"x\":1}");
    check_rows("SELECT 1 AS x UNION ALL (SELECT 2 EXCEPT SELECT 2)", "{\"x\":1}");
    check_rows("SELECT 3 AS x UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1", "{\"x\":2},{\"x\":3}");
    check_rows(
        "VALUES (1, 'a'), (2.5, NULL)",
        "{\"EXPR$0\":1.0,\"EXPR$1\":\"a\"},{\"EXPR$0\":2.5,\"EXPR$1\":null}",
    );
}
