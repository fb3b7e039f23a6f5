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
    let columns = "SELECT COUNT(*) AS n FROM INFORMATION_SCHEMA.\"COLUMNS\" WHERE TABLE_NAME = 'invoices_monthly_emea'";
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
