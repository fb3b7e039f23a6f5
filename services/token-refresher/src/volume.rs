//! The folder of the token file, which may be on a volume that hangs.
//!
//! Reads and writes run on one thread of their own, in order. When one hangs, the caller gets
//! [`VolumeError::Stuck`] after a time limit; everything else continues, and neither the runtime
//! nor the process waits for it at exit.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use token_file::gateway_key::{self, EnsureError, Ensured};
use token_file::{ReadError, Token, WriteError, Writer};
use tokio::sync::{mpsc, oneshot};

use crate::failure::Failure;

/// Limit for one read or write. A disk needs milliseconds, but a sync on a busy disk has been seen
/// to take seconds.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Why a read or write failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError<E> {
    /// The error.
    #[error(transparent)]
    Failed(E),
    /// No answer within the limit.
    #[error("the volume of the token file does not answer; check the storage that it is on")]
    Stuck,
}

impl VolumeError<ReadError> {
    pub(crate) fn failure(self) -> Failure {
        let reason = match &self {
            VolumeError::Failed(error) => error.reason(),
            VolumeError::Stuck => "volume_stuck",
        };
        Failure::of(reason, self)
    }
}

impl VolumeError<WriteError> {
    pub(crate) fn failure(self) -> Failure {
        let reason = match &self {
            VolumeError::Failed(error) => error.reason(),
            VolumeError::Stuck => "volume_stuck",
        };
        Failure::of(reason, self)
    }
}

impl VolumeError<EnsureError> {
    pub(crate) fn failure(self) -> Failure {
        let reason = match &self {
            VolumeError::Failed(error) => error.reason(),
            VolumeError::Stuck => "volume_stuck",
        };
        Failure::of(reason, self)
    }
}

enum Request {
    Open(oneshot::Sender<Result<(), WriteError>>),
    Read(oneshot::Sender<Result<Token, ReadError>>),
    Write(Token, oneshot::Sender<Result<(), WriteError>>),
    EnsureKey(oneshot::Sender<Result<Ensured, EnsureError>>),
}

/// A handle to the thread. The thread ends when the handle is dropped.
pub(crate) struct Volume {
    requests: mpsc::Sender<Request>,
}

impl Volume {
    /// Starts the thread. It does no I/O yet.
    pub(crate) fn start(path: PathBuf) -> io::Result<Volume> {
        // One request runs and one may wait: there is one renewal loop, which sends one at a time.
        let (requests, mut received) = mpsc::channel(1);
        thread::Builder::new().name("volume".to_owned()).spawn(move || {
            let mut worker = Worker { path, writer: None };
            while let Some(request) = received.blocking_recv() {
                worker.serve(request);
            }
        })?;
        Ok(Volume { requests })
    }

    /// Runs the write check of [`Writer::open`], until it has succeeded once.
    pub(crate) async fn open(&self) -> Result<(), VolumeError<WriteError>> {
        self.ask(Request::Open).await
    }

    pub(crate) async fn read(&self) -> Result<Token, VolumeError<ReadError>> {
        self.ask(Request::Read).await
    }

    pub(crate) async fn write(&self, token: Token) -> Result<(), VolumeError<WriteError>> {
        self.ask(|reply| Request::Write(token, reply)).await
    }

    /// Creates the gateway key if there is none.
    pub(crate) async fn ensure_key(&self) -> Result<Ensured, VolumeError<EnsureError>> {
        self.ask(Request::EnsureKey).await
    }

    async fn ask<T, E>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Request,
    ) -> Result<T, VolumeError<E>> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(request(reply)).map_err(|_| VolumeError::Stuck)?;
        match tokio::time::timeout(ANSWER_MAX, answer).await {
            Ok(Ok(result)) => result.map_err(VolumeError::Failed),
            _ => Err(VolumeError::Stuck),
        }
    }
}

struct Worker {
    path: PathBuf,
    /// Created at the first success: a full disk at the start is no reason not to start.
    writer: Option<Writer>,
}

impl Worker {
    /// The caller may have given up; it sees the result at the next check of the file.
    fn serve(&mut self, request: Request) {
        match request {
            Request::Open(reply) => drop(reply.send(self.writer().map(|_| ()))),
            Request::Read(reply) => drop(reply.send(token_file::read(&self.path))),
            Request::Write(token, reply) => {
                drop(reply.send(self.writer().and_then(|writer| writer.write(&token))));
            }
            Request::EnsureKey(reply) => drop(reply.send(gateway_key::ensure(&self.path))),
        }
    }

    fn writer(&mut self) -> Result<&Writer, WriteError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => Writer::open(self.path.clone())?,
        };
        Ok(self.writer.insert(writer))
    }
}
