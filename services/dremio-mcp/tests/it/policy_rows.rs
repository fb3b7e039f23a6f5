//! Rows that a client with a policy gets besides those of its queries.

use std::cell::RefCell;

use serde_json::json;

use crate::policy::{ALL, each, two};
use crate::support::{KEY, OTHER_KEY, eventually};

#[tokio::test]
async fn a_result_is_not_read_on_once_its_client_may_name_less() {
    let may_name = |schemas| format!("tools = [\"*\"]\nschemas = {schemas}");
    let (more, less) = (may_name("[\"Sales\"]"), may_name("[]"));
    let policy = two(&more);
    for (engine, setting, sales, _) in each(&policy).await {
        // All gateways follow one file.
        policy.write(&[("sales", &[KEY], &more), ("all", &[OTHER_KEY], ALL)]);
        let sql = "SELECT customer_id FROM Sales.customers";
        let first = RefCell::new(String::new());
        eventually("the query is allowed", async || {
            let said = sales.text("RunSqlQuery", json!({ "query": sql, "max_rows": 2 })).await;
            first.replace(said);
            first.borrow().contains("job_id=")
        })
        .await;
        let first = first.into_inner();
        let handle = first.split("job_id=").nth(1).unwrap().split([',', ')', ' ']).next().unwrap();
        let on = json!({ "job_id": handle.trim_matches('"'), "offset": 2, "max_rows": 2 });
        assert!(sales.text("GetQueryResult", on.clone()).await.contains("of 400"), "{engine}");
        policy.write(&[("sales", &[KEY], &less), ("all", &[OTHER_KEY], ALL)]);
        eventually("the new policy is in force", async || {
            let said = sales.text("GetQueryResult", on.clone()).await;
            said.contains("was not given to you")
        })
        .await;
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_client_without_the_query_tool_sees_no_rows() {
    let policy = two("tools = [\"GetSchemaOfTable\"]\nschemas = [\"Sales\"]");
    for (engine, setting, sales, all) in each(&policy).await {
        for detail in ["sample", "profile"] {
            let asked = json!({ "table_name": "Sales.customers", "detail": detail });
            let refused = sales.text("GetSchemaOfTable", asked.clone()).await;
            assert!(refused.contains("this key may run no queries"), "{engine}: {refused}");
            let shown = all.text("GetSchemaOfTable", asked).await;
            assert!(!shown.contains("may run no queries"), "{engine}: {shown}");
        }
        let columns =
            sales.text("GetSchemaOfTable", json!({ "table_name": "Sales.customers" })).await;
        assert!(columns.contains("customer_id"), "{engine}: {columns}");
        setting.gateway.stop().await;
    }
}
