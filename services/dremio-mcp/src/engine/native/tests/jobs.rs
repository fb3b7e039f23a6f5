//! A job's life when something goes wrong on the way: abandoned calls, rejected tokens, a Dremio
//! that is away or not well.

use std::time::Duration;

use dremio_sandbox::{Fault, JobState, Scope};
use serde_json::{Value, json};
use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;

use super::fixture::{Fixture, job_id, login, outcome, request, wait_for};
use crate::engine::CallContext;

#[tokio::test]
async fn a_query_that_is_cancelled_at_dremio_says_so() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_secs(60));
    let query = fixture.query_later("SELECT 1");
    let job = job_id(&fixture.control()).await;
    fixture.client.cancel(login(&fixture.client).await.secret(), &job).await.unwrap();
    let (is_error, answer) = query.await.unwrap();
    assert!(
        is_error
            && answer
                .as_str()
                .unwrap()
                .starts_with("the query was cancelled at Dremio: Query cancelled by"),
        "{answer}"
    );
}

#[tokio::test]
async fn results_that_are_gone_are_named() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_millis(300));
    let query = fixture.query_later("SELECT 1");
    let job = job_id(&fixture.control()).await;
    fixture.control().inject(Fault::Status(400), Scope::path(format!("/api/v3/job/{job}/results")));
    let (is_error, answer) = query.await.unwrap();
    let error = answer.as_str().unwrap();
    assert!(
        is_error && error.starts_with("the query completed, but its results are not available"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_abandoned_call_cancels_its_job() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_secs(60));
    let query = fixture.query_later("SELECT 1");
    job_id(&fixture.control()).await;
    query.abort();
    let control = fixture.control();
    wait_for("the cancellation", async || {
        control.jobs().first().filter(|job| job.state == JobState::Canceled).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_abandoned_while_it_submits_cancels_its_job() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_secs(60));
    fixture.control().inject(Fault::Delay(Duration::from_millis(300)), Scope::path("/api/v3/sql"));
    let query = fixture.query_later("SELECT 1");
    wait_for("the submission", async || {
        fixture.requests(|path| path == "/api/v3/sql").first().map(|_| ())
    })
    .await;
    query.abort();
    let control = fixture.control();
    wait_for("the cancellation", async || {
        control.jobs().first().filter(|job| job.state == JobState::Canceled).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_the_cancellation_of_an_abandoned_job() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_secs(60));
    let query = fixture.query_later("SELECT 1");
    let job = job_id(&fixture.control()).await;
    fixture.control().inject(
        Fault::Delay(Duration::from_millis(300)),
        Scope::path(format!("/api/v3/job/{job}/cancel")),
    );
    query.abort();
    assert!(query.await.unwrap_err().is_cancelled());
    let shutdown = Shutdown::new();
    shutdown.request();
    fixture.native.clone().finish(shutdown).await;
    assert!(fixture.control().jobs()[0].cancel_requested);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_a_job_that_is_just_being_submitted_too() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_secs(60));
    fixture.control().inject(Fault::Delay(Duration::from_millis(500)), Scope::path("/api/v3/sql"));
    let query = fixture.query_later("SELECT 1");
    wait_for("the submission", async || {
        fixture.requests(|path| path == "/api/v3/sql").first().map(|_| ())
    })
    .await;
    query.abort();
    assert!(query.await.unwrap_err().is_cancelled());
    let shutdown = Shutdown::new();
    shutdown.request();
    fixture.native.clone().finish(shutdown).await;
    assert!(fixture.control().jobs()[0].cancel_requested);
}

#[tokio::test]
async fn a_job_that_is_over_is_not_cancelled() {
    let fixture = Fixture::start().await;
    fixture.query("SELECT 1").await;
    fixture.query("SELECT nonsense FROM nowhere").await;
    // The next call's requests come after whatever the first two left to be done.
    fixture.query("SELECT 1").await;
    assert!(fixture.requests(|path| path.ends_with("/cancel")).is_empty());
}

#[tokio::test]
async fn a_rejected_token_is_replaced_in_the_middle_of_a_call() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_millis(500));
    let query = fixture.query_later("SELECT 1 AS \"x\"");
    job_id(&fixture.control()).await;
    fixture.control().revoke_all_tokens();
    wait_for("the rejection", async || {
        fixture.control().requests().iter().find(|request| request.status == Some(401)).map(|_| ())
    })
    .await;
    let second = login(&fixture.client).await;
    fixture.tokens.write(&second).unwrap();
    assert_eq!(query.await.unwrap(), (false, json!({ "result": [{ "x": 1 }] })));
    assert_eq!(fixture.control().jobs().len(), 1);
}

#[tokio::test]
async fn dremio_away_is_said_and_recovered_from() {
    let fixture = Fixture::start().await;
    fixture.control().set_refusing(true);
    // The first call may still find a connection that the login left open.
    let (is_error, answer) = fixture.query("SELECT 1").await;
    assert!(
        is_error && answer.as_str().unwrap().contains("\nNothing is wrong with the request"),
        "{answer}"
    );
    for (tool, arguments) in [
        ("RunSqlQuery", json!({ "query": "SELECT 1" })),
        ("GetSchemaOfTable", json!({ "table_name": "a.b" })),
    ] {
        let (is_error, answer) = fixture.tool(tool, arguments).await;
        assert!(
            is_error && answer.as_str().unwrap().contains("Dremio cannot be reached"),
            "{answer}"
        );
        assert!(
            answer.as_str().unwrap().contains("\nNothing is wrong with the request"),
            "{answer}"
        );
    }
    assert_eq!(fixture.dremio_condition().reason.as_deref(), Some("unreachable"));
    fixture.control().set_refusing(false);
    assert!(!fixture.query("SELECT 1").await.0);
    assert_eq!(fixture.dremio_condition(), Condition::met());
}

#[tokio::test]
async fn other_answers_than_dremios_are_named() {
    for (fault, expected) in [
        (Fault::Html, "the answer is not from Dremio's REST API"),
        (Fault::BadJson, "Dremio's answer cannot be used"),
        (Fault::Status(503), "Dremio answered with status 503"),
        (Fault::Oversized(2 * 1024 * 1024), "Dremio's answer is larger than"),
        (Fault::ResetMidAnswer, "the connection to Dremio was lost"),
    ] {
        let fixture = Fixture::start().await;
        fixture.control().inject(fault.clone(), Scope::path("/api/v3/sql"));
        let (is_error, answer) = fixture.query("SELECT 1").await;
        assert!(is_error && answer.as_str().unwrap().contains(expected), "{fault:?}: {answer}");
    }
}

#[tokio::test]
async fn what_fails_in_passing_does_not_cost_the_result() {
    let fixture = Fixture::start().await;
    fixture.control().inject(Fault::Status(500), Scope::path("/api/v3/job/").times(2));
    assert_eq!(
        fixture.query("SELECT 1 AS \"x\"").await,
        (false, json!({ "result": [{ "x": 1 }] }))
    );
    fixture.control().inject(Fault::Status(500), Scope::path("/api/v3/job/"));
    let (is_error, answer) = fixture.query("SELECT 1").await;
    assert!(
        is_error
            && answer.as_str().unwrap().contains("job status: Dremio answered with status 500"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_long_query_reports_its_progress() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_millis(1500));
    let (context, mut progress) = CallContext::anyones();
    let params = json!({
        "name": "RunSqlQuery",
        "arguments": { "query": "SELECT 1" },
        "_meta": { "progressToken": "p-1" },
    });
    let response = fixture.native.call(&request("tools/call", &params), &context).await.unwrap();
    assert!(!outcome(&response).0);
    let notification: Value =
        serde_json::from_str(&progress.try_recv().unwrap().into_text()).unwrap();
    assert_eq!(notification["method"], "notifications/progress");
    assert_eq!(
        (&notification["params"]["progressToken"], &notification["params"]["progress"]),
        (&json!("p-1"), &json!(1))
    );
    assert!(
        notification["params"]["message"].as_str().unwrap().ends_with(" (1 s)"),
        "{notification}"
    );
    assert!(progress.try_recv().is_err());
}

#[tokio::test]
async fn without_a_replacement_the_rejection_is_said() {
    let fixture = Fixture::start().await;
    fixture.control().revoke_all_tokens();
    let (is_error, answer) = fixture.query("SELECT 1").await;
    assert!(
        is_error && answer.as_str().unwrap().starts_with("Dremio rejected the login token"),
        "{answer}"
    );
    assert!(fixture.control().jobs().is_empty());
}

#[tokio::test]
async fn a_dremio_that_does_not_answer_is_not_waited_for_again() {
    let fixture = Fixture::start_patient(Duration::from_secs(1)).await;
    fixture.control().inject(Fault::Stall, Scope::path("/api/v3/job/"));
    let (is_error, answer) = fixture.query("SELECT 1").await;
    assert!(
        is_error
            && answer
                .as_str()
                .unwrap()
                .starts_with("job status: Dremio did not answer within 1 s\n"),
        "{answer}"
    );
    assert_eq!(
        fixture
            .requests(|path| path.starts_with("/api/v3/job/") && !path.ends_with("/cancel"))
            .len(),
        1
    );
}
