//! The time limits of a connection that waits for a request: one for resting between requests,
//! another for a head whose first byte has come. hyper has one timer for both, so that a client
//! that pauses to think would be taken for one that never finishes its head.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::connections::{Closed, Connection};
use crate::heads::Head;

/// How long, and for how many bytes, a connection is read after its last answer. Closing it with
/// unread bytes makes the system send a reset, and some systems then throw away the answer that the
/// other end has not read yet.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// When a connection that waits for a request has waited long enough.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    /// What is waited for: after which turn, and whether it has begun to come; and until when.
    wait: Option<(u64, bool, Instant)>,
    /// Rings then, or earlier: it is set again when it has rung, not for every request.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Ready when the time is up. To be polled after the connection in the same task: only the
    /// connection changes what is waited for.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, connection: &Connection) -> Poll<Closed> {
        let turn = connection.turn();
        if turn % 2 == 1 {
            // A request is under way; its body and its answer have limits of their own.
            return Poll::Pending;
        }
        let head_has_begun = connection.head_has_begun();
        let until = match self.wait {
            Some((of, begun, until)) if (of, begun) == (turn, head_has_begun) => until,
            _ => Instant::now() + limit(connection, head_has_begun),
        };
        self.wait = Some((turn, head_has_begun, until));
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < until {
            timer.as_mut().reset(until);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(if head_has_begun { Closed::SlowHead } else { Closed::Idle })
    }
}

fn limit(connection: &Connection, head_has_begun: bool) -> Duration {
    let limits = &connection.connections().limits;
    match limits.unproven {
        _ if head_has_begun => limits.header_read_timeout,
        Some(unproven) if !connection.is_proven() => unproven.idle_max,
        _ => limits.idle_max,
    }
}

/// A stream that notes when a request begins to come, and is read a little longer than it is
/// written.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    stream: S,
    connection: Connection,
    head: Head,
    lingering: Option<Lingering>,
}

#[derive(Debug)]
struct Lingering {
    read: usize,
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Timed<S> {
    pub(crate) fn new(stream: S, connection: Connection) -> Self {
        let head = Head::new(Arc::clone(&connection.connections().long_heads));
        Self { stream, connection, head, lingering: None }
    }

    /// Takes what the other end still sends, until it has seen the end, too.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let lingering = self
            .lingering
            .get_or_insert_with(|| Lingering { read: 0, timer: Box::pin(sleep(LINGER_MAX)) });
        let mut scratch = [MaybeUninit::uninit(); 4096];
        loop {
            let mut buf = ReadBuf::uninit(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Pending => return lingering.timer.as_mut().poll(cx),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    lingering.read += buf.filled().len();
                    if buf.filled().is_empty() || lingering.read >= LINGER_BYTES_MAX {
                        return Poll::Ready(());
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let come = buf.filled().len() - before;
        if come > 0 {
            self.connection.note_bytes();
        }
        let turn = self.connection.turn();
        if turn % 2 == 1 || self.connection.has_shown_key() {
            // What comes now belongs to the body, or to a client with a key: one read may bring
            // more than a head.
            self.head.end();
        } else if !self.head.grow(turn, come) {
            self.connection.connections().count(Closed::LongHeads);
            return Poll::Ready(Err(Error::new(
                ErrorKind::OutOfMemory,
                "no room for another long head",
            )));
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.connection.lingers() {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
