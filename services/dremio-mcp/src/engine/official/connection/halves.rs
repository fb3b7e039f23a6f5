//! The two halves of a connection, driven by the owner of the child.

use std::future::pending;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;

use super::{Halves, LINE_BYTES_MAX, LINES_BYTES, OUTBOX_MAX, Queued, next_line};
use crate::rpc::Message;

impl Halves {
    /// Writes queued messages to the child's standard input and reads its standard output to the
    /// end. `aside` gets the notifications that belong to no call.
    pub(in crate::engine::official) async fn run<R, W>(
        mut self,
        mut stdout: R,
        mut stdin: W,
        mut aside: impl FnMut(Message),
    ) where
        R: AsyncBufRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let connection = Arc::clone(&self.connection);
        let write = async {
            let (mut queued, mut lines) = (Vec::new(), Vec::new());
            while self.outbox.recv_many(&mut queued, OUTBOX_MAX).await > 0 {
                if connection.has_several_calls() {
                    // More of them may be about to be sent: the child is woken once for all.
                    yield_now().await;
                    let more = std::iter::from_fn(|| self.outbox.try_recv().ok());
                    queued.extend(more.take(OUTBOX_MAX));
                }
                // Lines that have queued up meanwhile go out together.
                let mut rest = queued.drain(..).peekable();
                while let Some(Queued { line, _room }) = rest.next() {
                    lines.extend_from_slice(line.as_bytes());
                    lines.push(b'\n');
                    if rest.peek().is_some() && lines.len() < LINES_BYTES {
                        continue;
                    }
                    if stdin.write_all(&lines).await.is_err() || stdin.flush().await.is_err() {
                        return pending().await;
                    }
                    lines.clear();
                    lines.shrink_to(LINES_BYTES);
                }
            }
            // A child that no longer reads may still answer: the end of its output decides.
            pending::<()>().await;
        };
        let read = async {
            while let Ok(Some(line)) = next_line(&mut stdout, LINE_BYTES_MAX).await {
                if let Some(said) = connection.receive(line) {
                    aside(said);
                }
            }
        };
        tokio::select! { () = read => {}, () = write => {} }
    }
}
