//! Every call against every way in which a server can fail.

use std::error::Error as _;
use std::fmt::Write as _;
use std::pin::Pin;

use dremio_client::{DremioClient, Error, ErrorClass, JobId};
use secrecy::SecretString;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::stub::{Reply, Stub, answer, client, json};

const PASSWORD: &str = "correct-horse-9";
const TOKEN: &str = "7k2m0q5c1v9t3bsa8h6e4dlnrp";

/// Part of every body that the servers send: no error text may contain it.
const REMOTE: &str = "remote-sekret";

type Outcome = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

struct Case {
    name: &'static str,
    run: fn(DremioClient) -> Outcome,
}

fn token() -> SecretString {
    SecretString::from(TOKEN)
}

fn job() -> JobId {
    "1b0a2c3d-0000-1111-2222-333344445500".parse().unwrap()
}

/// All calls of the client.
fn calls() -> Vec<Case> {
    macro_rules! case {
        ($name:literal, $client:ident => $call:expr) => {
            Case { name: $name, run: |$client| Box::pin(async move { $call.await.map(|_| ()) }) }
        };
    }
    vec![
        case!("login", c => c.login("ada", &PASSWORD.into())),
        case!("probe", c => c.probe(&token())),
        case!("logout", c => c.logout(&token())),
        case!("submit_sql", c => c.submit_sql(&token(), "SELECT 1", &["Samples".to_owned()])),
        case!("job", c => c.job(&token(), &job())),
        case!("results", c => c.results(&token(), &job(), 0, 100, 1024 * 1024)),
        case!("cancel", c => c.cancel(&token(), &job())),
        case!("catalog_by_path", c => c.catalog_by_path(&token(), &["Samples".to_owned()])),
        case!("catalog_by_id", c => c.catalog_by_id(&token(), "c3")),
        case!("catalog_top", c => c.catalog_top(&token())),
        case!("catalog_search", c => c.catalog_search(&token(), "orders")),
        case!("wiki", c => c.wiki(&token(), "c3")),
        case!("tags", c => c.tags(&token(), "c3")),
    ]
}

/// Runs every call against a server with this reply, and checks the class of each error.
async fn check(what: &str, reply: Reply, expected: ErrorClass) {
    check_but(what, reply, expected, &[]).await;
}

/// The same, with exceptions: calls for which the reply means something else. `None` means success.
async fn check_but(
    what: &str,
    reply: Reply,
    expected: ErrorClass,
    exceptions: &[(&str, Option<ErrorClass>)],
) {
    let mut running = JoinSet::new();
    for case in calls() {
        let stub = Stub::start([reply.clone()]).await;
        running.spawn(async move { (case.name, (case.run)(stub.client()).await, stub) });
    }
    for (name, outcome, _stub) in running.join_all().await {
        let expected = exceptions
            .iter()
            .find(|(excepted, _)| *excepted == name)
            .map_or(Some(expected), |(_, class)| *class);
        assert_eq!(
            outcome.as_ref().err().map(Error::class),
            expected,
            "{name} with {what}: {outcome:?}"
        );
        if let Err(cause) = outcome {
            check_text(&cause);
        }
    }
}

/// The whole error text, including causes, names the call and nothing secret or remote.
fn check_text(error: &Error) {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        write!(text, " {cause} {cause:?}").unwrap();
        source = cause.source();
    }
    for secret in [PASSWORD, TOKEN, REMOTE] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(!error.to_string().is_empty());
}

fn head(status: &str, rest: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{rest}\r\n").into_bytes()
}

#[tokio::test]
async fn refused() {
    // A port without a listener, which no other test can get.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    for case in calls() {
        let error = (case.run)(client(&format!("http://{address}"))).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unreachable, "{}: {error:?}", case.name);
        assert!(error.is_transient());
        check_text(&error);
    }
}

#[tokio::test]
async fn unknown_host() {
    let error = client("http://no-such-host.invalid:9047").probe(&token()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unreachable, "{error:?}");
}

#[tokio::test]
async fn reset() {
    check("a reset before the answer", Reply::SendAndReset(Vec::new()), ErrorClass::Interrupted)
        .await;
    let half = [head("200 OK", "Content-Length: 1000\r\n"), br#"{"rowCount":1"#.to_vec()].concat();
    check("a reset in the answer", Reply::SendAndReset(half.clone()), ErrorClass::Interrupted)
        .await;
    check("an early end of the answer", Reply::Send(half), ErrorClass::Interrupted).await;
}

#[tokio::test]
async fn slow() {
    check("silence", Reply::SendAndStall(Vec::new()), ErrorClass::Timeout).await;
    let headers = head("200 OK", "Content-Length: 1000\r\n");
    check("silence after the headers", Reply::SendAndStall(headers.clone()), ErrorClass::Timeout)
        .await;
    check("a drip", Reply::Drip(headers), ErrorClass::Timeout).await;
}

#[tokio::test]
async fn unauthorized() {
    // A token that is rejected from the start needs no logout.
    check_but("401", answer(401, "", ""), ErrorClass::RejectedCredentials, &[("logout", None)])
        .await;
    let body =
        format!(r#"{{"errorMessage":"Login failed: {REMOTE}","moreInfo":"","stackTrace":[]}}"#);
    check_but(
        "401 with a body",
        json(401, &body),
        ErrorClass::RejectedCredentials,
        &[("logout", None)],
    )
    .await;
}

#[tokio::test]
async fn no_user_yet() {
    let body = r#"{"errorMessage":"No User Available","moreInfo":"","stackTrace":[]}"#;
    check("403 before the first user", json(403, body), ErrorClass::NoUserYet).await;
}

#[tokio::test]
async fn server_errors() {
    let body = format!(r#"{{"errorMessage":"{REMOTE}","moreInfo":""}}"#);
    check("500", json(500, &body), ErrorClass::ServerStatus).await;
    check(
        "a proxy's 502",
        answer(502, "text/html", &format!("<html>{REMOTE}</html>")),
        ErrorClass::ServerStatus,
    )
    .await;
    check("an empty 503", answer(503, "", ""), ErrorClass::ServerStatus).await;
    check(
        "a 500 without its end",
        Reply::SendAndStall(head("500 Error", "Content-Length: 1000\r\n")),
        ErrorClass::ServerStatus,
    )
    .await;
}

#[tokio::test]
async fn bad_json() {
    for body in [
        "",
        "{",
        "nul",
        r#"{"unrelated":"remote-sekret"}"#,
        "remote-sekret",
        "[]",
        r#""remote-sekret""#,
        "\u{0}",
    ] {
        let object = (!body.contains("unrelated")).then_some(ErrorClass::BadAnswer);
        let exceptions = [
            // Dremio never sends 200 where no content is expected.
            ("cancel", Some(ErrorClass::NotDremioApi)),
            // Any complete object is one of the catalog: its content is up to the caller.
            ("catalog_by_path", object),
            ("catalog_by_id", object),
            ("catalog_top", object),
            ("catalog_search", object),
        ];
        check_but(
            &format!("the body {body:?}"),
            json(200, body),
            ErrorClass::BadAnswer,
            &exceptions,
        )
        .await;
    }
}

#[tokio::test]
async fn wrong_members() {
    let check = async |name: &str, body: &str| {
        let case = calls().into_iter().find(|case| case.name == name).unwrap();
        let error = (case.run)(Stub::start([json(200, body)]).await.client()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadAnswer, "{name} {body}: {error:?}");
        check_text(&error);
    };
    check("login", r#"{"token":"","expires":1735803600000}"#).await;
    check("login", r#"{"token":"remote-sekret\n","expires":1735803600000}"#).await;
    check("login", r#"{"token":"remote-sekret"}"#).await;
    check("login", r#"{"token":"remote-sekret","expires":"2025-06-26T12:00:00Z"}"#).await;
    check("login", r#"{"token":"remote-sekret","expires":9223372036854775807}"#).await;
    check("probe", "false").await;
    check("submit_sql", r#"{"id":"../../../apiv2/login"}"#).await;
    check("job", r#"{"jobState":3}"#).await;
    check("job", r#"{"jobState":"RUNNING","rowCount":-1}"#).await;
    check("results", r#"{"rowCount":1,"schema":[]}"#).await;
    check("results", r#"{"rowCount":1,"rows":[]}"#).await;
    check("wiki", r#"{"text":null}"#).await;
    check("tags", r#"{"tags":["a",1]}"#).await;
}

#[tokio::test]
async fn web_page() {
    let page =
        answer(200, "text/html; charset=utf-8", &format!("<!doctype html><title>{REMOTE}</title>"));
    check("a web page", page, ErrorClass::NotDremioApi).await;
    let missing = answer(404, "text/html", &format!("<html>{REMOTE}</html>"));
    check("a 404 page", missing, ErrorClass::NotDremioApi).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{REMOTE}.example/\r\nContent-Length: 0\r\n\r\n"
    );
    check("a redirect", Reply::Send(redirect.into_bytes()), ErrorClass::NotDremioApi).await;
    // A browser would guess; content that is not declared as JSON may be anything.
    check_but("undeclared JSON", answer(200, "", "true"), ErrorClass::NotDremioApi, &[]).await;
}

#[tokio::test]
async fn not_http() {
    // The first bytes from a gRPC port, and a TLS port's answer to plain text.
    check(
        "HTTP/2",
        Reply::Send(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80".to_vec()),
        ErrorClass::NotDremioApi,
    )
    .await;
    check(
        "a TLS alert",
        Reply::Send(b"\x15\x03\x03\0\x02\x02\x50".to_vec()),
        ErrorClass::NotDremioApi,
    )
    .await;
}

#[tokio::test]
async fn oversized() {
    let declared = head("200 OK", "Content-Length: 99999999999\r\n");
    // The beginning of a page is useful, however long the rest: here it does not come.
    let exceptions = [("results", Some(ErrorClass::Timeout))];
    check_but(
        "an answer declared too large",
        Reply::SendAndStall(declared),
        ErrorClass::TooLarge,
        &exceptions,
    )
    .await;
}

#[tokio::test]
async fn oversized_without_declaration() {
    let chunked = |bytes: usize| {
        let chunk = format!("{bytes:x}\r\n{}\r\n0\r\n\r\n", "1".repeat(bytes));
        Reply::Send([head("200 OK", "Transfer-Encoding: chunked\r\n"), chunk.into_bytes()].concat())
    };
    let stub = Stub::start([chunked(64 * 1024 + 1)]).await;
    let error = stub.client().login("ada", &PASSWORD.into()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::TooLarge, "{error:?}");
    // At the limit it is read, but is not a valid answer.
    let stub = Stub::start([chunked(64 * 1024)]).await;
    let error = stub.client().login("ada", &PASSWORD.into()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadAnswer, "{error:?}");
}

#[tokio::test]
async fn refused_statements_keep_dremios_message() {
    let body = r#"{"errorMessage":"limit can\nnot exceed\u001b 500 rows","moreInfo":""}"#;
    for case in calls() {
        let error = (case.run)(Stub::start([json(400, body)]).await.client()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Refused, "{}: {error:?}", case.name);
        let kept = !matches!(case.name, "login" | "probe" | "logout");
        assert_eq!(
            error.remote_message(),
            kept.then_some("limit can not exceed  500 rows"),
            "{}",
            case.name
        );
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn not_found() {
    let body = format!(r#"{{"errorMessage":"Could not find {REMOTE}","moreInfo":""}}"#);
    // A job that has ended cannot be cancelled; Dremio answers 404.
    check_but("404", json(404, &body), ErrorClass::NotFound, &[("cancel", None)]).await;
}
