//! The listener, the admin endpoints and the health check, over real sockets on port 0.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use prometheus_client::registry::Registry;
use service_kit::admin::{self, Condition, Readiness};
use service_kit::health::{self, Unhealthy};
use service_kit::http::{Limits, serve};
use service_kit::lifecycle::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

async fn start(limits: Limits) -> (SocketAddr, Readiness, Shutdown, JoinHandle<()>) {
    let readiness = Readiness::new(&["token", "dremio"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
    let served = tokio::spawn(serve(listener, admin::router(readiness.clone(), Registry::default()), limits, shutdown.clone()));
    (addr, readiness, shutdown, served)
}

async fn get(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn readiness_tells_why_and_the_health_check_looks_at_the_essential_part() {
    let (addr, readiness, shutdown, served) = start(Limits::default()).await;
    assert!(get(addr, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get(addr, "/readyz").await.contains(r#""reason":"starting""#));
    assert!(matches!(health::check(addr, &["token"]).await, Err(Unhealthy::Unmet(_))));

    readiness.set("token", Condition::met());
    readiness.set("dremio", Condition::unmet("unreachable", "connection refused"));
    let body = get(addr, "/readyz").await;
    assert!(body.starts_with("HTTP/1.1 503") && body.contains("connection refused"), "{body}");
    let health = health::check(addr, &["token"]).await.unwrap();
    assert_eq!(health.to_string(), "healthy, but not ready: dremio: connection refused");

    readiness.set("dremio", Condition::met());
    assert_eq!(health::check(addr, &["token"]).await.unwrap().to_string(), "healthy");
    assert!(get(addr, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(get(addr, "/metrics").await.contains("# EOF"));

    shutdown.request();
    served.await.unwrap();
    assert!(matches!(health::check(addr, &[]).await, Err(Unhealthy::NoAnswer { .. })));
}

#[tokio::test]
async fn half_a_request_head_does_not_hold_a_connection() {
    let limits = Limits { header_read_timeout: Duration::from_millis(50), connections_max: 1, ..Limits::default() };
    let (addr, ..) = start(limits).await;
    let mut slow = TcpStream::connect(addr).await.unwrap();
    slow.write_all(b"GET /healthz HTT").await.unwrap();
    // The only slot comes free by itself, so this is answered.
    assert!(get(addr, "/healthz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped_and_a_slow_one_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
    // Far more than the kernel's buffers of both ends hold.
    let router = axum::Router::new().route("/", axum::routing::get(async || vec![b'x'; 64 << 20]));
    let limits = Limits { write_stall_max: Duration::from_millis(300), ..Limits::default() };
    tokio::spawn(serve(listener, router, limits, shutdown));
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    let mut slow = TcpStream::connect(addr).await.unwrap();
    slow.write_all(request).await.unwrap();
    let (mut read, mut chunk) = (0, vec![0; 4 << 20]);
    loop {
        match slow.read(&mut chunk).await.unwrap() {
            0 => break,
            bytes => read += bytes,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(read > 64 << 20, "{read}");

    let mut stopped = TcpStream::connect(addr).await.unwrap();
    stopped.write_all(request).await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut rest = Vec::new();
    let read = stopped.read_to_end(&mut rest).await.unwrap_or(rest.len());
    assert!(read < 64 << 20, "{read}");
}

#[tokio::test]
async fn a_stop_closes_idle_connections_at_once() {
    let (addr, _, shutdown, served) = start(Limits::default()).await;
    let mut idle = TcpStream::connect(addr).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    shutdown.request();
    served.await.unwrap();
}
