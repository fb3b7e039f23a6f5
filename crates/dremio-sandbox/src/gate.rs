//! The listening socket, which can be closed and opened again on the same port while the sandbox
//! lives.
//!
//! [`Gate::close`] and [`Gate::open`] have taken effect when they return: a test that says "refuse"
//! and connects in the next line is refused. That is why the socket lives here and not in the
//! accept loop.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long to wait before another try when the port was taken in the meantime, or accepting failed
/// (out of descriptors).
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Connections that wait to be accepted; as many as `std` and tokio allow by default.
const BACKLOG: u32 = 1024;

#[derive(Debug)]
pub(crate) struct Gate {
    addr: SocketAddr,
    runtime: Handle,
    /// Bound to the same port and never listening: while the gate is closed, connections are
    /// refused and no other process gets the port.
    _reserved: TcpSocket,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    listener: Option<TcpListener>,
    refusing: bool,
    /// The sandbox has stopped: it does not open again.
    shut: bool,
    /// Cancelled when the connections accepted since the last opening are to be dropped.
    connections: CancellationToken,
}

impl Gate {
    /// Listens on `addr`. Must be called inside a tokio runtime.
    pub(crate) fn listen(addr: SocketAddr) -> io::Result<Self> {
        let runtime = Handle::current();
        let reserved = socket(addr)?;
        let addr = reserved.local_addr()?;
        let listener = bind(&runtime, addr)?;
        Ok(Self {
            addr,
            runtime,
            _reserved: reserved,
            inner: Mutex::new(Inner {
                listener: Some(listener),
                refusing: false,
                shut: false,
                connections: CancellationToken::new(),
            }),
            changed: Notify::new(),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().refusing
    }

    /// Closes the socket and drops every open connection.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.refusing = true;
        inner.listener = None;
        inner.connections.cancel();
        self.changed.notify_one();
    }

    /// Closes for good.
    pub(crate) fn shut(&self) {
        self.lock().shut = true;
        self.close();
    }

    /// Listens again. If another process has taken the port in the meantime, the accept loop goes
    /// on trying.
    pub(crate) fn open(&self) {
        let mut inner = self.lock();
        if !inner.refusing || inner.shut {
            return;
        }
        inner.refusing = false;
        inner.connections = CancellationToken::new();
        inner.listener = bind(&self.runtime, self.addr).ok();
        self.changed.notify_one();
    }

    /// The next connection, and the token that ends it when the gate closes. Cancel safe.
    pub(crate) async fn accept(&self) -> (TcpStream, CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = poll_fn(|cx| {
                    let inner = self.lock();
                    match &inner.listener {
                        Some(listener) => listener
                            .poll_accept(cx)
                            .map_ok(|(stream, _)| (stream, inner.connections.clone())),
                        None if inner.refusing => Poll::Pending,
                        None => Poll::Ready(Err(io::ErrorKind::AddrInUse.into())),
                    }
                }) => accepted,
                () = self.changed.notified() => continue,
            };
            match accepted {
                Ok(connection) => return connection,
                Err(_) => {
                    tokio::time::sleep(RETRY_PAUSE).await;
                    self.reopen();
                }
            }
        }
    }

    fn reopen(&self) {
        let mut inner = self.lock();
        if inner.listener.is_none() && !inner.refusing {
            inner.listener = bind(&self.runtime, self.addr).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

fn bind(runtime: &Handle, addr: SocketAddr) -> io::Result<TcpListener> {
    let _inside = runtime.enter();
    socket(addr)?.listen(BACKLOG)
}

/// A socket bound to `addr`. `SO_REUSEADDR` lets two of ours share the port as long as only one
/// listens, and lets a port with connections in TIME_WAIT be opened again.
fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}
