//! The listener, the admin endpoints and the health check, over real sockets on port 0.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::get as get_route;
use axum::{Extension, Router};
use prometheus_client::registry::Registry;
use service_kit::admin::{self, Condition, Readiness};
use service_kit::health::{self, Unhealthy};
use service_kit::http::{
    Connection, Connections, Limits, Peer, UnprovenLimits, by_router, serve, serve_as,
};
use service_kit::lifecycle::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

async fn start(limits: Limits) -> (SocketAddr, Readiness, Shutdown, JoinHandle<()>) {
    let readiness = Readiness::new(&["token", "dremio"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
    let served = tokio::spawn(serve(
        listener,
        admin::router(readiness.clone(), Registry::default()),
        limits,
        shutdown.clone(),
    ));
    (addr, readiness, shutdown, served)
}

async fn get(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
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
    let limits = Limits {
        header_read_timeout: Duration::from_millis(50),
        connections_max: 1,
        ..Limits::default()
    };
    let (addr, ..) = start(limits).await;
    let mut slow = TcpStream::connect(addr).await.unwrap();
    slow.write_all(b"GET /healthz HTT").await.unwrap();
    // The only slot comes free by itself, so this is answered.
    assert!(get(addr, "/healthz").await.starts_with("HTTP/1.1 200"));
}

/// Opens a connection, asks for `path` on it and reads the head of the answer, which has no body.
async fn ask(addr: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    ask_again(&mut stream, path).await;
    stream
}

async fn ask_again(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

/// Waits for this side's end of the connection.
async fn closed(stream: &mut TcpStream) {
    let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_u8()).await.unwrap();
    assert!(ended.is_err());
}

/// A listener where `/good` is a request with a good key.
async fn start_with_keys(limits: Limits, proxies: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let good = async |Extension(connection): Extension<Connection>| connection.prove();
    let peer = async |Extension(peer): Extension<Peer>| peer.0.ip().to_string();
    let router = Router::new()
        .route("/good", get_route(good))
        .route("/bad", get_route(async || ()))
        .route("/peer", get_route(peer));
    tokio::spawn(serve_as(
        listener,
        by_router(router),
        Connections::new(limits, proxies.parse().unwrap()),
        Shutdown::new(),
    ));
    addr
}

/// One limit for heads and rest closed a client's connection in a pause to think.
#[tokio::test]
async fn a_connection_with_a_key_may_idle_but_every_head_has_a_limit() {
    const SHORT: Duration = Duration::from_millis(100);
    let unproven = Some(UnprovenLimits { idle_max: SHORT, per_address_max: 9 });
    let addr =
        start_with_keys(Limits { header_read_timeout: SHORT, unproven, ..Limits::default() }, "")
            .await;
    let (mut known, mut slow) = (ask(addr, "/good").await, ask(addr, "/good").await);
    // Three times the limit of the others, and of a head.
    for _ in 0..3 {
        closed(&mut TcpStream::connect(addr).await.unwrap()).await;
    }
    closed(&mut ask(addr, "/bad").await).await;
    ask_again(&mut known, "/good").await;
    slow.write_all(b"GET /good HTT").await.unwrap();
    closed(&mut slow).await;
    let limits = Limits { idle_max: SHORT, ..Limits::default() };
    closed(&mut ask(start_with_keys(limits, "").await, "/good").await).await;
}

/// From 127.0.0.2.
async fn silent(addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(addr).await.unwrap()
}

#[tokio::test]
async fn many_silent_connections_shut_nobody_out() {
    let unproven = Some(UnprovenLimits { idle_max: Duration::from_secs(3600), per_address_max: 4 });
    let limits = Limits {
        connections_max: 16,
        unproven,
        header_read_timeout: Duration::from_secs(3600),
        ..Limits::default()
    };
    let addr = start_with_keys(limits, "").await;
    let mut known = ask(addr, "/good").await;
    let mut flood = Vec::new();
    for _ in 0..40 {
        let mut stream = silent(addr).await;
        stream.write_all(b"GET /good HTT").await.unwrap();
        flood.push(stream);
    }
    ask(addr, "/good").await;
    ask_again(&mut known, "/good").await;
    for stream in flood.iter_mut().take(36) {
        closed(stream).await;
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_asks_and_nobody_else_does() {
    for (proxies, expected) in
        [("127.0.0.1", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1"), ("", "127.0.0.1")]
    {
        let addr = start_with_keys(Limits::default(), proxies).await;
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = b"GET /peer HTTP/1.1\r\nhost: x\r\n\
            x-forwarded-for: 198.51.100.1, 192.0.2.7\r\nconnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.ends_with(&format!("\r\n\r\n{expected}")), "{proxies}: {text}");
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped_and_a_slow_one_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
    // Far more than the kernel's buffers of both ends hold.
    let router = Router::new().route("/", get_route(async || vec![b'x'; 64 << 20]));
    let limits = Limits { write_stall_max: Duration::from_secs(1), ..Limits::default() };
    tokio::spawn(serve(listener, router, limits, shutdown));
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    let mut slow = TcpStream::connect(addr).await.unwrap();
    slow.write_all(request).await.unwrap();
    // Some two and a half seconds in all.
    let (mut read, mut chunk) = (0, vec![0; 256 << 10]);
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
    tokio::time::sleep(Duration::from_millis(1500)).await;
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

#[tokio::test]
async fn long_heads_that_never_end_take_so_much_and_no_honest_request_is_in_their_way() {
    let limits = Limits { long_head_bytes_max: 80 * 1024, ..Limits::default() };
    let (addr, _, shutdown, served) = start(limits).await;
    let long = async || {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = format!(
            "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: {}",
            "a".repeat(40 * 1024)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let end = async |mut stream: TcpStream| {
        let _ = stream.write_all(b"\r\n\r\n").await;
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        text
    };
    let mut heads = Vec::new();
    let mut byte = [0];
    // Of two of 40 KiB, some 64 KiB are beyond the usual length; with a third there would be 96.
    for _ in 0..3 {
        heads.push(long().await);
    }
    let mut third = heads.pop().unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(9), third.read(&mut byte)).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    assert!(get(addr, "/healthz").await.starts_with("HTTP/1.1 200"));
    // Those that have their room are served when they end, and make room for others.
    assert!(end(heads.pop().unwrap()).await.starts_with("HTTP/1.1 200"));
    assert!(end(long().await).await.starts_with("HTTP/1.1 200"));
    drop(heads);
    shutdown.request();
    served.await.unwrap();
}
