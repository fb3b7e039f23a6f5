//! The time limits of a connection that waits for a request: one for resting between requests, another for a head whose first byte
//! has come. hyper has one timer for both, so that a client that pauses to think would be taken for one that never finishes its head.

use std::io::{IoSlice, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::{Closed, Connection};

/// How long, and for how many bytes, a connection is read after its last answer. Closing it with unread bytes makes the system
/// send a reset, and some systems then throw away the answer that the other end has not read yet.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// A stream that ends, as if the other end had closed it, when the next request takes too long.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    stream: S,
    connection: Connection,
    wait: Option<Wait>,
    lingering: Option<usize>,
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    turn: u64,
    head_has_begun: bool,
    until: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Timed<S> {
    pub(crate) fn new(stream: S, connection: Connection) -> Self {
        Self { stream, connection, wait: None, lingering: None, timer: None }
    }

    /// The wait that goes on after a read which brought something, or nothing.
    fn wait(&mut self, turn: u64, has_read: bool) -> Wait {
        match self.wait.filter(|wait| wait.turn == turn) {
            Some(wait) if wait.head_has_begun || !has_read => wait,
            _ => {
                let limits = &self.connection.connections().limits;
                let limit = match limits.unproven {
                    _ if has_read => limits.header_read_timeout,
                    Some(unproven) if !self.connection.is_proven() => unproven.idle_max,
                    _ => limits.idle_max,
                };
                let wait = Wait { turn, head_has_begun: has_read, until: Instant::now() + limit };
                self.wait = Some(wait);
                wait
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(cx)
    }

    /// Takes what the other end still sends, until it has seen the end, too.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = match (self.lingering, self.wait) {
            (Some(_), Some(wait)) => wait.until,
            _ => {
                self.lingering = Some(0);
                let wait = Wait { turn: self.connection.turn(), head_has_begun: true, until: Instant::now() + LINGER_MAX };
                self.wait.insert(wait).until
            }
        };
        let mut scratch = [MaybeUninit::uninit(); 4096];
        loop {
            let mut buf = ReadBuf::uninit(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Pending => return self.poll_timer(cx, until),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    let (read, total) = (buf.filled().len(), self.lingering.unwrap_or_default());
                    self.lingering = Some(total + read);
                    if read == 0 || total + read >= LINGER_BYTES_MAX {
                        return Poll::Ready(());
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Timed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let turn = self.connection.turn();
        if turn % 2 == 1 {
            // A request is under way; its body and its answer have limits of their own.
            return read;
        }
        let wait = self.wait(turn, buf.filled().len() > before);
        if read.is_ready() {
            return read;
        }
        ready!(self.poll_timer(cx, wait.until));
        let reason = if wait.head_has_begun { Closed::SlowHead } else { Closed::Idle };
        self.connection.connections().count(reason);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
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
