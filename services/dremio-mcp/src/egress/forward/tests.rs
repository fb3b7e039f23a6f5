//! The child's time limits with a slow or silent Dremio.

use std::sync::Arc;

use dremio_client::{ConnectConfig, DremioClient};
use dremio_sandbox::{Fault, Sandbox, SandboxConfig, Scope};
use prometheus_client::registry::Registry;
use service_kit::Clock;
use token_file::Writer;

use super::*;
use crate::conditions::{ConditionName, Readiness};
use crate::dremio::{DremioHealth, TokenSource};
use crate::metrics::Metrics;

/// A short limit, and its Dremio.
async fn setting(patience: Duration) -> (Sandbox, DremioCaller, tempfile::TempDir) {
    let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
    let generous = ConnectConfig::new(sandbox.uri().parse().unwrap());
    let login = DremioClient::new(Transport::connect(&generous).unwrap())
        .login("dremio", &"dremio123".into())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.json");
    Writer::open(path.clone()).unwrap().write(&Token::new(login.token, login.expires_at)).unwrap();
    let (tokens, _requester) = TokenSource::watch(&path, Clock::system(), None);
    let health = DremioHealth::new(
        Readiness::new(&[ConditionName::Dremio]),
        Arc::new(Metrics::register(&mut Registry::default())),
        true,
    );
    let transport =
        Transport::connect(&ConnectConfig { request_timeout: patience, ..generous }).unwrap();
    let dremio = DremioCaller::new(DremioClient::new(transport), tokens, health);
    (sandbox, dremio, folder)
}

fn get(dremio: &DremioCaller, path: &str, is_bulk: bool) -> Incoming {
    Incoming {
        method: Method::GET,
        path_and_query: path.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        is_bulk,
        dremio: dremio.clone(),
    }
}

async fn body(response: Response) -> Result<Bytes, axum::Error> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await
}

#[tokio::test]
async fn a_silent_dremio_is_a_504() {
    let (sandbox, dremio, _folder) = setting(Duration::from_millis(200)).await;
    sandbox.control().inject(Fault::Stall, Scope::path("/api/v3"));
    for is_bulk in [false, true] {
        let answer = get(&dremio, "/api/v3/catalog", is_bulk).forward().await;
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        let text = String::from_utf8(body(answer).await.unwrap().to_vec()).unwrap();
        assert!(text.contains("Dremio did not answer within 0.2 s"), "{text}");
    }
}

#[tokio::test]
async fn a_page_of_results_has_more_time() {
    let (sandbox, dremio, _folder) = setting(Duration::from_secs(2)).await;
    let whole = body(get(&dremio, "/api/v3/catalog", false).forward().await).await.unwrap();
    // Takes 3 s: too long for a quick answer, but not for a page.
    let bytes_per_chunk = whole.len().div_ceil(30);
    let interval = Duration::from_millis(100);
    sandbox.control().inject(Fault::Drip { bytes_per_chunk, interval }, Scope::path("/api/v3"));
    assert!(body(get(&dremio, "/api/v3/catalog", false).forward().await).await.is_err());
    assert_eq!(body(get(&dremio, "/api/v3/catalog", true).forward().await).await.unwrap(), whole);
}

#[test]
fn a_shorter_limit_is_explained() {
    let timeout = |limit| unanswered(&Error::Timeout { operation: OPERATION, limit }.into());
    let reason = |response: Response| {
        response
            .extensions()
            .get::<hyper::ext::ReasonPhrase>()
            .map(|reason| reason.as_bytes().to_vec())
    };
    let short = String::from_utf8(reason(timeout(AWAY_TIMEOUT)).unwrap()).unwrap();
    assert!(
        short.contains("within 5 s; it does not answer dremio-mcp's own checks either"),
        "{short}"
    );
    assert!(
        String::from_utf8(reason(timeout(Duration::from_secs(30))).unwrap())
            .unwrap()
            .ends_with("within 30 s")
    );
}

#[test]
fn a_web_page_is_recognised_by_its_content_type() {
    let answer = |content_type: &str| {
        let answer = axum::http::Response::builder()
            .header(header::CONTENT_TYPE, content_type)
            .body("")
            .unwrap();
        reqwest::Response::from(answer)
    };
    for (content_type, expected) in [
        ("text/html", true),
        ("Text/HTML", true),
        ("TEXT/HTML;charset=utf-8", true),
        (" text/html ; charset=utf-8", true),
        ("application/json", false),
        ("text/htmlx", false),
        ("application/json; profile=text/html", false),
        ("", false),
    ] {
        assert_eq!(is_page(&answer(content_type)), expected, "{content_type}");
    }
}
