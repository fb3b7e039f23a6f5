//! SQL and jobs (contract §4).

use std::time::Duration;

use dremio_sandbox::JobState;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Fixture;

#[tokio::test]
async fn a_job_from_submission_to_its_pages() {
    let fixture = Fixture::start().await;
    let id = fixture.submit("SELECT order_id FROM Sales.orders ORDER BY order_id").await;
    let job = fixture.ended(&id).await;
    assert_eq!(job["jobState"], "COMPLETED");
    assert_eq!(job["rowCount"], 3_000);
    assert_eq!((&job["errorMessage"], &job["cancellationReason"]), (&json!(""), &json!("")));
    assert_eq!(job["queryType"], "REST");
    assert!(job.get("id").is_none() && job.get("sql").is_none());
    assert!(job["endedAt"].as_str().unwrap().ends_with('Z'));
    let page = async |query: &str| fixture.get(&format!("/api/v3/job/{id}/results{query}")).await;
    let (_, first) = page("").await;
    assert_eq!(first["rows"].as_array().unwrap().len(), 100);
    assert_eq!(first["rowCount"], 3_000);
    let (_, last) = page("?offset=2999&limit=500").await;
    assert_eq!(last["rows"], json!([{"order_id": 3_000}]));
    let (status, past) = page("?offset=3000").await;
    assert_eq!((status, &past["rows"], &past["rowCount"]), (200, &json!([]), &json!(3_000)));
    let (status, body) = page("?limit=501").await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (400, Some("limit can not exceed 500 rows"))
    );
    assert_eq!(page("?limit=abc").await.0, 404);
    fixture.control().expire_results();
    let (status, body) = page("").await;
    assert_eq!(status, 400);
    assert_eq!(body["errorMessage"], format!("Error in Job '{id}': output doesn't exist"));
    assert_eq!(fixture.ended(&id).await["rowCount"], 3_000, "the job itself is still there");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn a_slow_job_goes_through_its_states() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_millis(1_000));
    let id = fixture.submit("SELECT 1").await;
    let (status, body) = fixture.get(&format!("/api/v3/job/{id}/results")).await;
    let message = body["errorMessage"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(
        message.starts_with("Can not fetch details for a job that is in [")
            && message.ends_with("] state."),
        "{message}"
    );
    let mut seen: Vec<String> = Vec::new();
    loop {
        let (_, job) = fixture.get(&format!("/api/v3/job/{id}")).await;
        let state = job["jobState"].as_str().unwrap().to_owned();
        assert_eq!(job.get("endedAt").is_some(), state == "COMPLETED");
        if seen.last() != Some(&state) {
            seen.push(state.clone());
        }
        if state == "COMPLETED" {
            break;
        }
    }
    let order = [
        "PENDING",
        "METADATA_RETRIEVAL",
        "PLANNING",
        "QUEUED",
        "EXECUTION_PLANNING",
        "STARTING",
        "RUNNING",
        "COMPLETED",
    ];
    let ranks: Vec<usize> =
        seen.iter().map(|state| order.iter().position(|known| known == state).unwrap()).collect();
    assert!(ranks.is_sorted() && ranks.len() > 2, "{seen:?}");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn jobs_can_be_cancelled() {
    let fixture = Fixture::start().await;
    let cancel =
        async |id: &str| fixture.post(&format!("/api/v3/job/{id}/cancel"), &json!({})).await;
    // One that only waits, and one that really runs for ever.
    fixture.control().set_job_duration(Duration::from_secs(3_600));
    let waiting = fixture.submit("SELECT 1").await;
    fixture.control().set_job_duration(Duration::ZERO);
    let endless = fixture
        .submit(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
        SELECT COUNT(*) FROM n",
        )
        .await;
    for id in [&waiting, &endless] {
        assert_eq!(cancel(id).await.0, 204);
        let job = fixture.ended(id).await;
        assert_eq!(job["jobState"], "CANCELED");
        assert_eq!(job["cancellationReason"], "Query cancelled by user 'dremio'");
        let (status, body) = cancel(id).await;
        assert_eq!(
            (status, body["errorMessage"].clone()),
            (404, json!(format!("Could not find a job with id [{id}]")))
        );
    }
    let unknown = "00000000-0000-0000-0000-000000000000";
    assert_eq!(cancel(unknown).await.0, 404);
    assert_eq!(fixture.get(&format!("/api/v3/job/{unknown}")).await.0, 404);
    let (status, body) = cancel("nonsense").await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (500, Some("UNKNOWN: Invalid UUID string: nonsense"))
    );
    let records = fixture.control().jobs();
    assert!(
        records.iter().all(|job| job.cancel_requested && job.state == JobState::Canceled),
        "{records:?}"
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn stopping_ends_an_endless_statement() {
    let fixture = Fixture::start().await;
    fixture
        .submit(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT \
        COUNT(*) FROM n",
        )
        .await;
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn mistakes_are_failed_jobs() {
    let fixture = Fixture::start().await;
    let failure = fixture.failure("SELECT * FROM Sales.nope").await;
    assert_eq!(
        failure,
        "Object 'nope' not found within 'Sales'. Please check that it exists in the selected \
            context."
    );
    assert!(
        fixture.failure("SELEC 1").await.starts_with("Encountered \"SELEC\" at line 1, column 1.")
    );
    assert!(fixture.failure("").await.starts_with("Encountered \"<EOF>\""));
    assert!(
        fixture
            .failure("SELECT 1; SELECT 2")
            .await
            .starts_with("Dremio only supports single statement execution.")
    );
    assert!(fixture.failure("DROP TABLE Sales.orders").await.contains("read-only"));
    assert!(
        fixture
            .failure("SELECT * FROM sys.organization.users")
            .await
            .starts_with("Object 'organization' not found within 'sys'")
    );
    assert!(fixture.failure("SELECT * FROM sys.roles").await.contains("sys.roles"));
    let (_, body) = fixture.post("/api/v3/sql", &json!({})).await;
    assert_eq!(fixture.ended(body["id"].as_str().unwrap()).await["jobState"], "FAILED");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn cells_keep_their_spelling() {
    let fixture = Fixture::start().await;
    let sql = "SELECT a_decimal, a_bigint, a_double, a_long_decimal, a_timestamp, a_struct, \
        a_map, a_varbinary \
               FROM Samples.\"samples.dremio.com\".\"Dremio University\".\"all_types.parquet\"";
    let text = fixture.result_text(sql).await;
    let first = "{\"a_decimal\":12.50,\"a_bigint\":9223372036854775807,\"a_double\":1.0E10,\
                 \"a_long_decimal\":1234567890123456789012345678.9012345678,\
                 \"a_timestamp\":\"2024-01-31 13:45:01.123\",\
                 \"a_struct\":{\"name\":\"Ada\",\"score\":9.5},\"a_map\":{\"x\":1,\"y\":2},\
                 \"a_varbinary\":\"3q2+7w==\"}";
    assert!(text.contains(first), "{text}");
    assert!(text.contains("\"a_double\":\"-Infinity\""), "{text}");
    assert!(text.contains("\"a_decimal\":null"), "{text}");
    assert!(
        text.contains(
            "{\"name\":\"a_decimal\",\"type\":{\"name\":\"DECIMAL\",\"precision\":10,\"scale\":2}}"
        ),
        "{text}"
    );
    let request = fixture.submit("SELECT 1.50 AS x").await;
    fixture.ended(&request).await;
    let pretty = fixture
        .request(Method::GET, &format!("/api/v3/job/{request}/results?pretty"))
        .send()
        .await
        .unwrap();
    assert!(pretty.text().await.unwrap().contains("\"x\" : 1.50"));
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn context_is_per_call() {
    let fixture = Fixture::start().await;
    let (_, body) = fixture
        .post(
            "/api/v3/sql",
            &json!({"sql": "SELECT COUNT(*) AS n FROM orders", "context": ["Sales"]}),
        )
        .await;
    assert_eq!(fixture.ended(body["id"].as_str().unwrap()).await["jobState"], "COMPLETED");
    fixture.result("USE Sales").await;
    assert!(
        fixture.failure("SELECT * FROM orders").await.starts_with("Object 'orders' not found.")
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn system_tables_show_the_state() {
    let fixture = Fixture::start().await;
    fixture.failure("SELECT broken").await;
    let jobs = fixture
        .result(
            "SELECT status, user_name, query, error_msg FROM sys.jobs_recent \
        WHERE status = 'FAILED'",
        )
        .await;
    assert_eq!(
        jobs["rows"],
        json!([{"status": "FAILED", "user_name": "dremio", "query": "SELECT \
            broken", "error_msg": "Column 'broken' not found in any table"}])
    );
    let live = fixture.result("SELECT COUNT(*) AS n FROM sys.jobs").await;
    assert_eq!(live["rows"], json!([{"n": 1}]), "this statement itself");
    let columns = fixture
        .result(
            "SELECT COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE FROM \
                INFORMATION_SCHEMA.COLUMNS \
             WHERE TABLE_SCHEMA = 'Warehouse.shop' AND TABLE_NAME = 'customers' AND \
             ORDINAL_POSITION IN (1, 2, 9, 10, 11)",
        )
        .await;
    let expected = [
        ("customer_id", "BIGINT", json!(64), json!(0)),
        ("name", "CHARACTER VARYING", Value::Null, Value::Null),
        ("credit_limit", "DECIMAL", json!(10), json!(2)),
        ("tags", "ARRAY", Value::Null, Value::Null),
        ("address", "ROW", Value::Null, Value::Null),
    ]
    .map(|(name, ty, precision, scale)| {
        json!({"COLUMN_NAME": name, "DATA_TYPE": ty, "NUMERIC_PRECISION": precision,
            "NUMERIC_SCALE": scale})
    });
    assert_eq!(columns["rows"], json!(expected));
    let tables = fixture
        .result(
            "SELECT TABLE_SCHEMA, TABLE_TYPE FROM INFORMATION_SCHEMA.\"TABLES\" WHERE \
            TABLE_NAME = 'NYC-taxi-trips'",
        )
        .await;
    assert_eq!(
        tables["rows"],
        json!([{"TABLE_SCHEMA": "Samples.samples.dremio.com", "TABLE_TYPE": "TABLE"}])
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn the_lifetime_of_tokens_is_an_option() {
    let fixture = Fixture::start().await;
    let changed = fixture.result("ALTER SYSTEM SET \"token.expiration.min\" = 60").await;
    assert_eq!(changed["rows"], json!([{"ok": true, "summary": "token.expiration.min updated."}]));
    let option = fixture
        .result("SELECT num_val, status FROM sys.options WHERE name = 'token.expiration.min'")
        .await;
    assert_eq!(option["rows"], json!([{"num_val": 60, "status": "CHANGED"}]));
    assert_eq!(
        fixture.failure("ALTER SYSTEM SET \"no.such.option\" = 1").await,
        "The option 'no.such.option' does not exist."
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn jobs_name_what_they_queried() {
    let fixture = Fixture::start().await;
    fixture
        .result(
            "SELECT c.name FROM Sales.customers c JOIN warehouse.shop.orders o \
             ON o.customer_id = c.customer_id JOIN Sales.customers d ON d.customer_id = \
             c.customer_id",
        )
        .await;
    fixture.result("SELECT 1").await;
    fixture.failure("SELECT nonsense FROM Sales.orders").await;
    let jobs = fixture
        .result(
            "SELECT status, queried_datasets, scanned_datasets FROM sys.jobs_recent \
             WHERE query LIKE 'SELECT %' \
             AND query NOT LIKE '%jobs_recent%' ORDER BY submitted_ts",
        )
        .await;
    assert_eq!(
        jobs["rows"][0]["queried_datasets"],
        json!("[Sales.customers, Warehouse.shop.orders]"),
        "each once, spelt as in the catalog"
    );
    assert_eq!(jobs["rows"][0]["scanned_datasets"], json!("[customers, orders]"));
    assert_eq!(jobs["rows"][1]["queried_datasets"], json!("[]"));
    assert_eq!(jobs["rows"][2]["status"], json!("FAILED"));
    fixture.sandbox.stop().await;
}
