//! The HTTP/1.1 listener of every service: `TCP_NODELAY` (without it a streamed answer waits 44 ms
//! for an acknowledgement), time limits on request heads and on idle connections, a cap on
//! connections that no single client can exhaust, and a stop that drains within the service's
//! deadline instead of waiting for ever on open streams. `axum::serve` has none of these.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;
use tower::util::ServiceExt as _;

use crate::connections::UnderWay;
pub use crate::connections::{Connection, Connections};
use crate::lifecycle::Shutdown;
pub use crate::limits::{Limits, UnprovenLimits};
pub use crate::proxies::TrustedProxies;
use crate::stall::StallGuard;
use crate::timed::{Deadline, Timed};

/// How long `accept` rests after an error such as "too many open files", so that the loop does not
/// spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who asks, put into every request's extensions: the other end of the connection, or the client
/// that a trusted proxy names, whose port is then 0.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Peer {
    /// Of a request that came over no connection.
    pub const UNKNOWN: Self = Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
}

/// Serves `router` on `listener` until `shutdown` drains; then finishes the requests under way and
/// returns. The caller bounds the drain (see [`crate::lifecycle::Tasks::run`]); `shutdown.now()`
/// ends it at once.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: Shutdown) {
    let connections = Connections::new(limits, TrustedProxies::default());
    serve_as(listener, by_router(router), connections, shutdown).await;
}

/// A router as what [`serve_as`] takes.
pub fn by_router(
    router: Router,
) -> impl Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>
+ Clone
+ Send
+ Sync
+ 'static {
    move |request| {
        let answer = router.clone().oneshot(request);
        Box::pin(async move { answer.await.unwrap_or_else(|never| match never {}) })
    }
}

/// As [`serve`], with a function that answers, and connections that the caller can count.
pub async fn serve_as<H, F>(
    listener: TcpListener,
    handler: H,
    connections: Arc<Connections>,
    shutdown: Shutdown,
) where
    H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let running = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = shutdown.draining() => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let open = Open { connection: connections.open(peer.ip()), _place: place };
        running.spawn(run(stream, peer, open, handler.clone(), shutdown.clone()));
    }
    drop(listener);
    running.close();
    tokio::select! {
        () = running.wait() => {}
        () = shutdown.now() => {}
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(cause) = stream.set_nodelay(true) {
                tracing::debug!(%peer, error = %cause, "TCP_NODELAY refused");
            }
            let place = connections.place(peer.ip()).await?;
            Some((stream, peer, place))
        }
        Err(cause) => {
            tracing::warn!(error = %cause, "accept failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// A connection that is counted as open until this is dropped.
struct Open {
    connection: Connection,
    _place: OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connection.close();
    }
}

async fn run<H, F>(stream: TcpStream, peer: SocketAddr, open: Open, handler: H, shutdown: Shutdown)
where
    H: Fn(Request<Body>) -> F,
    F: Future<Output = Response<Body>>,
{
    let limits = open.connection.connections().limits;
    let io = Timed::new(StallGuard::new(stream, limits.write_stall_max), open.connection.clone());
    let connection = open.connection.clone();
    let service = service_fn(move |request| answer(&handler, &connection, peer, request));
    let mut served = pin!(
        http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes_max)
            .serve_connection(TokioIo::new(io), service)
    );
    let (mut is_draining, mut is_evicted, mut deadline) = (false, false, Deadline::default());
    loop {
        tokio::select! {
            // The connection first: the deadline looks at what it left.
            biased;
            ended = served.as_mut() => {
                if let Err(cause) = ended {
                    tracing::debug!(%peer, error = %cause, "connection ended early");
                }
                return;
            }
            reason = poll_fn(|cx| deadline.poll(cx, &open.connection)) => {
                tracing::debug!(%peer, ?reason, "connection closed");
                open.connection.connections().count(reason);
                return;
            }
            () = open.connection.evicted(), if !is_evicted => {
                is_evicted = true;
                if !open.connection.is_proven() {
                    return;
                }
                // A request that has come in this moment is still answered.
                served.as_mut().graceful_shutdown();
            }
            () = shutdown.draining(), if !is_draining => {
                is_draining = true;
                served.as_mut().graceful_shutdown();
            }
            // Nothing stops at once that was not asked to drain as well.
            () = shutdown.now(), if is_draining => return,
        }
    }
}

/// Answers one request, which is under way until the last byte of the answer has gone.
fn answer<H, F>(
    handler: &H,
    connection: &Connection,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Keeping<Body, UnderWay>>, Infallible>> + use<H, F>
where
    H: Fn(Request<Body>) -> F,
    F: Future<Output = Response<Body>>,
{
    let (connection, under_way) = (connection.clone(), connection.begin());
    let client = connection.connections().proxies.client(peer, request.headers());
    request.extensions_mut().insert(Peer(client));
    request.extensions_mut().insert(connection.clone());
    // Boxed, because an open connection keeps as much as the largest of its answers needs.
    let answer = Box::pin(handler(request.map(Body::new)));
    async move {
        let response = answer.await;
        if response.headers().get(header::CONNECTION).is_some_and(|value| value == "close") {
            connection.linger();
        }
        Ok(response.map(|body| Keeping::new(body, under_way)))
    }
}

/// A body with something that is kept until the body was read, or dropped.
pub struct Keeping<B, K> {
    body: B,
    _kept: K,
}

impl<B, K> Keeping<B, K> {
    /// `body`, which keeps `kept`.
    pub fn new(body: B, kept: K) -> Self {
        Self { body, _kept: kept }
    }
}

impl<B: hyper::body::Body<Data = Bytes> + Unpin, K: Unpin> hyper::body::Body for Keeping<B, K> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
