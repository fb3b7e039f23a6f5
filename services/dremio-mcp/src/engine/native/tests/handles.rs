//! `GetQueryResult`: queries that take longer than their call, whose they are, and when they end.

use std::time::Duration;

use dremio_client::JobId;
use dremio_sandbox::{Fault, JobState, Scope, SlowQuery};
use serde_json::json;
use service_kit::lifecycle::Shutdown;

use super::fixture::{Fixture, context_of, job_id, login, outcome_text, tool_call, wait_for};
use crate::answer::AnswerConfig;
use crate::engine::CallContext;
use crate::guard::Guard;

/// How long a call of these tests waits for its query.
const WAIT: Duration = Duration::from_millis(100);

async fn impatient() -> Fixture {
    let answers = AnswerConfig { query_wait: WAIT, ..AnswerConfig::default() };
    Fixture::start_answering(Duration::from_secs(30), Guard::default(), answers).await
}

/// The handle in a footer.
fn handle(text: &str) -> String {
    let (_, rest) = text.split_once("job_id=\"").unwrap_or_else(|| panic!("no handle: {text}"));
    rest.split('"').next().unwrap().to_owned()
}

/// A query that takes a minute, and its handle.
async fn slow(fixture: &Fixture) -> String {
    fixture.control().set_job_duration(Duration::from_secs(60));
    let (is_error, text) = fixture.text("RunSqlQuery", json!({ "query": "SELECT 1" })).await;
    assert!(!is_error && text.starts_with("[still running after 0 s; GetQueryResult("), "{text}");
    handle(&text)
}

async fn cancelled(fixture: &Fixture) {
    let control = fixture.control();
    wait_for("the cancellation", async || {
        control.jobs().first().filter(|job| job.state == JobState::Canceled).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_query_that_takes_longer_than_its_call_goes_on_with_its_handle() {
    let fixture = impatient().await;
    fixture.control().set_job_duration(4 * WAIT);
    let query = json!({ "query": "SELECT 1 AS \"x\"" });
    let (is_error, mut text) = fixture.text("RunSqlQuery", query).await;
    assert!(!is_error, "{text}");
    let mut questions = 0;
    while text.starts_with("[still running") {
        let ask = json!({ "job_id": handle(&text) });
        text = fixture.text("GetQueryResult", ask).await.1;
        questions += 1;
    }
    assert_eq!(text, "x\n1\n[1 row]");
    assert!(questions > 1);
    let jobs = fixture.control().jobs();
    assert!(jobs.len() == 1 && !jobs[0].cancel_requested, "{jobs:?}");
    // Rows can be had again, and in the other format.
    let id: JobId = jobs[0].id.parse().unwrap();
    let again = fixture.handle(&CallContext::anyones().0, &id);
    let ask = json!({ "job_id": again, "format": "json" });
    let (_, text) = fixture.text("GetQueryResult", ask).await;
    assert_eq!(text, "{\"result\":[\n{\"x\":1}\n]}");
}

#[tokio::test]
async fn a_query_that_fails_behind_its_handle_is_advised_on_like_any_other() {
    let fixture = impatient().await;
    // What the advice compares names with.
    fixture.text("SearchTableAndViews", json!({ "query": "orders" })).await;
    let query = "SELECT \"ordr_id\" FROM \"Sales\".\"orders\"";
    let (is_error, expected) = fixture.text("RunSqlQuery", json!({ "query": query })).await;
    assert!(is_error && expected.contains("order_id"), "{expected}");
    let slow = SlowQuery { containing: "ordr_id".to_owned(), duration: 2 * WAIT };
    fixture.control().slow_down(slow);
    let long = format!("{query} -- {}", "x".repeat(16 * 1024));
    for (query, is_kept) in [(query, true), (&long, false)] {
        let (is_error, mut text) = fixture.text("RunSqlQuery", json!({ "query": query })).await;
        assert!(!is_error && text.starts_with("[still running"), "{text}");
        while text.starts_with("[still running") {
            text = fixture.text("GetQueryResult", json!({ "job_id": handle(&text) })).await.1;
        }
        assert_eq!(text == expected, is_kept, "{text}");
        assert_eq!(text.lines().next(), expected.lines().next());
    }
}

#[tokio::test]
async fn in_json_a_query_that_goes_on_has_no_result() {
    let fixture = impatient().await;
    fixture.control().set_job_duration(Duration::from_secs(60));
    let (is_error, answer) = fixture.query("SELECT 1").await;
    assert!(!is_error && answer.get("result").is_none(), "{answer}");
    assert_eq!(answer["note"], "still running after 0 s");
    let (is_error, answer) = fixture.tool("GetQueryResult", answer["next"].clone()).await;
    assert!(!is_error && answer["next"]["job_id"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_handle_is_of_no_use_to_others() {
    let fixture = impatient().await;
    let handle = slow(&fixture).await;
    let (other, _) = context_of(2);
    let before = fixture.control().requests().len();
    for _ in 0..10 {
        let ask = json!({ "job_id": handle });
        let (is_error, text) = fixture.text_for(&other, "GetQueryResult", ask).await;
        assert!(is_error && text.starts_with("this job_id was not given to you\n"), "{text}");
    }
    let ask = json!({ "job_id": handle });
    let (is_error, text) = fixture.text_for(&other, "GetQueryResult", ask).await;
    assert!(is_error && text.starts_with("too many wrong values of job_id\nWait for "), "{text}");
    assert_eq!(fixture.control().requests().len(), before);
    // Its owner is not bothered.
    assert!(!fixture.text("GetQueryResult", json!({ "job_id": handle })).await.0);
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_cancels_its_job() {
    let fixture = impatient().await;
    let handle = slow(&fixture).await;
    // The other replica does not know the job, and looks after it from now on.
    let replica = std::sync::Arc::new(fixture.replica(Duration::from_secs(30)));
    let asked = fixture.requests(|path| path.starts_with("/api/v3/job/")).len();
    let asking = std::sync::Arc::clone(&replica);
    let question = tokio::spawn(async move {
        let call = tool_call("GetQueryResult", &json!({ "job_id": handle }));
        outcome_text(&asking.call(&call, &CallContext::anyones().0).await.unwrap())
    });
    wait_for("the question", async || {
        (fixture.requests(|path| path.starts_with("/api/v3/job/")).len() > asked).then_some(())
    })
    .await;
    assert!(!fixture.control().jobs()[0].cancel_requested);
    question.abort();
    cancelled(&fixture).await;
}

#[tokio::test]
async fn a_job_that_nobody_asks_for_is_cancelled_in_the_end() {
    let fixture = impatient().await;
    let handle = slow(&fixture).await;
    let kept = &fixture.native.room.kept_jobs;
    kept.give_up(Duration::from_secs(600));
    fixture.text("GetQueryResult", json!({ "job_id": handle })).await;
    assert!(!fixture.control().jobs()[0].cancel_requested);
    kept.give_up(Duration::ZERO);
    cancelled(&fixture).await;
    let (is_error, text) = fixture.text("GetQueryResult", json!({ "job_id": handle })).await;
    assert!(is_error && text.starts_with("the query was cancelled at Dremio"), "{text}");
}

#[tokio::test]
async fn a_stop_leaves_jobs_running_that_can_be_asked_for_elsewhere() {
    let fixture = impatient().await;
    let handle = slow(&fixture).await;
    let shutdown = Shutdown::new();
    shutdown.request();
    fixture.native.room.kept_jobs.sweep(&shutdown).await;
    // A question that waits is not the last word either.
    let call = tool_call("GetQueryResult", &json!({ "job_id": handle }));
    let (context, _) = CallContext::anyones();
    drop(tokio::time::timeout(WAIT / 4, fixture.native.call(&call, &context)).await);
    fixture.native.clone().finish(shutdown).await;
    assert!(!fixture.control().jobs()[0].cancel_requested);
    let replica = fixture.replica(WAIT);
    let (is_error, text) = outcome_text(&replica.call(&call, &context).await.unwrap());
    assert!(!is_error && text.starts_with("[still running"), "{text}");
}

#[tokio::test]
async fn a_handle_of_a_job_without_rows_says_what_became_of_it() {
    let fixture = Fixture::start().await;
    let (context, _) = CallContext::anyones();
    fixture.query("SELECT nonsense FROM nowhere").await;
    let failed: JobId = fixture.control().jobs()[0].id.parse().unwrap();
    let ask = json!({ "job_id": fixture.handle(&context, &failed) });
    let (is_error, text) = fixture.text("GetQueryResult", ask).await;
    assert!(is_error && text.lines().count() >= 2, "{text}");

    let unknown: JobId = "1b0a2c3d-0000-1111-2222-333344445500".parse().unwrap();
    let ask = json!({ "job_id": fixture.handle(&context, &unknown) });
    let (is_error, text) = fixture.text("GetQueryResult", ask).await;
    let expected = "Dremio does not know this query any more\nRun the query again.";
    assert_eq!((is_error, text.as_str()), (true, expected));

    let (_, text) = fixture
        .text("RunSqlQuery", json!({ "query": "SELECT * FROM sys.options", "max_rows": 1 }))
        .await;
    let ask = json!({ "job_id": handle(&text), "offset": 1_000_000_000_000_000_u64 });
    let (is_error, past) = fixture.text("GetQueryResult", ask).await;
    assert!(!is_error && past.contains("[no rows from offset 1000000000000000 on: "), "{past}");
    fixture.control().expire_results();
    let ask = json!({ "job_id": handle(&text), "offset": 1 });
    let (is_error, text) = fixture.text("GetQueryResult", ask).await;
    assert!(is_error && text.starts_with("the query completed, but its results are not"), "{text}");
    assert!(text.ends_with("\nRun the query again."), "{text}");
}

#[tokio::test]
async fn a_dremio_that_is_away_does_not_cost_a_kept_job() {
    let fixture = impatient().await;
    let handle = slow(&fixture).await;
    let job = job_id(&fixture.control()).await;
    let status = Scope::path(format!("/api/v3/job/{job}"));
    fixture.control().inject(Fault::Status(400), status.once());
    let (is_error, text) = fixture.text("GetQueryResult", json!({ "job_id": handle })).await;
    assert!(is_error, "{text}");
    let (is_error, text) = fixture.text("GetQueryResult", json!({ "job_id": handle })).await;
    assert!(!is_error && text.starts_with("[still running"), "{text}");
    assert!(!fixture.control().jobs()[0].cancel_requested);
    // Whoever cancels it at Dremio is believed.
    fixture.client.cancel(login(&fixture.client).await.secret(), &job).await.unwrap();
    cancelled(&fixture).await;
    let (is_error, text) = fixture.text("GetQueryResult", json!({ "job_id": handle })).await;
    assert!(is_error && text.starts_with("the query was cancelled at Dremio"), "{text}");
}
