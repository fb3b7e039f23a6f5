//! The control handle over HTTP.

use dremio_sandbox::ControlPort;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Fixture, answer};

#[tokio::test]
async fn the_port_does_what_the_handle_does() {
    let fixture = Fixture::start().await;
    let port = ControlPort::start("127.0.0.1:0".parse().unwrap(), fixture.control()).unwrap();
    let call = async |method: Method, path: &str, body: Value| {
        let request = fixture.client.request(method, format!("http://{}{path}", port.addr()));
        answer(if body.is_null() { request } else { request.json(&body) }).await
    };
    let post = async |path: &str, body: Value| call(Method::POST, path, body).await;
    let health = call(Method::GET, "/healthz", Value::Null).await;
    assert_eq!(health.0, 200);
    assert_eq!(
        post(
            "/fault",
            json!({"kind": "status", "status": 503, "path": "/api/v3/info", "times": 1})
        )
        .await
        .0,
        200
    );
    assert_eq!(fixture.get("/api/v3/info").await.0, 503);
    assert_eq!(post("/fault", json!({"kind": "unauthorized", "method": "GET"})).await.0, 200);
    assert_eq!(fixture.get("/api/v3/info").await.0, 401);
    assert_eq!(call(Method::DELETE, "/faults", Value::Null).await.0, 200);
    assert_eq!(fixture.get("/api/v3/info").await.0, 200);
    let (status, body) = post("/fault", json!({"kind": "delay"})).await;
    assert_eq!((status, body), (400, json!({"error": "delay needs \"duration\""})));
    assert_eq!(post("/fault", json!({"kind": "earthquake"})).await.0, 400);
    assert_eq!(post("/token-lifetime", json!({"duration": "5"})).await.0, 400, "a unit is needed");
    let (status, body) = post("/token-lifetime", json!({"duration": "0s"})).await;
    assert_eq!(
        (status, body),
        (400, json!({"error": "tokens that live 0s could not be used: give at least 250ms"}))
    );
    assert_eq!(post("/token-lifetime", json!({"duration": "1h"})).await.0, 200);
    assert_eq!(post("/job-duration", json!({"duration": "0s"})).await.0, 200);
    assert_eq!(post("/slow-query", json!({"containing": "2", "duration": "1h"})).await.0, 200);
    assert_eq!(call(Method::DELETE, "/slow-queries", Value::Null).await.0, 200);
    assert_eq!(post("/generated-tables", json!({"count": 1})).await.0, 200);
    assert_eq!(fixture.get("/api/v3/catalog/by-path/Lake/finance/invoices").await.0, 200);
    assert_eq!(post("/large-tables", Value::Null).await.0, 200);
    assert_eq!(fixture.get("/api/v3/catalog/by-path/Large/many_rows").await.0, 200);
    assert_eq!(post("/rare-entries", Value::Null).await.0, 200);
    assert_eq!(fixture.get("/api/v3/catalog/by-path/Rare/net_price").await.0, 200);
    assert_eq!(post("/bare-syntax-errors", json!({"on": false})).await.0, 200);
    fixture.result("SELECT 1").await;
    let (_, jobs) = call(Method::GET, "/jobs", Value::Null).await;
    assert_eq!((&jobs[0]["sql"], &jobs[0]["state"]), (&json!("SELECT 1"), &json!("COMPLETED")));
    assert_eq!(post("/refuse", json!({"on": true})).await.0, 200);
    assert!(fixture.request(Method::GET, "/api/v3/info").send().await.is_err());
    assert_eq!(post("/refuse", json!({"on": false})).await.0, 200);
    assert_eq!(fixture.get("/api/v3/info").await.0, 200);
    assert_eq!(post("/revoke-tokens", Value::Null).await, (200, json!({"revoked": 1})));
    assert_eq!(fixture.get("/api/v3/info").await.0, 401);
    let (_, requests) = call(Method::GET, "/requests", Value::Null).await;
    assert_eq!(requests[0]["path"], "/apiv2/login");
    assert_eq!(call(Method::DELETE, "/requests", Value::Null).await.0, 200);
    assert_eq!(call(Method::GET, "/requests", Value::Null).await, (200, json!([])));
    port.stop().await;
    fixture.sandbox.stop().await;
}
