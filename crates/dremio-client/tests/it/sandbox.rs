//! Whole flows against the stand-in, which was written independently from the same contract.

use std::time::{Duration, Instant};

use dremio_client::{
    CancelOutcome, ConnectConfig, DremioClient, Error, ErrorClass, JobId, JobState, JobStatus,
    Login, Logout, PAGE_ROWS_MAX, Transport,
};
use dremio_sandbox::{Fault, Sandbox, SandboxConfig, Scope};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Room for any page here.
const PAGE_BYTES: usize = 1024 * 1024;

/// A generous limit for any wait.
const WAIT_MAX: Duration = Duration::from_secs(20);

async fn sandbox() -> (Sandbox, DremioClient) {
    sandbox_with(SandboxConfig::default()).await
}

async fn sandbox_with(config: SandboxConfig) -> (Sandbox, DremioClient) {
    let sandbox = Sandbox::start(config).await.unwrap();
    let config = ConnectConfig {
        request_timeout: Duration::from_secs(2),
        ..ConnectConfig::new(sandbox.uri().parse().unwrap())
    };
    (sandbox, DremioClient::new(Transport::connect(&config).unwrap()))
}

async fn login(client: &DremioClient) -> Login {
    client.login("dremio", &"dremio123".into()).await.unwrap()
}

async fn class<T: std::fmt::Debug>(call: impl Future<Output = Result<T, Error>>) -> ErrorClass {
    call.await.unwrap_err().class()
}

async fn finished(client: &DremioClient, token: &SecretString, job: &JobId) -> JobStatus {
    let start = Instant::now();
    loop {
        let status = client.job(token, job).await.unwrap();
        if status.state.is_terminal() {
            return status;
        }
        assert!(start.elapsed() < WAIT_MAX, "{status:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs a statement to its end and returns its job.
async fn run(client: &DremioClient, token: &SecretString, sql: &str) -> (JobId, JobStatus) {
    let job = client.submit_sql(token, sql, &[]).await.unwrap();
    let status = finished(client, token, &job).await;
    (job, status)
}

#[tokio::test]
async fn a_token_from_login_to_logout() {
    let (sandbox, client) = sandbox().await;
    let login = login(&client).await;
    assert!(login.dremio_version.is_some());
    client.probe(&login.token).await.unwrap();
    // A restart of Dremio empties its cache, and a plain logout would have no effect.
    sandbox.control().evict_token_cache();
    assert_eq!(client.logout(&login.token).await.unwrap(), Logout::Proven);
    assert_eq!(class(client.probe(&login.token)).await, ErrorClass::RejectedCredentials);
    assert_eq!(sandbox.control().live_tokens(), [""; 0]);
    assert_eq!(
        client.logout(&login.token).await.unwrap(),
        Logout::Proven,
        "a second time does no harm"
    );
}

#[tokio::test]
async fn a_logout_without_effect_is_noticed() {
    let (sandbox, client) = sandbox_with(SandboxConfig {
        token_cache_lifetime: Duration::ZERO,
        ..SandboxConfig::default()
    })
    .await;
    let login = login(&client).await;
    assert_eq!(client.logout(&login.token).await.unwrap(), Logout::StillAccepted);
    assert_eq!(sandbox.control().live_tokens(), [login.token.expose_secret()]);
}

#[tokio::test]
async fn credentials_and_users() {
    let (sandbox, client) = sandbox().await;
    assert_eq!(
        class(client.login("dremio", &"wrong-password-1".into())).await,
        ErrorClass::RejectedCredentials
    );
    assert_eq!(
        class(client.login("nobody", &"dremio123".into())).await,
        ErrorClass::RejectedCredentials
    );
    assert_eq!(class(client.login("", &"".into())).await, ErrorClass::RejectedCredentials);
    assert_eq!(class(client.probe(&"never-issued".into())).await, ErrorClass::RejectedCredentials);
    let token = login(&client).await.token;
    sandbox.control().revoke_all_tokens();
    assert_eq!(class(client.probe(&token)).await, ErrorClass::RejectedCredentials);
    sandbox.control().remove_all_users();
    assert_eq!(class(client.login("dremio", &"dremio123".into())).await, ErrorClass::NoUserYet);
}

#[tokio::test]
async fn a_query_with_all_its_pages() {
    let (_sandbox, client) = sandbox().await;
    let token = login(&client).await.token;
    let (job, status) = run(&client, &token, r#"SELECT * FROM INFORMATION_SCHEMA."COLUMNS""#).await;
    assert_eq!(
        status.state,
        JobState::Completed,
        "{:?}",
        status.error_message.map(|message| message.to_string())
    );
    let mut rows = 0;
    loop {
        let page = client.results(&token, &job, rows, PAGE_ROWS_MAX, PAGE_BYTES).await.unwrap();
        assert_eq!(page.row_count, status.row_count);
        assert!(page.schema.get().contains("TABLE_NAME"));
        if page.rows.is_empty() {
            break;
        }
        rows += u64::try_from(page.rows.len()).unwrap();
    }
    assert_eq!(rows, status.row_count);
    assert!(rows > 10);
}

#[tokio::test]
async fn numbers_keep_every_digit() {
    let (_sandbox, client) = sandbox().await;
    let token = login(&client).await.token;
    let (job, _) = run(
        &client,
        &token,
        "SELECT CAST(9223372036854775807 AS BIGINT) AS big, CAST(12.5 AS DECIMAL(10, 2)) AS dec2",
    )
    .await;
    let page = client.results(&token, &job, 0, 10, PAGE_BYTES).await.unwrap();
    let row = page.rows[0].get();
    assert!(row.contains("9223372036854775807") && row.contains("12.50"), "{row}");
}

#[tokio::test]
async fn statements_that_fail() {
    let (_sandbox, client) = sandbox().await;
    let token = login(&client).await.token;
    for sql in ["SELEKT 1", "SELECT * FROM no.such.thing", ""] {
        let (job, status) = run(&client, &token, sql).await;
        assert_eq!(status.state, JobState::Failed, "{sql}");
        assert!(status.error_message.is_some(), "{sql}");
        let error = client.results(&token, &job, 0, 10, PAGE_BYTES).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Refused);
        assert!(error.remote_message().unwrap().contains("FAILED"), "{:?}", error.remote_message());
    }
}

#[tokio::test]
async fn cancellation() {
    let (sandbox, client) = sandbox().await;
    let token = login(&client).await.token;
    sandbox.control().set_job_duration(Duration::from_secs(600));
    let job = client.submit_sql(&token, "SELECT 1", &[]).await.unwrap();
    assert!(!client.job(&token, &job).await.unwrap().state.is_terminal());
    assert_eq!(class(client.results(&token, &job, 0, 1, PAGE_BYTES)).await, ErrorClass::Refused);
    assert_eq!(client.cancel(&token, &job).await.unwrap(), CancelOutcome::Requested);
    let status = finished(&client, &token, &job).await;
    assert_eq!(status.state, JobState::Canceled);
    assert!(status.cancellation_reason.unwrap().as_str().contains("dremio"));
    assert_eq!(client.cancel(&token, &job).await.unwrap(), CancelOutcome::NotRunning);
    let unknown: JobId = "1b0a2c3d-0000-1111-2222-333344445500".parse().unwrap();
    assert_eq!(client.cancel(&token, &unknown).await.unwrap(), CancelOutcome::NotRunning);
    assert_eq!(class(client.job(&token, &unknown)).await, ErrorClass::NotFound);
}

#[tokio::test]
async fn the_catalog() {
    let (_sandbox, client) = sandbox().await;
    let token = login(&client).await.token;
    let sql = r#"SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA."TABLES"
        WHERE TABLE_TYPE = 'VIEW'"#;
    let (job, _) = run(&client, &token, sql).await;
    let page = client.results(&token, &job, 0, 1, PAGE_BYTES).await.unwrap();
    let row: Value = serde_json::from_str(page.rows[0].get()).unwrap();
    let schema = row["TABLE_SCHEMA"].as_str().unwrap();
    let mut path: Vec<String> = schema.split('.').map(ToOwned::to_owned).collect();
    path.push(row["TABLE_NAME"].as_str().unwrap().to_owned());

    let entity = client.catalog_by_path(&token, &path).await.unwrap();
    let entity: Value = serde_json::from_str(entity.get()).unwrap();
    assert_eq!(entity["entityType"], "dataset");
    let id = entity["id"].as_str().unwrap();
    let by_id: Value =
        serde_json::from_str(client.catalog_by_id(&token, id).await.unwrap().get()).unwrap();
    assert_eq!(by_id["path"], entity["path"]);
    client.wiki(&token, id).await.unwrap();
    client.tags(&token, id).await.unwrap();

    let top: Value = serde_json::from_str(client.catalog_top(&token).await.unwrap().get()).unwrap();
    assert!(top["data"].as_array().unwrap().iter().any(|it| it["path"][0] == "@dremio"), "{top}");
    let name = path.last().unwrap();
    let found: Value =
        serde_json::from_str(client.catalog_search(&token, name).await.unwrap().get()).unwrap();
    let found = found["data"].as_array().unwrap();
    assert!(found.iter().any(|it| it["path"] == entity["path"]), "{found:?}");

    let missing = ["@dremio".to_owned(), "no such thing; really?/%".to_owned()];
    assert_eq!(class(client.catalog_by_path(&token, &missing)).await, ErrorClass::NotFound);
    assert_eq!(class(client.catalog_by_id(&token, "no-such-id")).await, ErrorClass::NotFound);
    assert_eq!(class(client.wiki(&token, "no-such-id")).await, ErrorClass::Refused);
    let home: Value = serde_json::from_str(
        client.catalog_by_path(&token, &["@dremio".to_owned()]).await.unwrap().get(),
    )
    .unwrap();
    let error = client.tags(&token, home["id"].as_str().unwrap()).await.unwrap_err();
    assert_eq!(error.remote_message(), Some("Labels may only be set on views and tables."));
}

#[tokio::test]
async fn faults() {
    let (sandbox, client) = sandbox().await;
    let (control, token) = (sandbox.control(), login(&client).await.token);
    let password = SecretString::from("dremio123");
    let table = [
        (Fault::Stall, ErrorClass::Timeout),
        (Fault::Drip { bytes_per_chunk: 1, interval: Duration::from_secs(3) }, ErrorClass::Timeout),
        (Fault::ResetMidAnswer, ErrorClass::Interrupted),
        (Fault::Status(500), ErrorClass::ServerStatus),
        (Fault::Status(429), ErrorClass::ServerStatus),
        (Fault::Html, ErrorClass::NotDremioApi),
        (Fault::Unauthorized, ErrorClass::RejectedCredentials),
        (Fault::BadJson, ErrorClass::BadAnswer),
        (Fault::Oversized(33 * 1024 * 1024), ErrorClass::TooLarge),
    ];
    for (fault, expected) in table {
        control.inject(fault.clone(), Scope::everything());
        let catalog = [String::from("INFORMATION_SCHEMA")];
        let (a, b, c, d) = tokio::join!(
            class(client.login("dremio", &password)),
            class(client.probe(&token)),
            class(client.submit_sql(&token, "SELECT 1", &[])),
            class(client.catalog_by_path(&token, &catalog)),
        );
        assert_eq!([a, b, c, d], [expected; 4], "{fault:?}");
        control.clear_faults();
        client.probe(&token).await.unwrap();
    }
}
