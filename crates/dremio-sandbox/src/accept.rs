//! The accept loop and the life of one connection.
//!
//! Our own loop over hyper-util, because a fault may concern the connection itself: RST in the
//! middle of an answer, all connections dropped at once. HTTP/1.1 only, like Dremio's Jetty without
//! TLS; `TCP_NODELAY`, or every dripped chunk would wait for an acknowledgement.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::exchange::{self, Dropped};
use crate::gate::Gate;
use crate::instance::Instance;

/// Connections at one time; more wait in the kernel's queue. A guess: ten times what a stress test
/// opens.
const CONNECTIONS_MAX: usize = 2_048;
/// A peer that does not finish its request head within this is gone.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves Dremio's surface until `stop`, then drops the connections and returns.
///
/// # Panics
/// Again, at the end, if a handler panicked: a test that stops its sandbox must not pass over that.
pub(crate) async fn serve_dremio(instance: Arc<Instance>, router: Router, stop: CancellationToken) {
    let gate = Arc::clone(&instance.gate);
    serve(&gate, &stop, move |stream, closed| {
        let instance = Arc::clone(&instance);
        let router = router.clone();
        async move {
            let reset = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&reset);
            let service = service_fn(move |request: Request<Incoming>| {
                exchange::answer(Arc::clone(&instance), router.clone(), Arc::clone(&flag), request)
            });
            drive::<_, _, Dropped>(stream, service, closed, &reset).await;
        }
    })
    .await;
}

/// Serves a plain router, without journal and faults: the control port.
pub(crate) async fn serve_router(gate: Arc<Gate>, router: Router, stop: CancellationToken) {
    serve(&gate, &stop, move |stream, closed| {
        let router = router.clone();
        async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let router = router.clone();
                router.oneshot(request.map(Body::new))
            });
            drive::<_, _, Infallible>(stream, service, closed, &AtomicBool::new(false)).await;
        }
    })
    .await;
}

async fn serve<C, F>(gate: &Gate, stop: &CancellationToken, connection: C)
where
    C: Fn(TcpStream, CancellationToken) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut panics = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                panics.extend(panic_of(ended));
            }
            (stream, closed) = gate.accept(), if connections.len() < CONNECTIONS_MAX => {
                let stop = stop.clone();
                let serving = connection(stream, closed);
                connections.spawn(async move {
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => {}
                        () = serving => {}
                    }
                });
            }
        }
    }
    gate.shut();
    while let Some(ended) = connections.join_next().await {
        panics.extend(panic_of(ended));
    }
    if let Some(panic) = panics.pop() {
        std::panic::resume_unwind(panic);
    }
}

fn panic_of(ended: Result<(), JoinError>) -> Option<Box<dyn Any + Send>> {
    ended.err().filter(JoinError::is_panic).map(JoinError::into_panic)
}

async fn drive<S, F, E>(
    stream: TcpStream,
    service: S,
    closed: CancellationToken,
    reset: &AtomicBool,
) where
    S: hyper::service::Service<Request<Incoming>, Response = Response<Body>, Error = E, Future = F>,
    F: Future<Output = Result<Response<Body>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(error = %cause, "peer is gone before its first request");
        return;
    }
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        biased;
        () = closed.cancelled() => return,
        ended = &mut connection => ended,
    };
    if reset.load(Ordering::Acquire) {
        // Closing a socket that lingers for no time sends RST instead of FIN.
        if let Err(cause) = connection.into_parts().io.inner().set_zero_linger() {
            tracing::warn!(error = %cause, "cannot reset a connection, it is closed instead");
        }
    } else if let Err(cause) = ended {
        tracing::debug!(error = %cause, "connection ended early");
    }
}
