//! The HTTP/1.1 listener of every service: `TCP_NODELAY` (without it a streamed answer waits 44 ms for
//! an acknowledgement), a time limit on request heads, a cap on connections, and a stop that drains
//! within the service's deadline instead of waiting for ever on open streams. `axum::serve` has none of these.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lifecycle::Shutdown;
use crate::stall::StallGuard;

/// How long `accept` rests after an error such as "too many open files", so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Time from the first byte that is awaited to a complete request head.
    pub header_read_timeout: Duration,
    /// Size of a request head.
    pub header_bytes_max: usize,
    /// How long a write may wait for a peer that takes nothing.
    pub write_stall_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // 10 s is generous for a head that fits one packet; 64 KiB is above what any proxy forwards; a peer that takes nothing for a
        // minute has gone, or never meant to read.
        Self {
            connections_max: 4096,
            header_read_timeout: Duration::from_secs(10),
            header_bytes_max: 64 * 1024,
            write_stall_max: Duration::from_secs(60),
        }
    }
}

/// The other end of a connection, put into every request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves `router` on `listener` until `shutdown` drains; then finishes the requests under way and returns.
/// The caller bounds the drain (see [`crate::lifecycle::Tasks::run`]); `shutdown.now()` ends it at once.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: Shutdown) {
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = shutdown.draining() => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let router = router.clone().layer(axum::Extension(Peer(peer)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read_timeout)
            .max_buf_size(limits.header_bytes_max)
            .serve_connection(TokioIo::new(StallGuard::new(stream, limits.write_stall_max)), TowerToHyperService::new(router));
        let connection = graceful.watch(connection);
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(cause) = ended {
                    tracing::debug!(%peer, error = %cause, "connection ended early");
                },
                () = shutdown.now() => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = shutdown.now() => {}
    }
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(cause) = stream.set_nodelay(true) {
                tracing::debug!(%peer, error = %cause, "TCP_NODELAY refused");
            }
            Some((stream, peer, slot))
        }
        Err(cause) => {
            tracing::warn!(error = %cause, "accept failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
