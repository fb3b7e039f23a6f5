//! The page at `/` of the admin address, as an operator's browser gets it.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode};
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest, Sha256};
use token_file::{Token, Writer};

use crate::setting::Setting;
use crate::support::{Gateway, KEY, OTHER_KEY, eventually, http};

async fn answer(gateway: &Gateway) -> Response {
    http().get(format!("{}/", gateway.admin)).send().await.unwrap()
}

async fn page(gateway: &Gateway) -> String {
    answer(gateway).await.text().await.unwrap()
}

/// Waits for a page with `text`.
async fn page_with(gateway: &Gateway, text: &str) -> String {
    eventually(text, async || page(gateway).await.contains(text)).await;
    page(gateway).await
}

/// Puts a token that expires in so long into the token file.
fn write_token(gateway: &Gateway, life: SignedDuration) {
    #[expect(clippy::disallowed_methods, reason = "the gateway under test has the real clock")]
    let now = Timestamp::now();
    let token = Token::new(SecretString::from("a-secret-token"), now + life);
    Writer::open(gateway.folder.path().join("token.json")).unwrap().write(&token).unwrap();
}

#[tokio::test]
async fn the_page_is_one_request_and_may_load_nothing() {
    let gateway = Gateway::start().await;
    let answer = answer(&gateway).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    let policy = header("content-security-policy");
    let text = answer.text().await.unwrap();
    let style = text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    assert!(policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{hash}';")));
    for foreign in ["<script", "javascript:", " style=", "<iframe", "<form", " src=", "url("] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    // Links lead to the same address.
    let links = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let links: Vec<_> = links.collect();
    assert_eq!(links, ["data:,", "/readyz", "/metrics", "/healthz"]);
    assert!(text.len() < 50 * 1024, "{}", text.len());
    gateway.stop().await;
}

#[tokio::test]
async fn other_methods_and_foreign_pages_are_refused() {
    let gateway = Gateway::start().await;
    let url = format!("{}/", gateway.admin);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = http().request(method.clone(), &url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    for (name, value) in [("host", "evil.example"), ("origin", "http://evil.example")] {
        let answer = http().get(&url).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn calls_are_shown_and_nothing_that_clients_wrote() {
    let server = format!("{} Dremio", stdio_fixture::executable().display());
    let setting = Setting::with(&[("MCP_SERVER_COMMAND", &server)]).await;
    let (gateway, client) = (&setting.gateway, &setting.client);
    let token = setting.rotate().await;
    let secret_sql = "SELECT 'a secret of Ada' AS x";
    client.text("RunSqlQuery", json!({ "query": secret_sql })).await;
    client.text("RunSqlQuery", json!({ "query": "SELECT secret_column FROM nowhere" })).await;
    client.call(json!(1), "<b>made up</b>", json!({})).await;
    let text = page_with(gateway, "What happened").await;
    let ada = "key:";
    for shown in [ada, "RunSqlQuery", "other", "the agent has read why", "official", "Dremio"] {
        assert!(text.contains(shown), "{shown}");
    }
    assert!(text.contains("3 calls, 2 errors"), "{text}");
    let hidden = ["secret of Ada", "secret_column", "made up", &token, KEY, OTHER_KEY];
    for hidden in hidden.into_iter().chain(["dremio123"]) {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert!(text.contains("Ready"), "{text}");
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_server_cannot_put_html_into_the_page() {
    let server = format!("{} '<script>x</script>'", stdio_fixture::executable().display());
    let gateway =
        Gateway::start_with("http://127.0.0.1:9", &[("MCP_SERVER_COMMAND", &server)]).await;
    gateway.has_engine().await;
    let text = page(&gateway).await;
    assert!(text.contains("&lt;script&gt;x&lt;/script&gt;"), "{text}");
    assert!(!text.contains("<script"), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn each_failure_has_its_reason_and_what_helps() {
    let logs = "docker compose logs token-refresher";
    let gateway = Gateway::start().await;
    let text = page_with(&gateway, "no login token for Dremio").await;
    assert!(text.contains("Not ready") && text.contains(logs), "{text}");
    write_token(&gateway, SignedDuration::from_secs(-60));
    let text = page_with(&gateway, "token_expired").await;
    assert!(text.contains("has expired") && text.contains(logs), "{text}");
    write_token(&gateway, SignedDuration::from_hours(30));
    let text = page_with(&gateway, "Dremio cannot be reached").await;
    assert!(text.contains("DREMIO_URI is its address as seen from here"), "{text}");
    assert!(!text.contains("a-secret-token"));
    gateway.stop().await;

    let dead = [("MCP_SERVER_COMMAND", "/bin/false")];
    let gateway = Gateway::start_with("http://127.0.0.1:9", &dead).await;
    let text = page_with(&gateway, "engine_down").await;
    assert!(text.contains("docker compose logs dremio-mcp"), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn trouble_with_policy_and_audit_file_is_shown_too() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let client = |tools: &str| {
        let key = "0".repeat(64);
        format!("[[client]]\nname = \"ada\"\nkeys = [\"sha256:{key}\"]\ntools = [\"{tools}\"]\n")
    };
    std::fs::write(&policy, client("*")).unwrap();
    // There is no token-refresher, and so no gateway key to seal lines with.
    let audit = folder.path().join("audit.jsonl");
    let settings = [
        ("MCP_POLICY_FILE", policy.to_str().unwrap()),
        ("AUDIT_FILE", audit.to_str().unwrap()),
        ("MCP_ENGINE", "native"),
    ];
    let gateway = Gateway::start_with("http://127.0.0.1:9", &settings).await;
    let text = page_with(&gateway, "no_gateway_key").await;
    assert!(text.contains("Audit file") && text.contains("it makes gateway.key"), "{text}");
    assert!(!text.contains("policy_rejected"), "{text}");
    std::fs::write(&policy, client("NoSuchTool")).unwrap();
    let text = page_with(&gateway, "policy_rejected").await;
    for part in ["what each client may do", "NoSuchTool", "line 4", "dremio-mcp check-config"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_rejected_token_and_a_stop_are_shown_too() {
    let setting = Setting::with(&[("MCP_ENGINE", "native")]).await;
    let (sandbox, gateway) = (&setting.sandbox, &setting.gateway);
    write_token(gateway, SignedDuration::from_hours(30));
    let text = page_with(gateway, "token_rejected").await;
    assert!(text.contains("logs in again within seconds"), "{text}");
    assert!(text.contains("native, in this process"));
    setting.rotate().await;
    page_with(gateway, "Ready").await;

    sandbox.control().set_job_duration(Duration::from_secs(3600));
    let client = setting.client.clone();
    let call = tokio::spawn(async move {
        client.call(json!(1), "RunSqlQuery", json!({ "query": "SELECT 1" })).await
    });
    eventually("the job runs", async || !sandbox.control().jobs().is_empty()).await;
    gateway.request_stop();
    let text = page_with(gateway, "Stopping").await;
    assert!(text.contains("1 of 64 places"), "{text}");
    call.abort();
}
