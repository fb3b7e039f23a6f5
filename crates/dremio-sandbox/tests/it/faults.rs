//! Faults and what the journal says about them.

use std::time::{Duration, Instant};

use dremio_sandbox::{Fault, Scope};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Fixture;

#[tokio::test]
async fn refusing_starts_and_ends_at_once() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    for _ in 0..3 {
        assert_eq!(fixture.get("/apiv2/login").await.0, 200);
        control.set_refusing(true);
        let error = fixture.request(Method::GET, "/apiv2/login").send().await.unwrap_err();
        assert!(error.is_connect() || error.is_request(), "{error:?}");
        let refused = TcpStream::connect(fixture.sandbox.addr()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        control.set_refusing(false);
    }
    assert_eq!(fixture.get("/apiv2/login").await.0, 200, "the token survived");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn faults_replace_answers() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    let fault = async |fault: Fault| {
        control.inject(fault, Scope::path("/api/v3/").once());
        fixture.request(Method::GET, "/api/v3/info").send().await.unwrap()
    };
    let answer = fault(Fault::Status(503)).await;
    assert_eq!(answer.status(), 503);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"errorMessage": "HTTP 503 Service Unavailable", "moreInfo": ""}));
    let answer = fault(Fault::Html).await;
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let answer = fault(Fault::Unauthorized).await;
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (401, ""));
    let answer = fault(Fault::BadJson).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(answer.json::<serde_json::Value>().await.is_err());
    let answer = fault(Fault::Oversized(3_000_000)).await;
    assert!(answer.content_length().is_none(), "chunked");
    let body = answer.text().await.unwrap();
    assert_eq!(body.len(), 3_000_000);
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    assert_eq!(fixture.get("/api/v3/info").await.0, 200);
    let statuses: Vec<_> =
        control.requests().iter().map(|request| request.status.unwrap()).collect();
    assert_eq!(
        statuses,
        [200, 503, 200, 401, 200, 200, 200],
        "the login, the faults, the last call"
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn faults_change_answers() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    let (_, expected) = fixture.get("/api/v3/catalog").await;
    let timed = async || {
        let start = Instant::now();
        let (status, body) = fixture.get("/api/v3/catalog").await;
        assert_eq!((status, &body), (200, &expected));
        start.elapsed()
    };
    control.inject(Fault::Delay(Duration::from_millis(120)), Scope::everything().once());
    assert!(timed().await >= Duration::from_millis(120));
    let drip = Fault::Drip { bytes_per_chunk: 100, interval: Duration::from_millis(10) };
    control.inject(drip, Scope::path("/api/v3/catalog").method(Method::GET).once());
    assert!(timed().await >= Duration::from_millis(60));
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn a_stalled_call_blocks_no_other() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    control.inject(Fault::Stall, Scope::path("/api/v3/info").once());
    let stalled = fixture
        .request(Method::GET, "/api/v3/info")
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(stalled.unwrap_err().is_timeout());
    assert_eq!(fixture.get("/api/v3/info").await.0, 200);
    let requests = control.requests();
    assert_eq!(
        requests.iter().map(|request| request.status).collect::<Vec<_>>(),
        [Some(200), None, Some(200)]
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn a_reset_comes_after_part_of_the_body() {
    let fixture = Fixture::start().await;
    fixture.control().inject(Fault::ResetMidAnswer, Scope::path("/api/v3/catalog"));
    let mut stream = TcpStream::connect(fixture.sandbox.addr()).await.unwrap();
    let head = format!(
        "GET /api/v3/catalog HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        fixture.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let error = stream.read_to_end(&mut received).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(body.len(), length / 2);
    assert!(body.starts_with("{\"data\":["));
    fixture.control().clear_faults();
    assert_eq!(fixture.get("/api/v3/catalog").await.0, 200);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn scopes_choose_requests() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    control.inject(Fault::Status(500), Scope::path("/api/v3/sql").method(Method::POST).times(2));
    let sql = json!({"sql": "SELECT 1"});
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(fixture.post("/api/v3/sql", &sql).await.0);
    }
    assert_eq!(statuses, [500, 500, 200]);
    assert_eq!(fixture.get("/api/v3/info").await.0, 200);
    control.inject(Fault::Status(500), Scope::everything());
    assert_eq!(fixture.get("/api/v3/info").await.0, 500);
    control.clear_faults();
    assert_eq!(fixture.get("/api/v3/info").await.0, 200);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn the_journal_records_every_request() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    control.clear_requests();
    fixture.post("/api/v3/sql?x=1", &json!({"sql": "SELECT 1"})).await;
    let [request] = control.requests().try_into().unwrap();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.path, "/api/v3/sql?x=1");
    assert_eq!(request.token.as_deref(), Some(fixture.token.as_str()));
    assert_eq!(request.status, Some(200));
    assert_eq!(request.body, "{\"sql\":\"SELECT 1\"}");
    fixture.sandbox.stop().await;
}
