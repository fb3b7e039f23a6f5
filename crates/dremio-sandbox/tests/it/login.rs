//! Login, probe, logout, first user, lifetimes (contract §1–§3).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dremio_sandbox::SandboxConfig;
use reqwest::Method;
use serde_json::json;

use crate::support::{Fixture, answer};

#[tokio::test]
async fn a_login_describes_the_session() {
    let fixture = Fixture::start().await;
    let (status, body) =
        fixture.post("/apiv2/login", &json!({"userName": "DREMIO", "password": "dremio123"})).await;
    assert_eq!(status, 200);
    let token = body["token"].as_str().unwrap();
    assert_eq!(token.len(), 26);
    assert!(token.chars().all(|char| matches!(char, '0'..='9' | 'a'..='v')), "{token}");
    assert_eq!(body["userName"], "DREMIO", "echoed as typed");
    assert_eq!(body["admin"], true);
    assert_eq!(body["permissions"].as_object().unwrap().len(), 16);
    assert_eq!(body["firstName"], "dremio");
    assert_eq!(body["email"], "dremio@example.test");
    #[expect(
        clippy::disallowed_methods,
        reason = "compares with the real time that the sandbox runs on"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let left = i128::from(body["expires"].as_i64().unwrap()) - i128::try_from(now).unwrap();
    let thirty_hours = 30 * 3_600_000;
    assert!((thirty_hours - 60_000..=thirty_hours).contains(&left), "{left}");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn wrong_logins_are_refused() {
    let fixture = Fixture::start().await;
    let wrong = |user: &str| {
        json!({"errorMessage": format!("Login failed: Invalid username or password, user {user}"),
        "moreInfo": "", "stackTrace": []})
    };
    for (user, password) in [("dremio", "wrong"), ("nobody", "dremio123")] {
        let (status, body) =
            fixture.post("/apiv2/login", &json!({"userName": user, "password": password})).await;
        assert_eq!((status, body), (401, wrong(user)));
    }
    for body in
        [json!({}), json!({"userName": "dremio"}), json!({"userName": "dremio", "password": ""})]
    {
        let (status, body) = fixture.post("/apiv2/login", &body).await;
        assert_eq!(
            (status, body["errorMessage"].as_str()),
            (401, Some("user name or password cannot be null or empty"))
        );
    }
    let (status, body) = fixture
        .post("/apiv2/login", &json!({"userName": "dremio", "password": "dremio123", "x": 1}))
        .await;
    assert_eq!((status, body["errorMessage"].as_str()), (400, Some("Invalid value found at: x")));
    let (status, _) = fixture.post("/apiv2/login", &json!(null)).await;
    assert_eq!(status, 500);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn header_forms_and_the_probe() {
    let fixture = Fixture::start().await;
    let token = &fixture.token;
    let probe = async |header: &str| {
        let request = fixture.open(Method::GET, "/apiv2/login").header("authorization", header);
        answer(request).await
    };
    for header in [
        format!("_dremio{token}"),
        format!("_dremio {token}"),
        format!("bearer {token}"),
        token.clone(),
    ] {
        assert_eq!(probe(&header).await, (200, json!(true)), "{header}");
    }
    for header in [
        format!("Bearer _dremio{token}"),
        format!("_DREMIO{token}"),
        format!("Basic {token}"),
        "x".to_owned(),
    ] {
        assert_eq!(probe(&header).await.0, 401, "{header}");
    }
    let answer = fixture.open(Method::GET, "/api/v3/catalog").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().get("content-type").is_none());
    assert!(answer.headers().get("www-authenticate").is_none());
    assert_eq!(answer.headers()["cache-control"], "no-cache, no-store");
    assert!(answer.bytes().await.unwrap().is_empty());
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn logout_takes_no_bearer_and_needs_the_cache() {
    let fixture = Fixture::start().await;
    let log_out = async |header: Option<String>| {
        let mut request = fixture.open(Method::DELETE, "/apiv2/login");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let is_good = async || fixture.get("/apiv2/login").await.0 == 200;
    assert_eq!(log_out(None).await, 500);
    assert_eq!(log_out(Some(format!("Bearer {}", fixture.token))).await, 204);
    assert!(is_good().await);
    fixture.control().evict_token_cache();
    assert_eq!(log_out(Some(format!("_dremio{}", fixture.token))).await, 204);
    assert!(is_good().await, "a token that is not cached survives its logout; this probe loads it");
    assert_eq!(log_out(Some(format!("_dremio{}", fixture.token))).await, 204);
    assert!(!is_good().await);
    assert_eq!(log_out(Some("unknown".to_owned())).await, 204);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn tokens_expire_are_revoked_and_outlive_the_password() {
    let fixture = Fixture::start().await;
    let control = fixture.control();
    control.set_password("dremio", "another1");
    assert_eq!(fixture.get("/apiv2/login").await.0, 200, "a password change touches no token");
    let (status, _) =
        fixture.post("/apiv2/login", &json!({"userName": "dremio", "password": "dremio123"})).await;
    assert_eq!(status, 401);
    control.set_token_lifetime(Duration::ZERO);
    let (_, body) =
        fixture.post("/apiv2/login", &json!({"userName": "dremio", "password": "another1"})).await;
    let expired =
        fixture.open(Method::GET, "/apiv2/login").bearer_auth(body["token"].as_str().unwrap());
    assert_eq!(answer(expired).await.0, 401);
    assert_eq!(control.live_tokens(), std::slice::from_ref(&fixture.token));
    assert_eq!(control.revoke_all_tokens(), 1);
    assert_eq!(fixture.get("/api/v3/catalog").await.0, 401);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn without_users_calls_are_refused() {
    let config = SandboxConfig { users: Vec::new(), ..SandboxConfig::default() };
    let sandbox = dremio_sandbox::Sandbox::start(config).await.unwrap();
    let fixture = Fixture { sandbox, client: crate::support::client(), token: "none".to_owned() };
    let login = json!({"userName": "ada", "password": "correct-horse-9"});
    let no_user = json!({"errorMessage": "No User Available", "moreInfo": "", "stackTrace": []});
    assert_eq!(fixture.post("/apiv2/login", &login).await, (403, no_user));
    assert_eq!(fixture.get("/apiv2/login").await.0, 403);
    assert_eq!(fixture.get("/api/v3/catalog").await.0, 401);
    assert_eq!(fixture.get("/apiv2/server_status").await, (200, json!("OK")));
    let create = async |body| {
        answer(fixture.open(Method::PUT, "/apiv2/bootstrap/firstuser").json(&body)).await
    };
    assert_eq!(create(json!({"userName": "ada", "password": "short"})).await.0, 400);
    let (status, body) =
        create(json!({"userName": "ada", "firstName": "Ada", "password": "correct-horse-9"})).await;
    assert_eq!((status, body["resourcePath"].as_str()), (200, Some("/user/ada")));
    let (status, body) = create(json!({"userName": "bob", "password": "correct-horse-9"})).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["errorMessage"],
        "First user can only be created when no user is already registered"
    );
    let (status, body) = fixture.post("/apiv2/login", &login).await;
    assert_eq!((status, body["firstName"].as_str()), (200, Some("Ada")));
    assert!(body.get("lastName").is_none(), "nulls are left out");
    fixture.sandbox.stop().await;
}
