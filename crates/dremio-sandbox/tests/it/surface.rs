//! What answers for paths, methods and media types that are not right (contract §0).

use reqwest::Method;
use serde_json::json;

use crate::support::{Fixture, answer};

#[tokio::test]
async fn outside_the_api_everything_is_a_page() {
    let fixture = Fixture::start().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/v0/projects/x/catalog"),
        (Method::GET, "/api/v4/ai/tools"),
        (Method::POST, "/oauth/token"),
        (Method::GET, "/apiv2x"),
    ] {
        let answer = fixture.open(method, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn inside_the_api_everything_is_json() {
    let fixture = Fixture::start().await;
    let mapped = |message: &str| json!({"errorMessage": message, "moreInfo": ""});
    // No token, and none is asked for.
    let request = fixture.open(Method::GET, "/api/v3/nothing/here");
    assert_eq!(answer(request).await, (404, mapped("HTTP 404 Not Found")));
    let request = fixture.open(Method::POST, "/api/v3/search").json(&json!({"query": "x"}));
    assert_eq!(answer(request).await.0, 404);
    let wrong_method = fixture.open(Method::GET, "/api/v3/sql").send().await.unwrap();
    assert_eq!(wrong_method.headers()["allow"], "POST");
    assert_eq!(wrong_method.status(), 405);
    assert_eq!(
        wrong_method.json::<serde_json::Value>().await.unwrap(),
        mapped("HTTP 405 Method Not Allowed")
    );
    assert_eq!(answer(fixture.open(Method::GET, "/api/v3/reflection")).await.0, 405);
    let plain =
        fixture.open(Method::POST, "/apiv2/login").header("content-type", "text/plain").body("{}");
    assert_eq!(answer(plain).await, (415, mapped("HTTP 415 Unsupported Media Type")));
    let xml = fixture.request(Method::GET, "/api/v3/catalog").header("accept", "application/xml");
    assert_eq!(answer(xml).await, (406, mapped("HTTP 406 Not Acceptable")));
    assert_eq!(fixture.get("/api/v3/catalog?format=text/csv").await.0, 406);
    assert_eq!(fixture.get("/api/v3/catalog?removeCatalogName=true").await.0, 200);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let fixture = Fixture::start().await;
    let id = fixture.submit("SELECT 1").await;
    fixture.ended(&id).await;
    let (status, job) = fixture.get(&format!("/api/v3/job/{id}/")).await;
    assert_eq!((status, job["jobState"].as_str()), (200, Some("COMPLETED")));
    assert_eq!(fixture.get(&format!("/api/v3/job/{id}/results/")).await.0, 200);
    assert_eq!(fixture.get("/apiv2/login/").await.0, 200);
    assert_eq!(fixture.get(&format!("/api/v3/job/{id}//")).await.0, 404);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn malformed_json_is_plain_text() {
    let fixture = Fixture::start().await;
    let request =
        fixture.request(Method::POST, "/api/v3/sql").header("content-type", "application/json");
    let answer = request.body("{\"sql\": ").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    let (status, body) =
        fixture.post("/api/v3/sql", &json!({"sql": "SELECT 1", "engine": "x"})).await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (400, Some("Invalid value found at: engine"))
    );
    let references =
        json!({"sql": "SELECT 1", "references": {"src": {"type": "NONSENSE", "value": "main"}}});
    let (status, body) = fixture.post("/api/v3/sql", &references).await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (400, Some("Invalid value found at: references.src.type"))
    );
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn other_resources_answer() {
    let fixture = Fixture::start().await;
    let (_, info) = fixture.get("/api/v3/info").await;
    assert!(info["version"].as_str().unwrap().starts_with("25.2.0-"), "{info}");
    let (_, user) = fixture.get("/api/v3/user/by-name/Dremio").await;
    assert_eq!(user["name"], "dremio");
    let (status, body) = fixture.get("/api/v3/user/by-name/x").await;
    assert_eq!((status, body["errorMessage"].as_str()), (404, Some("User 'x' not found")));
    let (_, sources) = fixture.get("/api/v3/source").await;
    assert_eq!(sources["data"].as_array().unwrap().len(), 2);
    let pretty = fixture.request(Method::GET, "/apiv2/login?pretty").send().await.unwrap();
    assert_eq!(pretty.text().await.unwrap(), "true");
    let pretty = fixture.request(Method::GET, "/api/v3/info?pretty").send().await.unwrap();
    assert!(pretty.text().await.unwrap().starts_with("{\n  \"version\" : \"25.2.0-"));
    fixture.sandbox.stop().await;
}
