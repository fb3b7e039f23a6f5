//! What is there only on demand: a large catalog, large results, slow queries.

use std::time::Duration;

use dremio_sandbox::SlowQuery;
use serde_json::{Value, json};

use crate::support::Fixture;

#[tokio::test]
async fn a_large_catalog_on_demand() {
    let fixture = Fixture::start().await;
    let count =
        "SELECT COUNT(*) AS n FROM INFORMATION_SCHEMA.\"TABLES\" WHERE TABLE_SCHEMA LIKE 'Lake%'";
    assert_eq!(fixture.result(count).await["rows"], json!([{"n": 0}]));
    fixture.control().add_generated_tables(5_000);
    fixture.control().add_generated_tables(5_000);
    assert_eq!(fixture.result(count).await["rows"], json!([{"n": 5_000}]));
    let columns = "SELECT COUNT(*) AS n FROM INFORMATION_SCHEMA.\"COLUMNS\" WHERE TABLE_NAME = \
        'invoices_monthly_emea'";
    assert_eq!(fixture.result(columns).await["rows"], json!([{"n": 9}]));
    let path = "/api/v3/catalog/by-path/Lake/finance/invoices_monthly_emea";
    let (_, table) = fixture.get(path).await;
    assert_eq!(table["fields"].as_array().map(Vec::len), Some(9), "{table}");
    let id = table["id"].as_str().unwrap();
    let (_, wiki) = fixture.get(&format!("/api/v3/catalog/{id}/collaboration/wiki")).await;
    let text = wiki["text"].as_str().unwrap();
    assert!(text.contains("One row per invoice and month. Europe"), "{text}");
    let query = "SELECT currency, COUNT(*) AS n FROM Lake.finance.invoices GROUP BY currency";
    assert!(!fixture.result(query).await["rows"].as_array().unwrap().is_empty());
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn large_results_on_demand() {
    let fixture = Fixture::start().await;
    fixture.control().add_large_tables();
    let id = fixture.submit("SELECT row_id, remark FROM Large.many_rows").await;
    assert_eq!(fixture.ended(&id).await["rowCount"], 100_000);
    let (_, page) = fixture.get(&format!("/api/v3/job/{id}/results?offset=99999")).await;
    assert_eq!(page["rows"][0]["row_id"], 100_000);
    let wide = "SELECT * FROM Large.wide_cells WHERE row_id IN (1, 100)";
    let rows = fixture.result(wide).await;
    let width = |row: usize| rows["rows"][row]["content"].as_str().map(str::len);
    assert_eq!((width(0), width(1)), (Some(2_000), Some(5_000_000)));
    let repeated = "SELECT REPEAT('x', 5000000) AS x";
    assert_eq!(
        fixture.result(repeated).await["rows"][0]["x"].as_str().map(str::len),
        Some(5_000_000)
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn only_the_named_query_is_slow() {
    let fixture = Fixture::start().await;
    let slow = SlowQuery {
        containing: "from sales.products".to_owned(),
        duration: Duration::from_secs(600),
    };
    fixture.control().slow_down(slow);
    let slow = fixture.submit("SELECT *\nFROM Sales.products").await;
    fixture.result("SELECT COUNT(*) FROM Sales.orders").await;
    let state = async || fixture.get(&format!("/api/v3/job/{slow}")).await.1["jobState"].clone();
    assert_eq!(state().await, "PENDING");
    fixture.control().end_slow_queries();
    fixture.result("SELECT * FROM Sales.products").await;
    let (status, _) = fixture.post(&format!("/api/v3/job/{slow}/cancel"), &Value::Null).await;
    assert_eq!(status, 204);
    assert_eq!(state().await, "CANCELED");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn rare_entries_on_demand() {
    let fixture = Fixture::start().await;
    fixture.control().add_rare_entries();
    let failure =
        async |sql: &str, expected: &str| assert_eq!(fixture.failure(sql).await, expected);
    failure(
        "SELECT * FROM Rare.lost_column",
        "Error while expanding view Rare.lost_column. Column 'gross_amount' not found in any \
         table. Verify the view’s SQL definition.",
    )
    .await;
    failure(
        "SELECT order_id FROM Rare.lost_table WHERE order_id = 1",
        "Error while expanding view Rare.lost_table. Object 'invoices' not found within \
         'Warehouse.shop'. Verify the view’s SQL definition.",
    )
    .await;
    failure(
        "SELECT * FROM Samples.\"samples.dremio.com\".\"zip_lookup.csv\"",
        "Object 'zip_lookup.csv' not found within 'Samples.samples.dremio.com'. Please check \
         that it exists in the selected context.",
    )
    .await;
    failure(
        "SELECT Rare.net_price(price) FROM Sales.products",
        "The user-defined function Rare.net_price is not supported by this stand-in for Dremio.",
    )
    .await;
    failure(
        "SELECT * FROM Rare.net_price",
        "Object 'net_price' not found within 'Rare'. Please check that it exists in the selected \
         context.",
    )
    .await;
    let (_, folder) = fixture.get("/api/v3/catalog/by-path/Samples/samples.dremio.com").await;
    let children = folder["children"].as_array().unwrap();
    let file = children.iter().find(|child| child["type"] == "FILE").unwrap();
    assert_eq!(file["id"], "dremio:/Samples/samples.dremio.com/zip_lookup.csv");
    let path = "/api/v3/catalog/by-path/Samples/samples.dremio.com/zip_lookup.csv";
    assert_eq!(fixture.get(path).await.1["entityType"], "file");
    let (_, space) = fixture.get("/api/v3/catalog/by-path/Rare").await;
    let function = &space["children"][2];
    assert_eq!(function["containerType"], "FUNCTION", "{space}");
    let id = function["id"].as_str().unwrap();
    let (_, function) = fixture.get(&format!("/api/v3/catalog/{id}")).await;
    assert_eq!(
        (&function["entityType"], &function["isScalar"]),
        (&json!("function"), &json!(true))
    );
    let listed = fixture.result("SHOW FUNCTIONS").await;
    assert_eq!(listed["rows"], json!([{"FUNCTION_NAME": "net_price"}]));
    let described = fixture.result("SELECT name FROM sys.user_defined_functions").await;
    assert_eq!(described["rows"], json!([{"name": "Rare.net_price"}]));
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn tables_in_iceberg_format_have_versions() {
    let fixture = Fixture::start().await;
    fixture.control().add_generated_tables(1);
    let table = "SELECT COUNT(*) AS n FROM Lake.finance.invoices AT";
    let now = fixture.result(&format!("{table} TIMESTAMP '2025-06-01 00:00:00'")).await;
    assert_eq!(now["rows"], json!([{"n": 20}]));
    assert_eq!(
        fixture.failure(&format!("{table} TIMESTAMP '2024-01-01 00:00:00'")).await,
        "For table '[Lake, finance, invoices]', the provided time travel timestamp value \
         '1704067200000' is out of range"
    );
    assert_eq!(
        fixture.failure(&format!("{table} SNAPSHOT '1'")).await,
        "For table '[Lake, finance, invoices]', the provided snapshot ID '1' is invalid"
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn syntax_errors_have_two_forms() {
    let fixture = Fixture::start().await;
    let mistakes = ["SELECT 1 FROM", "SELECT * FROM @dremio", "SHOW NOTHING"];
    fixture.control().set_bare_syntax_errors(true);
    for mistake in mistakes {
        assert_eq!(fixture.failure(mistake).await, "Failure parsing the query.");
    }
    let column = "Column 'nope' not found in any table";
    assert_eq!(fixture.failure("SELECT nope FROM Sales.orders").await, column);
    fixture.control().set_bare_syntax_errors(false);
    for mistake in mistakes {
        assert!(fixture.failure(mistake).await.contains(" at line 1, column "));
    }
    fixture.sandbox.stop().await;
}
