//! What is sent, byte for byte, and how a good answer is read.

use dremio_client::{CancelOutcome, JobId, JobState, Logout};
use secrecy::{ExposeSecret, SecretString};

use crate::stub::{Reply, Stub, answer, json, no_content};

const JOB: &str = "1b0a2c3d-0000-1111-2222-333344445500";

fn token() -> SecretString {
    SecretString::from("7k2m0q5c1v9t3bsa8h6e4dlnrp")
}

fn job() -> JobId {
    JOB.parse().unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The request's first line and, lower-cased, the `Authorization` header.
fn line_and_credential(request: &str) -> (String, Option<String>) {
    let mut lines = request.lines();
    let line = lines.next().unwrap().to_owned();
    let credential = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value.to_owned());
    (line, credential)
}

async fn one(reply: Reply) -> Stub {
    Stub::start([reply]).await
}

fn check_request(stub: &Stub, line: &str, body: &str) {
    let requests = stub.requests();
    let [request] = requests.as_slice() else { panic!("one request: {requests:?}") };
    let (seen_line, credential) = line_and_credential(request);
    assert_eq!(seen_line, format!("{line} HTTP/1.1"));
    assert_eq!(credential.as_deref(), Some("Bearer 7k2m0q5c1v9t3bsa8h6e4dlnrp"));
    assert_eq!(request.split_once("\r\n\r\n").unwrap().1, body);
    let has_json_type = request.to_ascii_lowercase().contains("content-type: application/json");
    assert_eq!(has_json_type, !body.is_empty(), "{request}");
}

#[tokio::test]
async fn login() {
    let body = r#"{"token":"7k2m","userName":"ada","expires":1735803600123,
        "admin":true,"version":"25.2.0-x","permissions":{}}"#;
    let stub = one(json(200, body)).await;
    let login = stub.client().login("ada \"q\"", &"pass\\word".into()).await.unwrap();
    assert_eq!(login.token.expose_secret(), "7k2m");
    assert_eq!(login.expires_at.as_millisecond(), 1_735_803_600_123);
    assert_eq!(login.dremio_version.as_deref(), Some("25.2.0-x"));
    assert!(!format!("{login:?}").contains("7k2m"));

    let request = stub.requests().remove(0);
    assert_eq!(line_and_credential(&request), ("POST /apiv2/login HTTP/1.1".to_owned(), None));
    // Exactly two members: Dremio refuses unknown ones.
    assert!(
        request.ends_with("\r\n\r\n{\"userName\":\"ada \\\"q\\\"\",\"password\":\"pass\\\\word\"}"),
        "{request}"
    );
    assert!(request.to_ascii_lowercase().contains("content-type: application/json"));
}

#[tokio::test]
async fn probe() {
    let stub = one(json(200, "true")).await;
    stub.client().probe(&token()).await.unwrap();
    check_request(&stub, "GET /apiv2/login", "");
}

#[tokio::test]
async fn logout_loads_the_cache_and_proves_the_result() {
    let stub = Stub::start([json(200, "true"), no_content(), answer(401, "", "")]).await;
    assert_eq!(stub.client().logout(&token()).await.unwrap(), Logout::Proven);
    let seen: Vec<_> = stub.requests().iter().map(|request| line_and_credential(request)).collect();
    let bearer = Some("Bearer 7k2m0q5c1v9t3bsa8h6e4dlnrp".to_owned());
    let dremio = Some("_dremio7k2m0q5c1v9t3bsa8h6e4dlnrp".to_owned());
    assert_eq!(
        seen,
        [
            ("GET /apiv2/login HTTP/1.1".to_owned(), bearer.clone()),
            ("DELETE /apiv2/login HTTP/1.1".to_owned(), dremio),
            ("GET /apiv2/login HTTP/1.1".to_owned(), bearer),
        ]
    );

    let stub = Stub::start([json(200, "true"), no_content(), json(200, "true")]).await;
    assert_eq!(stub.client().logout(&token()).await.unwrap(), Logout::StillAccepted);

    let stub = one(answer(401, "", "")).await;
    assert_eq!(stub.client().logout(&token()).await.unwrap(), Logout::Proven);
    assert_eq!(stub.requests().len(), 1, "a rejected token needs no logout");
}

#[tokio::test]
async fn submit_sql() {
    let stub = one(json(200, &format!(r#"{{"id":"{JOB}"}}"#))).await;
    let id = stub.client().submit_sql(&token(), "SELECT '\"'\n", &[]).await.unwrap();
    assert_eq!(id.as_str(), JOB);
    check_request(&stub, "POST /api/v3/sql", r#"{"sql":"SELECT '\"'\n"}"#);

    let stub = one(json(200, &format!(r#"{{"id":"{JOB}"}}"#))).await;
    stub.client().submit_sql(&token(), "SELECT 1", &names(&["Samples", "a.b"])).await.unwrap();
    check_request(&stub, "POST /api/v3/sql", r#"{"sql":"SELECT 1","context":["Samples","a.b"]}"#);
}

#[tokio::test]
async fn job_status() {
    let completed = r#"{"jobState":"COMPLETED","rowCount":3,"errorMessage":"",
        "startedAt":"2025-01-02T03:04:05.678Z","endedAt":"2025-01-02T03:04:06.001Z",
        "queryType":"REST","queueName":"SMALL","cancellationReason":""}"#;
    let stub = one(json(200, completed)).await;
    let status = stub.client().job(&token(), &job()).await.unwrap();
    assert_eq!((status.state, status.row_count), (JobState::Completed, 3));
    assert_eq!((status.error_message, status.cancellation_reason), (None, None));
    assert_eq!(status.ended_at.unwrap().to_string(), "2025-01-02T03:04:06.001Z");
    check_request(&stub, &format!("GET /api/v3/job/{JOB}"), "");

    let failed = r#"{"jobState":"FAILED","rowCount":0,
        "errorMessage":"Object 'x'\nnot found","startedAt":"odd"}"#;
    let status = one(json(200, failed)).await.client().job(&token(), &job()).await.unwrap();
    assert_eq!(status.error_message.unwrap().as_str(), "Object 'x' not found");
    assert_eq!(status.started_at, None);

    let status = one(json(200, r#"{"jobState":"WARP_DRIVE"}"#))
        .await
        .client()
        .job(&token(), &job())
        .await
        .unwrap();
    assert_eq!(status.state, JobState::Unknown);
    assert!(!status.state.is_terminal());
}

#[tokio::test]
async fn results_keep_every_digit() {
    let rows = [
        concat!(
            r#"{"big":9223372036854775807,"dec":12.50,"#,
            r#""wide":12345678901234567890123456789012345678,"tiny":0E-10}"#
        ),
        r#"{"big":null,"dec":1.0E10,"wide":"NaN","tiny":-0.0}"#,
    ];
    let schema = r#"[{"name":"big","type":{"name":"BIGINT"}},
        {"name":"dec","type":{"name":"DECIMAL","precision":10,"scale":2}}]"#;
    let body = format!(r#"{{"rowCount":1002,"schema":{schema},"rows":[{}]}}"#, rows.join(","));
    let stub = one(json(200, &body)).await;
    let page = stub.client().results(&token(), &job(), 1000, 501, 1024 * 1024).await.unwrap();
    assert_eq!(page.row_count, 1002);
    assert_eq!(page.schema.get(), schema);
    assert_eq!(page.rows.iter().map(|row| row.get()).collect::<Vec<_>>(), rows);
    check_request(&stub, &format!("GET /api/v3/job/{JOB}/results?offset=1000&limit=500"), "");
}

#[tokio::test]
async fn cancel() {
    let stub = one(no_content()).await;
    assert_eq!(stub.client().cancel(&token(), &job()).await.unwrap(), CancelOutcome::Requested);
    check_request(&stub, &format!("POST /api/v3/job/{JOB}/cancel"), "");
    let body =
        format!(r#"{{"errorMessage":"Could not find a job with id [{JOB}]","moreInfo":""}}"#);
    let outcome = one(json(404, &body)).await.client().cancel(&token(), &job()).await.unwrap();
    assert_eq!(outcome, CancelOutcome::NotRunning);
}

#[tokio::test]
async fn catalog() {
    let entity = r#"{"entityType":"dataset","id":"c3","precise":1.10,"fields":[]}"#;
    let stub = one(json(200, entity)).await;
    let path = names(&["@ada", "my;folder", "a/b", "50%"]);
    assert_eq!(stub.client().catalog_by_path(&token(), &path).await.unwrap().get(), entity);
    check_request(&stub, "GET /api/v3/catalog/by-path/%40ada/my%3Bfolder/a%2Fb/50%25", "");

    let stub = one(json(200, entity)).await;
    stub.client().catalog_by_id(&token(), r#"{"tableKey":["a"]}"#).await.unwrap();
    check_request(&stub, "GET /api/v3/catalog/%7B%22tableKey%22%3A%5B%22a%22%5D%7D", "");

    let stub = one(json(200, r#"{"data":[]}"#)).await;
    assert_eq!(stub.client().catalog_top(&token()).await.unwrap().get(), r#"{"data":[]}"#);
    check_request(&stub, "GET /api/v3/catalog", "");

    let stub = one(json(200, r#"{"data":[]}"#)).await;
    stub.client().catalog_search(&token(), "a&b=ü \"c\"").await.unwrap();
    check_request(&stub, "GET /api/v3/catalog/search?query=a%26b%3D%C3%BC%20%22c%22", "");

    let stub = one(json(200, r#"{"text":"Wörter","version":3}"#)).await;
    assert_eq!(stub.client().wiki(&token(), "c3").await.unwrap().as_deref(), Some("Wörter"));
    check_request(&stub, "GET /api/v3/catalog/c3/collaboration/wiki", "");
    assert_eq!(
        one(json(200, r#"{"text":""}"#)).await.client().wiki(&token(), "c3").await.unwrap(),
        None
    );

    let stub = one(json(200, r#"{"tags":["gold","pii"],"version":"x="}"#)).await;
    assert_eq!(stub.client().tags(&token(), "c3").await.unwrap(), ["gold", "pii"]);
    check_request(&stub, "GET /api/v3/catalog/c3/collaboration/tag", "");
}

#[tokio::test]
async fn impossible_names_are_not_sent() {
    let stub = one(json(200, "{}")).await;
    for path in [&names(&[]), &names(&["a", ""]), &names(&["..", "sql"]), &names(&["."])] {
        let error = stub.client().catalog_by_path(&token(), path).await.unwrap_err();
        assert_eq!(error.class().as_str(), "not_found", "{path:?}");
    }
    assert_eq!(stub.client().wiki(&token(), "..").await.unwrap_err().class().as_str(), "not_found");
    assert_eq!(stub.requests(), [""; 0]);
}

#[tokio::test]
async fn a_token_that_fits_no_header_is_not_sent() {
    let stub = one(json(200, "true")).await;
    let error = stub.client().probe(&"a\r\nX-Injected: 1".into()).await.unwrap_err();
    assert_eq!(error.class().as_str(), "rejected_credentials");
    assert_eq!(stub.requests(), [""; 0]);
}
